"""What one resource was billed over a stretch of days, meter by meter: the facts that rules about a resource read.

Only plain values, so that a rule that reads them stays free of databases.
"""

import calendar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lake.money import add, times

HOUR_UNITS = ("hours", "hour", "hrs", "hr")
"""how bills write the unit of a meter that counts hours, in small letters"""


@dataclass(frozen=True)
class MonthOfMeter:
    """What a meter counted in one calendar month of the stretch, and on how many days."""

    month: date
    quantity: Decimal
    days: int


@dataclass(frozen=True)
class Meter:
    """One meter of a resource. Costs are in the resource's currency; `uncovered` is what no commitment covers.
    `list_cost` is None where charges lack it.

    `least_day` and `most_day` are the smallest and largest effective cost of a billed day, `least_quantity` and
    `most_quantity` the same of what was counted.
    """

    name: str
    unit: str
    months: tuple[MonthOfMeter, ...]
    list_cost: Decimal | None
    effective: Decimal
    uncovered: Decimal
    least_day: Decimal
    most_day: Decimal
    least_quantity: Decimal
    most_quantity: Decimal
    first_day: date
    last_day: date

    @property
    def quantity(self) -> Decimal:
        return add(one.quantity for one in self.months)

    @property
    def days(self) -> int:
        """On how many days it was billed."""
        return sum(one.days for one in self.months)

    @property
    def held(self) -> Decimal:
        """For a meter that counts in months (GB-Months): how much was there on the average day."""
        counted = add(times(one.quantity, _length(one.month)) for one in self.months)
        return counted / self.days if self.days else Decimal(0)


def _length(month: date) -> int:
    return calendar.monthrange(month.year, month.month)[1]


@dataclass(frozen=True)
class Metered:
    """One resource with its meters, named as billed; `instance_type` is empty for what is no machine, and for a machine
    whose type its hours do not tell. `model` and `workload` are those of a use of a language model, whose meters are
    classes of tokens; its id is made of what tells it from other uses.
    """

    resource_id: str
    name: str
    provider: str
    service: str
    account: str
    region: str
    team: str
    use_case: str
    environment: str
    currency: str
    details: str
    instance_type: str
    meters: tuple[Meter, ...]
    model: str = ""
    workload: str = ""

    @property
    def last_day(self) -> date:
        return max(meter.last_day for meter in self.meters)

    @property
    def hours(self) -> tuple[Meter, ...]:
        """The meters that count hours: what a machine or a notebook is billed for running."""
        return tuple(meter for meter in self.meters if meter.unit.lower() in HOUR_UNITS)
