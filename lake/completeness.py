"""Whether a period is complete: every source in scope has delivered it, and delivered it late enough to be settled.

Providers go on restating a day for a while after it ended; a bill that merely reaches the end of a month is not the
month's bill yet. Pure: it reads manifests and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from lake.period import Period
from lake.store import Snapshot

SETTLE_LAG = timedelta(hours=72)
# Prepaid usage interfaces restate within a day; cloud bills take up to three.
SETTLE_LAGS = {"openai": timedelta(hours=24), "anthropic": timedelta(hours=24)}


@dataclass(frozen=True)
class SourceCompleteness:
    """How far one source can be trusted for a period; `reason` is empty when it is complete."""

    source: str
    data_through: datetime
    final: bool
    reason: str
    begins: date
    """The first day that its bills cover; of the days before it nothing is known, not even that they cost nothing."""

    @property
    def complete(self) -> bool:
        return not self.reason


def midnight(day: date) -> datetime:
    """The first moment of `day`, UTC."""
    return datetime.combine(day, time(), UTC)


def settle_lag(source: str) -> timedelta:
    """How long after a period's end its charges may still change."""
    return SETTLE_LAGS.get(source, SETTLE_LAG)


def by_source(snapshots: Iterable[Snapshot]) -> dict[str, list[Snapshot]]:
    """The snapshots of each source, in the order of their periods."""
    found: dict[str, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda item: (item.source, item.period_start)):
        found.setdefault(snapshot.source, []).append(snapshot)
    return found


def judge(period: Period, snapshots: Sequence[Snapshot]) -> list[SourceCompleteness]:
    """One verdict for each source that has any snapshot among these."""
    return [_judge_source(period, source, held) for source, held in by_source(snapshots).items()]


def _judge_source(period: Period, source: str, held: list[Snapshot]) -> SourceCompleteness:
    touching = [snapshot for snapshot in held if snapshot.billing.overlaps(period)]
    through = max(_reach(snapshot) for snapshot in held)
    final = bool(touching) and all(snapshot.final for snapshot in touching)
    reason = _reason(period, source, held, touching, through)
    return SourceCompleteness(source, through, final, reason, held[0].period_start)


def _reach(snapshot: Snapshot) -> datetime:
    return midnight(snapshot.period_end) if snapshot.final else snapshot.data_through


def _reason(period: Period, source: str, held: list[Snapshot], touching: list[Snapshot], through: datetime) -> str:
    if period.end <= held[0].period_start:
        return ""  # the source did not exist yet
    if through < midnight(period.end):
        return f"data reaches {through:%Y-%m-%d %H:%M} UTC, before the end of {period.label}"
    gap = _gap(period, held)
    if gap is not None:
        return f"no snapshot holds {gap}"
    for snapshot in touching:
        end = min(period.end, snapshot.period_end)
        settled = midnight(end) + settle_lag(source)
        if not snapshot.final and snapshot.loaded_at < settled:
            loaded = f"{snapshot.loaded_at:%Y-%m-%d %H:%M}"
            return f"loaded {loaded} UTC, before {snapshot.period} settles at {settled:%Y-%m-%d %H:%M}"
    return ""


def _gap(period: Period, held: list[Snapshot]) -> date | None:
    """The first day of the period that lies after the source began and in none of its billing periods."""
    day = max(period.start, held[0].period_start)
    for snapshot in held:
        if snapshot.period_start <= day < snapshot.period_end:
            day = snapshot.period_end
    return day if day < period.end else None


def delivered(held: Sequence[Snapshot]) -> list[Period]:
    """The days of which these snapshots of one source tell: in these a day without a charge cost nothing.

    The first of a source's, and one after a hole, begins with its first charge: a bill whose export began in the middle
    of a month says nothing of the days before. A month reaches to its end once it is settled and a newer one is there;
    the day that is still being delivered is left out.
    """
    found: list[Period] = []
    newest = max(held, key=lambda one: one.period_start)
    for snapshot in sorted(held, key=lambda one: one.period_start):
        follows = bool(found) and found[-1].end >= snapshot.period_start
        start = snapshot.period_start if follows else max(snapshot.period_start, snapshot.first_day)
        settled = snapshot.loaded_at >= midnight(snapshot.period_end) + settle_lag(snapshot.source)
        whole = settled and snapshot is not newest
        end = snapshot.period_end if whole else min(_reach(snapshot).date(), snapshot.period_end)
        if start < end:
            found.append(Period(start, end))
    return found


def complete_through(source: str, held: Sequence[Snapshot]) -> date:
    """The day before which every day of this source is delivered and settled, from its newest unbroken stretch."""
    newest = max(held, key=lambda snapshot: snapshot.period_start)
    if newest.final:
        return newest.period_end
    settled = newest.loaded_at - settle_lag(source)
    through = min(newest.data_through, settled)
    return max(newest.period_start, through.date())
