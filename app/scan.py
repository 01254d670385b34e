"""A scan: what is unusual in the bill as it stands now, stored once however many processes look.

The bill is judged outside any transaction, which takes seconds. What was found is then stored in one: the slot of this
state of the bill, the events, what is due to whom and the log's entries, all of it or nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from sqlalchemy import Engine
from sqlmodel import Session, col

from app.anomaly_rows import CLOSED, OPEN, Anomaly, AnomalyDue, AnomalyScan, marks, quieted, series_text, stored
from app.database import reading, writing
from app.expectations import Expectations
from app.scan_drafts import Behind, DeskFor, Intent, draft, intents
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.stored import insert_into
from lake.engine import Lake
from tools.anomalies import found_now
from tools.desk import Desk
from tools.detection.marks import GROWN, Mark, Names
from tools.drivers import resource_behind
from tools.judging import Found

NEAR = timedelta(days=7)  # an event that begins within a week of a stored one's days is the same one, grown


@dataclass(frozen=True)
class Scanned:
    """What one scan did. `done` False: this state of the bill was scanned before, by `by`, and nothing was changed."""

    done: bool
    by: str
    slot: str
    new: int = 0
    grown: int = 0
    closed: int = 0
    quiet: int = 0
    owners: tuple[str, ...] = ()
    drafted: tuple[str, ...] = ()


def scan(
    engine: Engine, lake: Lake, *, by: str, expects: Expectations | None = None, desk_for: DeskFor | None = None
) -> Scanned:
    """Judges the bill, by what the home `expects`, and stores what it found, unless somebody did for the same
    bill. `desk_for`: at whose desks rules that are switched on may draft (`scan_drafts`); None: nothing is drafted.
    Raises LakeError without a bill."""
    slot = slot_of_bill(lake)
    with reading(engine) as (session, now):
        if taken := session.get(AnomalyScan, slot):
            return Scanned(done=False, by=taken.taken_by, slot=slot)
    desk = Desk(lake=lake, now=now, speaker=by, **(expects or Expectations()))
    found, through = found_now(desk)
    meant = intents(engine, lambda: _behind(desk, found), desk_for)
    with writing(engine) as (session, now):
        if slot_of_bill(lake) == slot:
            if not take(session, slot=slot, by=by, now=now):
                taken = session.get(AnomalyScan, slot)
                return Scanned(done=False, by=taken.taken_by if taken else by, slot=slot)
            return _Bill(session, slot=slot, by=by, now=now, meant=meant).keep(found, through)
    # Another bill came meanwhile, and somebody may have stored its events: these would take them back.
    return scan(engine, lake, by=by, expects=expects, desk_for=desk_for)


def _behind(desk: Desk, found: Sequence[Found]) -> dict[int, Behind]:
    """The resource behind each event that has one, by the event's place in `found`."""
    return {
        number: Behind(dict(one.incident.names).get("team", ""), resource)
        for number, one in enumerate(found)
        if (resource := resource_behind(desk, one)) is not None
    }


def slot_of_bill(lake: Lake) -> str:
    """The same for the same snapshots: a bill that was restated is a bill to scan again."""
    names = sorted(
        f"{one.source}/{one.period}/{one.revision}/{[file.sha256 for file in one.files]}" for one in lake.snapshots()
    )
    return sha256("\n".join(names).encode()).hexdigest()[:32]


def take(session: Session, *, slot: str, by: str, now: datetime) -> bool:
    """Whether this scan is the one of this state of the bill that counts. A table of its own, not the timers': the
    agent scans, and could else take the slots of the alarms that watch it."""
    row = {"slot": slot, "taken_by": by, "taken_at": now}
    insert = insert_into(session, AnomalyScan).values(**row).on_conflict_do_nothing()
    return session.execute(insert.returning(col(AnomalyScan.slot))).scalar_one_or_none() is not None


class Store:
    """One scan's transaction: what every event that is stored goes through, of days or of hours (`bursts`)."""

    def __init__(
        self,
        session: Session,
        *,
        slot: str,
        by: str,
        now: datetime,
        meant: Mapping[int, Intent],
        bursts: bool = False,
    ) -> None:
        self.session, self.slot, self.by, self.now = session, slot, by, now
        self.meant = meant
        self.wished: list[tuple[Anomaly, Intent]] = []
        self.marks: Sequence[Mark] = marks(session, bursts=bursts)
        self.due: dict[str, list[str]] = {}
        self.quiet = 0

    def done(self, new: int, grown: int, closed: int) -> Scanned:
        """Makes what is due to whom, drafts what is meant, and tells what the scan did."""
        for owner, ids in sorted(self.due.items()):
            self.session.add(
                AnomalyDue(slot=self.slot, owner=owner, anomalies=json.dumps(sorted(ids)), due_at=self.now)
            )
        self.session.flush()
        drafted = draft(self.session, now=self.now, by=self.by, meant_for=self.wished)
        owners = tuple(sorted(self.due))
        return Scanned(True, self.by, self.slot, new, grown, closed, self.quiet, owners, tuple(drafted))

    def wish(self, row: Anomaly, number: int) -> None:
        """What is meant for this event is to be drafted, unless it is over or people said that it need not be told."""
        intent = self.meant.get(number)
        if intent is not None and row.state == OPEN and quieted(row, self.marks, self.now.date()) is None:
            self.wished.append((row, intent))

    def tell(self, row: Anomaly) -> None:
        """Its owner is due a message of it if it is new or has grown, and nobody said that it need not be told."""
        excess = Decimal(row.excess)
        if row.told_excess and abs(excess) < GROWN * abs(Decimal(row.told_excess)):
            return
        if quieted(row, self.marks, self.now.date()) is not None:
            self.quiet += 1
            return
        row.told_excess = row.excess
        self.due.setdefault(row.owner, []).append(row.id)

    def close(self, row: Anomaly) -> None:
        """It is over."""
        row.state, row.changed_at = CLOSED, self.now
        self.session.add(row)
        self.log(Event.ANOMALY_CLOSED, row)

    def log(self, event: Event, row: Anomaly) -> None:
        """The entry of what became of it."""
        data = {
            "anomaly": row.id,
            "series": json.loads(row.series),
            "started": row.started,
            "last_day": row.last_day,
            "excess": row.excess,
            "currency": row.currency,
            **({"estimated_hours": [row.first_hour, row.last_hour]} if row.first_hour else {}),
        }
        log.append(self.session, now=self.now, event=event, actor=Actor(ActorKind.SERVICE, self.by), data=data)


class _Bill(Store):
    """What a bill's scan stores."""

    def keep(self, found: Sequence[Found], through: date) -> Scanned:
        before = stored(self.session, bursts=False)
        kept: set[str] = set()
        new = grown = 0
        for number, one in enumerate(found):
            row = _same(before, one, kept)
            if row is not None and row.state == CLOSED and one.event.end.isoformat() <= row.last_day:
                kept.add(row.id)  # the detector finds it in every later bill too: it is over, and its owner knows
                continue
            new, grown = new + (row is None), grown + (row is not None)
            row = self._put(row, one, through)
            kept.add(row.id)
            self.tell(row)
            self.wish(row, number)
        closed = [
            row
            for row in before
            if row.state == OPEN and row.id not in kept and date.fromisoformat(row.last_day) + NEAR < through
        ]
        for row in closed:
            self.close(row)
        return self.done(new, grown, len(closed))

    def _put(self, row: Anomaly | None, one: Found, through: date) -> Anomaly:
        names: Names = tuple(sorted(one.incident.names))
        if row is None:
            key = f"{series_text(names)}\0{one.incident.currency}\0{one.event.start}\0{self.slot}"
            row = Anomaly(
                id=f"A-{sha256(key.encode()).hexdigest()[:10]}",
                series=series_text(names),
                currency=one.incident.currency,
                owner=dict(names).get("team", ""),
                kind=str(one.event.kind),
                state=OPEN,
                started=one.event.start.isoformat(),
                told_excess="",
                found_at=self.now,
                **_amounts(one),
                changed_at=self.now,
            )
            self.log(Event.ANOMALY_FOUND, row)
        else:
            if row.state == CLOSED:  # it goes on: days came since it was over
                row.state = OPEN
                self.log(Event.ANOMALY_FOUND, row)
            for name, value in {**_amounts(one), "kind": str(one.event.kind), "changed_at": self.now}.items():
                setattr(row, name, value)
        self.session.add(row)
        if not one.event.lasting and one.event.end + NEAR < through:
            self.close(row)
        return row


def _same(before: Sequence[Anomaly], one: Found, kept: set[str]) -> Anomaly | None:
    """The stored event that this one is: of the same series, in the same direction, the nearest in days. An open one
    may have days in between; one that is over has days in common, else another has begun."""
    names = tuple(sorted(one.incident.names))
    candidates = [
        (apart, row)
        for row in before
        if row.id not in kept
        and row.names == names
        and row.currency == one.incident.currency
        and (Decimal(row.excess) > 0) == (one.excess > 0)
        and (apart := _apart(row, one)) <= (NEAR if row.state == OPEN else timedelta(0))
    ]
    return min(candidates, key=lambda found: found[0])[1] if candidates else None


def _apart(row: Anomaly, one: Found) -> timedelta:
    """How long after the end of the one the other begins; nothing where they have days in common."""
    return max(
        date.fromisoformat(row.started) - one.event.end,
        one.event.start - date.fromisoformat(row.last_day),
        timedelta(0),
    )


def _amounts(one: Found) -> dict[str, str]:
    texts = {"actual": one.actual, "expected": one.expected, "excess": one.excess}
    return {**{name: format(value, "f") for name, value in texts.items()}, "last_day": one.event.end.isoformat()}
