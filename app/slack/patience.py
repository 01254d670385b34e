"""How long to leave alone what Slack would not take, item by item.

One answer for a channel that is gone must not hold up everybody else's, and must not be tried four times a second.
"""

import time
from dataclasses import dataclass, field

FIRST_SECONDS, MOST_SECONDS = 2.0, 300.0

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
        "thread_locked",
        "user_not_found",
    }
)
"""Answers of Slack's that will be the same tomorrow, for a message in a thread."""


@dataclass
class Patience:
    """When each item may be tried again; in memory, since a new start may well try all of them."""

    until: dict[str, tuple[float, float]] = field(default_factory=dict)

    def ready(self, key: str) -> bool:
        """Whether it is time to try this one."""
        return time.monotonic() >= self.until.get(key, (0.0, 0.0))[0]

    def failed(self, key: str) -> float:
        """Waits longer each time; returns for how many seconds. The first failure of an item returns the shortest."""
        pause = min(self.until[key][1] * 2 if key in self.until else FIRST_SECONDS, MOST_SECONDS)
        self.until[key] = (time.monotonic() + pause, pause)
        return pause

    def done(self, key: str) -> None:
        """Forgets an item that worked."""
        self.until.pop(key, None)
