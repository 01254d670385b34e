"""What one project of a model's provider cost, day by day: plain values, so that a rule stays free of databases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class ProjectDays:
    """One project: days are counted as in `date.toordinal`, `end` is the first that is not told; a day in `known`
    without a cost cost nothing.

    It is not `whole` where the asker sees only some of what it did. `since` is the first day on which it cost anything:
    before, there may have been no such project.
    """

    project: str
    currency: str
    end: int
    known: frozenset[int]
    costs: Mapping[int, Decimal]
    whole: bool = True
    teams: frozenset[str] = field(default_factory=frozenset)
    since: int = 0
