"""A disk that is full for one message and has room for the next."""

from typing import Any

import pytest

from app.slack import messages


def full_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The first message that comes cannot be stored; returns a list that grows with each try."""
    kept, tries = messages.store, list[int]()

    def failing(*args: Any, **more: Any) -> str | None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("the disk is full")
        return kept(*args, **more)

    monkeypatch.setattr(messages, "store", failing)
    return tries
