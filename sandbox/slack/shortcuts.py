"""A person uses one of the app's shortcuts: on a message from its menu, or from anywhere.

Slack offers both by what the app's manifest says, in every room that the person is in, whether the app is there or not;
so an app hears of messages in channels of which it is no member, and can answer only by the response_url.
"""

from __future__ import annotations

from typing import Any

from sandbox.slack.errors import ActionRefused, SlackError
from sandbox.slack.interactions import tell_if_silent
from sandbox.slack.messages import Message
from sandbox.slack.payloads import channel_of, interaction_envelope
from sandbox.slack.site import Site
from sandbox.slack.speaking import room_of_person
from sandbox.slack.transcript import Delivery

Json = dict[str, Any]


async def use(site: Site, *, user: str, callback_id: str, channel: str | None, ts: str | None) -> Delivery:
    """Sends message_action for a stored message, or shortcut for a global one. Raises ActionRefused."""
    if user not in site.workspace.people:
        raise ActionRefused("user_not_found", f"nobody here is {user}", status=404)
    kind = "message" if ts else "global"
    offered = [one for one in site.workspace.seed.app.shortcuts if (one.callback_id, one.type) == (callback_id, kind)]
    if not offered or "commands" not in site.workspace.seed.app.scopes:
        raise ActionRefused("shortcut_not_found", f"the app has no {kind} shortcut {callback_id}", status=404)
    trigger = site.views.new_trigger(user)
    name = "message_action" if ts else "shortcut"
    payload = interaction_envelope(site.workspace, kind=name, user=user, trigger_id=trigger)
    payload |= {"callback_id": callback_id, "action_ts": site.ticker.ts()}
    if ts:
        payload |= _about(site, user=user, channel=channel or "", ts=ts)
    delivery = await site.courier.interaction(payload, user=user)
    tell_if_silent(site, delivery, user)
    return delivery


def _about(site: Site, *, user: str, channel: str, ts: str) -> Json:
    """The message as Slack puts it into the payload, and the right to answer there."""
    room = room_of_person(site, user=user, channel=channel)
    message = _offered_on(site, room.id, ts)
    return {
        "message_ts": message.ts,
        "message": site.workspace.as_slack(message),
        "channel": channel_of(room),
        "response_url": site.new_response_url(message, user),
    }


def _offered_on(site: Site, channel: str, ts: str) -> Message:
    """Ephemeral messages have no menu."""
    try:
        return site.workspace.message(channel, ts)
    except SlackError as error:
        raise ActionRefused("message_not_found", "that message is not there (any more)", status=404) from error
