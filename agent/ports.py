"""What the agent's process hands to a conversation: tools for one step, the rows of proposals, a model, limits.

The conversation holds no database session. Everything that it may learn or cause comes through these few callables,
so that what the model can reach is read here on one page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool

from agent.limits import Limits
from agent.price import Price
from agent.steps import Tell, silent
from agent.voices import RetryBudget, Voice
from tools.result import ToolResult


@dataclass(frozen=True)
class Wake:
    """Why a thread is woken: someone wrote, or one of its proposals moved. It carries no authority."""

    id: str
    """unique: the message's id; for an outcome `proposal:version`. It is the turn's id as well"""
    kind: Literal["message", "outcome"]
    speaker: str = ""
    """opaque person id of the author; the tools' scope is judged for this person in each step"""
    text: str = ""
    """the question; empty for an outcome, whose row is read through `Ports.proposals`"""


@dataclass(frozen=True)
class Seat:
    """Who sits at the desk for one tool call."""

    thread: str
    turn: str
    speaker: str
    key: str
    """the same whenever this call runs again after a crash: idempotency key of a draft that it inserts"""
    next_number: int
    """number of the next result (`q<next_number>`), unique in the thread for ever: `Desk.next_number`"""
    earlier: Callable[[tuple[str, ...]], Mapping[str, ToolResult]] = lambda _scope: {}
    """earlier results of the thread that a speaker with this scope may see: `Desk.earlier`. Asked with the scope that
    the seat is judged to have, so that tools and results are of one judgement"""


@dataclass(frozen=True)
class Toolbox:
    """The tools of one seat: `Toolbox(tools=bind(desk), results=desk.earlier, today=desk.today, scope=desk.scope)`."""

    tools: Sequence[BaseTool]
    results: Mapping[str, ToolResult]
    """what the tools answered, by id: the desk's own dictionary, into which each call puts its result"""
    today: date
    scope: tuple[str, ...] = ("*",)
    """the teams that the speaker may see now; earlier results of a wider scope are kept from this turn"""


class ProposalRow(NamedTuple):
    """What the conversation may know of a proposal, read from its row now."""

    version: int
    state: str
    words: str
    """the state in the words that people read"""
    terminal: bool
    sealed: bool
    """true from the moment that people can decide on it; a draft is not"""
    reason: str = ""
    title: str = ""
    """what would change, for instance `Stop i-0abc in eu-central-1`"""


Proposals = Callable[[Sequence[str]], Mapping[str, ProposalRow]]
"""The rows of this thread's proposals by id; an id that is not there, or not this thread's, is left out."""

Sit = Callable[[Seat], Toolbox]
"""Tools for one seat: scope judged for its speaker now, `propose` bound to speaker, thread, turn and key."""


@dataclass(frozen=True)
class Ports:
    """All that a turn is given. The callables may block; they are called from a thread."""

    sit: Sit
    proposals: Proposals
    model: BaseChatModel
    model_name: str = "offline"
    limits: Limits = field(default_factory=Limits)
    price: Price | None = None
    fallbacks: tuple[Voice, ...] = ()
    """who answers when the model does not, in this order; the offline model last"""
    retries: RetryBudget | None = None
    """one for all turns of a process; None: nothing is asked again"""
    budget: Callable[[], str] = lambda: ""
    """why no voice that costs may be asked now, in a sentence; empty if it may"""

    steps: Tell = silent
    """hears what a turn is doing, while it does it"""

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Every model that may answer, in the order in which they are asked."""
        return (Voice(self.model_name, self.model, self.price), *self.fallbacks)
