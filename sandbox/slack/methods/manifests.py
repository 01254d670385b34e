"""apps.manifest.validate: whether an app could be made of a manifest, by Slack's published limits."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.slack.arguments import required
from sandbox.slack.errors import SlackError
from sandbox.slack.limits import ASSISTANT
from sandbox.slack.site import Site

Json = dict[str, Any]
NAME, DESCRIPTION, AGENT_DESCRIPTION, MOST_EVENTS, MOST_COMMANDS = 35, 140, 300, 100, 50
MOST_SHORTCUTS, SHORTCUT_NAME, SHORTCUT_DESCRIPTION, CALLBACK = 10, 24, 150, 255
KNOWN = frozenset(
    {
        *("_metadata", "display_information", "features", "oauth_config"),
        *("settings", "functions", "workflows", "mcp_servers"),
    }
)


def validate(_: Site, arguments: Json) -> Json:
    """Raises invalid_manifest with a pointer to each fault."""
    required(arguments, "manifest")
    given = arguments["manifest"]
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise SlackError("invalid_manifest", errors=[_fault("", "must be JSON")]) from error
    found = faults(given)
    if found:
        raise SlackError("invalid_manifest", errors=found)
    return {"errors": []}


def faults(given: Any) -> list[Json]:
    """Everything that Slack would refuse; empty for a manifest that it takes."""
    if not isinstance(given, dict):
        return [_fault("", "must be an object")]
    found = [_fault(f"/{key}", "is not allowed") for key in sorted(set(given) - KNOWN)]
    shown = _part(given, "display_information")
    found += _text(shown, "/display_information/name", "name", NAME, needed=True)
    found += _text(shown, "/display_information/description", "description", DESCRIPTION)
    colour = shown.get("background_color", "#000000")
    if not re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", str(colour)):
        found.append(_fault("/display_information/background_color", "must be a colour in hexadecimal"))
    found += _features(_part(given, "features"))
    found += _scopes(_part(_part(given, "oauth_config"), "scopes"))
    return found + _settings(_part(given, "settings"))


def _features(features: Json) -> list[Json]:
    agent = _part(features, "agent_view")
    found = _text(agent, "/features/agent_view/agent_description", "agent_description", AGENT_DESCRIPTION)
    if len(agent.get("suggested_prompts") or []) > ASSISTANT.prompts:
        found.append(_fault("/features/agent_view/suggested_prompts", f"no more than {ASSISTANT.prompts}"))
    if agent and "assistant_view" in features:
        found.append(_fault("/features", "agent_view and assistant_view exclude each other"))
    if len(features.get("slash_commands") or []) > MOST_COMMANDS:
        found.append(_fault("/features/slash_commands", f"no more than {MOST_COMMANDS}"))
    return found + _shortcuts(features)


def _shortcuts(features: Json) -> list[Json]:
    given = features.get("shortcuts") or []
    found = [_fault("/features/shortcuts", f"no more than {MOST_SHORTCUTS}")] if len(given) > MOST_SHORTCUTS else []
    for index, one in enumerate(given):
        at = f"/features/shortcuts/{index}"
        if not isinstance(one, dict) or one.get("type") not in ("message", "global"):
            found.append(_fault(f"{at}/type", "must be message or global"))
            continue
        for name, limit in (("name", SHORTCUT_NAME), ("description", SHORTCUT_DESCRIPTION), ("callback_id", CALLBACK)):
            found += _text(one, f"{at}/{name}", name, limit, needed=True)
    return found


def _scopes(scopes: Json) -> list[Json]:
    bot = scopes.get("bot") or []
    wrong = [one for one in bot if not re.fullmatch(r"[a-z_.]+(:[a-z_.]+)*", str(one))]
    return [_fault("/oauth_config/scopes/bot", f"unknown scope {one}") for one in wrong]


def _settings(settings: Json) -> list[Json]:
    socket = settings.get("socket_mode_enabled") is True
    found = []
    for name in ("event_subscriptions", "interactivity"):
        part = _part(settings, name)
        address = part.get("request_url")
        if address is not None and not str(address).startswith("https://"):
            found.append(_fault(f"/settings/{name}/request_url", "must be an https address"))
        if part and not socket and address is None:
            found.append(_fault(f"/settings/{name}", "needs a request_url, or Socket Mode"))
    if len(_part(settings, "event_subscriptions").get("bot_events") or []) > MOST_EVENTS:
        found.append(_fault("/settings/event_subscriptions/bot_events", f"no more than {MOST_EVENTS}"))
    return found


def _part(given: Json, name: str) -> Json:
    part = given.get(name)
    return part if isinstance(part, dict) else {}


def _text(part: Json, pointer: str, name: str, limit: int, *, needed: bool = False) -> list[Json]:
    text = part.get(name)
    if text is None:
        return [_fault(pointer, "is required")] if needed else []
    wrong = not isinstance(text, str) or len(text) > limit
    return [_fault(pointer, f"must be a text of at most {limit} characters")] if wrong else []


def _fault(pointer: str, message: str) -> Json:
    return {"pointer": pointer, "message": message}
