"""Conversations on a server: in a schema of their own, by the agent's role, pruned, strict, and erasable."""

from typing import Any

import psycopg
import pytest
from langgraph.graph import END, START, StateGraph

from agent.memory import SCHEMA, forget, open_memory, prune
from agent.state import State
from app.database_roles import AGENT, AUDITOR, GATE
from tests.postgres.conftest import Served


def _talk(saver: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("say", lambda state: {"open": [*state.get("open", []), "x" * 200]})
    graph.add_edge(START, "say")
    graph.add_edge("say", END)
    return graph.compile(checkpointer=saver)


def _counts(served: Served, thread: str) -> dict[str, int]:
    with served.connect("owner") as connection:
        found = {}
        for table in ("checkpoints", "checkpoint_writes", "checkpoint_blobs"):
            counted = connection.execute(f"SELECT count(*) FROM {SCHEMA}.{table} WHERE thread_id = %s", (thread,))
            row = counted.fetchone()
            assert row is not None
            found[table] = row[0]
    return found


async def test_a_thread_is_remembered_pruned_and_forgotten(served: Served) -> None:
    config = {"configurable": {"thread_id": "t-memory"}}
    async with open_memory(served.address_of(AGENT)) as saver:
        graph = _talk(saver)
        for _ in range(5):
            await graph.ainvoke({"open": ["a"]}, config, durability="sync")
        assert _counts(served, "t-memory")["checkpoints"] > 5
        await prune(saver, "t-memory")
        assert _counts(served, "t-memory")["checkpoints"] == 1
        assert (await graph.aget_state(config)).values["open"]
    async with open_memory(served.address_of(AGENT)) as saver:  # another process
        assert (await _talk(saver).aget_state(config)).values["open"]
        await forget(saver, "t-memory")
        assert (await _talk(saver).aget_state(config)).values == {}
    assert set(_counts(served, "t-memory").values()) == {0}


@pytest.mark.parametrize("part", [GATE, AUDITOR])
def test_nobody_but_the_agent_reads_it(served: Served, part: str) -> None:
    with served.connect(part) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {SCHEMA}.checkpoints")


def test_the_agent_may_not_change_its_tables(served: Served) -> None:
    with served.connect(AGENT) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"ALTER TABLE {SCHEMA}.checkpoints ADD COLUMN x integer")
