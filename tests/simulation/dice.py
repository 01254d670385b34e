"""All chance of a run comes from its seed and its number: what the harness chooses, and what the product calls secret.

Two streams, so that a product that draws one secret more does not turn every schedule into another one.
"""

import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Thing = TypeVar("Thing")


class Dice:
    """The choices of one run. Text seeds go through SHA-512, so neither the clock nor hash randomisation counts."""

    def __init__(self, seed: int, run: int) -> None:
        self.choices = random.Random(f"spendgate {seed} {run} choices")
        self.secrets = random.Random(f"spendgate {seed} {run} secrets")

    def chance(self, share: float) -> bool:
        """True in this share of the cases; a share of nothing draws nothing, so calm costs no numbers."""
        return share > 0 and self.choices.random() < share

    def pick(self, things: Sequence[Thing]) -> Thing:
        """One of the things."""
        return things[int(self.choices.random() * len(things))]

    def whole(self, least: int, most: int) -> int:
        """A whole number, both borders included."""
        return self.choices.randint(least, most)

    def span(self, least: float, most: float) -> float:
        """Seconds, in milliseconds, so that a printed one is the one that was used."""
        return round(self.choices.uniform(least, most), 3)


class _Thrown:
    current: Dice | None = None


def _stream() -> random.Random:
    if _Thrown.current is None:
        raise RuntimeError("no run is going on whose dice could make a secret")
    return _Thrown.current.secrets


def throw(dice: Dice) -> None:
    """From now on these dice make the product's secrets."""
    _Thrown.current = dice


@contextmanager
def determined() -> Iterator[None]:
    """While this lasts, the product's random identifiers come from the dice of the run that goes on."""
    before = secrets.token_hex, secrets.token_bytes, secrets.choice
    secrets.token_hex = lambda nbytes=None: _stream().randbytes(nbytes or 32).hex()
    secrets.token_bytes = lambda nbytes=None: _stream().randbytes(nbytes or 32)
    secrets.choice = lambda seq: seq[int(_stream().random() * len(seq))]
    try:
        yield
    finally:
        secrets.token_hex, secrets.token_bytes, secrets.choice = before
        _Thrown.current = None
