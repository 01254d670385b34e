"""Messages that grow while the app works: which are open, and what they hold so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.elements import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import BLOCK, MESSAGE, STREAM
from sandbox.slack.validation import refuse_bad_blocks

Json = dict[str, Any]
LIVES_SECONDS = 300.0
"""After that nothing can be appended; what was said stays."""
TASK_STATES = ("pending", "in_progress", "complete", "error")
DISPLAYS = ("timeline", "plan", "dense")


@dataclass
class Stream:
    """What a streaming message holds so far, by the kind of its pieces."""

    begun_at: float
    display: str = "timeline"
    title: str = ""
    text: str = ""
    tasks: dict[str, Json] = field(default_factory=dict)
    blocks: list[Json] = field(default_factory=list)

    def alive(self, now: float) -> bool:
        """Whether anything can be appended still: nothing that is appended makes it live longer."""
        return now - self.begun_at <= LIVES_SECONDS

    def grown(self, arguments: Json) -> Stream:
        """The stream with what one call adds: all of it, or a SlackError and nothing."""
        more = Stream(self.begun_at, self.display, self.title, self.text, dict(self.tasks), list(self.blocks))
        text = str(arguments.get("markdown_text") or "")
        chunks = arguments.get("chunks") or []
        if not isinstance(chunks, list):
            raise SlackError("invalid_chunks", ["[ERROR] chunks must be an array"])
        for chunk in chunks:
            text += more._take(chunk)
        if len(text) > MESSAGE.markdown_text:
            raise SlackError("msg_too_long")
        more.text += text
        return more

    def shown(self) -> list[Json]:
        """The blocks that stand for it: its tasks in one plan or each for itself, its text, its blocks."""
        cards = [
            {"type": "task_card", "task_id": name, "title": str(task.get("title", name)), "status": task["status"]}
            | {key: _rich(task[key]) for key in ("details", "output") if task.get(key)}
            for name, task in self.tasks.items()
        ]
        plan = {"type": "plan", "title": self.title or "Working", "tasks": cards}
        tasks = cards if self.display == "timeline" else [plan] if cards or self.title else []
        said = [{"type": "markdown", "text": self.text}] if self.text else []
        return with_ids([*tasks, *said, *self.blocks])

    def _take(self, chunk: Any) -> str:
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind == "markdown_text":
            return str(chunk.get("text", ""))
        if kind == "task_update":
            self._task(chunk)
        elif kind == "plan_update":
            self.title = _short(chunk, "title")
        elif kind == "blocks":
            refuse_bad_blocks(chunk.get("blocks"))
            self.blocks += chunk["blocks"]
        else:
            raise SlackError("invalid_chunks", [f"[ERROR] unknown type of chunk {str(kind)[:40]!r}"])
        return ""

    def _task(self, chunk: Json) -> None:
        name = str(chunk.get("id") or "")
        if chunk.get("status") not in TASK_STATES or not name or not chunk.get("title"):
            raise SlackError("invalid_chunks", ["[ERROR] task_update needs an id, a title and a known status"])
        for key in ("title", "details", "output"):
            _short(chunk, key)
        before = self.tasks.get(name, {})
        # Slack adds new details to the earlier ones, and puts everything else in its place.
        details = str(before.get("details", "")) + str(chunk.get("details") or "")
        self.tasks[name] = {**before, **chunk, "details": details}
        if len(self.tasks) > BLOCK.plan_tasks:
            raise SlackError("invalid_chunks", [f"[ERROR] more than {BLOCK.plan_tasks} tasks"])


def _rich(text: str) -> Json:
    said = [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]
    return {"type": "rich_text", "elements": said}


def _short(chunk: Json, key: str) -> str:
    text = str(chunk.get(key) or "")
    if len(text) > STREAM.field:
        raise SlackError("invalid_chunks", [f"[ERROR] {key} must be at most {STREAM.field} characters"])
    return text
