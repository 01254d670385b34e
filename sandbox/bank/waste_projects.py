"""Projects at OpenAI planted in the bank's bill: two that run away in its last days, others that only look so.

Amounts follow from the plan of days alone, so that the truth is summed past the rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from sandbox.bank.line import Book, usage
from sandbox.bank.organisation import OPENAI, Account, tags
from sandbox.bank.tokens import SERVICES

RULE = "project_runaway"
NEWEST, BEFORE, PRICE, CLASS = 2, 28, "2", "output"
Plan = Callable[[date, int], float]
"""(day, how many days back from the bill's last) → list dollars of that day"""


def _office(day: date, ordinary: float = 64) -> float:
    return ordinary if day.weekday() < 5 else ordinary / 4


def _agents(day: date, back: int) -> float:
    return (520.0, 470.0)[back] if back < NEWEST else _office(day)


def _mishap(day: date, back: int) -> float:
    """An agent that ran in a circle once, and now does for days."""
    return 390.0 if back < NEWEST else 880.0 if back == 15 else _office(day, 72)


def _one_day(day: date, back: int) -> float:
    return 610.0 if back == 0 else _office(day)


def _campaign(day: date, back: int) -> float:
    return 300.0 if back < NEWEST or 10 <= back < 13 else _office(day)


def _lab(day: date, back: int) -> float:
    return 15.0 if back < NEWEST else 1.6


def _launch(day: date, back: int) -> float:
    return 220.0 if back < NEWEST else 0.0


@dataclass(frozen=True)
class PlantedProject:
    """One project, what the rule must say of it and why; "" is silence."""

    name: str
    project: str
    team: str
    plan: Plan
    verdict: str
    why: str

    def resource(self) -> str:
        """How the rule names it."""
        return f"openai/{self.project}"


PROJECTS: tuple[PlantedProject, ...] = (
    PlantedProject("service-agents", "proj_Qa4zR7agents61", "digital-channels", _agents, "waste",
                   "an agent that keeps its whole history in the context"),
    PlantedProject("statement-parser", "proj_Wn8bT2parser17", "payments", _mishap, "waste",
                   "one dear day two weeks ago is no level"),
    PlantedProject("adverse-media", "proj_Ek3mP5media84", "financial-crime", _one_day, "fine",
                   "only its last day was dear"),
    PlantedProject("rate-campaign", "proj_Yv6hJ9rates25", "digital-channels", _campaign, "fine",
                   "was as dear for days not long ago"),
    PlantedProject("prompt-lab", "proj_Sd2gF1lab0093", "data-platform", _lab, "", "runs away for cents"),
    PlantedProject("card-launch", "proj_Bc5xN4launch38", "payments", _launch, "unknown",
                   "is new, so that it has no level of its own"),
)  # fmt: skip


def add_planted_projects(book: Book) -> None:
    """Each as a daily series of answers of one model."""
    last, length = book.calendar.until, book.calendar.length
    for planted in PROJECTS:
        listed = [planted.plan(last - timedelta(days=back), back) for back in reversed(range(length))]
        line = usage(
            OPENAI, Account(planted.project, planted.name), key=_key(planted), service=SERVICES["OpenAI"],
            meter="gpt-5-mini output", unit="1000000 Tokens", price=PRICE, consumed_unit="Tokens",
            consumed_per_unit=1_000_000, resource_id=f"{planted.project}/gpt-5-mini", resource_name="gpt-5-mini",
            resource_type="Model", tags=tags(planted.team, "production"), model="gpt-5-mini", token_class=CLASS,
            workload="inference", description=f"${PRICE} per million output tokens",
        )  # fmt: skip
        book.add(line, np.array(listed) / float(PRICE))


def _key(planted: PlantedProject) -> str:
    return f"waste/project/{planted.name}"


def projects_truth(book: Book, *, hours_per_month: int) -> list[dict[str, Any]]:
    """What the rule must say of each, what a month would save if its newest days went on, and what it costs on a day
    at most when nothing is wrong with it."""
    costs = {line.key: row for line, row in zip(book.lines, book.effective(), strict=True)}
    told = []
    for planted in PROJECTS:
        days = [Decimal(int(one)).scaleb(-12) for one in costs[_key(planted)]]
        ordinary = sorted(days[-NEWEST - BEFORE : -NEWEST])[-2]
        refused = sum(days[-NEWEST:], Decimal()) / NEWEST - ordinary * Decimal("1.1")
        saving = refused * hours_per_month / 24 if planted.verdict == "waste" else Decimal(0)
        told.append({
            "rule": RULE, "resource": planted.resource(), "name": planted.name, "team": planted.team,
            "verdict": planted.verdict, "why": planted.why, "saving_per_month": str(saving),
            "ordinary_day": str(ordinary),
        })  # fmt: skip
    return told
