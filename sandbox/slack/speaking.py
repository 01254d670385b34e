"""What a person says, and where they look."""

from __future__ import annotations

import uuid

from sandbox.slack.errors import ActionRefused
from sandbox.slack.messages import Message
from sandbox.slack.seed import DirectMessage
from sandbox.slack.site import Site
from sandbox.slack.typed import understood
from sandbox.slack.workspace import Room

LONGEST = 12_000


def say(site: Site, *, user: str, channel: str, text: str, thread_ts: str | None = None) -> tuple[Message, list[str]]:
    """Posts as a person. Returns the message and the ids of the events it caused. Raises ActionRefused."""
    room = room_of_person(site, user=user, channel=channel)
    if not text.strip():
        raise ActionRefused("no_text", "there is nothing to send", status=400)
    if len(text) > LONGEST:
        raise ActionRefused("msg_too_long", f"a person's message may have {LONGEST} characters", status=400)
    thread = None
    if thread_ts is not None:
        parent = site.workspace.messages[room.id].get(thread_ts)
        if parent is None:
            raise ActionRefused("thread_not_found", "that thread is not there (any more)", status=404)
        thread = parent.root_ts
    written, blocks = understood(site.workspace, text)
    message = Message(
        ts=site.ticker.ts(),
        channel=room.id,
        user=user,
        text=written,
        blocks=blocks,
        thread_ts=thread,
        client_msg_id=str(uuid.uuid4()),
    )
    site.workspace.add(message)
    return message, site.announce_message(message, room)


def open_app(site: Site, *, user: str, tab: str) -> str | None:
    """The person opens the app's Home tab or the conversation with it. Returns the event's id, if one was sent."""
    if user not in site.workspace.people:
        raise ActionRefused("user_not_found", f"nobody here is {user}", status=404)
    if tab not in ("home", "messages"):
        raise ActionRefused("tab_not_found", "the app has the tabs home and messages", status=400)
    return site.announce_home(user, tab=tab)


def room_of_person(site: Site, *, user: str, channel: str) -> Room:
    """A room that this person is in: an id, a #name, or `@app` for the conversation with the app."""
    if user not in site.workspace.people:
        raise ActionRefused("user_not_found", f"nobody here is {user}", status=404)
    if channel == "@app":
        return site.workspace.direct_with(user)
    for room in site.workspace.rooms.values():
        named = not isinstance(room, DirectMessage) and channel.removeprefix("#") == room.name
        if (channel == room.id or named) and site.workspace.sees(user, room):
            return room
    raise ActionRefused("channel_not_found", "this person is not in such a channel", status=404)
