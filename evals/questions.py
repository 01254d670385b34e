"""Asks every case of the product, grades the answers, and counts: right answers by group, and why others are wrong."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.model_settings import ModelSettings
from evals.bills import MAKERS, NOW, World
from evals.case import Case, Group
from evals.graders import Said, grade, misstated
from evals.subject import OFFLINE, Subject, copied, prepared, subject


@dataclass(frozen=True)
class Graded:
    """A case and what came of it; no reasons if it passed."""

    case: Case
    reasons: tuple[str, ...]
    answer: str
    seconds: float
    """of one turn, on the average"""
    tokens: tuple[int, int] = (0, 0)
    """of all turns together: what the model read and wrote"""
    turns: int = 1
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

    @property
    def tokens(self) -> tuple[int, int]:
        """What the model read and wrote in all."""
        return sum(one.tokens[0] for one in self.graded), sum(one.tokens[1] for one in self.graded)


async def ask_all(
    cases: Sequence[Case], *, worlds: Mapping[str, World] | None = None, model: ModelSettings = OFFLINE
) -> Questions:
    """Runs the cases, bill by bill, in temporary homes. `worlds`: bills that are made already, by name."""
    graded: dict[str, Graded] = {}
    answered_by = ""
    with TemporaryDirectory(prefix="spendgate-evals-") as folder:
        for name in dict.fromkeys(case.bill for case in cases):
            mine = [case for case in cases if case.bill == name]
            world = (worlds or {}).get(name) or MAKERS[name](Path(folder) / name)
            scopes = [case.sees for case in mine]
            template = prepared(Path(folder) / f"home-{name}", world, now=NOW, scopes=scopes)
            left = list(mine)
            while left:
                # A home until somebody proposes: a proposal that one case made must not be in another's way.
                home = copied(template, Path(folder) / f"home-{name}-{len(left)}")
                async with subject(home, now=NOW, model=model) as product:
                    answered_by = product.model
                    while left and not product.proposed:
                        case = left.pop(0)
                        graded[case.id] = await ask(case, product, world)
    return Questions(answered_by, tuple(graded[case.id] for case in cases))


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
    read, written = (sum(said.tokens[way] for said in answers) for way in (0, 1))
    last = answers[len(case.ask) - 1].answer
    asked = 1 + len(case.paraphrases)
    faults = tuple(dict.fromkeys(reasons))
    return Graded(case, faults, last, taken / len(answers), (read, written), len(answers), asked)
