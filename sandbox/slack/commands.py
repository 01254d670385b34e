"""A person types a slash command: the app is told in a form, and what it answers is shown to that person alone."""

from __future__ import annotations

from sandbox.slack.clock import opaque
from sandbox.slack.errors import ActionRefused
from sandbox.slack.interactions import answer_of, tell_if_silent
from sandbox.slack.messages import Message
from sandbox.slack.payloads import LEGACY_TOKEN, channel_of
from sandbox.slack.site import Site
from sandbox.slack.speaking import room_of_person
from sandbox.slack.transcript import Delivery


async def command(site: Site, *, user: str, channel: str, name: str, text: str) -> Delivery:
    """Sends `name text` as this person in this room and shows the answer. Raises ActionRefused."""
    if not name.startswith("/"):
        raise ActionRefused("not_a_command", "a command begins with a slash", status=400)
    room = room_of_person(site, user=user, channel=channel)
    seed, here = site.workspace.seed, channel_of(room)
    form = {
        "token": LEGACY_TOKEN,
        "team_id": seed.team.id,
        "team_domain": seed.team.domain,
        "channel_id": here["id"],
        "channel_name": here["name"],
        "user_id": user,
        "user_name": site.workspace.people[user].handle,
        "command": name,
        "text": text,
        "api_app_id": seed.app.id,
        "is_enterprise_install": "false",
        "trigger_id": site.views.new_trigger(user),
    }
    question = Message(ts=site.ticker.ts(), channel=room.id, user=user, text=text)
    form["response_url"] = site.new_response_url(question, user)
    delivery = await site.courier.command(form, user=user)
    tell_if_silent(site, delivery, user)
    _show(site, delivery, user=user, channel=room.id)
    return delivery


def _show(site: Site, delivery: Delivery, *, user: str, channel: str) -> None:
    """A text, or JSON with text and blocks; for everybody where it says `in_channel`."""
    answer = answer_of(delivery)
    text = str(answer.get("text") or "") if answer else delivery.response_body.strip()
    blocks = answer.get("blocks") or []
    if not delivery.acknowledged or not (text or blocks):
        return
    alone = answer.get("response_type") != "in_channel"
    seen_by = user if alone else None
    app = site.workspace.seed.app
    message = Message(
        ts=site.ticker.ts(),
        channel=channel,
        user=app.user,
        text=text,
        blocks=blocks,
        from_app=True,
        ephemeral_to=seen_by,
        client_msg_id=opaque("", 12),
    )
    site.workspace.add_ephemeral(message) if alone else site.workspace.add(message)
