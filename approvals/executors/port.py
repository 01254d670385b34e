"""What an executor is: it sends one sealed request, and says what came back or that nothing did."""

from dataclasses import dataclass
from typing import Protocol

from approvals.changes.step import Request


class NoAnswer(Exception):
    """Nothing is known about the outcome: the request may have taken effect or not."""


class Refused(Exception):
    """The provider answered that it did not do it; `code` is its own word for why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code, self.sentence = code, sentence


@dataclass(frozen=True)
class Receipt:
    """The provider's answer: its request id (None in a rehearsal) and a hash over the response."""

    request_id: str | None
    response_hash: str


class Executor(Protocol):
    """Sends, once. `rehearsal` tells whether anything is really sent."""

    name: str
    rehearsal: bool

    def send(self, request: Request, *, token: str) -> Receipt:
        """Sends the request once. Raises NoAnswer or Refused; never sends again by itself."""
        ...
