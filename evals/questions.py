"""Asks every case of the product, grades the answers, and counts: right answers by group, and why others are wrong."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from evals.bills import MAKERS, NOW, World
from evals.case import Case, Group
from evals.graders import Said, grade, misstated
from evals.subject import Subject, copied, prepared, subject


@dataclass(frozen=True)
class Graded:
    """A case and what came of it; no reasons if it passed."""

    case: Case
    reasons: tuple[str, ...]
    answer: str
    seconds: float
    """of one turn, on the average"""
    tokens: int = 0
    """of one turn, on the average: what the model read and wrote"""
    asked: int = 1
    """conversations: the case and its paraphrases"""

    @property
    def passed(self) -> bool:
        return not self.reasons

    @property
    def misstated(self) -> bool:
        """Whether a number that is not right was told as if it were."""
        return any(misstated(reason) for reason in self.reasons)


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
            left = list(mine)
            while left:
                # A home until somebody proposes: a proposal that one case made must not be in another's way.
                async with subject(copied(template, Path(folder) / f"home-{name}-{len(left)}"), now=NOW) as product:
                    model = product.model
                    while left and not product.proposed:
                        case = left.pop(0)
                        graded[case.id] = await ask(case, product, world)
    return Questions(model, tuple(graded[case.id] for case in cases))


async def ask(case: Case, product: Subject, world: World) -> Graded:
    """One case, with its paraphrases."""
    bill = world.bill
    facts = [bill.facts(expected, sees=case.sees) for expected in case.figures]
    reasons = ["the case expects a figure of which the bill has none" for found in facts if not found]
    expected = [fact for found in facts for fact in found]
    answers: list[Said] = []
    began = time.monotonic()
    for turns in case.conversations:
        said = await product.ask(turns, sees=case.sees)
        wrong = grade(case, said[-1], facts=expected, planted=world.planted, first=said[0])
        reasons += [f"“{turns[0]}”: {reason}" if answers and case.paraphrases else reason for reason in wrong]
        answers += said
    taken = time.monotonic() - began
    tokens = sum(said.tokens for said in answers) // len(answers)
    last = answers[len(case.ask) - 1].answer
    asked = 1 + len(case.paraphrases)
    return Graded(case, tuple(dict.fromkeys(reasons)), last, taken / len(answers), tokens, asked)
