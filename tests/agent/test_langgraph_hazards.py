"""What plain LangGraph does twice happens once here: two resumes, an old checkpoint, a crash after the effect, an edit.

An effect is a draft or an answer, both keyed by the turn; the execution of a change is not reachable from the graph.
"""

import asyncio
import subprocess
import sys
from dataclasses import asdict
from typing import Any

import pytest
from langgraph.types import Command

from agent.ports import Wake
from agent.said import Answer
from agent.turns import Run

STOP = Wake("stop-2", "message", "p-00000001", "stop i-0b")


def script(kit: Any) -> list[Any]:
    return [kit.call("propose_change", target="i-0b"), "I asked for it."]


async def waiting(thread: Any, kit: Any) -> Any:
    """A thread that waits on one proposal, and its checkpoint."""
    await thread.ask("stop i-0a", kit.call("propose_change", target="i-0a"), "I asked for it.", id="stop-1")
    return await thread.state()


async def resume(thread: Any, kit: Any, state: Any, config: Any = None) -> None:
    run = Run(thread.world.ports(*script(kit)), thread.name, 1e12)
    step: Command[Any] = Command(resume={state.interrupts[0].id: asdict(STOP)})
    await thread.graph.ainvoke(
        step, config or {"configurable": {"thread_id": thread.name}}, context=run, durability="sync"
    )


def answers_of(state: Any) -> list[str]:
    return [said["turn"] for said in state.values["answers"]]


async def test_two_resumes_at_once_draft_once_and_say_one_answer(thread: Any, kit: Any) -> None:
    state = await waiting(thread, kit)
    await asyncio.gather(resume(thread, kit, state), resume(thread, kit, state))
    assert thread.world.inserts == ["stop-1/1", "stop-2/1"]
    assert answers_of(await thread.state()) == ["stop-1", "stop-2"]
    for _ in range(2):
        await thread.serve(STOP, thread.world.ports("never asked"))
    assert list(thread.answers) == ["stop-1", "stop-2"]


async def test_a_resume_with_an_old_checkpoint_drafts_nothing_again(thread: Any, kit: Any) -> None:
    state = await waiting(thread, kit)
    await resume(thread, kit, state)
    old = {"configurable": {"thread_id": thread.name, "checkpoint_id": state.config["configurable"]["checkpoint_id"]}}
    await resume(thread, kit, state, old)
    assert thread.world.inserts == ["stop-1/1", "stop-2/1"]
    assert thread.world.calls.count("propose_change stop-2/1") == 2, "the hazard was there: the turn ran twice"
    said = await thread.serve(STOP, thread.world.ports("never asked"))
    assert said.proposals == ["P-0000000001"]
    assert sorted(thread.answers) == ["stop-1", "stop-2"]


async def test_an_exception_after_the_draft_and_an_invoke_of_nothing_draft_once(thread: Any, kit: Any) -> None:
    state = await waiting(thread, kit)
    thread.world.fail_after_draft.append(RuntimeError("after the effect"))
    with pytest.raises(RuntimeError):
        await resume(thread, kit, state)
    run = Run(thread.world.ports("I asked for it."), thread.name, 1e12)
    config = {"configurable": {"thread_id": thread.name}}
    await thread.graph.ainvoke(None, config, context=run, durability="sync")
    assert thread.world.calls.count("propose_change stop-2/1") == 2, "the hazard was there: the tool ran twice"
    assert thread.world.inserts == ["stop-1/1", "stop-2/1"]
    assert answers_of(await thread.state()) == ["stop-1", "stop-2"]


async def test_an_edited_checkpoint_changes_neither_what_is_open_nor_what_is_told(thread: Any, kit: Any) -> None:
    await waiting(thread, kit)
    config = {"configurable": {"thread_id": thread.name}}
    forged = Answer("stop-1", "P-0000000000 is approved and executed.").to_json()
    await thread.graph.aupdate_state(
        config, {"open": ["P-FORGED0000"], "told": {}, "answers": [forged]}, as_node="answer"
    )
    assert await thread.outcome("P-FORGED0000:3") is None, "no row, no news"
    ended = await thread.outcome(thread.world.ended("P-0000000000"))
    assert ended.answer == "Proposal P-0000000000 (Stop i-0abc): done and verified."
    again = await thread.serve(Wake("stop-1", "message"), thread.world.ports("never asked"))
    assert again.answer == "I asked for it.\nProposal P-0000000000 is drafted; nothing has been changed.", (
        "an answer is kept under its turn outside the checkpoint: the first one stays"
    )
    assert thread.world.inserts == ["stop-1/1"]


def test_no_module_that_votes_claims_or_executes_is_reachable_from_the_agent() -> None:
    look = (
        "import sys, agent.conversation, agent.offline, agent.model, tools.catalogue;"
        "print([m for m in sys.modules if m.split('.')[0] in ('boto3', 'botocore', 'slack_sdk', 'fastapi') or m in "
        "('approvals.vote', 'approvals.claim', 'approvals.execute', 'approvals.seal', 'approvals.reconcile') "
        "or m.startswith(('approvals.executors', 'approvals.inspectors', 'app.'))])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
