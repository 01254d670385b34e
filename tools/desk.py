"""The desk: everything a tool may touch during one turn, bound by the app before the model speaks.

Who asks, what they may see and how a draft is stored are not arguments of any tool: a model that could fill them in
could ask as someone else.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lake.allocation_rules import TARGET_PERCENT
from lake.price_book import PriceBook, shipped
from tools.business_calendar import BusinessCalendar
from tools.detection.thresholds import AnomalyThresholds
from tools.fiscal import FiscalCalendar
from tools.happenings import CarriedOut, Happening, nothing_carried_out
from tools.result import Figure, Problem, Row, ToolResult
from tools.rules.thresholds import SavingsThresholds
from tools.shown import unpriced

if TYPE_CHECKING:
    from lake.engine import Lake

EVERYONE = ("*",)


@dataclass(frozen=True)
class Wanted:
    """A change that a tool asks people to decide: the typed change as JSON, what was measured, its name for people."""

    change: dict[str, Any]
    evidence: dict[str, Any]
    resource: str

    @property
    def named_evidence(self) -> dict[str, Any]:
        """What was measured, under the resource's name for people."""
        return {**self.evidence, "resource_name": self.resource}


@dataclass(frozen=True)
class Receipt:
    """What became of it: the proposal's id if it was accepted, and why or why not."""

    proposal_id: str | None
    accepted: bool
    reason: str


Propose = Callable[[Wanted], Receipt]


def nobody_proposes(_wanted: Wanted) -> Receipt:
    """The port of a desk at which nothing can be proposed (a plain question on the command line)."""
    return Receipt(None, accepted=False, reason="nothing can be proposed from here")


@dataclass(frozen=True)
class VoteLine:
    """One vote that stands: `choice` is "approved" or "rejected"."""

    person: str
    choice: str
    day: date


@dataclass(frozen=True)
class SlotLine:
    """One vote that is needed, and by whom it was given."""

    role: str
    person: str = ""


@dataclass(frozen=True)
class ProposalLine:
    """Where one proposal stands. People are names fit to show; the requester is "you" to whoever asked for it."""

    id: str
    words: str
    title: str
    resource: str
    instance: str
    requester: str
    created: date
    changed: date
    open: bool
    awaits_votes: bool = False
    mine: bool = False
    resource_name: str = ""
    team: str = ""
    slots: tuple[SlotLine, ...] = ()
    votes: tuple[VoteLine, ...] = ()
    saving: Decimal | None = None
    amount: Decimal | None = None
    currency: str = ""
    window: str = ""
    expires: datetime | None = None
    reason: str = ""


Proposals = Callable[[str], list[ProposalLine]]
"""Reads the proposals that the speaker may hear of; given an id, at most that one."""


def no_proposals(_which: str) -> list[ProposalLine]:
    """The port of a desk that has no proposals beside it (a plain question on the command line)."""
    return []


@dataclass
class Desk:
    """One turn's reach: `scope` are the teams the reader may see (`("*",)`: all), `earlier` this thread's results."""

    lake: "Lake"
    now: datetime
    speaker: str
    scope: tuple[str, ...] = EVERYONE
    propose: Propose = nobody_proposes
    proposals: Proposals = no_proposals
    thresholds: SavingsThresholds = field(default_factory=SavingsThresholds)
    prices: PriceBook = field(default_factory=shipped)
    anomalies: AnomalyThresholds = field(default_factory=AnomalyThresholds)
    team_anomalies: Mapping[str, AnomalyThresholds] = field(default_factory=dict)
    calendar: BusinessCalendar = field(default_factory=BusinessCalendar)
    fiscal: FiscalCalendar = field(default_factory=FiscalCalendar)
    deploys: tuple[Happening, ...] = ()
    carried_out: CarriedOut = nothing_carried_out
    uncategorised_target: int = TARGET_PERCENT
    earlier: dict[str, ToolResult] = field(default_factory=dict)
    next_number: int = 1
    _numbers: Iterator[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        highest = max((int(name[1:]) for name in self.earlier if name[1:].isdigit()), default=0)
        # A number once used in a thread is never used again, even when its result was dropped from the state.
        self._numbers = itertools.count(max(self.next_number, highest + 1))

    @property
    def today(self) -> date:
        return self.now.date()

    def new_id(self) -> str:
        """The next result id of this thread: `q7`."""
        return f"q{next(self._numbers)}"

    def keep(self, result: ToolResult) -> ToolResult:
        """Remembers `result`, so that later tools of the turn can name its figures and rows."""
        self.earlier[result.id] = result
        return result

    def figure(self, address: str) -> Figure | None:
        """A known figure of this thread; braces around the address are forgiven."""
        address = address.strip().strip("{}")
        result = self.earlier.get(address.split(".")[0])
        return result.figure(address) if result else None

    def row(self, address: str) -> Row | None:
        """A known row of this thread; a figure's address means its row."""
        parts = address.strip().strip("{}").split(".")
        result = self.earlier.get(parts[0])
        return result.row(".".join(parts[:2])) if result else None


def failed(desk: Desk, tool: str, problem: Problem, *, notes: tuple[str, ...] = ()) -> ToolResult:
    """A result that says why there is no answer; what it tells back of the words that were asked states no amount, and
    nor does a name of the bill that is close to them."""
    why = unpriced(problem.why, quoted=True)
    for name in problem.candidates:
        why = why.replace(name, unpriced(name))
    told = problem.model_copy(
        update={
            "what": unpriced(problem.what),
            "why": why,
            "do": unpriced(problem.do, quoted=True),
            "candidates": tuple(unpriced(name) for name in problem.candidates),
        }
    )
    return desk.keep(ToolResult(id=desk.new_id(), tool=tool, title=told.what, error=told, notes=notes))
