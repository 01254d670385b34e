"""How long to leave alone what Slack would not take, item by item.

One answer for a channel that is gone must not hold up everybody else's, and must not be tried four times a second.
"""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError

logger = logging.getLogger(__name__)
FIRST_SECONDS, MOST_SECONDS = 2.0, 300.0

LOST = (OSError, TimeoutError, ClientError)
"""Nobody knows whether Slack did it: the connection broke before the answer."""

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The message that was to be changed is not there any more: a new one takes its place."""

HOPELESS = frozenset(
    {
        "account_inactive",
        "cannot_reply_to_message",
        "channel_not_found",
        "invalid_blocks",
        "is_archived",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "not_in_channel",
        "restricted_action",
        "team_not_allowed",
        "thread_locked",
        "user_not_found",
        "user_not_in_channel",
    }
)
"""Answers of Slack's that will be the same tomorrow, for a message in a thread; and our own for a workspace that is not
on the list (`tokens.py`)."""


def word(error: SlackApiError) -> str:
    """Slack's own word for why not; an answer that is no JSON, as proxies give, has none."""
    data = _data(error)
    return str(data.get("error", "unknown")) if isinstance(data, dict) else "unreadable answer"


def needed(error: SlackApiError) -> str:
    """The scope that Slack says is lacking; all that would do where it does not say."""
    data = _data(error)
    told = data.get("needed") if isinstance(data, dict) else None
    return str(told or "channels:history, or groups:history for a private channel")


def unknown(error: SlackApiError) -> bool:
    """Whether the answer leaves open if it was done: a server error, or an answer that is no JSON."""
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", None)
    return not isinstance(_data(error), dict) or status is None or int(status) >= 500


def asked_to_wait(error: SlackApiError) -> float | None:
    """The seconds of Retry-After where Slack said that it was too much; None for every other answer."""
    if word(error) != "ratelimited" and getattr(error.response, "status_code", None) != 429:
        return None
    told = dict(getattr(error.response, "headers", None) or {})
    seconds = next((value for name, value in told.items() if name.lower() == "retry-after"), "1")
    return min(float(seconds), MOST_SECONDS) if str(seconds).isdigit() else 1.0


def _data(error: SlackApiError) -> Any:
    return getattr(error.response, "data", error.response)


@dataclass
class Patience:
    """When each item may be tried again; in memory, since a new start may well try all of them."""

    until: dict[str, tuple[float, float]] = field(default_factory=dict)

    def ready(self, key: str) -> bool:
        """Whether it is time to try this one."""
        return time.monotonic() >= self.until.get(key, (0.0, 0.0))[0]

    def wait(self, key: str, seconds: float) -> None:
        """Leaves it alone for as long as Slack asked; the pauses after failures are not made longer by that."""
        self.until[key] = (time.monotonic() + seconds, self.until.get(key, (0.0, FIRST_SECONDS / 2))[1])

    def failed(self, key: str) -> float:
        """Waits longer each time; returns for how many seconds. The first failure of an item returns the shortest."""
        pause = min(self.until[key][1] * 2 if key in self.until else FIRST_SECONDS, MOST_SECONDS)
        self.until[key] = (time.monotonic() + pause, pause)
        return pause

    def done(self, key: str) -> None:
        """Forgets an item that worked."""
        self.until.pop(key, None)


async def attempt(patience: Patience, key: str, do: Callable[[], Awaitable[None]]) -> str | None:
    """Does one item if it is time to; returns Slack's word for why not, at its first failure and at hopeless ones.

    An error of `LOST` is raised on: whether it was done is not known, and the next items need a connection as well.
    """
    if not patience.ready(key):
        return None
    try:
        await do()
    except LOST:
        patience.failed(key)
        raise
    except SlackApiError as error:
        seconds = asked_to_wait(error)
        if seconds is not None:
            patience.wait(key, seconds)
            logger.info("Slack asked to wait %.0f s with %s", seconds, key)
            return None
        said, pause = word(error), patience.failed(key)
        logger.warning("Slack would not take %s (%s); trying again in %.0f s", key, said, pause)
        return said
    patience.done(key)
    return None
