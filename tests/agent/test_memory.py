"""What is remembered stays small, plain and strict, and can be erased."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent.conversation import build
from agent.memory import forget, open_memory, prune
from agent.strict import require_strict


def size(path: Path, thread: str) -> tuple[int, int]:
    with sqlite3.connect(path) as db:
        rows, used = db.execute(
            "select count(*), sum(length(checkpoint) + length(metadata)) from checkpoints where thread_id = ?",
            (thread,),
        ).fetchone()
        (writes,) = db.execute(
            "select coalesce(sum(length(value)), 0) from writes where thread_id = ?", (thread,)
        ).fetchone()
    return rows, used + writes


@pytest.mark.parametrize("turns", [20, pytest.param(200, marks=pytest.mark.slow)])
async def test_a_long_thread_that_waits_stays_below_a_megabyte(
    tmp_path: Path, world: Any, kit: Any, turns: int
) -> None:
    path = tmp_path / "agent.db"
    async with open_memory(path) as saver:
        thread = kit.thread(world, build(saver))
        await thread.ask("stop i-0a", kit.call("propose_change", target="i-0a"), "I asked for it.")
        for number in range(turns):
            address = f"{{q{number + 2}.t1.effective}}"
            await thread.ask("what did AI cost? " * 20, kit.call("query_spend", by=["team"]), f"In total {address}.")
        assert (await thread.state()).interrupts, "pruning leaves the wait as it is"
    rows, used = size(path, thread.name)
    print(f"{turns} turns: {rows} checkpoint, {used / 1e6:.3f} MB; file {path.stat().st_size / 1e6:.3f} MB")
    assert rows == 1
    assert used < 1_000_000
    assert path.stat().st_size < 1_000_000


async def test_the_checkpoint_holds_json_and_nothing_else(tmp_path: Path, world: Any, kit: Any) -> None:
    path = tmp_path / "agent.db"
    async with open_memory(path) as saver:
        thread = kit.thread(world, build(saver))
        await thread.ask("what did AI cost?", kit.call("query_spend", by=["team"]), "{q1.t1.effective}")
        values = (await thread.state()).values
    assert json.loads(json.dumps(values)) == values
    with sqlite3.connect(path) as db:
        for kind, stored in db.execute("select type, checkpoint from checkpoints"):
            assert kind == "msgpack"
            json.dumps(ormsgpack.unpackb(stored))  # an extension type would need a hook


async def test_a_hostile_checkpoint_builds_no_object(tmp_path: Path, world: Any, kit: Any) -> None:
    path, planted = tmp_path / "agent.db", tmp_path / "planted"
    async with open_memory(path) as saver:
        thread = kit.thread(world, build(saver))
        await thread.ask("hello", "Hello.")
    call = ormsgpack.packb(("os", "system", f"touch {planted}"))
    hostile = ormsgpack.Ext(0, call)
    with sqlite3.connect(path) as db:
        ((stored,),) = db.execute("select checkpoint from checkpoints").fetchall()
        checkpoint = ormsgpack.unpackb(stored)
        checkpoint["channel_values"]["history"] = hostile
        db.execute("update checkpoints set checkpoint = ?", (ormsgpack.packb(checkpoint),))
    async with open_memory(path) as saver:
        thread = kit.thread(world, build(saver))
        state = await thread.state()
        assert not isinstance(state.values.get("history"), int)
    assert not planted.exists()


async def test_a_thread_can_be_forgotten(tmp_path: Path, world: Any, kit: Any) -> None:
    path = tmp_path / "agent.db"
    async with open_memory(path) as saver:
        thread = kit.thread(world, build(saver))
        await thread.ask("what did the zebra project cost?", "I cannot tell.")
        await forget(saver, thread.name)
        assert (await thread.state()).values == {}
    await asyncio.sleep(0)
    assert b"zebra" not in path.read_bytes(), "deleted text is overwritten"


def test_strict_loading_is_on_and_its_absence_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    from langgraph.checkpoint.serde import _msgpack

    from agent.strict import AgentError

    require_strict()
    assert os.environ["LANGGRAPH_STRICT_MSGPACK"] == "true"
    assert os.environ["LANGSMITH_TRACING"] == "false"
    monkeypatch.setattr(_msgpack, "STRICT_MSGPACK_ENABLED", False)
    with pytest.raises(AgentError, match="imported before"):
        require_strict()


async def test_what_a_finished_turn_left_is_on_the_disk_before_its_answer_is_stored(
    tmp_path: Path, world: Any, kit: Any
) -> None:
    async with open_memory(tmp_path / "agent.db") as saver:
        assert isinstance(saver, AsyncSqliteSaver)
        thread = kit.thread(world, build(saver))
        traced: list[str] = []
        await saver.conn.set_trace_callback(traced.append)
        await thread.ask("what did AI cost?", kit.call("query_spend", by=["team"]), "{q1.t1.effective}")
        (told,) = await (await saver.conn.execute("PRAGMA synchronous")).fetchone() or (None,)
    steps = [sql.split()[0] for sql in traced if not sql.startswith("--")]
    waits = traced.index("PRAGMA synchronous=FULL")
    assert "INSERT" in steps[:waits], "the steps of the turn come first"
    assert "COMMIT" in steps[waits : traced.index("PRAGMA synchronous=NORMAL")], "and one wait is for all of them"
    assert told == 1, "the next turn's steps do not wait again"


@pytest.mark.parametrize("fault", [asyncio.CancelledError(), sqlite3.OperationalError("disk I/O error")], ids=repr)
async def test_a_pruning_that_was_interrupted_is_taken_back_and_holds_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: Any, kit: Any, fault: BaseException
) -> None:
    async with open_memory(tmp_path / "agent.db") as saver:
        assert isinstance(saver, AsyncSqliteSaver)
        thread = kit.thread(world, build(saver))
        await thread.ask("what did AI cost?", kit.call("query_spend", by=["team"]), "{q1.t1.effective}")
        real = saver.conn.execute

        async def execute(sql: str, *more: Any) -> Any:
            done = await real(sql, *more)
            if sql.startswith("DELETE FROM checkpoints"):
                raise fault
            return done

        with monkeypatch.context() as patched:
            patched.setattr(saver.conn, "execute", execute)
            with pytest.raises(type(fault)):
                await prune(saver, thread.name)
        assert not saver.conn.in_transaction
        (told,) = await (await saver.conn.execute("PRAGMA synchronous")).fetchone() or (None,)
        assert told == 1, "the next turn's steps do not wait"
