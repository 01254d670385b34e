"""What goes wrong on purpose: rate limits, server errors, slow answers, and deliveries that are broken or doubled."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class AnswerFault(StrEnum):
    """How a call of the Web API goes wrong."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    ERROR = "error"
    SLOW = "slow"
    LOST_ANSWER = "lost_answer"


class DeliveryFault(StrEnum):
    """How a delivery to the app goes wrong."""

    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"
    BROKEN_BODY = "broken_body"
    DUPLICATE = "duplicate"
    LOST = "lost"


class Fault(BaseModel):
    """The next `times` calls of `method` (any, when `*`) with `having` in them, or deliveries of `kind`, go wrong.

    `lost_answer` does what was asked and then answers with HTTP 503: the caller cannot know that it was done.
    """

    model_config = ConfigDict(extra="forbid")

    fault: AnswerFault | DeliveryFault
    method: str = "*"
    having: str = ""
    kind: Literal["event", "interaction", "*"] = "*"
    times: Annotated[int, Field(ge=1, le=10_000)] = 1
    retry_after: Annotated[int, Field(ge=0, le=600)] = 1
    error: str = "internal_error"
    seconds: Annotated[float, Field(ge=0, le=60)] = 1.0


class Faults:
    """The faults that are still to happen, first come, first served."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def plan(self, faults: list[Fault]) -> None:
        """Adds to what is to go wrong."""
        self.pending.extend(faults)

    def clear(self) -> None:
        """Everything works again."""
        self.pending.clear()

    def for_call(self, method: str, body: str) -> Fault | None:
        """The fault of this call of `method` with what it sends, decoded; used up once."""
        return self._take(
            next(
                (
                    f
                    for f in self.pending
                    if isinstance(f.fault, AnswerFault) and f.method in ("*", method) and f.having in body
                ),
                None,
            )
        )

    def for_delivery(self, kind: str) -> Fault | None:
        """The fault of this delivery, used up once."""
        return self._take(
            next((f for f in self.pending if isinstance(f.fault, DeliveryFault) and f.kind in ("*", kind)), None)
        )

    def _take(self, fault: Fault | None) -> Fault | None:
        if fault is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.pending.remove(fault)
        return fault
