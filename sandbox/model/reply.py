"""One reply of the provider: a text or calls of tools, and the manner in which it reaches the client."""

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Manner(StrEnum):
    """How a reply arrives. All but `WELL` were seen at real providers, or at proxies in front of them."""

    WELL = "well"
    HANGS = "hangs before the first byte"
    STALLS = "stalls in the middle"
    DRIPS = "drips a byte at a time"
    CUT = "is cut off in the middle"
    ENDS_EARLY = "ends without saying that it ended"
    GARBAGE = "is bytes that are no text"
    NO_JSON = "is a page of HTML"
    BROKEN_JSON = "has a chunk that is no JSON"
    EMPTY = "is empty"
    NO_CHOICES = "has no choices"
    NULL = "has nulls everywhere"
    OTHER_SHAPE = "is JSON of another shape"
    OUT_OF_ROOM = "ran out of tokens"
    FILTERED = "was taken away by a filter"


@dataclass(frozen=True)
class Reply:
    """`text` or `calls` as (name, arguments as text), answered with `status`; tokens as the provider counts them."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    status: int = 200
    manner: Manner = Manner.WELL
    input_tokens: int = 900
    output_tokens: int = 40
    retry_after: str = ""
    seconds: float = field(default=30.0, compare=False)
    """how long it hangs or stalls"""

    def arriving(self, manner: Manner, *, seconds: float = 30.0) -> "Reply":
        """The same reply in this manner."""
        return replace(self, manner=manner, seconds=seconds)


def says(text: str) -> Reply:
    """A text."""
    return Reply(text=text)


def calls(name: str, **arguments: Any) -> Reply:
    """One call of a tool."""
    return Reply(calls=((name, json.dumps(arguments)),))


def calls_all(*wanted: tuple[str, dict[str, Any]]) -> Reply:
    """Several calls in one reply."""
    return Reply(calls=tuple((name, json.dumps(arguments)) for name, arguments in wanted))


def refuses(status: int, *, retry_after: str = "") -> Reply:
    """An error of the provider, such as 429 or 500."""
    return Reply(status=status, retry_after=retry_after)
