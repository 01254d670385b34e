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
class HeldBack:
    """Rows of one currency that wait in quarantine, and what those of them say whose amount can be read.

    With the totals of what was loaded this is all the money of the files; `currency` is None where it cannot be read.
    """

    currency: str | None
    rows: int
    billed: Decimal
    effective: Decimal


@dataclass(frozen=True)
class IngestReport:
    """The outcome of one load: the snapshots that are now current, and every row accounted for.

    Each row of the files is loaded, held back, or repeats a file of the same load whole: `rows_in` is the sum of these.
    """

    snapshots: list[str]
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    totals: list[CurrencyTotal]
    findings: list[Finding] = field(default_factory=list)
    quarantine: list[str] = field(default_factory=list)
    held_back: list[HeldBack] = field(default_factory=list)
    rows_repeated: int = 0
    usage_hours: int = 0
