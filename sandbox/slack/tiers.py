"""Slack's rate limits: so many calls a minute by the method's tier, and one message a second in a channel.

Off unless the sandbox is started with them: most tests ask what is said, not how fast.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
BURST = 1.5
"""Slack lets short bursts through; half as much again stands for that."""
TIERS: dict[str, int] = {
    **dict.fromkeys(("apps.connections.open",), 1),
    **dict.fromkeys(
        (
            "chat.startStream", "chat.stopStream", "conversations.list", "usergroups.list", "usergroups.users.list",
            "users.list", "reactions.remove", "conversations.create", "conversations.archive",
        ),
        2,
    ),
    **dict.fromkeys(
        (
            "chat.update", "chat.delete", "conversations.history", "conversations.replies", "conversations.info",
            "conversations.open", "conversations.join", "conversations.invite", "reactions.add", "reactions.get",
            "users.lookupByEmail", "team.info", "bots.info", "agents.sessions.setStatus", "agents.sessions.rename",
        ),
        3,
    ),
    **dict.fromkeys(
        (
            "chat.appendStream", "chat.postEphemeral", "conversations.members", "users.info", "users.profile.get",
            "views.open", "views.push", "views.update", "views.publish", "files.getUploadURLExternal",
            "files.completeUploadExternal", "files.info", "api.test",
        ),
        4,
    ),
}  # fmt: skip
CHANNEL_BURST = 4


class Tiers:
    """How much was asked in the last minute, by method and by channel."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}

    def too_much(self, method: str, channel: str | None) -> int | None:
        """The seconds to wait before this call may be made; None where it may be made now, which is then counted."""
        waits = []
        if method in TIERS:
            waits.append(self._wait(method, most=int(PER_MINUTE[TIERS[method]] * BURST), seconds=60.0))
        if method == "chat.postMessage" and channel:
            waits.append(self._wait(f"post {channel}", most=CHANNEL_BURST, seconds=float(CHANNEL_BURST)))
        longest = max(waits, default=0.0)
        if longest > 0:
            return max(1, round(longest))
        for key in (method, f"post {channel}"):
            if key in self._calls and (key == method or method == "chat.postMessage"):
                self._calls[key].append(self._clock())
        return None

    def _wait(self, key: str, *, most: int, seconds: float) -> float:
        now, past = self._clock(), self._calls.setdefault(key, deque())
        while past and now - past[0] >= seconds:
            past.popleft()
        return 0.0 if len(past) < max(most, 1) else seconds - (now - past[0])
