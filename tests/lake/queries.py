"""What the lake was asked while a test looked: whether an answer was read again or was at hand."""

from typing import Any

import pytest

from lake import compiled
from lake.question import Question
from lake.reading import Reader


def noted_queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the queries on charges that are asked of the files from now on, in their order."""
    asked: list[str] = []
    real = Reader.fetch

    def fetch(reader: Reader, build: compiled.Build, question: Question, *more: Any) -> Any:
        found = real(reader, build, question, *more)
        asked.append(found[1])
        return found

    monkeypatch.setattr(Reader, "fetch", fetch)
    return asked
