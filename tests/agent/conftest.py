"""A small world for the agent's tests: tools with known figures, a table of drafts keyed as the database keys them."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, StructuredTool
from pydantic import Field

from agent.conversation import Graph, build, serve
from agent.limits import Limits
from agent.memory import open_memory
from agent.ports import Ports, ProposalRow, Seat, Toolbox, Wake
from agent.said import Answer
from tools.desk import Desk
from tools.result import ToolResult
from tools.sheet import Sheet

Say = AIMessage | str | Exception | Callable[[Sequence[BaseMessage]], Any]


class ScriptedModel(BaseChatModel):
    """Says what it is told to, one entry a call; the last entry goes on for ever."""

    script: list[Any]
    asked: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **_options: Any) -> Any:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.asked.append(list(messages))
        said: Any = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if callable(said):
            said = said(messages)
        if isinstance(said, Exception):
            raise said
        message = AIMessage(said) if isinstance(said, str) else said
        return ChatResult(generations=[ChatGeneration(message=message)])


def call(name: str, **arguments: Any) -> AIMessage:
    """A reply that calls one tool."""
    return AIMessage("", tool_calls=[{"id": f"c-{name}", "name": name, "args": arguments, "type": "tool_call"}])


class World:
    """What the ports reach: a bill of two teams, drafts by key, proposal rows."""

    def __init__(self) -> None:
        self.drafts: dict[str, str] = {}
        self.inserts: list[str] = []
        self.rows: dict[str, ProposalRow] = {}
        self.calls: list[str] = []
        self.seats: list[Seat] = []
        self.scope: dict[str, tuple[str, ...]] = {}
        self.fail_after_draft: list[BaseException] = []

    def ports(self, *script: Say, limits: Limits | None = None, model: BaseChatModel | None = None) -> Ports:
        chosen = model or ScriptedModel(script=list(script))
        return Ports(self.sit, self.proposals, chosen, model_name="scripted", limits=limits or Limits())

    def proposals(self, ids: Sequence[str]) -> dict[str, ProposalRow]:
        return {name: self.rows[name] for name in ids if name in self.rows}

    def sit(self, seat: Seat) -> Toolbox:
        self.seats.append(seat)
        scope = self.scope.get(seat.speaker, ("*",))
        desk = Desk(
            lake=cast("Any", None),
            now=datetime(2026, 11, 23, 9, tzinfo=UTC),
            speaker=seat.speaker,
            scope=scope,
            earlier=dict(seat.earlier(scope)),
            next_number=seat.next_number,
        )
        return Toolbox(self._tools(desk, seat), desk.earlier, date(2026, 11, 23), desk.scope)

    def _tools(self, desk: Desk, seat: Seat) -> list[BaseTool]:
        def query_spend(by: list[str] | None = None, period: str = "2026-10") -> str:
            """What was spent."""
            self.calls.append(f"query_spend {period} {by}")
            sheet = Sheet(desk, "query_spend")
            for team, value in (("fraud-analytics", "12345.67"), ("claims-automation", "900.5")):
                if by:
                    row = sheet.row({by[0]: team})
                    said = f"Effective cost of AI, team {team}"
                    sheet.put(row, "effective", Decimal(value), label=said, unit="USD", period="October 2026")
            total = sheet.row({}, total=True)
            sheet.put(total, "effective", Decimal("13246.17"), label="Total effective cost of AI", unit="USD",
                      period="October 2026")  # fmt: skip
            sheet.notes.append("AI spend only.")
            return told(sheet.done(title="Effective cost of AI, October 2026", columns=("effective",)))

        def propose_change(target: str) -> str:
            """Asks people to stop a machine."""
            self.calls.append(f"propose_change {seat.key}")
            proposal = self.drafts.get(seat.key)
            if proposal is None:
                proposal = self.drafts[seat.key] = f"P-{len(self.drafts):010d}"
                self.inserts.append(seat.key)
                self.rows[proposal] = ProposalRow(1, "drafted", "drafted", terminal=False, sealed=False)
            if self.fail_after_draft:
                raise self.fail_after_draft.pop()
            sheet = Sheet(desk, "propose_change")
            return told(sheet.done(title=f"Stop {target}", columns=(), proposals=(proposal,)))

        def slow() -> str:
            """Never ends in time."""
            import time

            time.sleep(1.5)
            return "{}"

        def broken() -> str:
            """Fails."""
            raise RuntimeError("a stack trace nobody should read 4711")

        return [StructuredTool.from_function(tool) for tool in (query_spend, propose_change, slow, broken)]

    def sealed(self, proposal: str, version: int = 2) -> str:
        self.rows[proposal] = ProposalRow(version, "pending", "waits for a vote", terminal=False, sealed=True)
        return f"{proposal}:{version}"

    def ended(self, proposal: str, version: int = 7) -> str:
        self.rows[proposal] = ProposalRow(version, "verified", "done and verified", terminal=True, sealed=True,
                                          title="Stop i-0abc")  # fmt: skip
        return f"{proposal}:{version}"


def told(result: ToolResult) -> str:
    """A result as a model reads it."""
    import json

    rows = [{"at": row.address, "data": row.names, **dict.fromkeys(row.figures, "…")} for row in result.rows]
    totals = [{"at": row.address, **dict.fromkeys(row.figures, "…")} for row in result.totals]
    return json.dumps({"result": result.id, "title": result.title, "rows": rows, "totals": totals,
                       "proposals": list(result.proposals)})  # fmt: skip


class Thread:
    """One conversation: serves wake-ups and keeps answers as the database does, first one by turn wins."""

    def __init__(self, world: World, graph: Graph, name: str = "cli:p-00000001:t") -> None:
        self.world, self.graph, self.name = world, graph, name
        self.answers: dict[str, Answer] = {}
        self.count = 0

    async def ask(
        self, text: str, *script: Say, speaker: str = "p-00000001", id: str = "", **more: Any
    ) -> Answer | None:
        self.count += 1
        wake = Wake(id or f"m{self.count}", "message", speaker, text)
        return await self.serve(wake, self.world.ports(*script, **more))

    async def outcome(self, id: str) -> Answer | None:
        return await self.serve(Wake(id, "outcome"), self.world.ports("never asked"))

    async def serve(self, wake: Wake, ports: Ports, **more: Any) -> Answer | None:
        said = await serve(self.graph, self.name, wake, ports, **more)
        return None if said is None else self.answers.setdefault(said.turn, said)

    async def state(self) -> Any:
        return await self.graph.aget_state({"configurable": {"thread_id": self.name}})


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[Graph]:
    async with open_memory(tmp_path / "agent.db") as saver:
        yield build(saver)


@pytest.fixture
def thread(world: World, graph: Graph) -> Thread:
    return Thread(world, graph)


@pytest.fixture
def kit() -> Any:
    """The classes and functions above, for tests that make their own."""

    class Kit:
        world, thread, model, call = World, Thread, ScriptedModel, staticmethod(call)

    return Kit
