"""Stores what was pressed on a card before Slack is told that it arrived; whoever presses at the same time is stored
in the same transaction.

On a server that transaction waits for no other writer, but for those who store presses and for whoever forgets a person
(`app/forgetting.py`): presses get their numbers in the order in which they came, whichever replica took them in, and a
person's words, kept under that person's key, do not meet the erasing of it half way.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from app.database import PRESSES, beside
from app.presses import Pressed, take_in, taken_in
from app.slack.people import Speaker, who
from app.slack.together import Together
from approvals.active import active
from approvals.person import People
from audit import private
from audit.errors import AuditError

MOST_AT_ONCE = 250


class Admitted(NamedTuple):
    """A press with what was written in its dialog, if it came from one."""

    pressed: Pressed
    reason: str | None = None


class Admission:
    """Takes presses in. Returning is the promise that the press is stored, so only then may Slack be told."""

    def __init__(self, engine: Engine) -> None:
        self._store = Together(partial(store, engine), most=MOST_AT_ONCE)

    async def take(self, pressed: Pressed, *, reason: str | None = None) -> None:
        """Stores one press, once; raises where it is not stored."""
        await self._store(Admitted(pressed, reason))


def store(engine: Engine, group: Sequence[Admitted]) -> list[None]:
    """All of the group in one transaction, or none of it; what was stored before stays as it is."""
    with beside(engine, line=PRESSES) as (session, now):
        known = taken_in(session, [one.pressed.key for one in group])
        new = dict[str, Admitted]()
        for one in group:
            if one.pressed.key not in known:
                new.setdefault(one.pressed.key, one)
        people = active(session).people
        take_in(session, [_by_whom(session, one, people, now) for one in new.values()], now=now)
    return [None] * len(group)


def _by_whom(session: Session, one: Admitted, people: People, now: datetime) -> Pressed:
    """The press with the person whose account it is now, and the reference of the reason. The words of somebody who is
    not linked, or was erased, are not kept: no vote of theirs can count."""
    pressed = one.pressed
    person = who(people, Speaker(pressed.team, pressed.account, pressed.channel))
    if person is None:
        return pressed
    pressed = pressed._replace(person=person.id)
    if not one.reason:
        return pressed
    try:
        words = one.reason.encode("utf-8", "replace").decode()  # half of a surrogate pair is text to JSON alone
        return pressed._replace(reason_ref=private.keep(session, person=person.id, text=words, now=now))
    except AuditError:
        return pressed
