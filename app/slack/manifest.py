"""Spendgate's Slack app as a manifest: every scope, event and surface that the code uses, and nothing besides.

Slack makes the app of it ("Create from a manifest"), so nobody clicks scopes together; `spendgate slack doctor` holds
an installed app against it.
"""

from typing import Any

NAME, DESCRIPTION = "Spendgate", "What AI and cloud cost, and why; proposes what to save, and people decide."
SCOPES: dict[str, str] = {
    "app_mentions:read": "hears questions in channels",
    "assistant:write": "shows what it is doing, and suggests questions",
    "channels:history": "finds a card of its own again after a broken connection",
    "chat:write": "answers, and posts cards",
    "files:write": "attaches a table that is too long to be shown",
    "commands": "hears `/spendgate …` everywhere",
    "groups:history": "the same in a private channel",
    "im:history": "hears questions in direct messages",
    "im:read": "knows its direct messages",
    "im:write": "tells a requester how a proposal ended",
    "usergroups:read": "reads the groups that people.toml names",
    "users:read": "tells guests and people who have left from members, and when it is night where somebody is",
}
"""Every bot scope, and what it is for."""

SHORTCUT = "investigate_cost"
"""The entry in the menu of every message, by its callback id."""

EVENTS = ("agent_session_stopped", "app_home_opened", "app_mention", "message.im")
REMOVED = ("app_uninstalled", "tokens_revoked")
"""What tells that the app is not installed in a workspace any more; of use where it can be installed from here."""
PROMPTS = [
    {"title": "What did AI cost last month?", "message": "What did AI cost last month, by team?"},
    {"title": "Why did it jump?", "message": "Why did AI spend jump?"},
    {"title": "What stands idle?", "message": "Which GPU machines are idle?"},
    {"title": "What waits for a decision?", "message": "Which proposals are open?"},
]
"""What a new conversation suggests."""


def manifest(*, url: str | None, redirect: str | None = None) -> dict[str, Any]:
    """The manifest of the app: with `url` (where Slack reaches `serve`) by HTTP, else by Socket Mode. With `redirect`
    (where people's browsers come back to after an installation) it may be installed in several workspaces, by tokens
    that end after twelve hours."""
    address = f"{url.rstrip('/')}/slack/events" if url else None
    command: dict[str, Any] = {
        "command": "/spendgate",
        "description": "Ask what AI and cloud cost, or what waits for you",
        "usage_hint": "what did AI cost last month?",
        "should_escape": False,
    }
    subscriptions: dict[str, Any] = {"bot_events": sorted((*EVENTS, *(REMOVED if redirect else ())))}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if address:
        subscriptions["request_url"] = address
        interactivity["request_url"] = address
        command["url"] = address
    return {
        "_metadata": {"major_version": 2, "minor_version": 0},
        "display_information": {"name": NAME, "description": DESCRIPTION, "background_color": "#1d2b36"},
        "features": {
            "agent_view": {
                "agent_description": "Ask what AI and cloud cost. It changes nothing until people have approved it.",
                "suggested_prompts": PROMPTS,
            },
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": NAME, "always_online": True},
            "shortcuts": [
                {
                    "name": "Investigate this cost",
                    "type": "message",
                    "callback_id": SHORTCUT,
                    "description": "Ask what is behind the cost that this message tells of",
                }
            ],
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}, **({"redirect_urls": [redirect]} if redirect else {})},
        "settings": {
            "event_subscriptions": subscriptions,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": address is None,
            "token_rotation_enabled": redirect is not None,
        },
    }
