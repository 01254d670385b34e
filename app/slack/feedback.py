"""Helpful or not: the two buttons under an answer, and the dialog that asks why not.

What was pressed is stored before Slack is told that the press arrived, and before the dialog opens: whoever closes it
without a word has said "not helpful" all the same.
"""

import asyncio
import re
from typing import Any, NamedTuple

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine
from sqlmodel import Session

from app.database import writing
from app.inbox import Conversation, first_time
from app.ratings import explain, rate
from app.slack.answers import FEEDBACK
from app.slack.clicks import press_key, speaker_of
from app.slack.dialogs import WHY_NOT, plain, why_not_view, written
from app.slack.people import Speaker, not_linked, team_of, who
from app.slack.post import whisper_soon
from app.slack.values import held_by, value_of
from app.turns import StoredAnswer
from approvals.active import active

LONGEST_TURN = 120
THANKS = "Thank you: noted as helpful. Press the other button if you change your mind."
NOTED = "Thank you: your reason is noted. Whoever looks after Spendgate reads it; the model does not."
LATE = "Your reason was not noted: your rating of that answer is another by now."
UNKNOWN = "That was not noted: the answer is not here any more."


class Rated(NamedTuple):
    """What to tell whoever pressed, and whether to ask them why not."""

    told: str | None = None
    ask: bool = False


def register(app: AsyncApp, engine: Engine) -> None:
    """Binds the buttons and their dialog."""

    @app.action(re.compile(rf"^{FEEDBACK}(_|$)"))
    async def _pressed(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker, turn = speaker_of(body), pressed_turn(body)
        found = await asyncio.to_thread(take_rating, engine, body=body, speaker=speaker)
        if found.ask:
            view = why_not_view(turn, speaker.channel)
            await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()
        if found.told:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=found.told, thread_ts=_thread(body))

    @app.view(WHY_NOT)
    async def _explained(ack: Any, body: dict[str, Any], client: Any) -> None:
        channel = held_by(body).get("channel", "")
        speaker = Speaker(team=team_of(body), user=str(body["user"]["id"]), channel=plain(channel, 40))
        told = await asyncio.to_thread(take_reason, engine, body=body, speaker=speaker)
        await ack()
        if told and speaker.channel:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)


def take_rating(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> Rated:
    """Stores what was pressed, once."""
    turn, helpful = pressed_turn(body), _helpful(body)
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="feedback", now=now):
            return Rated()
        person = who(active(session).people, speaker)
        if person is None:
            return Rated(not_linked(speaker))
        if helpful is None or not _stands_there(session, turn, speaker):
            return Rated(UNKNOWN)
        rate(session, turn=turn, person=person.id, helpful=helpful, now=now)
    return Rated(THANKS) if helpful else Rated(ask=True)


def take_reason(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Stores why not, once; whoever wrote nothing is told nothing."""
    text, turn = written(body["view"]).strip(), plain(held_by(body).get("turn", ""), LONGEST_TURN)
    if not text:
        return None
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="feedback", now=now):
            return None
        person = who(active(session).people, speaker)
        if person is None:
            return not_linked(speaker)
        kept = text.encode("utf-8", "replace").decode()  # half of a surrogate pair is text to JSON alone
        return NOTED if explain(session, turn=turn, person=person.id, text=kept, now=now) else LATE


def _stands_there(session: Session, turn: str, speaker: Speaker) -> bool:
    """Whether there is such an answer in the channel in which it was pressed: a value is what somebody sent."""
    answer = session.get(StoredAnswer, turn) if turn else None
    place = session.get(Conversation, answer.thread) if answer is not None else None
    return place is not None and (place.surface, place.team, place.channel) == (
        "slack",
        speaker.team,
        speaker.channel,
    )


def pressed_turn(body: dict[str, Any]) -> str:
    """The answer that a press is about; empty for a value that is not ours."""
    return plain(value_of(body).get("turn", ""), LONGEST_TURN)


def _helpful(body: dict[str, Any]) -> bool | None:
    said = value_of(body).get("helpful")
    return said if isinstance(said, bool) else None


def _thread(body: dict[str, Any]) -> str | None:
    container = body.get("container")
    thread_ts = container.get("thread_ts") if isinstance(container, dict) else None
    return str(thread_ts) if thread_ts else None
