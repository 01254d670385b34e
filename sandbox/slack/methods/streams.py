"""chat.startStream, appendStream, stopStream: a message that grows while the app thinks, for five minutes at most."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import required
from sandbox.slack.elements import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.messages import Message
from sandbox.slack.methods.assistant import SESSION_STATES
from sandbox.slack.methods.chat import room_of_app
from sandbox.slack.seed import Channel
from sandbox.slack.site import Site
from sandbox.slack.streaming import DISPLAYS, Stream
from sandbox.slack.validation import refuse_bad_blocks

Json = dict[str, Any]


def start(site: Site, arguments: Json) -> Json:
    """Begins a stream in a thread; in a channel it must say for whom."""
    required(arguments, "channel", "thread_ts")
    room = room_of_app(site, arguments["channel"])
    if isinstance(room, Channel) and not (arguments.get("recipient_user_id") and arguments.get("recipient_team_id")):
        raise SlackError(
            "missing_recipient_team_id" if arguments.get("recipient_user_id") else "missing_recipient_user_id"
        )
    display = str(arguments.get("task_display_mode") or "timeline")
    if display not in DISPLAYS:
        raise SlackError("invalid_arguments", [f"[ERROR] task_display_mode must be one of {', '.join(DISPLAYS)}"])
    parent = site.workspace.messages[room.id].get(str(arguments["thread_ts"]))
    if parent is None:
        raise SlackError("thread_not_found")
    begun = Stream(site.ticker.now(), display).grown(arguments)
    message = Message(
        ts=site.ticker.ts(),
        channel=room.id,
        user=site.workspace.seed.app.user,
        text="",
        thread_ts=parent.root_ts,
        from_app=True,
    )
    site.workspace.add(message)
    _show(site, message, begun)
    return {"channel": room.id, "ts": message.ts}


def append(site: Site, arguments: Json) -> Json:
    """Adds text or task updates."""
    required(arguments, "channel", "ts")
    message, stream = _streaming(site, arguments)
    _show(site, message, stream.grown(arguments))
    return {"channel": message.channel, "ts": message.ts}


def stop(site: Site, arguments: Json) -> Json:
    """Ends the stream, with a last piece and the blocks that stay; the thread's session is active then, or as told."""
    required(arguments, "channel", "ts")
    message, stream = _streaming(site, arguments)
    grown, blocks, metadata = stream.grown(arguments), arguments.get("blocks"), arguments.get("metadata")
    status = str(arguments.get("session_status") or "active")
    if status not in SESSION_STATES:
        raise SlackError("invalid_arguments", [f"[ERROR] session_status must be one of {', '.join(SESSION_STATES)}"])
    if metadata is not None and not (isinstance(metadata, dict) and {"event_type", "event_payload"} <= metadata.keys()):
        raise SlackError("invalid_metadata_schema")
    if blocks:
        refuse_bad_blocks(blocks)
    _show(site, message, grown)
    message.blocks = [*message.blocks, *with_ids(blocks or [])]
    message.metadata = metadata
    site.end_stream(message.channel, message.ts)
    session = site.workspace.sessions.get((message.channel, message.root_ts))
    if session is not None:
        session["status"] = status
    site.workspace.touch()
    return {"channel": message.channel, "ts": message.ts, "message": site.workspace.as_slack(message)}


def _streaming(site: Site, arguments: Json) -> tuple[Message, Stream]:
    room = site.workspace.room(arguments["channel"])
    message = site.workspace.message(room.id, arguments["ts"])
    if not message.from_app:
        raise SlackError("message_not_owned_by_app")
    stream = site.stream(room.id, message.ts)
    if stream is None:
        raise SlackError("message_not_in_streaming_state")
    return message, stream


def _show(site: Site, message: Message, stream: Stream) -> None:
    site.streams[(message.channel, message.ts)] = stream
    message.text, message.blocks = stream.text, stream.shown()
    site.workspace.touch()
