"""What each key of a gateway did hour by hour: estimated cost, tokens, requests, failures, and its busiest session.

As in `hourly.py`, an hour of which a source tells nothing is not known, and the money is the gateway's estimate. Of a
log that was pulled by an earlier version no requests are counted: that is not known either, and no zero. A key that
teams share is told to whoever sees only some of them as a part: neither its level nor what it needs shows in that.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from lake import allocation, completeness, expressions
from lake.engine import Lake
from lake.hourly import HOUR, moment_of, settled
from lake.key_hours import KeyHours
from lake.money import add
from lake.period import Period
from lake.question import EVERY_TEAM, NONE, UNTAGGED, Question
from lake.sources.api_charges import TOKENS
from lake.sources.litellm import FAILED_REQUESTS, REQUESTS, SESSION_REQUESTS


def of_keys(lake: Lake, *, now: datetime, hours: int, teams_seen: tuple[str, ...] = (EVERY_TEAM,)) -> list[KeyHours]:
    """Every key of every gateway beside this lake over the last `hours` that are settled, as far as the asker may see.

    Raises LakeError where a file cannot be read; a lake without a gateway has none.
    """
    beside = allocation.beside(lake)
    held = completeness.by_source(beside.current())
    if not held:
        return []
    fresh = {source: max(snapshot.loaded_at for snapshot in snapshots) for source, snapshots in held.items()}
    ends = {source: settled(loaded, now) for source, loaded in fresh.items()}
    first, last = min(ends.values()) - hours, max(ends.values())
    period = Period(moment_of(first).date(), moment_of(last).date() + timedelta(days=1))
    question = Question(period=period, by=("api_key", "team"), teams_seen=teams_seen)
    with beside.reader(beside.current()) as reader:
        rows, _ = reader.fetch(expressions.hourly_counts, question)
        told, _ = reader.fetch(expressions.hours_told, question)
        hidden = [] if EVERY_TEAM in teams_seen else reader.fetch(expressions.unseen_keys, question)[0]
    parts = {(row["x_source"], row["api_key"]) for row in hidden}
    known = {
        source: frozenset(
            hour for row in told if row["x_source"] == source and end - hours <= (hour := row["hour"] // HOUR) < end
        )
        for source, end in ends.items()
    }
    found: dict[tuple[str, str, str], KeyHours] = {}
    for row in rows:
        source, key, currency = row["x_source"], row["api_key"], row[expressions.CURRENCY]
        one = found.setdefault(
            (source, key, currency),
            KeyHours(
                source, key, currency, ends[source], fresh[source], known[source], whole=(source, key) not in parts
            ),
        )
        if row["team"] not in (NONE, UNTAGGED):
            one.teams.add(row["team"])
        _add(one, row)
    return [found[name] for name in sorted(found)]


def _add(one: KeyHours, row: Mapping[str, Any]) -> None:
    unit = str(row["unit"])
    into = {TOKENS: one.tokens, REQUESTS: one.requests, FAILED_REQUESTS: one.failed}.get(unit)
    for second, value, counted, most in zip(row["hours"], row["values"], row["counts"], row["mosts"], strict=True):
        hour = second // HOUR
        if hour not in one.known:
            continue
        one.costs[hour] = add((one.costs.get(hour, Decimal(0)), value))
        if into is not None:
            into[hour] = into.get(hour, Decimal(0)) + counted.to_integral_value()
        elif unit == SESSION_REQUESTS:
            one.session[hour] = max(one.session.get(hour, Decimal(0)), most.to_integral_value())
