"""What people press on a message about unusual spend: why, and what it is.

*Investigate* asks in the message's thread, in the name of whoever pressed. The others open a dialog; what is said there
is judged, stored and logged when it is sent (`app.anomaly_marks`), by what this person may see and do at that moment.
"""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from sqlalchemy import Engine
from sqlmodel import Session

from app.anomaly_marks import Saying, mark
from app.anomaly_rows import Anomaly, seen_by
from app.database import reading, writing
from app.inbox import admit, conversation, first_time
from app.slack.anomaly_cards import BUTTONS, INVESTIGATE, MENU, MORE, SAY, question, series
from app.slack.clicks import press_key, speaker_of
from app.slack.dialogs import MARK, day, mark_view, plain, written
from app.slack.people import Speaker, not_linked, team_of, who
from app.slack.post import whisper_soon
from app.slack.values import held_by, value_of
from approvals.active import active
from approvals.person import Person
from tools.detection.marks import MarkKind

SNOOZE = timedelta(days=7)
TITLES = {**BUTTONS, **MENU}
OLD = "That button is of an older version. `spendgate anomalies stored` lists what is unusual."
UNKNOWN = "That was not taken: there is no such unusual event that you may see."


def register(app: AsyncApp, engine: Engine) -> None:
    """Binds the buttons, the menu and their dialog."""

    @app.action(INVESTIGATE)
    async def _why(ack: Any, body: dict[str, Any], client: Any) -> None:
        await _take(ack, client, speaker_of(body), partial(take_investigation, engine, body=body))

    @app.action(re.compile(rf"^({SAY}_[a-z_]+|{MORE})$"))
    async def _say(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = speaker_of(body)
        opened = await asyncio.to_thread(dialog, engine, body=body, speaker=speaker)
        if isinstance(opened, str):
            await ack()
            whisper_soon(client, channel=speaker.channel, user=speaker.user, text=opened)
            return
        await client.views_open(trigger_id=body["trigger_id"], view=opened)
        await ack()

    @app.view(MARK)
    async def _said(ack: Any, body: dict[str, Any], client: Any) -> None:
        speaker = Speaker(
            team=team_of(body), user=str(body["user"]["id"]), channel=plain(held_by(body).get("channel", ""), 40)
        )
        await _take(ack, client, speaker, partial(take_mark, engine, body=body))


async def _take(ack: Any, client: Any, speaker: Speaker, take: Callable[..., str | None]) -> None:
    told = await asyncio.to_thread(take, speaker=speaker)
    await ack()
    if told and speaker.channel:
        whisper_soon(client, channel=speaker.channel, user=speaker.user, text=told)


def take_investigation(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Asks why the event's cost changed, in the thread of its message, once."""
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="anomaly", now=now):
            return None
        person = who(active(session).people, speaker)
        if person is None:
            return not_linked(speaker)
        row, root = _event(session, value_of(body), person), _message(body)
        if row is None or not root:
            return UNKNOWN
        place = conversation(
            session, surface="slack", team=speaker.team, channel=speaker.channel, thread_ts=root, private=False
        )
        message = f"anomaly-{body['trigger_id']}"[:80]
        admit(session, now=now, message_id=message, thread=place.thread, person=person.id, text=question(row))
    return None


def dialog(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> dict[str, Any] | str:
    """The dialog for what was pressed, or what whoever pressed is told in its place."""
    said = value_of(body)
    kind = _kind(said)
    if kind is None:
        return OLD
    with reading(engine) as (session, now):
        person = who(active(session).people, speaker)
        if person is None:
            return not_linked(speaker)
        row = _event(session, said, person)
        if row is None:
            return UNKNOWN
        held = json.dumps({"anomaly": row.id, "is": kind.name.lower(), "channel": speaker.channel})
        days = _days(kind, row, now.date())
        return mark_view(held, what=f"{row.id}: {series(row)}", title=TITLES[kind], days=days)


def _days(kind: MarkKind, row: Anomaly, today: date) -> list[tuple[str, str, date]]:
    if kind is MarkKind.SNOOZED:
        return [("until", "Until when?", today + SNOOZE)]
    if kind is MarkKind.PLANNED:
        first, last = date.fromisoformat(row.started), date.fromisoformat(row.last_day)
        return [("first", "From which day was it planned?", first), ("until", "To which day?", max(last, today))]
    return []


def take_mark(engine: Engine, *, body: dict[str, Any], speaker: Speaker) -> str | None:
    """Notes what was said in the dialog, once; returns what came of it."""
    held, view = held_by(body), body["view"]
    kind = _kind(held)
    if kind is None:
        return OLD
    saying = Saying(
        anomaly=plain(held.get("anomaly", ""), 40),
        kind=kind,
        reason=written(view),
        first=day(view, "first") if kind is MarkKind.PLANNED else None,
        until=day(view, "until") if kind in (MarkKind.PLANNED, MarkKind.SNOOZED) else None,
    )
    with writing(engine) as (session, now):
        if not first_time(session, key=press_key(body), kind="anomaly", now=now):
            return None
        person = who(active(session).people, speaker)
        if person is None:
            return not_linked(speaker)
        verdict = mark(session, now=now, saying=saying, person=person)
    return f"Noted: {verdict.reason}" if verdict.allowed else f"It was not noted: {verdict.reason}"


def _event(session: Session, said: dict[str, Any], person: Person) -> Anomaly | None:
    """The event that a value names, if this person may see it."""
    row = session.get(Anomaly, plain(said.get("anomaly", ""), 40))
    return row if row is not None and seen_by(row, person.sees_teams) else None


def _kind(said: dict[str, Any]) -> MarkKind | None:
    return next((kind for kind in MarkKind if kind.name.lower() == said.get("is")), None)


def _message(body: dict[str, Any]) -> str:
    """The message that bears the button; empty for a press that has none."""
    container = body.get("container")
    ts = str(container.get("message_ts", "")) if isinstance(container, dict) else ""
    return ts if re.fullmatch(r"\d{1,12}\.\d{1,6}", ts) else ""
