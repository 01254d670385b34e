"""What one key of a gateway did, hour by hour: plain values, so that a rule that reads them stays free of databases."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass
class KeyHours:
    """One key: hours are counted from 1970 in UTC, `end` is the first that is not settled. `teams` are those whose
    requests it sent. `requests`, `failed` and `session` hold only hours in which the log tells them; `session` is the
    most requests of one session. It is not `whole` where the asker sees only some of what it did."""

    source: str
    key: str
    currency: str
    end: int
    loaded_at: datetime
    known: frozenset[int]
    whole: bool = True
    teams: set[str] = field(default_factory=set)
    costs: dict[int, Decimal] = field(default_factory=dict)
    tokens: dict[int, Decimal] = field(default_factory=dict)
    requests: dict[int, Decimal] = field(default_factory=dict)
    failed: dict[int, Decimal] = field(default_factory=dict)
    session: dict[int, Decimal] = field(default_factory=dict)
