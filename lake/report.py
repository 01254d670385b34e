"""What a load did and what it noticed, for people and for scripts."""

from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """A breach of FOCUS, or a decision taken while reading, that did not stop the load."""

    model_config = ConfigDict(frozen=True)

    rule: str
    file: str
    column: str = ""
    rows: int = 0
    text: str
    example: str = ""
    """the first such row of the file, counted without its heading, and the values that break the rule"""


@dataclass(frozen=True)
class CurrencyTotal:
    """What the loaded rows of one currency add up to, to the last digit."""

    currency: str
    billed: Decimal
    effective: Decimal


@dataclass(frozen=True)
class IngestReport:
    """The outcome of one load: the snapshots that are now current, and every row accounted for."""

    snapshots: list[str]
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    totals: list[CurrencyTotal]
    findings: list[Finding] = field(default_factory=list)
    quarantine: list[str] = field(default_factory=list)
    usage_hours: int = 0
