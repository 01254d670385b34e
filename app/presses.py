"""Votes as they were pressed in Slack: stored before Slack is told that the press arrived, judged afterwards, in order.

Slack never repeats a press, so one that was acknowledged must be a row. Many people may press one card at once, and a
vote is judged under the one lock of all writers; so what is stored first is only what was pressed, in no lock's line.
A press decides nothing: what it is worth is judged in `approvals.vote`, by what holds at that moment.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, cast

from sqlalchemy import Column, Index, insert, text, update
from sqlalchemy.orm import aliased
from sqlmodel import Field, Session, SQLModel, col, func, select

from audit.stored import UtcTime

Choice = Literal["approve", "reject", "withdraw"]
TELLING = timedelta(seconds=30)
"""How long whoever tells somebody what became of a vote has it to themselves."""

LULL, PATIENCE = timedelta(milliseconds=150), timedelta(seconds=1)
"""A crowd is over once nobody has pressed for the one; nobody waits for that longer than the other."""


class Press(SQLModel, table=True):
    """One press. `account` and `note` are emptied once the person was told: nothing of a person stays here."""

    __tablename__ = "slack_press"
    __table_args__ = (
        Index(
            "ix_slack_press_waiting",
            "id",
            sqlite_where=text("judged_at IS NULL"),
            postgresql_where=text("judged_at IS NULL"),
        ),
        Index(
            "ix_slack_press_untold",
            "id",
            sqlite_where=text("note IS NOT NULL"),
            postgresql_where=text("note IS NOT NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    """Slack's own id of the press: the same when it is delivered, or replayed, again"""
    choice: str
    proposal: str
    digest: str
    team: str
    channel: str
    account: str | None = None
    person: str | None = None
    """whose the account was when it was pressed; None for somebody who was not linked"""
    reason_ref: str | None = None
    pressed_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    judged_at: datetime | None = Field(default=None, sa_column=Column(UtcTime))
    note: str | None = None
    """what the person is to be told privately, until it was told"""
    telling_until: datetime | None = Field(default=None, sa_column=Column(UtcTime))


class Pressed(NamedTuple):
    """What came from Slack, to be stored; `reason_ref` refers to the person's words, which are kept encrypted."""

    key: str
    choice: Choice
    proposal: str
    digest: str
    team: str
    channel: str
    account: str
    person: str | None = None
    reason_ref: str | None = None


def take_in(session: Session, presses: Sequence[Pressed], *, now: datetime) -> None:
    """Stores presses that are not there yet, in this order. Any that cannot be stored is an error, so that none is
    acknowledged that is no row: whoever calls holds the lock, and looked what is there (`taken_in`)."""
    rows = [press._asdict() | {"pressed_at": now} for press in presses]
    if rows:
        session.execute(insert(Press), rows)


def choice_of(press: Press) -> Choice:
    """What was pressed; a row holds nothing else."""
    return cast(Choice, press.choice)


def taken_in(session: Session, keys: Collection[str]) -> set[str]:
    """Those of the keys that are stored already."""
    return set(session.exec(select(Press.key).where(col(Press.key).in_(keys))))


def waiting(session: Session, *, most: int, without: Collection[int] = ()) -> list[Press]:
    """The oldest presses that nobody has judged yet, in the order in which they were stored: but for those of `without`
    and all that the same person pressed after one of them on the same proposal."""
    unjudged = select(Press).where(col(Press.judged_at).is_(None), col(Press.id).not_in(without))
    if without:
        before = aliased(Press)
        unjudged = unjudged.where(
            ~select(before.id)
            .where(
                col(before.id).in_(without),
                col(before.judged_at).is_(None),
                col(before.id) < col(Press.id),
                col(before.proposal) == col(Press.proposal),
                func.coalesce(before.person, before.account) == func.coalesce(Press.person, Press.account),
            )
            .exists()
        )
    return list(session.exec(unjudged.order_by(col(Press.id)).limit(most)))


def in_turn(session: Session, ids: Collection[int]) -> list[Press]:
    """Those of the presses that nobody has judged yet and whose turn it is, in the order in which they were stored.

    Not their turn: where an older one of the same person on the same proposal waits that is not judged with them. An
    approval that was taken back must not be judged after its withdrawal, and count.
    """
    unjudged = select(Press).where(col(Press.judged_at).is_(None), col(Press.id) <= max(ids, default=0))
    turn, held = list[Press](), set[tuple[str | None, str]]()
    for press in session.exec(unjudged.order_by(col(Press.id))):
        its = (press.person or press.account, press.proposal)
        if press.id in ids and its not in held:
            turn.append(press)
        else:
            held.add(its)
    return turn


def crowding(session: Session, *, now: datetime) -> bool:
    """Whether presses still come in one upon another: being stored, and acknowledged, goes before being judged; but
    nobody waits longer than `PATIENCE` for a crowd to end."""
    unjudged = select(func.min(Press.pressed_at), func.max(Press.pressed_at)).where(col(Press.judged_at).is_(None))
    oldest, newest = session.exec(unjudged).one()
    # A clock that was set back must not make anybody wait for the time to come again.
    return newest is not None and timedelta(0) <= now - newest < LULL and now - oldest < PATIENCE


def judged(press: Press, *, now: datetime, note: str | None) -> None:
    """Notes that it was judged, and what the person is to be told; without a place to tell it nothing is kept."""
    press.judged_at = now
    press.note = note if press.channel else None
    press.account = press.account if press.note else None


def take_untold(session: Session, *, now: datetime, most: int, without: Collection[int] = ()) -> list[Press]:
    """Takes presses whose people were not told yet, for `TELLING`: nobody else who asks meanwhile gets them.

    The condition stands in the update itself, which the database asks again once it has the row's lock.
    """
    free = col(Press.note).is_not(None) & (col(Press.telling_until).is_(None) | (col(Press.telling_until) < now))
    oldest = select(Press.id).where(free, col(Press.id).not_in(without)).order_by(col(Press.id)).limit(most)
    taking = update(Press).where(free, col(Press.id).in_(oldest)).values(telling_until=now + TELLING)
    taken = session.execute(taking.returning(col(Press.id)), execution_options={"synchronize_session": False})
    mine = [row[0] for row in taken]
    return list(session.exec(select(Press).where(col(Press.id).in_(mine)).order_by(col(Press.id))))


def told(session: Session, ids: Collection[int]) -> None:
    """Forgets what was to be said, and to whom."""
    done = update(Press).where(col(Press.id).in_(ids)).values(note=None, account=None, telling_until=None)
    session.execute(done, execution_options={"synchronize_session": False})
