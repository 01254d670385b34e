"""Asks every case of the product, grades the answers, and counts: right answers by group, and why others are wrong."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.bills import MAKERS, NOW, World
from evals.case import Case, Group
from evals.graders import grade
from evals.subject import Subject, copied, prepared, subject


@dataclass(frozen=True)
class Graded:
    """A case and what came of it; no reasons if it passed."""

    case: Case
    reasons: tuple[str, ...]
    answer: str
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.reasons


@dataclass(frozen=True)
class Questions:
    """A whole run."""

    model: str
    graded: tuple[Graded, ...]

    def ratio(self, group: Group | None = None) -> float:
        """The share of cases that passed, of a group or of all; 1 if there is none."""
        mine = [one for one in self.graded if group in (None, one.case.group)]
        return sum(one.passed for one in mine) / len(mine) if mine else 1.0


async def ask_all(cases: Sequence[Case], *, worlds: Mapping[str, World] | None = None) -> Questions:
    """Runs the cases, bill by bill, in temporary homes. `worlds`: bills that are made already, by name."""
    graded: dict[str, Graded] = {}
    model = ""
    with TemporaryDirectory(prefix="spendgate-evals-") as folder:
        for name in dict.fromkeys(case.bill for case in cases):
            mine = [case for case in cases if case.bill == name]
            world = (worlds or {}).get(name) or MAKERS[name](Path(folder) / name)
            scopes = [case.sees for case in mine]
            template = prepared(Path(folder) / f"home-{name}", world, now=NOW, scopes=scopes)
            for case in mine:
                # A home for each case: a proposal that one made must not be in another's way.
                async with subject(copied(template, Path(folder) / f"case-{case.id}"), now=NOW) as product:
                    model = product.model
                    graded[case.id] = await ask(case, product, world)
    return Questions(model, tuple(graded[case.id] for case in cases))


async def ask(case: Case, product: Subject, world: World) -> Graded:
    """One case."""
    began = time.monotonic()
    answers = await product.ask(case.ask, sees=case.sees)
    taken = time.monotonic() - began
    bill = world.bill
    facts = [bill.facts(expected, sees=case.sees) for expected in case.figures]
    expected_facts = [fact for found in facts for fact in found]
    reasons = grade(case, answers[-1], facts=expected_facts, planted=world.planted, first=answers[0])
    reasons += ["the case expects a figure of which the bill has none" for found in facts if not found]
    return Graded(case, tuple(dict.fromkeys(reasons)), answers[-1].answer, taken)
