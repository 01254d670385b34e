"""The envelopes that Slack puts around events and interactions."""

from __future__ import annotations

from typing import Any

from sandbox.slack.clock import opaque
from sandbox.slack.seed import Channel
from sandbox.slack.workspace import Room, Workspace

Json = dict[str, Any]

# The verification token, which Slack still sends and nobody should check any more.
LEGACY_TOKEN = "sandbox-legacy-token"  # noqa: S105


def event_envelope(workspace: Workspace, event: Json) -> Json:
    """An event as it goes to the app's request URL."""
    seed = workspace.seed
    return {
        "token": LEGACY_TOKEN,
        "team_id": seed.team.id,
        "context_team_id": seed.team.id,
        "context_enterprise_id": None,
        "api_app_id": seed.app.id,
        "event": event,
        "type": "event_callback",
        "event_id": opaque("Ev"),
        "event_time": int(workspace.ticker.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": seed.team.id,
                "user_id": seed.app.user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": opaque("4-", 24),
    }


def interaction_envelope(workspace: Workspace, *, kind: str, user: str, trigger_id: str | None) -> Json:
    """What block_actions, view_submission and view_closed have in common."""
    seed = workspace.seed
    person = workspace.people[user]
    envelope: Json = {
        "type": kind,
        "user": {"id": person.id, "username": person.handle, "name": person.handle, "team_id": seed.team.id},
        "api_app_id": seed.app.id,
        "token": LEGACY_TOKEN,
        "team": {"id": seed.team.id, "domain": seed.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    if trigger_id is not None:
        envelope["trigger_id"] = trigger_id
    return envelope


def channel_of(room: Room) -> Json:
    """The `channel` of an interaction."""
    return {"id": room.id, "name": room.name if isinstance(room, Channel) else "directmessage"}
