"""How well unusual spend is found on generated banks: what was told against what was planted."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb

from lake.engine import Lake
from lake.period import Period, add_months
from sandbox.bank.write import write_bank
from tests.tools.small_bill import NOW
from tools.desk import Desk
from tools.detection.grid import Leaf
from tools.judging import Found, judged, unusual


@dataclass(frozen=True)
class Score:
    """Of one bank. `launched`: told events that are real (a machine began then) although nobody planted them."""

    planted: dict[str, str]
    hit: frozenset[str]
    true: int
    launched: int
    false: tuple[str, ...]

    @property
    def told(self) -> int:
        return self.true + self.launched + len(self.false)


def score(folder: Path, *, seed: int, until: date, months: int = 14) -> Score:
    """Judges the last complete month and the running one of a bank that ends on `until`, all days settled."""
    write_bank(folder, until=until, seed=seed, months=months)
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    started = launches(json.loads((folder / "machines.json").read_text()))
    days = Period(add_months(until, -1), until + timedelta(days=1))
    desk, read = Desk(lake=cast(Lake, None), now=NOW, speaker="p-1"), leaves(folder, until)
    found, _ = judged(desk, read, days, of=unusual(desk, read))
    hits, true, launched, false = set(), 0, 0, []
    for one in found:
        planted = next((event["id"] for event in truth["events"] if is_of(one, event)), None)
        names = dict(one.incident.names)
        if planted:
            hits.add(planted)
            true += 1
        elif any(team == names.get("team") and abs((day - one.event.start).days) <= 7 for day, team in started):
            launched += 1
        else:
            false.append(f"{one.event.kind} {names} {one.event.start} {one.excess}")
    planted_kinds = {event["id"]: event["kind"] for event in truth["events"]}
    return Score(planted_kinds, frozenset(hits), true, launched, tuple(false))


def is_of(found: Found, event: dict[str, Any]) -> bool:
    """Whether what was told names the planted event's series (as far as it names one) and shares days with it."""
    names = found.incident.names
    same = bool(names) and all(event["series"].get(name) == value for name, value in names)
    return same and found.event.start.isoformat() <= event["end"] and found.event.end.isoformat() >= event["start"]


def launches(machines: dict[str, Any]) -> list[tuple[date, str]]:
    return [
        (date.fromisoformat(machine["launch_time"][:10]), machine["tags"].get("team", "(untagged)"))
        for machine in machines["machines"]
    ]


def leaves(folder: Path, until: date) -> list[Leaf]:
    """The bank's daily usage by team, service and model, read past the lake: quicker, and the same sums."""
    rows = (
        duckdb.connect()
        .execute(
            "SELECT coalesce(json_extract_string(Tags, '$.team'), '(untagged)'), ServiceName, "
            "coalesce(json_extract_string(Tags, '$.model'), x_model, '(none)'), "
            "CAST(timezone('UTC', ChargePeriodStart) AS DATE), sum(EffectiveCost) "
            "FROM read_parquet(?, union_by_name = true) WHERE ChargeCategory = 'Usage' GROUP BY ALL",
            [str(folder / "bill" / "*" / "*.parquet")],
        )
        .fetchall()
    )
    sums: dict[tuple[str, str, str], dict[date, Any]] = {}
    for team, service, model, day, cost in rows:
        sums.setdefault((team, service, model), {})[day] = cost
    made = []
    for (team, service, model), by_day in sums.items():
        first = min(by_day)
        values = tuple(by_day.get(first + timedelta(days=n), 0) for n in range((until - first).days + 1))
        made.append(Leaf({"team": team, "service": service, "model": model}, "USD", first, values))
    return made
