"""What people press on a card: a vote is a row before Slack is told that the press arrived (`admission.py`).

Slack never repeats a press, so one that was acknowledged and then lost would be an approval that nobody has. Whether
this person may, on exactly these bytes and by this way, is judged afterwards (`judge.py`, `approvals.vote`); the button
is only a request.
"""

import asyncio
import json
from hashlib import sha256
from typing import Any

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import first_time
from app.presses import Choice, Pressed
from app.slack.admission import Admission
from app.slack.dialogs import About, about, approve_view, plain, reject_view, written
from app.slack.people import Speaker, not_linked, team_of, who
from app.slack.post import whisper_soon
from approvals.active import active
from approvals.card import project
from approvals.errors import NotFound
from approvals.rollback import roll_back

LONGEST_ID, LONGEST_KEY = 40, 200
VOTES: dict[str, Choice] = {"approve": "approve"}
"""The buttons that are a vote by themselves."""
DIALOGS: dict[str, Choice] = {"approve_with_reason": "approve", "reject_reason": "reject"}
"""The dialogs that are a vote once they are sent."""


def register(app: AsyncApp, engine: Engine, admission: Admission) -> None:
    """Binds the card's votes and the dialogs that ask for their reasons."""

    def voted(button: str, choice: Choice) -> None:
        @app.action(button)
        async def _voted(ack: Any, body: dict[str, Any]) -> None:
            await admission.take(pressed(body, team=team_of(body), choice=choice))
            await ack()

    def sent(dialog: str, choice: Choice) -> None:
        @app.view(dialog)
        async def _sent(ack: Any, body: dict[str, Any]) -> None:
            await admission.take(pressed(body, team=team_of(body), choice=choice), reason=written(body["view"]))
            await ack()

    for button, choice in VOTES.items():
        voted(button, choice)
    for dialog, choice in DIALOGS.items():
        sent(dialog, choice)

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

    @app.action("undo")
    async def _undo(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = speaker_of(body)
        told = await asyncio.to_thread(undo, engine, body=body, speaker=speaker)
        await ack()
        if told:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)

    @app.action("open_link")
    async def _link(ack: Any) -> None:
        await ack()


def is_vote(body: dict[str, Any]) -> bool:
    """Whether this press is a vote by itself, or the dialog of one."""
    try:
        if body.get("type") == "view_submission":
            return body["view"]["callback_id"] in DIALOGS
        return body.get("type") == "block_actions" and body["actions"][0]["action_id"] in VOTES
    except (KeyError, IndexError, TypeError):
        return False


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


def speaker_of(body: dict[str, Any]) -> Speaker:
    """Who pressed, and where."""
    return Speaker(team=team_of(body), user=str(body["user"]["id"]), channel=_channel(body))


def press_key(body: dict[str, Any]) -> str:
    """Slack's own id for this press: the same when it is delivered, or replayed, again."""
    return f"{body['type']}:{body['trigger_id']}"


def pressed(body: dict[str, Any], *, team: str, choice: Choice) -> Pressed:
    """A vote as it is stored: what was shown to the person, who pressed, and where."""
    proposal, digest = button_value(body)
    channel = _channel(body) if body.get("type") != "view_submission" else about(body["view"]).channel
    return Pressed(
        key=_bounded(press_key(body)),
        choice=choice,
        proposal=proposal,
        digest=digest,
        team=team,
        channel=plain(channel, LONGEST_ID),
        account=plain(body["user"]["id"], LONGEST_ID),
    )


def _bounded(key: str) -> str:
    """A key that fits into an index, whatever came: Slack's own are far shorter."""
    return key if len(key) <= LONGEST_KEY else sha256(key.encode("utf-8", "replace")).hexdigest()


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
