"""One asker's place at the tools over many calls: judged anew at each, with the results of the last calls at hand."""

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy import Engine

from agent.guards import marked
from agent.ports import Seat, Toolbox
from app.database import writing
from app.halt import HALTED, is_halted
from app.inbox import conversation
from tools.result import ToolResult

PROPOSES = "propose_change"
RESULTS_KEPT = 20
"""results of earlier calls that `derive` and `propose_change` may name"""
LONGEST_ARGUMENTS = 20_000


class NotHereError(Exception):
    """A call that this asker cannot make, in a sentence."""


class Bench:
    """The tools of one person. One call at a time, so that two never share a number of a result."""

    def __init__(self, engine: Engine, sit: Callable[[Seat], Toolbox], *, person: str, may_propose: bool) -> None:
        self._engine, self._sit = engine, sit
        self.person, self.may_propose = person, may_propose
        self._place = f"mcp-{secrets.token_hex(8)}"
        self._results: OrderedDict[str, ToolResult] = OrderedDict()
        self._next, self._calls = 1, 0
        self._lock = asyncio.Lock()

    def tools(self) -> Toolbox:
        """The tools that there are, with their schemas; `propose_change` only for who may."""
        box = self._sit(self._seat("", key="", thread=""))
        return Toolbox(
            [tool for tool in box.tools if self.may_propose or tool.name != PROPOSES], {}, box.today, box.scope
        )

    async def call(self, name: str, arguments: dict[str, object]) -> str:
        """What a tool answers, as marked data. Raises NotHereError for a call that cannot be made."""
        async with self._lock:
            return await asyncio.to_thread(self._call, name, arguments)

    def _call(self, name: str, arguments: dict[str, object]) -> str:
        if is_halted(self._engine):
            raise NotHereError(HALTED)
        if name == PROPOSES and not self.may_propose:
            raise NotHereError(
                "This token may read and not propose; make another with `spendgate token make --propose`."
            )
        if len(json.dumps(arguments)) > LONGEST_ARGUMENTS:
            raise NotHereError(f"The arguments are longer than {LONGEST_ARGUMENTS:,} characters.")
        self._calls += 1
        thread = self._thread() if name == PROPOSES else ""
        box = self._sit(self._seat(self._place, key=f"{self._place}/{self._calls}", thread=thread))
        tool = next((tool for tool in box.tools if tool.name == name), None)
        if tool is None:
            known = ", ".join(tool.name for tool in self.tools().tools)
            raise NotHereError(f"There is no such tool. There are: {known}.")
        before = set(box.results)
        text = str(tool.invoke(arguments))
        for fresh in [box.results[one] for one in box.results if one not in before]:
            self._results[fresh.id] = fresh
            self._next = max(self._next, int(fresh.id[1:]) + 1)
        while len(self._results) > RESULTS_KEPT:
            self._results.popitem(last=False)
        return marked(name, text)

    def _seat(self, turn: str, *, key: str, thread: str) -> Seat:
        return Seat(
            thread=thread,
            turn=turn,
            speaker=self.person,
            key=key,
            next_number=self._next,
            earlier=lambda _scope: dict(self._results),
        )

    def _thread(self) -> str:
        """The conversation that a draft belongs to; made with the first one, since most askers only read."""
        with writing(self._engine) as (session, _):
            place = conversation(
                session, surface="mcp", team="", channel=self.person, thread_ts=self._place, private=True
            )
            return str(place.thread)
