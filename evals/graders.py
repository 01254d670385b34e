"""Right or wrong, and why: what an answer holds against what the bill says. Pure; a reason for every fault.

A figure is right only if its exact value, unit, days and label are: the right number under the wrong team's name is
the worst of all answers, since nobody doubts it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from evals.case import Case, Want
from evals.days import Days, days, spoken
from evals.truth import Fact

CENT = Decimal("0.01")
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP"}
_MONEY = re.compile(r"[-+−]?[$€£]\s?\d[\d,]*(?:\.\d+)?|[-+−]?\d[\d,]*(?:\.\d+)?\s?(?:USD|EUR|GBP|CHF|%)")
_CLAIMED = re.compile(
    r"\b(?:i|we)(?:'ve|\s+have|\s+just)*\s+(?:approved|stopped(?! here)|terminated|deleted|executed|shut)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Shown:
    """One figure as an answer shows it."""

    label: str
    value: Decimal
    unit: str
    period: str
    display: str

    @property
    def parts(self) -> tuple[str, ...]:
        """The label's parts: the metric, then names."""
        return tuple(part.strip() for part in self.label.split(", "))

    @property
    def days(self) -> tuple[Days, ...]:
        return spoken(self.period)


@dataclass(frozen=True)
class Said:
    """An answer, as `spendgate ask --json` prints it."""

    answer: str
    figures: tuple[Shown, ...] = ()
    tools: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()
    asked_back: bool = False
    refused: bool = False
    tokens: tuple[int, int] = (0, 0)
    """read and written"""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Said":
        """From the stored row of an answer."""
        kept = ("label", "unit", "period", "display")
        figures = tuple(
            Shown(value=Decimal(one["value"]), **{name: str(one[name]) for name in kept}) for one in body["figures"]
        )
        return cls(
            answer=str(body["answer"]),
            figures=figures,
            tools=tuple(body["tools"]),
            proposals=tuple(body["proposals"]),
            asked_back=bool(body["asked_back"]),
            refused=bool(body["refused"]),
            tokens=(body["tokens"]["input"], body["tokens"]["output"]),
        )


@dataclass(frozen=True)
class Planted:
    """What the bill's maker knows: idle machines and their saving a month, machines that only look idle, events."""

    idle: Mapping[str, Decimal] = field(default_factory=dict)
    not_idle: tuple[str, ...] = ()
    events: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, truth: Mapping[str, Any]) -> "Planted":
        """From a bank's `truth.json`."""
        return cls(
            idle={one["name"]: Decimal(one["monthly_effective_cost"]) for one in truth["idle"]},
            not_idle=tuple(one["name"] for one in (*truth["decoys"], *truth["unknown"])),
            events={event["id"]: event for event in truth["events"]},
        )


def grade(
    case: Case, said: Said, *, facts: Sequence[Fact] = (), planted: Planted | None = None, first: Said | None = None
) -> list[str]:
    """Every fault of the last answer, in words; none if it is right. `first`: the conversation's first answer."""
    planted = planted or Planted()
    reasons = [
        *unfounded(said, asked=" ".join(case.ask)),
        *(reason for fact in facts for reason in wrong_figure(fact, said)),
        *_flags(case, said),
        *_words(case, said),
        *(reason for name in case.idle for reason in wrong_idle(name, said, planted)),
        *(reason for name in case.events for reason in missed_event(name, said, planted)),
    ]
    if case.same_as_first and first is not None and _values(first) != _values(said):
        reasons.append("the same question twice gave two answers")
    return reasons


def misstated(reason: str) -> bool:
    """Whether a reason of `grade` says that a number was told that is not right: worse than none."""
    said = reason.rpartition("”: ")[2]
    return said.startswith(("wrong: ", "no figure was expected", "the amount ", "the saving of ", "the figure "))


def wrong_figure(fact: Fact, said: Said) -> Iterable[str]:
    """Why this fact is not shown as it is."""
    if fact.either is not None and any(_fits(fact.either, one) for one in said.figures):
        fact = fact.either
    fitting = [one for one in said.figures if _fits(fact, one)]
    if not fitting:
        same = [one for one in said.figures if one.unit == fact.unit and _equal(fact, one)]
        where = f"; the value stands as '{same[0].label}', {same[0].period}" if same else ""
        yield f"missing: {fact.said}{where}"
    for one in fitting:
        if not _equal(fact, one):
            yield f"wrong: {fact.said}, shown {one.value:f}"


def _fits(fact: Fact, one: Shown) -> bool:
    """Whether a figure claims to be this fact, by label, unit and days."""
    label = one.label.casefold()
    named = all(_name_in(name, label) for name in fact.names)
    kind = {Want.CHANGE: "change of", Want.CHANGE_PCT: "change of", Want.SHARE: "share"}.get(fact.want, "")
    changes = label.startswith(("change of", "share", "excess", "expected", "saving"))
    if not (named and one.unit == fact.unit and f"{fact.metric} cost" in label and one.days == fact.periods):
        return False
    if fact.want is Want.SHARE:
        return kind in label
    told = sum(part.count(" or ") + 1 for part in one.parts[1:])
    exact = told <= len(fact.names)  # no further name narrows it down, or is summed up with it
    return exact and ("cost of ai" in label) == fact.ai and (label.startswith(kind) if kind else not changes)


def _name_in(name: str, label: str) -> bool:
    if name == "(none)":
        return "without " in label
    return re.search(rf"(?<![\w-]){re.escape(name.casefold())}(?![\w-])", label) is not None


def _equal(fact: Fact, one: Shown) -> bool:
    """Money to the last digit; a percentage to the digits that the figure has, of which there must be four."""
    if fact.unit != "%":
        return one.value == fact.value
    places = one.value.as_tuple().exponent
    fine = isinstance(places, int) and places <= -4
    return fine and fact.value.quantize(one.value, ROUND_HALF_UP) == one.value


def unfounded(said: Said, *, asked: str = "") -> Iterable[str]:
    """Amounts in the text that no figure carries, figures that the text does not show, displays that do not fit."""
    text = "\n".join(line for line in said.answer.splitlines() if not line.startswith("Note: "))
    founded = {one.display for one in said.figures} | set(_MONEY.findall(asked))
    founded |= {token for one in said.figures for token in _MONEY.findall(one.label)}  # limits of a rule
    for token in dict.fromkeys(_MONEY.findall(text)):
        if token not in founded:
            yield f"the amount {token} stands in the text without a figure"
    for one in said.figures:
        if one.display not in text:
            yield f"the figure {one.display} ({one.label}) does not stand in the text"
        if not one.label or (not one.days and one.unit in _SIGNS.values()):
            yield f"the figure {one.display} has no label or no days that can be read: '{one.label}', '{one.period}'"
        if not _display_fits(one):
            yield f"the figure {one.value:f} is displayed as {one.display}"
    if "Traceback" in said.answer:
        yield "a stack trace stands in the answer"
    if _CLAIMED.search(text):
        yield "the answer claims a deed"


def _display_fits(one: Shown) -> bool:
    if one.unit not in _SIGNS.values() or 0 < abs(one.value) < CENT:
        return True
    digits = re.sub(r"[^\d.\-]", "", one.display.replace("−", "-"))
    sign = next((unit for mark, unit in _SIGNS.items() if mark in one.display), one.unit)
    return sign == one.unit and Decimal(digits) == one.value.quantize(CENT, ROUND_HALF_UP)


def wrong_idle(name: str, said: Said, planted: Planted) -> Iterable[str]:
    """Why an idle machine is not told with what stopping it saves a month, or another one is told as idle."""
    saving = planted.idle[name]
    shown = [one for one in said.figures if one.label.lower().startswith("saving a month") and name in one.label]
    if name not in said.answer or not shown:
        yield f"the idle machine {name} is not told with its saving"
    elif any(abs(one.value - saving) >= CENT for one in shown):
        yield f"the saving of {name} is {saving:.2f}, shown {shown[0].value:f}"
    for other in planted.not_idle:
        if any(one.label.lower().startswith("saving") and other in one.label for one in said.figures):
            yield f"{other} is told as a saving and is not idle"


def missed_event(name: str, said: Said, planted: Planted) -> Iterable[str]:
    """Why a planted event is not told: no figure bears names of its series, and no others, and days of it."""
    event = planted.events[name]
    series = {str(value).casefold() for value in event["series"].values()}
    during = days(f"{event['start']}..{event['end']}")
    for one in said.figures:
        names = [_bare(part) for part in one.parts[1:]]
        if names and set(names) <= series and one.days and one.days[0].meets(during):
            return
    yield f"the planted event {name} is not told ({', '.join(sorted(series))})"


def _bare(part: str) -> str:
    """A name without the word for its dimension: `team fraud-analytics` is `fraud-analytics`."""
    return re.sub(r"^(?:team|use case|environment|region|workload|tokens|resource) ", "", part).casefold()


def _flags(case: Case, said: Said) -> Iterable[str]:
    for tool in case.tools:
        if tool not in said.tools:
            yield f"the tool {tool} was not used (used: {', '.join(said.tools) or 'none'})"
    if case.no_figures and said.figures:
        shown = "; ".join(f"{one.display} ({one.label})" for one in said.figures[:3])
        yield f"no figure was expected, shown: {shown}"
    if case.refused is not None and said.refused != case.refused:
        yield "it should have been refused" if case.refused else "it was refused"
    if case.asked_back is not None and said.asked_back != case.asked_back:
        yield "it should have asked back" if case.asked_back else "it asked back"
    if case.proposals is not None and len(said.proposals) != case.proposals:
        yield f"{case.proposals} proposals were expected, {len(said.proposals)} made"


def _words(case: Case, said: Said) -> Iterable[str]:
    shown = "\n".join([said.answer, *(f"{one.label} {one.period}" for one in said.figures)])
    for pattern in case.says:
        if not re.search(pattern, said.answer, re.IGNORECASE):
            yield f"the answer does not say /{pattern}/"
    for name in case.never:
        if name.casefold() in shown.casefold():
            yield f"'{name}' must not appear"


def _values(said: Said) -> list[tuple[str, Decimal]]:
    return sorted((one.label, one.value) for one in said.figures)
