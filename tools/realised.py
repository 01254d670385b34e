"""What changes saved that were carried out, held against the bill; and what rehearsed ones would have saved.

Only the bill is asked here. Which changes there were is handed in, since who may see a proposal is decided elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from lake.completeness import by_source, delivered
from lake.inventory import Inventory, kept
from lake.period import Period
from lake.resources import ResourceDays, daily_costs, summed_days
from tools.desk import Desk
from tools.detection.contributions import EXACT, add
from tools.rules.realised import Cost, Measured, measure, window
from tools.rules.thresholds import SavingsThresholds

UNLISTED = "what its copy costs since is not taken off: no list of what stands in EC2 names it, or no bill that you see"
Costs = Mapping[tuple[str, str], ResourceDays]
"""By resource and currency."""


@dataclass(frozen=True)
class Deed:
    """One change as far as money goes: `ids` are the names that the bill may know its resource by, its full one first.

    `disks` are what goes with it and is billed under names of its own, each by its names as well: a machine that was
    stopped for weeks costs nothing itself. `copy_tags` are those of the snapshots that it left, which cost since. `at`
    is the day on which it was carried out or rehearsed; `promised` a month's saving in cash.
    """

    proposal: str
    title: str
    name: str
    rule: str
    team: str
    ids: tuple[str, ...]
    at: date
    promised: Decimal
    currency: str
    disks: tuple[tuple[str, ...], ...] = ()
    copy_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def billed_as(self) -> tuple[tuple[str, ...], ...]:
        """The names of everything whose cost is this deed's matter."""
        return (self.ids, *self.disks)


@dataclass(frozen=True)
class Followed:
    """A deed with what the bill says of it; `measured` is None while the bill says nothing, with `why`."""

    deed: Deed
    measured: Measured | None
    why: str = ""


@dataclass(frozen=True)
class Bounds:
    """The changes of the same resource before and after one: what they saved is not this one's as well."""

    after: date | None = None
    until: date | None = None

    def hold(self, day: date) -> bool:
        return (self.after is None or day > self.after) and (self.until is None or day < self.until)


def follow(desk: Desk, deeds: Sequence[Deed], *, rehearsed: bool = False) -> list[Followed]:
    """Each change held against the bill of the days around it; no day of a resource counts for two of its changes.

    `rehearsed` ones changed nothing, so the days before one of them are as they would have been without another.
    """
    if not deeds:
        return []
    if rehearsed:
        deeds = [replace(one, copy_tags={}) for one in deeds]
    limits = desk.thresholds
    reach = desk.lake.latest_period()  # raises, with what to do, when the lake is empty
    first = min(deed.at for deed in deeds) - timedelta(days=limits.look_back_days)
    period = Period(min(first, reach.start), reach.end)
    copies = copies_of(deeds, kept(desk.lake.store.folder))
    names = {name for deed in deeds for one in (*deed.billed_as, *copies[deed.proposal]) for name in one}
    costs = daily_costs(desk.lake, period, names, teams_seen=desk.scope)
    told = {source: delivered(held) for source, held in by_source(desk.lake.current()).items()}
    bounds = [replace(one, after=None) if rehearsed else one for one in bounds_of(deeds)]
    return [
        _followed(deed, copies[deed.proposal], costs, told, around, limits=limits)
        for deed, around in zip(deeds, bounds, strict=True)
    ]


def copies_of(deeds: Sequence[Deed], inventories: Sequence[Inventory]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """The snapshots that each left behind, by the names that a bill may have of them: those that bear its tags and were
    begun on its day or later, since an earlier attempt may have left one, too.
    """
    tagged = [(one, where) for where in inventories for one in where.snapshots if one.tags] if deeds else []
    return {
        deed.proposal: tuple(
            (f"arn:aws:ec2:{where.region}:{where.account}:snapshot/{one.snapshot_id}", one.snapshot_id)
            for one, where in tagged
            if deed.copy_tags and deed.copy_tags.items() <= one.tags.items() and one.started_at.date() >= deed.at
        )
        for deed in deeds
    }


def bounds_of(deeds: Sequence[Deed]) -> list[Bounds]:
    """For each its neighbours on the same resource in the order of their days; of two on one day the later listed."""
    order = sorted(range(len(deeds)), key=lambda index: (deeds[index].at, index))
    found = [Bounds() for _ in deeds]
    latest: dict[str, int] = {}
    for index in order:
        names = [one[0] for one in deeds[index].billed_as]
        earlier = {latest[name] for name in names if name in latest}
        for one in earlier:
            found[one] = replace(found[one], until=found[one].until or deeds[index].at)
        if earlier:
            found[index] = Bounds(after=max(deeds[one].at for one in earlier))
        latest |= dict.fromkeys(names, index)
    return found


def _followed(
    deed: Deed, copies: Sequence[tuple[str, ...]], costs: Costs, told: Mapping[str, Sequence[Period]], around: Bounds,
    *, limits: SavingsThresholds,
) -> Followed:  # fmt: skip
    """The days that are measured are those of which a source that knows the resource has told."""
    mine = _billed(deed.billed_as, deed.currency, costs)
    if not mine:
        return Followed(deed, None, "the bill knows no cost of it in the days before")
    left = _billed(copies, deed.currency, costs)
    whole = summed_days([*mine, *left])
    known = [stretch for source in sorted(summed_days(mine).sources) for stretch in told.get(source, ())]
    newest = max((stretch.end for stretch in known), default=deed.at)
    last = newest - timedelta(days=1 + limits.settle_days)
    sides = window(deed.at, look_back=limits.look_back_days, last=last)
    before, after = (
        [day for day in side if around.hold(day) and any(one.start <= day < one.end for one in known)] for side in sides
    )
    found = measure(
        {day: Cost(one.effective, one.uncovered) for day, one in whole.days.items()}, before, after,
        promised_per_month=deed.promised, hours_per_month=limits.hours_per_month,
    )  # fmt: skip
    if found is None:
        return Followed(deed, None, _why(deed, before, after, around, last=last))
    unlisted = deed.copy_tags and (not copies or len(left) < len(copies))
    return Followed(deed, replace(found, cause=f"{found.cause}; {UNLISTED}") if unlisted else found)


def _billed(several: Sequence[tuple[str, ...]], currency: str, costs: Costs) -> list[ResourceDays]:
    """What each of them cost, by the first of its names that the bill knows; nothing of those that it does not."""
    return [
        next(costs[name, currency] for name in names if (name, currency) in costs)
        for names in several
        if any((name, currency) in costs for name in names)
    ]


def _why(deed: Deed, before: list[date], after: list[date], around: Bounds, *, last: date) -> str:
    """Why it is not measured, in words for the list."""
    if deed.at >= last:
        return f"the bill's settled days reach to {last.isoformat()} only"
    if not after and around.until is not None and around.until <= deed.at + timedelta(days=1):
        return f"another change of it followed on {around.until.isoformat()}"
    if not after:
        return "no bill that knows it holds the days since"
    if not before and around.after is not None:
        return f"another change of it came just before, on {around.after.isoformat()}"
    return (
        "the bill knows no cost of it in the days before" if before else "no bill that knows it holds the days before"
    )


def shadow(followed: Followed) -> Decimal | None:
    """What a rehearsed change would have saved so far: the promised share of what its resource went on to cost."""
    found = followed.measured
    if found is None or found.counterfactual <= 0:
        return None
    share = min(Decimal(1), EXACT.divide(found.promised, found.counterfactual))
    return EXACT.quantize(EXACT.multiply(found.actual, share), Decimal("0.000001"))


def together(amounts: Sequence[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """One sum for each currency, never across them."""
    return {
        name: add(value for unit, value in amounts if unit == name) for name in sorted({unit for unit, _ in amounts})
    }
