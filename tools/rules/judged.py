"""What a rule of the bill makes of one resource: its finding, the money in it and the change that would fetch it.

And the stretch of days that all of them look at, with the few facts that lie outside the resource itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lake.inventory import Inventory
from lake.metered import Meter
from lake.price_book import PriceBook, shipped
from tools.rules.evidence import Check, Finding, Verdict
from tools.rules.form import Form
from tools.rules.money import Money
from tools.rules.thresholds import SavingsThresholds


@dataclass(frozen=True)
class Use:
    """What was measured of a machine or an endpoint over the look-back; None is "not measured". Percentages are 0 to
    100; invocations are calls of an endpoint.
    """

    cpu_max_percent: Decimal | None = None
    network_mb_per_day: Decimal | None = None
    metric_hours: int = 0
    last_metric_at: datetime | None = None
    invocations: int | None = None
    invocation_hours: int = 0
    last_invocations_at: datetime | None = None


@dataclass(frozen=True)
class GroupHour:
    """One hour of a scaling group, from `hour` on: the mean CPU of its machines (0 to 100), its minimum, and how many
    machines were in service at most; None is "not measured".
    """

    hour: datetime
    cpu_percent: Decimal | None
    minimum: int | None
    in_service: int | None


@dataclass(frozen=True)
class EndpointHour:
    """One hour of an endpoint, from `hour` on: CPU and GPUs of its busiest machine, summed up over its cores or cards,
    100 for each, its calls, and its memory (0 to 100) and that of its GPUs; None is "not measured".
    """

    hour: datetime
    cpu_cores_percent: Decimal | None
    gpu_cards_percent: Decimal | None
    calls: int | None = None
    memory_percent: Decimal | None = None
    gpu_memory_cards_percent: Decimal | None = None

    @property
    def worked(self) -> bool:
        """Whether anything was measured of how hard its machines worked."""
        return self.cpu_cores_percent is not None or self.gpu_cards_percent is not None


@dataclass(frozen=True)
class MachineHour:
    """One hour of a machine, from `hour` on: CPU and GPUs 0 to 100, network in megabytes; None is "not measured"."""

    hour: datetime
    cpu_percent: Decimal | None
    network_mb: Decimal | None
    gpu_percent: Decimal | None = None


@dataclass(frozen=True)
class Load:
    """How high the load of a machine rose, but for its few busiest hours: percentages (0 to 100) of all processors, of
    main memory, of the time of its GPUs and of their memory; None is "not measured". `hours` are those in which
    everything that was measured at all was.
    """

    cpu_percent: Decimal | None = None
    memory_percent: Decimal | None = None
    gpu_percent: Decimal | None = None
    gpu_memory_percent: Decimal | None = None
    hours: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True)
class Look:
    """The look-back: its days, the last of them, the limits that hold, what each disk type costs by region,
    what was measured of machines and, hour by hour, of scaling groups, and the price book.

    `disk_prices` maps (currency, region, type) to the list price of a GB-month that this very bill shows.
    `namesakes` are the scaling groups and endpoints whose name others bear too, so that no metric tells which of them
    it is of. `endpoint_minimums` are what a tag on an endpoint says of how many machines always stay, as written.
    `hosting_prices` are like `disk_prices`, of an hour of a type.
    `machine_hours` are those of machines for development, `tags` those of their tags that a rule asks for, and
    `group_tag` the one that tells a machine of a scaling group; nobody works on `holidays`. `model_prices` and
    `batch_prices` map (provider, model, class of tokens) to US dollars a token by a published list. `inventories` are
    the newest lists of what stands in EC2, by account and region.
    """

    days: int
    last_day: date
    now: datetime
    limits: SavingsThresholds
    disk_prices: Mapping[tuple[str, str, str], Decimal] = field(default_factory=dict)
    uses: Mapping[str, Use] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)
    book: PriceBook = field(default_factory=shipped)
    model_prices: Mapping[tuple[str, str, str], Decimal] = field(default_factory=dict)
    batch_prices: Mapping[tuple[str, str, str], Decimal] = field(default_factory=dict)
    groups: Mapping[str, tuple[GroupHour, ...]] = field(default_factory=dict)
    namesakes: frozenset[str] = frozenset()
    machine_hours: Mapping[str, tuple[MachineHour, ...]] = field(default_factory=dict)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    group_tag: str = ""
    endpoint_hours: Mapping[str, tuple[EndpointHour, ...]] = field(default_factory=dict)
    endpoint_minimums: Mapping[str, str] = field(default_factory=dict)
    hosting_prices: Mapping[tuple[str, str, str], Decimal] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    inventories: Mapping[tuple[str, str], Inventory] = field(default_factory=dict)

    def days_since(self, meters: tuple[Meter, ...]) -> int:
        """The days of the look-back since the first of these was billed: before that nothing could be.

        Divided by the whole look-back, a machine of yesterday would cost a fourteenth of what it does, and whoever must
        approve is told by that amount.
        """
        first = min(meter.first_day for meter in meters)
        return max(1, min(self.days, (self.last_day - first).days + 1))


@dataclass(frozen=True)
class Judgement:
    """One resource under one rule. `change` is the typed change as JSON; None where nothing is to be proposed: there is
    nothing to save, or no change of ours would save it.

    `why` is the finding in one sentence, for the card and the list; `takes` which share of the resource's cost the
    change does away with (0 to 1). `also` are other resources whose whole cost goes with it: no rule may save that
    again.
    """

    form: Form
    finding: Finding
    why: str
    money: Money | None = None
    change: dict[str, Any] | None = None
    takes: Decimal = Decimal(1)
    also: tuple[str, ...] = ()


def finding(form: Form, *checks: Check, missing: tuple[str, ...] = ()) -> Finding:
    """The verdict of a rule whose checks must all hold: one broken is fine, otherwise one missing is unknown."""
    if any(check.holds is False for check in checks):
        return Finding(form.name, Verdict.FINE, checks)
    unmeasured = tuple(check.label for check in checks if check.holds is None)
    lacks = (*unmeasured, *missing)
    return Finding(form.name, Verdict.UNKNOWN if lacks else Verdict.WASTE, checks, lacks)
