"""chat.startStream, appendStream, stopStream: a message that grows while the app thinks, for five minutes at most."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.arguments import required
from sandbox.slack.elements import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import MESSAGE
from sandbox.slack.messages import Message
from sandbox.slack.methods.chat import room_of_app
from sandbox.slack.seed import Channel
from sandbox.slack.site import Site
from sandbox.slack.validation import refuse_bad_blocks

Json = dict[str, Any]
LIVES_SECONDS = 300.0
"""After that nothing can be appended; what was said stays."""
TASK_STATES = ("pending", "in_progress", "complete", "error")


@dataclass
class Stream:
    """What a streaming message holds so far."""

    begun_at: float
    text: str = ""
    tasks: dict[str, Json] = field(default_factory=dict)


def start(site: Site, arguments: Json) -> Json:
    """Begins a stream in a thread; in a channel it must say for whom."""
    required(arguments, "channel", "thread_ts")
    room = room_of_app(site, arguments["channel"])
    if isinstance(room, Channel) and not (arguments.get("recipient_user_id") and arguments.get("recipient_team_id")):
        raise SlackError(
            "missing_recipient_team_id" if arguments.get("recipient_user_id") else "missing_recipient_user_id"
        )
    parent = site.workspace.messages[room.id].get(str(arguments["thread_ts"]))
    if parent is None:
        raise SlackError("thread_not_found")
    message = Message(
        ts=site.ticker.ts(),
        channel=room.id,
        user=site.workspace.seed.app.user,
        text="",
        thread_ts=parent.root_ts,
        from_app=True,
    )
    site.workspace.add(message)
    stream = site.streams[(room.id, message.ts)] = Stream(site.ticker.now())
    _grow(site, message, stream, arguments)
    return {"channel": room.id, "ts": message.ts}


def append(site: Site, arguments: Json) -> Json:
    """Adds text or task updates."""
    required(arguments, "channel", "ts")
    message, stream = _streaming(site, arguments)
    _grow(site, message, stream, arguments)
    return {"channel": message.channel, "ts": message.ts}


def stop(site: Site, arguments: Json) -> Json:
    """Ends the stream, with a last piece and the blocks that stay."""
    required(arguments, "channel", "ts")
    message, stream = _streaming(site, arguments)
    _grow(site, message, stream, arguments)
    blocks = arguments.get("blocks")
    if blocks:
        refuse_bad_blocks(blocks)
        message.blocks = [*message.blocks, *with_ids(blocks)]
    if isinstance(arguments.get("metadata"), dict):
        message.metadata = arguments["metadata"]
    del site.streams[(message.channel, message.ts)]
    site.workspace.touch()
    return {"channel": message.channel, "ts": message.ts, "message": site.workspace.as_slack(message)}


def _streaming(site: Site, arguments: Json) -> tuple[Message, Stream]:
    room = site.workspace.room(arguments["channel"])
    message = site.workspace.message(room.id, arguments["ts"])
    stream = site.streams.get((room.id, message.ts))
    if stream is None or site.ticker.now() - stream.begun_at > LIVES_SECONDS:
        site.streams.pop((room.id, message.ts), None)
        raise SlackError("message_not_in_streaming_state")
    return message, stream


def _grow(site: Site, message: Message, stream: Stream, arguments: Json) -> None:
    text = str(arguments.get("markdown_text") or "")
    for chunk in arguments.get("chunks") or []:
        kind = chunk.get("type") if isinstance(chunk, dict) else None
        if kind == "markdown_text":
            text += str(chunk.get("text", ""))
        elif kind == "task_update":
            if chunk.get("status") not in TASK_STATES or not chunk.get("id"):
                raise SlackError("invalid_chunks", ["[ERROR] task_update needs an id and a known status"])
            stream.tasks[str(chunk["id"])] = {**stream.tasks.get(str(chunk["id"]), {}), **chunk}
        elif kind not in ("plan_update", "blocks"):
            raise SlackError("invalid_chunks")
    if len(text) > MESSAGE.markdown_text:
        raise SlackError("msg_too_long")
    stream.text += text
    message.text = stream.text
    shown: list[Json] = []
    if stream.tasks:
        cards = [
            {"type": "task_card", "task_id": name, "title": str(task.get("title", name)), "status": task["status"]}
            for name, task in stream.tasks.items()
        ]
        shown.append({"type": "plan", "title": "Working", "tasks": cards})
    if stream.text:
        shown.append({"type": "markdown", "text": stream.text})
    message.blocks = with_ids(shown)
    site.workspace.touch()
