"""conversations.*: the rooms the app is in, and what was said there."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import flag, page_of, required
from sandbox.slack.clock import opaque
from sandbox.slack.errors import SlackError
from sandbox.slack.messages import Message
from sandbox.slack.seed import Channel, DirectMessage
from sandbox.slack.site import Site
from sandbox.slack.workspace import Room

Json = dict[str, Any]


def list_rooms(site: Site, arguments: Json) -> Json:
    """Channels and direct messages, by `types`."""
    types = {one.strip() for one in str(arguments.get("types") or "public_channel").split(",")}
    if not types <= {"public_channel", "private_channel", "mpim", "im"}:
        raise SlackError("invalid_types")
    wanted = [
        _shown(site, room)
        for room in site.workspace.rooms.values()
        if ("im" if isinstance(room, DirectMessage) else "public_channel") in types
    ]
    page, following = page_of(wanted, arguments)
    return {"channels": page, "response_metadata": {"next_cursor": following}}


def info(site: Site, arguments: Json) -> Json:
    """One room."""
    required(arguments, "channel")
    return {"channel": _shown(site, site.workspace.room(arguments["channel"]))}


def members(site: Site, arguments: Json) -> Json:
    """Who is in a room."""
    required(arguments, "channel")
    room = site.workspace.room(arguments["channel"])
    page, following = page_of(site.workspace.members(room), arguments)
    return {"members": page, "response_metadata": {"next_cursor": following}}


def open_direct(site: Site, arguments: Json) -> Json:
    """The direct message with one person."""
    if arguments.get("channel"):
        room: Room = site.workspace.room(arguments["channel"])
    else:
        users = arguments.get("users") or []
        names = users if isinstance(users, list) else [one for one in str(users).split(",") if one]
        if not names:
            raise SlackError("users_list_not_supplied")
        if len(names) > 1:
            raise SlackError("method_not_supported_for_channel_type", ["the sandbox has no group messages"])
        site.workspace.person(str(names[0]))
        room = site.workspace.direct_with(str(names[0]))
    shown = _shown(site, room) if flag(arguments, "return_im") else {"id": room.id}
    return {"channel": shown, "no_op": True, "already_open": True}


def history(site: Site, arguments: Json) -> Json:
    """The messages of a room outside threads, newest first."""
    required(arguments, "channel")
    room = _readable(site, arguments["channel"])
    shown = [m for m in site.workspace.history(room.id) if not m.is_reply or m.broadcast]
    page, following = page_of([m for m in reversed(shown) if _between(m, arguments)], arguments)
    return {
        "messages": [_with_metadata(site, message, arguments) for message in page],
        "has_more": bool(following),
        "pin_count": 0,
        "response_metadata": {"next_cursor": following},
    }


def replies(site: Site, arguments: Json) -> Json:
    """A thread, its first message first."""
    required(arguments, "channel", "ts")
    room = _readable(site, arguments["channel"])
    root = site.workspace.messages[room.id].get(str(arguments["ts"]))
    if root is None:
        raise SlackError("thread_not_found")
    thread = [root, *site.workspace.replies(room.id, root.ts)]
    page, following = page_of([m for m in thread if m is root or _between(m, arguments)], arguments)
    return {
        "messages": [_with_metadata(site, message, arguments) for message in page],
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }


def create(site: Site, arguments: Json) -> Json:
    """A new public channel, with the app in it."""
    required(arguments, "name")
    name = str(arguments["name"])
    if any(isinstance(room, Channel) and room.name == name for room in site.workspace.rooms.values()):
        raise SlackError("name_taken")
    try:
        room = Channel(id=opaque("C"), name=name)
    except ValueError as error:
        raise SlackError("invalid_name_specials") from error
    site.workspace.rooms[room.id], site.workspace.messages[room.id] = room, {}
    site.workspace.touch()
    return {"channel": _shown(site, room)}


def join(site: Site, arguments: Json) -> Json:
    """The app enters a public channel."""
    return {"channel": _shown(site, _changed(site, arguments, app=True))}


def leave(site: Site, arguments: Json) -> Json:
    """The app leaves a channel."""
    _changed(site, arguments, app=False)
    return {}


def archive(site: Site, arguments: Json) -> Json:
    """Nothing can be written in it any more."""
    room = site.workspace.room(arguments.get("channel"))
    if isinstance(room, Channel) and room.archived:
        raise SlackError("already_archived")
    _changed(site, arguments, archived=True)
    return {}


def invite(site: Site, arguments: Json) -> Json:
    """People enter a channel."""
    required(arguments, "channel", "users")
    given = arguments["users"]
    users = given if isinstance(given, list) else [one.strip() for one in str(given).split(",") if one.strip()]
    room = site.workspace.room(arguments["channel"])
    for user in users:
        site.workspace.person(str(user))
    if isinstance(room, Channel) and set(users) <= set(room.members):
        raise SlackError("already_in_channel")
    members = tuple(dict.fromkeys((*getattr(room, "members", ()), *map(str, users))))
    return {"channel": _shown(site, _changed(site, arguments, members=members))}


def _changed(site: Site, arguments: Json, **fields: Any) -> Channel:
    required(arguments, "channel")
    room = site.workspace.room(arguments["channel"])
    if not isinstance(room, Channel):
        raise SlackError("method_not_supported_for_channel_type")
    changed = room.model_copy(update=fields)
    site.workspace.rooms[room.id] = changed
    site.workspace.touch()
    return changed


def _readable(site: Site, given: object) -> Room:
    room = site.workspace.room(given)
    if isinstance(room, Channel) and not room.app:
        raise SlackError("not_in_channel")
    return room


def _between(message: Message, arguments: Json) -> bool:
    oldest, latest = str(arguments.get("oldest") or "0"), str(arguments.get("latest") or "9" * 10)
    at, first, last = float(message.ts), float(oldest), float(latest)
    return first <= at <= last if flag(arguments, "inclusive") else first < at < last


def _with_metadata(site: Site, message: Message, arguments: Json) -> Json:
    shown = site.workspace.as_slack(message)
    if not flag(arguments, "include_all_metadata"):
        shown.pop("metadata", None)
    return shown


def _shown(site: Site, room: Room) -> Json:
    team = site.workspace.seed.team.id
    common: Json = {"id": room.id, "context_team_id": team, "is_archived": getattr(room, "archived", False)}
    common["is_ext_shared"] = getattr(room, "shared", False)
    if isinstance(room, DirectMessage):
        return common | {"is_im": True, "is_channel": False, "user": room.user, "is_open": True}
    return common | {
        "name": room.name,
        "name_normalized": room.name,
        "is_channel": True,
        "is_im": False,
        "is_private": False,
        "is_general": False,
        "is_member": room.app,
        "num_members": len(site.workspace.members(room)),
        "topic": {"value": room.topic, "creator": "", "last_set": 0},
        "purpose": {"value": room.topic, "creator": "", "last_set": 0},
    }
