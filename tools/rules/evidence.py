"""What a rule says about a resource: a verdict, and each check with what was measured against which limit.

Absence is not evidence: a machine without metrics is *unknown*, never idle. A rule that reads a missing metric as zero
would stop the one machine whose agent died under load.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """What the evidence shows."""

    IDLE = "idle"
    IN_USE = "in use"
    WASTE = "waste"
    FINE = "fine"
    UNKNOWN = "unknown"

    @property
    def saves(self) -> bool:
        """Whether the rule fires: there is something to save."""
        return self in (Verdict.IDLE, Verdict.WASTE)


@dataclass(frozen=True)
class Check:
    """One condition: `holds` is None when it could not be measured."""

    name: str
    label: str
    measured: Decimal | None
    limit: Decimal
    unit: str
    at_most: bool = True
    strict: bool = True

    @property
    def holds(self) -> bool | None:
        if self.measured is None:
            return None
        if self.at_most:
            return self.measured < self.limit if self.strict else self.measured <= self.limit
        return self.measured >= self.limit

    @property
    def condition(self) -> str:
        """The limit in words: `below 5 %`."""
        word = ("below" if self.strict else "at most") if self.at_most else "at least"
        return f"{word} {self.limit.normalize():f} {self.unit}"


@dataclass(frozen=True)
class Finding:
    """A rule's verdict on one resource, its checks in order, and what is missing for a verdict."""

    rule: str
    verdict: Verdict
    checks: tuple[Check, ...]
    missing: tuple[str, ...] = ()
