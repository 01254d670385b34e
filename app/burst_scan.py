"""The fast lane's scan: bursts of hours in what gateways estimate, stored once for each state of their logs.

A burst is an event like those of the bill, with the same message, marks and entries, and never one with them: it has a
kind of its own, is matched with bursts alone, and what it is estimated at is added to nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from sqlalchemy import Engine

from app.anomaly_rows import BURST, CLOSED, OPEN, Anomaly, AnomalyScan, series_text, stored
from app.database import reading, writing
from app.expectations import Expectations
from app.scan import Scanned, Store, slot_of_bill, take
from app.scan_drafts import Behind, DeskFor, intents
from audit.event import Event
from lake import allocation
from lake.engine import Lake
from lake.hourly import LAG, hour_of, moment_of
from tools.bursts import Burst, bursts_now
from tools.desk import Desk
from tools.gateway_rules import key_id

NEAR = timedelta(hours=24)  # a burst that begins so soon after an open one is the same one, grown


def scan_hours(
    engine: Engine, lake: Lake, *, by: str, expects: Expectations | None = None, desk_for: DeskFor | None = None
) -> Scanned | None:
    """Judges the hours of the gateways beside this lake, and of the tokens that were counted, and stores the bursts,
    unless somebody did for the same hours; None without either. `desk_for` as a scan of the bill takes it. Raises
    LakeError for hours that cannot be read."""
    with reading(engine) as (session, now):
        slot = _slot(lake, now)
        if slot is None:
            return None
        if taken := session.get(AnomalyScan, slot):
            return Scanned(done=False, by=taken.taken_by, slot=slot)
    found = bursts_now(Desk(lake=lake, now=now, speaker=by, **(expects or Expectations())))
    if not found.sources:
        return None  # machines' hours alone, which have no price
    meant = intents(engine, lambda: _behind(found.bursts), desk_for)
    with writing(engine) as (session, now):
        if _slot(lake, now) == slot:
            if not take(session, slot=slot, by=by, now=now):
                taken = session.get(AnomalyScan, slot)
                return Scanned(done=False, by=taken.taken_by if taken else by, slot=slot)
            return _Hours(session, slot=slot, by=by, now=now, meant=meant, bursts=True).keep(found.bursts)
    # Newer hours came meanwhile, and somebody may have stored theirs: these would close what has begun since.
    return scan_hours(engine, lake, by=by, expects=expects, desk_for=desk_for)


def _behind(bursts: Sequence[Burst]) -> dict[int, Behind]:
    """The key or the resource that a burst is of, by the burst's place; one that is wider has none."""
    found = {}
    for number, one in enumerate(bursts):
        names = dict(one.names)
        resource = names.get("resource", "")
        if key := names.get("api_key"):
            resource = key_id(one.source, key)
        if resource:
            found[number] = Behind(names.get("team", ""), resource)
    return found


def _slot(lake: Lake, now: datetime) -> str | None:
    """The same for the same logs up to the same hour; None where no hour is known. The bill is a part of it where it
    prices what was counted."""
    beside, counted = allocation.beside(lake), lake.store.usage()
    logs = beside.current()
    if not logs and counted is None:
        return None
    priced = f"{counted.file.sha256} {slot_of_bill(lake)}" if counted and lake.current() else ""
    loaded = [snapshot.loaded_at for snapshot in logs] + ([counted.loaded_at] if counted else [])
    log = slot_of_bill(beside) if logs else ""
    text = f"hours {log} {priced} {hour_of(min(max(loaded), now) - LAG)}"
    return sha256(text.encode()).hexdigest()[:32]


class _Hours(Store):
    """What a scan of hours stores."""

    def keep(self, found: Sequence[Burst]) -> Scanned:
        """Stores new bursts, grows known ones, closes those that are over or no longer there."""
        before = stored(self.session, bursts=True)
        kept: set[str] = set()
        new = grown = closed = 0
        for number, one in enumerate(found):
            row = _same(before, one, kept)
            if row is not None and row.state == CLOSED and _text(one.last) <= str(row.last_hour):
                kept.add(row.id)  # it is over, and its owner knows
                continue
            new, grown = new + (row is None), grown + (row is not None)
            row = self._put(row, one)
            kept.add(row.id)
            self.tell(row)
            if not one.going_on:
                self.close(row)
                closed += 1
            self.wish(row, number)
        for row in before:
            if row.state == OPEN and row.id not in kept:
                self.close(row)
                closed += 1
        return self.done(new, grown, closed)

    def _put(self, row: Anomaly | None, one: Burst) -> Anomaly:
        series = series_text(one.names)
        if row is None:
            key = f"{BURST}\0{series}\0{one.currency}\0{one.first}\0{self.slot}"
            row = Anomaly(
                id=f"A-{sha256(key.encode()).hexdigest()[:10]}",
                series=series,
                currency=one.currency,
                owner=dict(one.names).get("team", ""),
                kind=BURST,
                state=OPEN,
                started=_day(one.first),
                first_hour=_text(one.first),
                told_excess="",
                found_at=self.now,
                changed_at=self.now,
                **_grown(one),
            )
            self.log(Event.ANOMALY_FOUND, row)
        else:
            reopened, row.state = row.state == CLOSED, OPEN
            for name, value in {**_grown(one), "changed_at": self.now}.items():
                setattr(row, name, value)
            if reopened:
                self.log(Event.ANOMALY_FOUND, row)
        self.session.add(row)
        return row


def _same(before: Sequence[Anomaly], one: Burst, kept: set[str]) -> Anomaly | None:
    """The stored burst that this one is: of the same series, with hours in common, or within a day of an open one."""
    candidates = [
        (apart, row)
        for row in before
        if row.id not in kept
        and row.names == tuple(sorted(one.names))
        and row.currency == one.currency
        and (apart := _apart(row, one)) <= (NEAR if row.state == OPEN else timedelta(0))
    ]
    return min(candidates, key=lambda found: found[0])[1] if candidates else None


def _apart(row: Anomaly, one: Burst) -> timedelta:
    first, last = (datetime.fromisoformat(str(hour)) for hour in (row.first_hour, row.last_hour))
    return max(first - moment_of(one.last), moment_of(one.first) - last, timedelta(0))


def _grown(one: Burst) -> dict[str, str]:
    amounts: dict[str, Decimal] = {"actual": one.actual, "expected": one.expected, "excess": one.excess}
    texts = {name: format(value, "f") for name, value in amounts.items()}
    return {**texts, "last_day": _day(one.last), "last_hour": _text(one.last)}


def _text(hour: int) -> str:
    return moment_of(hour).isoformat()


def _day(hour: int) -> str:
    return moment_of(hour).date().isoformat()
