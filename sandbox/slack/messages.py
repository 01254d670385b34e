"""One message as the workspace keeps it, and as Slack would show it to an app."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Message:
    """`ephemeral_to` names the only reader of an ephemeral message, which can be neither listed nor updated."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    from_app: bool = False
    metadata: Json | None = None
    edited: Json | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    ephemeral_to: str | None = None
    client_msg_id: str | None = None
    username: str | None = None
    broadcast: bool = False
    files: list[Json] = field(default_factory=list)

    @property
    def root_ts(self) -> str:
        """The timestamp of the thread that this message belongs to: its own, when it starts one."""
        return self.thread_ts or self.ts

    @property
    def is_reply(self) -> bool:
        """True inside a thread, false for its first message."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    def as_slack(self, *, team: str, app: Json, replies: list[Message] | None = None) -> Json:
        """The message object of the Web API and of payloads. `replies` are those of the thread it starts."""
        shown: Json = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, "team": team}
        if self.client_msg_id:
            shown["client_msg_id"] = self.client_msg_id
        if self.from_app:
            shown |= {"bot_id": app["bot"], "app_id": app["id"], "bot_profile": _bot_profile(app, team)}
        if self.username:
            shown["username"] = self.username
        for name, value in (
            ("blocks", self.blocks),
            ("attachments", self.attachments),
            ("files", self.files),
            ("edited", self.edited),
            ("metadata", self.metadata),
        ):
            if value:
                shown[name] = value
        if self.reactions:
            shown["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        if self.ephemeral_to:
            shown["is_ephemeral"] = True
        shown |= self._thread_fields(replies or [])
        return shown

    def _thread_fields(self, replies: list[Message]) -> Json:
        if self.is_reply:
            return {"thread_ts": self.thread_ts}
        if not replies:
            return {"thread_ts": self.thread_ts} if self.thread_ts else {}
        people = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": self.ts,
            "reply_count": len(replies),
            "reply_users": people,
            "reply_users_count": len(people),
            "latest_reply": replies[-1].ts,
        }


def _bot_profile(app: Json, team: str) -> Json:
    return {
        "id": app["bot"],
        "app_id": app["id"],
        "user_id": app["user"],
        "name": app["name"],
        "deleted": False,
        "team_id": team,
    }
