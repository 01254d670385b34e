"""What one person has before them, for the page and the driver: rooms, messages, modal, Home, notices."""

from __future__ import annotations

from typing import Any

from sandbox.slack.messages import Message
from sandbox.slack.methods.assistant import STOPPED
from sandbox.slack.seed import Channel
from sandbox.slack.site import Site
from sandbox.slack.workspace import Room

Json = dict[str, Any]

SHOWN_MESSAGES = 400
SHOWN_NOTICES = 20


def whole_state(site: Site) -> Json:
    """Everything in every room, whoever may see it, for tests and stories."""
    rooms = [_room(site, room, None) for room in site.workspace.rooms.values()]
    views = [_view(site, view.user) for view in site.views.views.values()]
    homes = {user: _home(site, user) for user in site.views.homes}
    return _common(site) | {"rooms": rooms, "views": views, "homes": homes, "notices": list(site.workspace.notices)}


def state_for(site: Site, user: str) -> Json:
    """What this person sees and nothing else."""
    rooms = [room for room in site.workspace.rooms.values() if site.workspace.sees(user, room)]
    return _common(site) | {
        "me": user,
        "rooms": [_room(site, room, user) for room in rooms],
        "modal": _view(site, user),
        "home": _home(site, user),
        "notices": [one for one in site.workspace.notices if one["user"] in (None, user)][-SHOWN_NOTICES:],
    }


def _common(site: Site) -> Json:
    seed = site.workspace.seed
    waiting = [one for one in site.transcript.deliveries if one.outcome == "waiting"]
    failed = [one for one in site.transcript.deliveries if one.outcome in ("timeout", "failed", "refused")]
    return {
        "revision": site.workspace.revision,
        "team": seed.team.model_dump(),
        "app": {"id": seed.app.id, "user": seed.app.user, "name": seed.app.name, "handle": seed.app.handle},
        "shortcuts": [one.model_dump() for one in seed.app.shortcuts if "commands" in seed.app.scopes],
        "people": [person.model_dump() for person in site.workspace.people.values()],
        "channels": [{"id": c.id, "name": c.name} for c in seed.channels],
        "links": {"audit": site.settings.audit_link, "docs": site.settings.docs_link},
        "deliveries": {"waiting": len(waiting), "failed": len(failed), "total": len(site.transcript.deliveries)},
        "app_url": site.settings.app_url,
        "now": site.ticker.now(),
        "can_stop": STOPPED in seed.app.events,
        "unread_of": {user: _unread(site, user) for user in site.workspace.people},
    }


def _unread(site: Site, user: str) -> int:
    rooms = [room for room in site.workspace.rooms.values() if site.workspace.sees(user, room)]
    return sum(site.workspace.unread(user, room.id) for room in rooms)


def _room(site: Site, room: Room, user: str | None) -> Json:
    workspace = site.workspace
    messages = workspace.history(room.id)[-SHOWN_MESSAGES:]
    messages += [m for m in workspace.ephemeral if m.channel == room.id and user in (None, m.ephemeral_to)]
    shown: Json = {
        "id": room.id,
        "kind": "channel" if isinstance(room, Channel) else "direct",
        "name": room.name if isinstance(room, Channel) else workspace.seed.app.name,
        "topic": room.topic if isinstance(room, Channel) else "",
        "user": None if isinstance(room, Channel) else room.user,
        "members": workspace.members(room),
        "messages": [_message(site, m) for m in sorted(messages, key=lambda m: m.ts)],
        "statuses": [
            {"thread_ts": thread, **status}
            for (channel, thread), status in workspace.statuses.items()
            if channel == room.id
        ],
        "sessions": [
            {"thread_ts": thread, **one} for (channel, thread), one in workspace.sessions.items() if channel == room.id
        ],
        "prompts": workspace.prompts.get(room.id),
    }
    if user is not None:
        shown["unread"] = workspace.unread(user, room.id)
    return shown


def _message(site: Site, message: Message) -> Json:
    shown = site.workspace.as_slack(message)
    if site.stream(message.channel, message.ts) is not None:
        shown["streaming"] = True
    if message.ephemeral_to:
        shown["ephemeral_to"] = message.ephemeral_to
    return shown


def _view(site: Site, user: str) -> Json | None:
    view = site.views.top(user)
    if view is None:
        return None
    shown = view.as_slack(team=site.workspace.seed.team.id, app=site.workspace.app_json)
    return shown | {"errors": dict(view.errors), "user": view.user, "depth": len(site.views.stacks[user])}


def _home(site: Site, user: str) -> Json | None:
    home = site.views.homes.get(user)
    return home.as_slack(team=site.workspace.seed.team.id, app=site.workspace.app_json) if home else None
