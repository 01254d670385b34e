"""The stop button of a thread in which the app is at work: Slack ends the app's streams there and tells the app.

Where the session stands stays as it was: it is for the app to say that it has stopped.
"""

from __future__ import annotations

from typing import Any

from sandbox.slack.errors import ActionRefused
from sandbox.slack.methods.assistant import STOPPED
from sandbox.slack.site import Site
from sandbox.slack.speaking import room_of_person

Json = dict[str, Any]


def stop(site: Site, *, user: str, channel: str, thread_ts: str) -> tuple[str | None, list[str]]:
    """Presses it. Returns the event's id and the streams that were ended. Raises ActionRefused where there is none."""
    room = room_of_person(site, user=user, channel=channel)
    session = site.workspace.sessions.get((room.id, thread_ts))
    if session is None or session.get("status") != "processing":
        raise ActionRefused("no_stop_button", "the app is not at work in this thread (any more)")
    if STOPPED not in site.workspace.seed.app.events:
        raise ActionRefused("no_stop_button", f"the app does not listen to {STOPPED}, so nothing can be pressed")
    growing = [
        message.ts
        for message in site.workspace.history(room.id)
        if message.root_ts == thread_ts and site.stream(room.id, message.ts) is not None
    ]
    for ts in growing:
        site.end_stream(room.id, ts)
    site.workspace.touch()
    event: Json = {
        "type": STOPPED,
        "channel": room.id,
        "user": user,
        "thread_ts": thread_ts,
        "streaming_message_ts": growing,
        "event_ts": site.ticker.ts(),
    }
    return site.announce(event, name=STOPPED), growing
