"""One resource of the bill under one rule, with the days that were judged."""

from dataclasses import dataclass
from decimal import Decimal

from lake.metered import Metered
from lake.period import Period
from tools.rules.evidence import Verdict
from tools.rules.judged import Judgement


@dataclass(frozen=True)
class Opportunity:
    """What a rule makes of a resource over `period`."""

    resource: Metered
    judged: Judgement
    period: Period

    @property
    def verdict(self) -> Verdict:
        return self.judged.finding.verdict

    @property
    def cash(self) -> Decimal:
        return self.judged.money.cash if self.judged.money else Decimal(0)
