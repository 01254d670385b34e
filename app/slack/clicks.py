"""What people press: a vote is stored, with its log entry, before Slack is told that the click arrived.

Slack never repeats a click, so one that was acknowledged and then lost would be an approval that nobody has. Whether
this person may, on exactly these bytes, is judged in `approvals.vote` at that moment; the button is only a request.
"""

import asyncio
import json
from typing import Any, Literal

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine

from app.database import writing
from app.inbox import first_time
from app.slack.cards import reject_view
from app.slack.people import Speaker, not_linked, who
from app.slack.post import whisper_soon
from approvals.active import active
from approvals.rollback import roll_back
from approvals.states import words
from approvals.vote import Ballot, VoteResult, vote


def register(app: AsyncApp, engine: Engine, team: str) -> None:
    """Binds the card's buttons and the rejection's dialog."""

    @app.action("approve")
    async def _approve(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = _speaker(body, team)
        told = await asyncio.to_thread(cast, engine, body=body, speaker=speaker, choice="approve")
        await ack()
        if told:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)

    @app.action("reject")
    async def _reject(ack: Any, body: dict[str, Any], client: Any) -> None:
        proposal, digest = button_value(body)
        view = reject_view(proposal=proposal, digest=digest, channel=_channel(body))
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @app.view("reject_reason")
    async def _reason(ack: Any, body: dict[str, Any], client: Any) -> None:
        channel, reason = _dialog(body)
        speaker = Speaker(team=team, user=str(body["user"]["id"]), channel=channel)
        told = await asyncio.to_thread(cast, engine, body=body, speaker=speaker, choice="reject", reason=reason)
        await ack()
        if told and speaker.channel:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)

    @app.action("undo")
    async def _undo(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = _speaker(body, team)
        told = await asyncio.to_thread(undo, engine, body=body, speaker=speaker)
        await ack()
        if told:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)

    @app.action("open_link")
    async def _link(ack: Any) -> None:
        await ack()


def button_value(body: dict[str, Any]) -> tuple[str, str]:
    """Which proposal the pressed button (or the dialog it opened) is about, and the digest that was shown.

    Two empty texts for a value that is not ours: the vote on it is refused, and logged, like any other.
    """
    try:
        raw = body["view"]["private_metadata"] if body.get("type") == "view_submission" else body["actions"][0]["value"]
        value = json.loads(raw)
        return str(value["proposal"])[:40], str(value["digest"])[:80]
    except (KeyError, IndexError, TypeError, ValueError):
        return "", ""


def _dialog(body: dict[str, Any]) -> tuple[str, str]:
    """The channel in which the dialog was opened, and the reason that was written."""
    try:
        held = json.loads(body["view"]["private_metadata"])
        reason = body["view"]["state"]["values"]["reason"]["text"]["value"] or ""
        return str(held.get("channel", "")), str(reason)
    except (KeyError, TypeError, ValueError, AttributeError):
        return "", ""


def _channel(body: dict[str, Any]) -> str:
    channel = body.get("channel")
    return str(channel["id"]) if isinstance(channel, dict) else ""


def _speaker(body: dict[str, Any], team: str) -> Speaker:
    return Speaker(team=team, user=str(body["user"]["id"]), channel=_channel(body))


def cast(
    engine: Engine,
    *,
    body: dict[str, Any],
    speaker: Speaker,
    choice: Literal["approve", "reject"],
    reason: str | None = None,
) -> str | None:
    """Stores one vote, once; returns what to tell the person who pressed."""
    proposal, digest = button_value(body)
    with writing(engine) as (session, now):
        if not first_time(session, key=f"{body['type']}:{body['trigger_id']}", kind=choice, now=now):
            return None
        person = who(active(session).people, speaker)
        ballot = Ballot(
            proposal_id=proposal,
            digest=digest,
            person=person.id if person else None,
            choice=choice,
            reason=reason,
            via="slack",
        )
        told = tell(vote(session, now=now, ballot=ballot))
    return told if person else not_linked(speaker)


def undo(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Drafts the sealed inverse in the name of whoever pressed, once; returns what to tell that person."""
    proposal, digest = button_value(body)
    with writing(engine) as (session, now):
        if not first_time(session, key=f"{body['type']}:{body['trigger_id']}", kind="undo", now=now):
            return None
        person = who(active(session).people, speaker)
        if person is None:
            return not_linked(speaker)
        drafted = roll_back(session, now=now, proposal_id=proposal, person=person.id, digest=digest)
    if not drafted.verdict.allowed:
        return f"It was not proposed: {drafted.verdict.reason}."
    return f"{drafted.proposal_id} proposes to undo {proposal}; its card follows once it is checked."


def tell(result: VoteResult) -> str | None:
    """What the voter is told privately; nothing when the card itself says it."""
    if result.already:
        state = f" It is now: {words(result.proposal_state)}." if result.proposal_state else ""
        return f"You have voted so already; nothing changed.{state}"
    if not result.verdict.allowed:
        return f"Your vote was not counted: {result.verdict.reason}."
    return None
