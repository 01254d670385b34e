"""What a turn is doing, told while it does it: one step for each call of a tool, in plain words without a figure.

The words are ours. What the model says, and with which arguments it calls a tool, is shown to nobody before it was
checked: so a step names the tool that there is, never what it was asked for or what it found.
"""

from collections.abc import Awaitable, Callable, Mapping, Sized
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class StepState(StrEnum):
    """How far a step is; the words are Slack's own for a task."""

    RUNNING = "in_progress"
    DONE = "complete"
    FAILED = "error"


class Step(NamedTuple):
    """One call of a tool; `number` counts the calls of the turn, so that a call which runs again is the same step."""

    turn: str
    number: int
    tool: str
    state: StepState


Tell = Callable[[Step], None]
"""Hears of each step as it begins and ends; must return at once, since the turn waits for it."""

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "query_spend": ("Looking up what was spent", "Looked up what was spent"),
        "explain_change": ("Finding what a change comes from", "Found what a change comes from"),
        "report_allocation": ("Looking at spend that nobody is named for", "Looked at spend that nobody is named for"),
        "find_anomalies": ("Looking for unusual spend", "Looked for unusual spend"),
        "find_savings": ("Looking for what could be saved", "Looked for what could be saved"),
        "simulate_change": ("Reckoning what a change would cost", "Reckoned what a change would cost"),
        "propose_change": ("Proposing a change for people to decide", "Proposed a change for people to decide"),
        "find_proposals": ("Looking up where proposals stand", "Looked up where proposals stand"),
        "derive": ("Comparing figures", "Compared figures"),
    }
)
"""What each tool does, while it does it and afterwards."""


def words(tool: str, state: StepState) -> str:
    """The step in words; what did not work is said to have been tried."""
    doing, done = WORDS[tool]
    if state is StepState.FAILED:
        return f"Tried, without a result: {doing[0].lower()}{doing[1:]}"
    return done if state is StepState.DONE else doing


def silent(_step: Step) -> None:
    """For turns that nobody watches."""


async def told(tell: Tell, step: Step, work: Awaitable[str], found: Sized) -> str:
    """What `work` gives, told as it begins and ends; it worked if `found`, the turn's results, grew by it. Of a tool
    that the model made up there is nothing to tell."""
    if step.tool not in WORDS:
        return await work
    tell(step)
    before, state = len(found), StepState.FAILED
    try:
        text = await work
        state = StepState.DONE if len(found) > before else StepState.FAILED
    finally:
        tell(step._replace(state=state))
    return text
