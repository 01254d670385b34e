"""What a person types, as Slack passes it on: escaped, with mentions, channels and addresses made into references."""

from __future__ import annotations

import re
from typing import Any

from sandbox.slack.seed import Channel
from sandbox.slack.workspace import Workspace

Json = dict[str, Any]

_PIECES = re.compile(
    r"(?P<user><@(?P<user_id>U[A-Z0-9]+)(?:\|[^<>|]*)?>)"
    r"|(?P<room><#(?P<room_id>C[A-Z0-9]+)(?:\|[^<>|]*)?>)"
    r"|(?P<url>https?://[^\s<>]+)"
    r"|(?<![\w@])@(?P<name>[a-zA-Z0-9_.-]+)"
    r"|(?<![\w#&])#(?P<channel>[a-z0-9_-]+)"
)


def escaped(text: str) -> str:
    """The three characters that control sequences are made of, as Slack escapes them."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def understood(workspace: Workspace, typed: str) -> tuple[str, list[Json]]:
    """The message's `text` and its one rich_text block."""
    text: list[str] = []
    elements: list[Json] = []
    position = 0
    for piece in _PIECES.finditer(typed):
        reference = _reference(workspace, piece)
        if reference is None:
            continue
        written, element, end = reference
        if piece.start() > position:
            text.append(escaped(typed[position : piece.start()]))
            elements.append({"type": "text", "text": typed[position : piece.start()]})
        text.append(written)
        elements.append(element)
        position = end
    if position < len(typed):
        text.append(escaped(typed[position:]))
        elements.append({"type": "text", "text": typed[position:]})
    section = {"type": "rich_text_section", "elements": elements}
    return "".join(text), [{"type": "rich_text", "elements": [section]}]


def mentions_app(workspace: Workspace, text: str) -> bool:
    """Whether a message's text names the app."""
    return f"<@{workspace.seed.app.user}>" in text


def _reference(workspace: Workspace, piece: re.Match[str]) -> tuple[str, Json, int] | None:
    """What stands for this piece, and where it ends; a trailing full stop belongs to the sentence."""
    if url := piece["url"]:
        clean = url.rstrip(".,;:!?)'\"")
        return f"<{escaped(clean)}>", {"type": "link", "url": clean}, piece.start() + len(clean)
    if name := piece["name"]:
        return _named(workspace, name, piece.start("name"))
    if user := piece["user_id"]:
        known = user in workspace.people or user == workspace.seed.app.user
        return (f"<@{user}>", {"type": "user", "user_id": user}, piece.end()) if known else None
    wanted = piece["room_id"] or piece["channel"]
    for room in workspace.rooms.values():
        if isinstance(room, Channel) and wanted in (room.id, room.name):
            return f"<#{room.id}|{room.name}>", {"type": "channel", "channel_id": room.id}, piece.end()
    return None


def _named(workspace: Workspace, name: str, start: int) -> tuple[str, Json, int] | None:
    app = workspace.seed.app
    handles = {person.handle: person.id for person in workspace.people.values()} | {app.handle: app.user}
    handles |= {app.name.lower(): app.user}
    for candidate in (name, name.rstrip("._-")):
        if user := handles.get(candidate.lower()):
            return f"<@{user}>", {"type": "user", "user_id": user}, start + len(candidate)
    return None
