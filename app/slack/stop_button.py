"""The stop button of a thread in which a turn runs: who may press it, judged then, and what they are told.

Whoever asked may, and whoever may see all that the answer could say. The stop is stored with its entry before Slack is
told that it arrived; the agent ends the turn, and its one sentence comes like every answer.
"""

import asyncio
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine
from sqlmodel import Session, select

from app.database import writing
from app.inbox import Conversation, first_time
from app.seat import meet, scope_of
from app.slack.people import Speaker, not_linked, team_of, who
from app.slack.post import whisper_soon
from app.stops import open_turns, stop
from approvals.active import active
from audit import log
from audit.event import Actor, ActorKind, Event

TOO_LATE = "That was too late: nothing is being worked on in this thread any more. Nothing was stopped."
NOT_YOURS = (
    "That was not stopped: somebody else asked, and the answer may tell more than you may see. "
    "Whoever asked can stop it."
)


def register(app: AsyncApp, engine: Engine) -> None:
    """Binds the button."""

    @app.event("agent_session_stopped")
    async def _stopped(ack: Any, body: dict[str, Any], event: dict[str, Any], client: Any) -> None:
        speaker = Speaker(team=team_of(body), user=str(event["user"]), channel=str(event["channel"]))
        thread_ts = str(event.get("thread_ts") or "")
        told = await asyncio.to_thread(take, engine, body=body, speaker=speaker, thread_ts=thread_ts)
        await ack()
        if told is not None:
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told, thread_ts=thread_ts or None)


def take(engine: Engine, *, body: dict[str, Any], speaker: Speaker, thread_ts: str) -> str | None:
    """Stops what this person may stop there, once; returns what to tell them where that is nothing."""
    with writing(engine) as (session, now):
        if not first_time(session, key=f"event_callback:{body['event_id']}", kind="stop", now=now):
            return None
        person = who(active(session).people, speaker)
        if person is None:
            _refused(session, "person not linked", Actor(ActorKind.UNKNOWN, "unlinked"), now)
            return not_linked(speaker)
        place = session.exec(
            select(Conversation).where(
                Conversation.surface == "slack",
                Conversation.team == speaker.team,
                Conversation.channel == speaker.channel,
                Conversation.thread_ts == thread_ts,
            )
        ).first()
        turns = open_turns(session, place.thread) if place is not None else []
        if place is None or not turns:
            return TOO_LATE
        theirs = [one.turn for one in turns if one.asker == person.id or _may_see(session, person.id, one.asker, place)]
        if not theirs:
            _refused(session, "not theirs to stop", Actor(ActorKind.PERSON, person.id), now)
            return NOT_YOURS
        stop(session, turns=theirs, thread=place.thread, person=person.id, via="slack", now=now)
    return None


def _may_see(session: Session, person: str, asker: str, place: Conversation) -> bool:
    """Whether this person may see all that the asker's answer may speak of, there."""
    asked = scope_of(session, speaker=asker, thread=place.thread)
    return not place.private and meet(asked, scope_of(session, speaker=person, thread=place.thread)) == asked


def _refused(session: Session, why: str, actor: Actor, now: datetime) -> None:
    data = {"reason": why, "surface": "stop"}
    log.append(session, now=now, event=Event.SLACK_REFUSED, actor=actor, data=data)
