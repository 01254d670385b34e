"""A case: what somebody asks, and what its answer must and must not hold. Cases are data: `cases/*/*.yaml`, one a file.

A case says what is right in plain terms (metric, days, filters, split), never a number: numbers come from the bill.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from evals.days import days

FOLDER = Path(__file__).parent / "cases"
EVERYONE = ("*",)


class Group(StrEnum):
    """What a case tries: the lines of the board."""

    SPEND = "spend"
    WHY = "why and what is unusual"
    SAVINGS = "savings and proposals"
    GAPS = "unknown, missing and unfinished"
    REFUSALS = "hostile and out of scope"
    SCOPE = "what one may see"
    LANGUAGES = "other languages"


class Want(StrEnum):
    """Which number of a truth is expected."""

    VALUE = "value"
    BEFORE = "before"
    CHANGE = "change"
    CHANGE_PCT = "change_pct"
    SHARE = "share"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expected(_Strict):
    """Figures that the answer must show. With `by`: one for each of the `top` largest elements (0: all of them).

    `ai` left out: the answer may count AI alone or everything, if the figure is right for what its label says.
    """

    metric: str = "effective"
    period: str
    ai: bool | None = None
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    by: tuple[str, ...] = ()
    top: int = 0
    compare: str = ""
    want: Want = Want.VALUE
    of: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    of_ai: bool = False
    currency: str = "USD"

    @field_validator("where", "of", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return {key: (one,) if isinstance(one, str) else tuple(one) for key, one in value.items()}

    @model_validator(mode="after")
    def _readable(self) -> Self:
        for text in (self.period, *([self.compare] if self.compare else [])):
            days(text)
        if (self.want in (Want.BEFORE, Want.CHANGE, Want.CHANGE_PCT)) and not self.compare:
            raise ValueError(f"'{self.want}' needs 'compare'")
        return self


class Case(_Strict):
    """`ask` is one question or the turns of a conversation; what is expected is expected of the last answer.

    Each of `paraphrases` is asked in a conversation of its own, and the same is expected of its answer: the case is
    right only if all of them are.
    """

    id: str
    persona: str
    group: Group
    ask: tuple[str, ...]
    ask_repeated: int = Field(1, ge=1)
    """how often the text of each turn is written one after the other, for texts that are too long to stand here"""
    paraphrases: tuple[str, ...] = ()
    bill: str = "bank"
    sees: tuple[str, ...] = EVERYONE
    tools: tuple[str, ...] = ()
    figures: tuple[Expected, ...] = ()
    no_figures: bool = False
    refused: bool | None = None
    asked_back: bool | None = None
    proposals: int | None = None
    idle: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    same_as_first: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""

    @field_validator("ask", mode="before")
    @classmethod
    def _turns(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @property
    def conversations(self) -> Iterator[tuple[str, ...]]:
        """What is asked, conversation by conversation: the case itself, then each paraphrase of its only turn."""
        yield tuple(text * self.ask_repeated for text in self.ask)
        yield from ((text,) for text in self.paraphrases)

    @model_validator(mode="after")
    def _one_turn(self) -> Self:
        if self.paraphrases and len(self.ask) > 1:
            raise ValueError("only a case of one turn has paraphrases")
        return self


def load_cases(folder: Path = FOLDER) -> list[Case]:
    """Every case of the folder, by the file's place; its name is its id. Raises ValueError naming the file."""
    cases: list[Case] = []
    for path in sorted(folder.glob("*/*.yaml")):
        try:
            table = yaml.safe_load(path.read_text(encoding="utf-8"))
            cases.append(Case.model_validate({**table, "id": path.stem}))
        except (ValueError, TypeError, yaml.YAMLError) as error:
            raise ValueError(f"{path.relative_to(folder)}: {error}") from error
    names = [case.id for case in cases]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"cases of one name: {', '.join(sorted(twice))}")
    return cases
