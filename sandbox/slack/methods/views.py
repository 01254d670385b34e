"""views.* and blocks.validate: modals, App Homes, and whether they would be accepted."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import required
from sandbox.slack.errors import SlackError
from sandbox.slack.site import Site
from sandbox.slack.validation import findings_in_message, findings_in_view, refuse_bad_view
from sandbox.slack.views import View

Json = dict[str, Any]


def open_view(site: Site, arguments: Json) -> Json:
    """A modal, on the strength of a trigger."""
    required(arguments, "trigger_id", "view")
    body = _modal(arguments["view"])
    view = site.views.open(site.views.take_trigger(arguments["trigger_id"]), body)
    return _answer(site, view)


def push(site: Site, arguments: Json) -> Json:
    """A modal on top of the one whose trigger this is."""
    required(arguments, "trigger_id", "view")
    body = _modal(arguments["view"])
    trigger = site.views.take_trigger(arguments["trigger_id"])
    return _answer(site, site.views.push(trigger.user, body))


def update(site: Site, arguments: Json) -> Json:
    """Replaces an open view, if it is still the one that the app saw."""
    required(arguments, "view")
    body = arguments["view"]
    refuse_bad_view(body)
    view = site.views.find(view_id=arguments.get("view_id"), external_id=arguments.get("external_id"))
    if arguments.get("hash") and arguments["hash"] != view.hash:
        raise SlackError("hash_conflict")
    return _answer(site, site.views.update(view, body))


def publish(site: Site, arguments: Json) -> Json:
    """The App Home of one person."""
    required(arguments, "user_id", "view")
    user = str(arguments["user_id"])
    site.workspace.person(user)
    refuse_bad_view(arguments["view"])
    if arguments["view"]["type"] != "home":
        raise SlackError("invalid_arguments", ["[ERROR] unsupported type: only a home view can be published"])
    return _answer(site, site.views.publish(user, arguments["view"], known_hash=arguments.get("hash")))


def blocks_validate(_: Site, arguments: Json) -> Json:
    """Judges exactly one of blocks, message or view without posting it."""
    given = [name for name in ("blocks", "message", "view") if arguments.get(name) is not None]
    if len(given) != 1:
        raise SlackError("invalid_arguments", ["[ERROR] provide exactly one of blocks, message or view"])
    name, value = given[0], arguments[given[0]]
    if name == "view":
        found = findings_in_view(value)
    else:
        found = findings_in_message(value.get("blocks", []) if isinstance(value, dict) else value)
    if found:
        raise SlackError(f"invalid_{name}", errors=[one.as_json() for one in found])
    return {}


def _modal(body: Any) -> Json:
    refuse_bad_view(body)
    if body["type"] != "modal":
        raise SlackError("invalid_arguments", ["[ERROR] unsupported type: only a modal can be opened"])
    return dict(body)


def _answer(site: Site, view: View) -> Json:
    site.workspace.touch()
    return {"view": view.as_slack(team=site.workspace.seed.team.id, app=site.workspace.app_json)}
