"""Marks a test as the evidence for requirements of named frameworks; docs/controls.md is generated from these marks."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])
MARK = "_control"


@dataclass(frozen=True)
class Control:
    """`references` like "AISVS 9.2.1"; `shows` is a sentence of what is shown, `short_of` of what is not."""

    references: tuple[str, ...]
    shows: str
    short_of: str = ""


def control(*references: str, shows: str, short_of: str = "") -> Callable[[Test], Test]:
    """Marks a test."""

    def mark(test: Test) -> Test:
        setattr(test, MARK, Control(references, shows, short_of))
        return test

    return mark


def controls_of(module: ModuleType) -> dict[str, Control]:
    """The marked tests of a module by their ids, in the order in which they stand there."""
    file = f"{module.__name__.replace('.', '/')}.py"
    return {
        f"{file}::{name}": found
        for name, test in vars(module).items()
        if (found := getattr(test, MARK, None)) is not None
    }
