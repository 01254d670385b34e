"""What of the spend nobody can be named for: without a team, a use case, an owner …, in money and in percent.

Taxes are left out, since no tag can be put on them. The target is a share of the effective cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from lake import expressions, rollup
from lake.engine import Lake
from lake.money import percent
from lake.period import Period
from lake.question import EVERY_TEAM, Question

WATCHED = ("team", "use_case", "owner", "project", "environment")


@dataclass(frozen=True)
class Gap:
    """The effective cost of one currency that lacks one label, out of how much."""

    dimension: str
    period: Period
    currency: str
    missing: Decimal
    total: Decimal

    @property
    def share(self) -> Decimal | None:
        """In percent, unrounded; None where the total is nothing or a credit, of which there is no share."""
        return percent(self.missing, self.total)

    def within(self, target: int) -> bool | None:
        """Whether the share is at most `target` percent; None where there is none."""
        return None if self.share is None else self.share <= target


def rounded_share(share: Decimal) -> Decimal:
    """A share for people and scripts: percent with two places."""
    return share.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Gaps:
    """The gaps of a period, with the query that found them and the snapshots it read."""

    found: tuple[Gap, ...]
    query: str
    snapshots: tuple[str, ...]


@dataclass(frozen=True)
class Causes:
    """What of a gap comes from where: (name, currency, effective cost), largest first, and the query behind it."""

    found: tuple[tuple[str, str, Decimal], ...]
    query: str


def causes(
    lake: Lake,
    period: Period,
    *,
    dimension: str,
    by: str,
    limit: int,
    ai: bool | None = None,
    teams_seen: tuple[str, ...] = (EVERY_TEAM,),
) -> Causes:
    """The largest parts of the gap of `dimension`, split by `by`: of the charges that the gap is of, and no others."""
    read = [snapshot for snapshot in lake.snapshots() if snapshot.charged.overlaps(period)]
    if not read:
        return Causes((), "")
    question = Question(period=period, by=(by,), ai=ai, teams_seen=teams_seen)
    # the rollup must hold what the gap is of as well
    rolled = rollup.answers(question.model_copy(update={"by": (by, dimension)}), read)
    with lake.reader(read, rolled=rolled) as reader:
        rows, query = reader.fetch(expressions.missing_by, question, dimension, limit)
    key = expressions.keys((by,))[by]
    return Causes(tuple((row[key], row[expressions.CURRENCY], row[expressions.VALUE]) for row in rows), query)


def uncategorised(
    lake: Lake,
    period: Period,
    *,
    dimensions: Sequence[str] = WATCHED,
    ai: bool | None = None,
    teams_seen: tuple[str, ...] = (EVERY_TEAM,),
) -> Gaps:
    """What lacks each of these labels in `period`, by currency; nothing where the lake holds no such charge."""
    read = [snapshot for snapshot in lake.snapshots() if snapshot.charged.overlaps(period)]
    if not read:
        return Gaps((), "", ())
    question = Question(period=period, by=tuple(dimensions), ai=ai, teams_seen=teams_seen)
    with lake.reader(read, rolled=rollup.answers(question, read)) as reader:
        rows, query = reader.fetch(expressions.missing, question, dimensions)
    found = [
        Gap(name, period, row[expressions.CURRENCY], row[name] or Decimal(), row[expressions.VALUE])
        for name in dimensions
        for row in rows
    ]
    return Gaps(tuple(found), query, tuple(snapshot.id for snapshot in read))
