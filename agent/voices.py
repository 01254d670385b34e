"""Voices: the language models that may answer, in the order in which they are asked, and how often one is asked again.

A provider that is down is met by a retry, by the next voice, and at last by the offline model, which needs nobody.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.tools import BaseTool

from agent.model import Reply, ask
from agent.offline import OfflineModel
from agent.price import Price

MOST_TRIES = 3
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
"""seconds before the second try, doubled for each further one; a server's own wish counts if it is not longer"""


@dataclass(frozen=True)
class Voice:
    """One model: its name as answers and the log tell it, and its price if somebody configured one."""

    name: str
    model: BaseChatModel
    price: Price | None = None

    @property
    def is_offline(self) -> bool:
        """Whether it needs no provider and costs nothing."""
        return isinstance(self.model, OfflineModel)


@dataclass
class RetryBudget:
    """How often all turns of a process together may ask again: each good reply earns a tenth of a retry.

    Without it every turn of an outage asks three times, and a provider that is overloaded is kept so (the retry budget
    of Finagle and of Google's SRE book, chapter 21, in its plain form).
    """

    most: float = 10.0
    earned: float = 0.1
    left: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self.left = self.most

    def good(self) -> None:
        """A reply came at once."""
        with self._lock:
            self.left = min(self.most, self.left + self.earned)

    def take(self) -> bool:
        """True if one more retry may be made; it is then counted."""
        with self._lock:
            if self.left < 1:
                return False
            self.left -= 1
            return True


async def ask_again(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    tools: Sequence[BaseTool],
    *,
    seconds: float,
    budget: RetryBudget | None,
    most: int = MOST_TRIES,
) -> Reply:
    """One reply within `seconds`, asked for again while its fault may pass, time is left and the budget allows.

    At most `most` times, whatever the budget holds. A try that failed may have been charged for: the reply carries the
    tokens of all of them.
    """
    until = time.monotonic() + seconds
    pause = FIRST_PAUSE
    read, written = 0, 0
    for tries in range(1, MOST_TRIES + 1):
        reply = await ask(model, messages, tools, seconds=max(until - time.monotonic(), 0.01))
        read, written = read + reply.tokens[0], written + reply.tokens[1]
        reply = replace(reply, tokens=(read, written), tries=tries)
        if not reply.failure and budget is not None:
            budget.good()
        wait = max(pause, reply.after)
        may_pass = (
            reply.failure and reply.may_pass and tries < min(most, MOST_TRIES) and wait < until - time.monotonic()
        )
        if not may_pass or wait > LONGEST_PAUSE or budget is None or not budget.take():
            return reply
        await asyncio.sleep(wait)
        pause = min(pause * 2, LONGEST_PAUSE)
    return reply
