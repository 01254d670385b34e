"""What people press on a card: a vote is stored, with its log entry, before Slack is told that the click arrived.

Slack never repeats a click, so one that was acknowledged and then lost would be an approval that nobody has. Whether
this person may, on exactly these bytes and by this way, is judged in `approvals.vote` at that moment; the button is
only a request.
"""

import asyncio
import json
from typing import Any, Literal

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import first_time
from app.slack.dialogs import About, about, approve_view, plain, reject_view, written
from app.slack.people import Speaker, not_linked, who
from app.slack.post import whisper_soon
from approvals.active import active
from approvals.card import project
from approvals.errors import NotFound
from approvals.rollback import roll_back
from approvals.states import words
from approvals.vote import SLACK, Ballot, VoteResult, vote

Choice = Literal["approve", "reject", "withdraw"]


def register(app: AsyncApp, engine: Engine, team: str) -> None:
    """Binds the card's votes and the dialogs that ask for their reasons."""

    @app.action("approve")
    async def _approve(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = speaker_of(body, team)
        told = await asyncio.to_thread(cast, engine, body=body, speaker=speaker, choice="approve")
        await ack()
        if told:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)

    @app.action("approve_reason")
    async def _approve_reason(ack: Any, body: dict[str, Any], client: Any) -> None:
        it = pressed_about(body)
        title = await asyncio.to_thread(title_of, engine, it.proposal)
        await client.views_open(trigger_id=body["trigger_id"], view=approve_view(it, title=title))
        await ack()

    @app.action("reject")
    async def _reject(ack: Any, body: dict[str, Any], client: Any) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=reject_view(pressed_about(body)))
        await ack()

    @app.view("approve_with_reason")
    async def _approved(ack: Any, body: dict[str, Any], client: Any) -> None:
        await _dialog(ack, body, client, "approve")

    @app.view("reject_reason")
    async def _rejected(ack: Any, body: dict[str, Any], client: Any) -> None:
        await _dialog(ack, body, client, "reject")

    async def _dialog(ack: Any, body: dict[str, Any], client: Any, choice: Choice) -> None:
        speaker = Speaker(team=team, user=str(body["user"]["id"]), channel=about(body["view"]).channel)
        reason = written(body["view"])
        told = await asyncio.to_thread(cast, engine, body=body, speaker=speaker, choice=choice, reason=reason)
        await ack()
        if told and speaker.channel:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)

    @app.action("undo")
    async def _undo(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = speaker_of(body, team)
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
        if body.get("type") == "view_submission":
            raw = body["view"]["private_metadata"]
        else:
            action = body["actions"][0]
            raw = action["selected_option"]["value"] if action.get("type") == "overflow" else action["value"]
        value = json.loads(raw)
        return plain(value["proposal"], 40), plain(value["digest"], 80)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return "", ""


def pressed_about(body: dict[str, Any]) -> About:
    """The same with the channel, for the dialog that the press opens."""
    proposal, digest = button_value(body)
    return About(proposal, digest, _channel(body))


def title_of(engine: Engine, proposal: str) -> str:
    """The title of what a dialog is about; the id where nothing is known of it."""
    with reading(engine) as (session, _):
        try:
            return project(session, proposal, active(session).people).title
        except NotFound:
            return proposal or "This proposal"


def _channel(body: dict[str, Any]) -> str:
    channel = body.get("channel")
    return str(channel["id"]) if isinstance(channel, dict) else ""


def speaker_of(body: dict[str, Any], team: str) -> Speaker:
    """Who pressed, and where."""
    return Speaker(team=team, user=str(body["user"]["id"]), channel=_channel(body))


def press_key(body: dict[str, Any]) -> str:
    """Slack's own id for this press: the same when it is delivered, or replayed, again."""
    return f"{body['type']}:{body['trigger_id']}"


def cast(
    engine: Engine,
    *,
    body: dict[str, Any],
    speaker: Speaker,
    choice: Choice,
    reason: str | None = None,
) -> str | None:
    """Stores one vote, once; returns what to tell the person who pressed."""
    proposal, digest = button_value(body)
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind=choice, now=now):
            return None
        person = who(active(session).people, speaker)
        ballot = Ballot(
            proposal_id=proposal,
            digest=digest,
            person=person.id if person else None,
            choice=choice,
            reason=reason,
            via=SLACK,
        )
        told = tell(vote(session, now=now, ballot=ballot))
    return told if person else not_linked(speaker)


def undo(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Drafts the sealed inverse in the name of whoever pressed, once; returns what to tell that person."""
    proposal, digest = button_value(body)
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="undo", now=now):
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
