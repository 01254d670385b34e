"""chat.* and reactions.add: what the app says."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import flag, required
from sandbox.slack.elements import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import MESSAGE
from sandbox.slack.messages import Message
from sandbox.slack.seed import Channel, DirectMessage
from sandbox.slack.site import Site
from sandbox.slack.validation import refuse_bad_blocks
from sandbox.slack.workspace import Room

Json = dict[str, Any]


def post_message(site: Site, arguments: Json) -> Json:
    """Posts in a channel, a thread or a direct message."""
    required(arguments, "channel")
    room = room_of_app(site, arguments["channel"])
    message = composed(site, arguments, room)
    site.workspace.add(message)
    site.announce_message(message, room)
    return {"channel": room.id, "ts": message.ts, "message": site.workspace.as_slack(message)}


def post_ephemeral(site: Site, arguments: Json) -> Json:
    """Posts for one person's eyes."""
    required(arguments, "channel", "user")
    room = room_of_app(site, arguments["channel"])
    user = str(arguments["user"])
    if user not in site.workspace.people or not site.workspace.sees(user, room):
        raise SlackError("user_not_in_channel")
    message = composed(site, arguments, room)
    message.ephemeral_to = user
    site.workspace.add_ephemeral(message)
    return {"message_ts": message.ts}


def update(site: Site, arguments: Json) -> Json:
    """Replaces what one of the app's own messages says. A new text without blocks removes the blocks.

    Ephemeral messages cannot be found.
    """
    required(arguments, "channel", "ts")
    room = site.workspace.room(arguments["channel"])
    message = site.workspace.message(room.id, arguments["ts"])
    if not message.from_app:
        raise SlackError("cant_update_message")
    if site.stream(room.id, message.ts) is not None:
        raise SlackError("streaming_state_conflict")
    text, blocks = _content(arguments, limit=MESSAGE.update_text, update=True)
    before = site.workspace.as_slack(message)
    if text is not None:
        message.text = text
    if blocks is not None:
        message.blocks = with_ids(blocks)
    elif text is not None:
        message.blocks = []
    if isinstance(arguments.get("attachments"), list):
        message.attachments = arguments["attachments"]
    if isinstance(arguments.get("metadata"), dict):
        message.metadata = arguments["metadata"]
    message.edited = {"user": site.workspace.seed.app.user, "ts": site.ticker.ts()}
    site.workspace.touch()
    after = site.workspace.as_slack(message)
    site.announce_change(room, subtype="message_changed", before=before, after=after)
    return {"channel": room.id, "ts": message.ts, "text": message.text, "message": after}


def delete(site: Site, arguments: Json) -> Json:
    """Removes one of the app's own messages."""
    required(arguments, "channel", "ts")
    room = site.workspace.room(arguments["channel"])
    message = site.workspace.message(room.id, arguments["ts"])
    if not message.from_app:
        raise SlackError("cant_delete_message")
    if site.stream(room.id, message.ts) is not None:
        raise SlackError("cant_delete_message")
    before = site.workspace.as_slack(message)
    site.workspace.remove(message)
    site.announce_change(room, subtype="message_deleted", before=before, after=None)
    return {"channel": room.id, "ts": message.ts}


def get_permalink(site: Site, arguments: Json) -> Json:
    """An address of this message in the sandbox's page."""
    required(arguments, "channel", "message_ts")
    room = site.workspace.room(arguments["channel"])
    message = site.workspace.message(room.id, arguments["message_ts"])
    reader = f"{room.user}/" if isinstance(room, DirectMessage) else ""
    return {"channel": room.id, "permalink": f"{site.settings.base_url}/#{reader}{room.id}/{message.ts}"}


def reactions_add(site: Site, arguments: Json) -> Json:
    """The app's reaction to a message."""
    required(arguments, "channel", "name", "timestamp")
    room = room_of_app(site, arguments["channel"])
    message = site.workspace.message(room.id, arguments["timestamp"])
    users = message.reactions.setdefault(str(arguments["name"]).strip(":"), [])
    if site.workspace.seed.app.user in users:
        raise SlackError("already_reacted")
    users.append(site.workspace.seed.app.user)
    site.workspace.touch()
    return {}


def reactions_remove(site: Site, arguments: Json) -> Json:
    """Takes the app's reaction back."""
    required(arguments, "channel", "name", "timestamp")
    room = room_of_app(site, arguments["channel"])
    message = site.workspace.message(room.id, arguments["timestamp"])
    name = str(arguments["name"]).strip(":")
    users = message.reactions.get(name, [])
    if site.workspace.seed.app.user not in users:
        raise SlackError("no_reaction")
    users.remove(site.workspace.seed.app.user)
    if not users:
        del message.reactions[name]
    site.workspace.touch()
    return {}


def reactions_get(site: Site, arguments: Json) -> Json:
    """A message with its reactions."""
    required(arguments, "channel", "timestamp")
    room = room_of_app(site, arguments["channel"])
    message = site.workspace.message(room.id, arguments["timestamp"])
    return {"type": "message", "channel": room.id, "message": site.workspace.as_slack(message)}


def room_of_app(site: Site, given: object) -> Room:
    """A room where the app may write. Raises channel_not_found, not_in_channel."""
    room = site.workspace.room(given)
    if isinstance(room, Channel) and room.archived:
        raise SlackError("is_archived")
    if isinstance(room, Channel) and not room.app:
        raise SlackError("not_in_channel")
    return room


def composed(site: Site, arguments: Json, room: Room) -> Message:
    """A new message of the app. Raises no_text, invalid_blocks, msg_too_long, thread_not_found …"""
    text, blocks = _content(arguments, limit=MESSAGE.post_text, update=False)
    thread = str(arguments["thread_ts"]) if arguments.get("thread_ts") else None
    if thread is not None:
        parent = site.workspace.messages[room.id].get(thread)
        if parent is None:
            raise SlackError("thread_not_found")
        thread = parent.root_ts
    metadata = arguments.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and {"event_type", "event_payload"} <= metadata.keys()):
        raise SlackError("invalid_metadata_schema")
    attachments = arguments.get("attachments")
    return Message(
        ts=site.ticker.ts(),
        channel=room.id,
        user=site.workspace.seed.app.user,
        text=text or "",
        blocks=with_ids(blocks or []),
        attachments=attachments if isinstance(attachments, list) else [],
        thread_ts=thread,
        from_app=True,
        metadata=metadata,
        username=str(arguments["username"]) if arguments.get("username") else None,
        broadcast=flag(arguments, "reply_broadcast"),
    )


def _content(arguments: Json, *, limit: int, update: bool) -> tuple[str | None, list[Json] | None]:
    text, blocks = arguments.get("text"), arguments.get("blocks")
    if arguments.get("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        text, blocks = str(arguments["markdown_text"]), [{"type": "markdown", "text": str(arguments["markdown_text"])}]
    if text is not None and not isinstance(text, str):
        raise SlackError("invalid_arguments", ["[ERROR] text must be a string"])
    if text is not None and len(text) > limit:
        raise SlackError("msg_too_long")
    if blocks not in (None, "", []):
        refuse_bad_blocks(blocks)
    if not (text and text.strip()) and not blocks and not arguments.get("attachments"):
        raise SlackError("no_text")
    if update and blocks == []:
        return text, []
    return text, blocks or None
