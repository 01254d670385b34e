"""The port of a provider's interface: what it is asked, and how what it answered becomes charges."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol

from lake.report import Finding
from lake.sources.billed_usage import Joined
from lake.sources.kept_pages import Request, Results
from lake.sources.paged_api import PagedApi, Params


class ApiSource(Protocol):
    """A configured interface. `is_gateway`: its amounts are estimates and belong in no total."""

    name: str
    kinds: tuple[str, ...]
    is_gateway: bool
    api: PagedApi

    def requests(self, first: date, end: date) -> list[Request]:
        """What to ask for these days, from `first` to before `end`."""
        ...

    def probe(self, day: date) -> Request:
        """One cheap request that shows what the key may read."""
        ...

    def joined(self, days: Mapping[str, Results], *, now: datetime) -> Joined:
        """The charges of the kept days, by kind."""
        ...


def next_page(page: Mapping[str, Any], params: Params) -> Params | None:
    """The page after this one where an envelope says `has_more` and `next_page`, as OpenAI's and Anthropic's do."""
    if not page["has_more"]:
        return None
    cursor = page["next_page"]
    if not isinstance(cursor, str) or not cursor:
        raise ValueError("there is more, and no next_page")
    return [*(pair for pair in params if pair[0] != "page"), ("page", cursor)]


def disagreements(source: str, faults: list[str]) -> list[Finding]:
    """One finding for the reports of tokens that contradict themselves: their tokens are counted nowhere."""
    if not faults:
        return []
    text = f"{len(faults)} reports of tokens contradict themselves and are left out, such as {faults[0]}"
    return [Finding(rule="tokens-disagree", file=source, rows=len(faults), text=text)]
