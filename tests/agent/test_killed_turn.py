"""The agent's process is killed in the middle of a turn, at every port it uses; the next process finishes it, once."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHILD = '''
import asyncio, json, os, sqlite3, sys
from datetime import date, datetime, UTC
from agent.conversation import build, serve
from agent.memory import open_memory
from agent.ports import Ports, Toolbox, Wake
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import StructuredTool
from tools.desk import Desk
from tools.sheet import Sheet

home, die_at = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(f"{home}/gate.db", isolation_level=None, check_same_thread=False)
db.execute("create table if not exists draft (key primary key)")
db.execute("create table if not exists ran (what)")
steps = 0

def step(what):
    global steps
    steps += 1
    if steps == die_at:
        os._exit(9)

class Model(BaseChatModel):
    @property
    def _llm_type(self): return "child"
    def bind_tools(self, tools, **options): return self
    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        step("model")
        if isinstance(messages[-1], ToolMessage):
            said = AIMessage("I asked for it.")
        else:
            said = AIMessage("", tool_calls=[{"id": "c", "name": "propose_change", "args": {}, "type": "tool_call"}])
        return ChatResult(generations=[ChatGeneration(message=said)])

def sit(seat):
    step("sit")
    desk = Desk(lake=None, now=datetime(2026, 11, 23, tzinfo=UTC), speaker=seat.speaker,
                earlier=dict(seat.earlier(("*",))), next_number=seat.next_number)
    def propose_change() -> str:
        """Asks."""
        step("before the draft")
        db.execute("insert into ran values (?)", (seat.key,))
        db.execute("insert into draft values (?) on conflict do nothing", (seat.key,))
        step("after the draft")
        sheet = Sheet(desk, "propose_change")
        return sheet.done(title="Stop", columns=(), proposals=("P-" + seat.key,)).model_dump_json()
    return Toolbox([StructuredTool.from_function(propose_change)], desk.earlier, date(2026, 11, 23))

def proposals(ids):
    step("proposals")
    return {}

async def main():
    async with open_memory(__import__("pathlib").Path(home) / "agent.db") as saver:
        said = await serve(build(saver), "t", Wake("m1", "message", "p-1", "stop it"), Ports(sit, proposals, Model()))
        print(json.dumps({"steps": steps, **said.to_json()}))

asyncio.run(main())
'''


def turn(home: Path, die_at: int) -> dict[str, Any] | None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(home), str(die_at)], capture_output=True, text=True, timeout=60
    )
    if done.returncode == 9:
        return None
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def killed_and_finished(home: Path, die_at: int) -> int:
    """Dies at that step, comes back, ends; returns how often the tool ran."""
    import sqlite3

    home.mkdir()
    assert turn(home, die_at) is None
    said = turn(home, 0)
    assert said is not None
    assert said["answer"] == "I asked for it.\nProposal P-m1/1 is drafted; nothing has been changed."
    assert said["proposals"] == ["P-m1/1"]
    assert turn(home, 0) == {**said, "steps": 0}, "served again it runs nothing and says the same"
    with sqlite3.connect(home / "gate.db") as db:
        assert db.execute("select key from draft").fetchall() == [("m1/1",)]
        return int(db.execute("select count(*) from ran").fetchone()[0])


@pytest.mark.slow
def test_a_turn_killed_after_its_draft_is_finished_and_drafts_once(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = turn(tmp_path / "whole", 0)
    assert whole is not None
    after_draft = next(n for n in range(1, 30) if _is_after_draft(n))
    assert killed_and_finished(tmp_path / "killed", after_draft) == 2, (
        "the tool ran again: the key kept it from drafting"
    )


def _is_after_draft(step: int) -> bool:
    """think: sit, model; use_tools: sit, before, after."""
    return step == 5


STEPS = 10
"""Moments of a whole turn at which the process can die."""


def test_every_moment_of_a_turn_is_tried(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = turn(tmp_path / "whole", 0)
    assert whole is not None
    assert whole["steps"] == STEPS


@pytest.mark.slow
@pytest.mark.parametrize("die_at", range(1, STEPS + 1))
def test_a_turn_killed_anywhere_is_finished_and_drafts_once(tmp_path: Path, die_at: int) -> None:
    assert killed_and_finished(tmp_path / "killed", die_at) in (1, 2)
