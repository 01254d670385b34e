"""OWASP AISVS 1.0, C9.4 to C9.6: who acted, by whose right, and what stops it, one test for each requirement."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import grimp
import psycopg
import pytest
from sqlmodel import select

from app.database import reading, writing
from app.halt import HALTED
from app.home import Home
from app.model_settings import load_model
from app.processes.agent import agent_process
from approvals.agree import disagreements
from approvals.claim import Refusal, claim
from approvals.engage import engage
from approvals.execute import execute
from approvals.expire import expire
from approvals.lease import Claim
from approvals.reconcile import reconcile
from approvals.states import State
from approvals.store import Draft, Effect, KillSwitch
from audit.verify import verify
from tests.app.test_agent_process import ask
from tests.app.test_halt import said, scripted, stop_everything
from tests.approvals.gate_stubs import ARJUN, PEOPLE, RULES, SAM
from tests.approvals.governing import claimed
from tests.approvals.test_aws import SPARE, stop
from tests.controls.control import control
from tests.controls.desk import box_of


@control(
    "AISVS 9.4.2", "NIST AU-10", "NIST AU-12",
    shows="Each step's intent, answer and read-back name one digest, one token and one claim in a chain of hashes, and"
    " the provider's own log bears the same token; a row that is altered afterwards no longer agrees with the log.",
    short_of="The chain is one of hashes: a signature by a key outside the database comes with the log's signer.",
)  # fmt: skip
def test_c9_4_2_each_step_is_bound_to_what_was_approved(cloud: Any, aws: Any) -> None:
    row = cloud.approved(change=stop(SPARE[0]))
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Claim)
    execute(cloud.begin, claim=got, executor=cloud.executor)
    assert reconcile(cloud.begin, proposal_id=row.id, inspector=cloud.inspector) == State.VERIFIED
    entries = cloud.log(row.id)
    told = {entry.event: json.loads(entry.body)["data"] for entry in entries}
    intended, answered = told["execution.intended"], told["execution.answered"]
    assert intended["digest"] == told["execution.claimed"]["digest"] == told["proposal.sealed"]["digest"] == row.digest
    assert intended["attempt"] == answered["attempt"]
    assert intended["fence"] == told["execution.claimed"]["fence"] == got.fence
    assert intended["request_hash"] == json.loads(row.sealed or b"")["request_hashes"][0]
    (sent,) = [call for call in aws.journal.calls() if SPARE[0] in call.instance_ids]
    assert sent.mark == intended["token"]
    assert sent.request_id == answered["provider_request_id"]
    with cloud.reading() as (session, _):
        assert verify(session).ok
        assert disagreements(session) == []
    cloud.tamper("UPDATE effect SET request_hash = 'another'")
    with cloud.reading() as (session, _):
        assert disagreements(session)


@control(
    "AISVS 9.4.4",
    shows="What the agent keeps between turns holds no authority: with every byte of its memory altered or gone, and"
    " its tables of wake-ups rewritten, no vote, claim, effect or changed draft comes of it.",
    short_of="The agent's own memory carries no signature yet, so an alteration by somebody who has the file can change"
    " the words of an answer; what is decided stands in guarded rows and in the log.",
)
async def test_c9_4_4_altered_memory_of_the_agent_decides_nothing(engine: Any, home: Home, clock: Any) -> None:
    thread = ask(engine, "one", "hello")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        await process.drain(thread)
    altered = bytearray(home.checkpoints.read_bytes())
    for at in range(4096, len(altered), 61):
        altered[at] ^= 0x21
    home.checkpoints.write_bytes(bytes(altered))
    with sqlite3.connect(home.database) as connection:
        connection.execute(
            "INSERT INTO wakeup (id, thread, kind, ref, attempts, due_at)"
            " SELECT 'P-0000000001:9', thread, 'outcome', 'P-0000000001', 0, due_at FROM wakeup LIMIT 1"
        )
    before = rows_of(engine)
    ask(engine, "two", "hello again")
    try:
        async with asyncio.timeout(60), agent_process(engine=engine, home=home, model=load_model({})) as process:
            await process.drain(thread)
    except (sqlite3.DatabaseError, TimeoutError):
        pass  # a memory that cannot be read stops the conversation, and nothing else
    assert rows_of(engine) == before
    with reading(engine) as (session, _):
        assert verify(session).ok


def rows_of(engine: Any) -> list[int]:
    with reading(engine) as (session, _):
        return [len(session.exec(select(table)).all()) for table in (Draft, Effect, KillSwitch)]


REFUSED_ARGUMENTS: list[dict[str, Any]] = [
    {"target": "idle-01", "kind": "scale_node_group"},
    {"target": "idle-01", "kind": "adopt_rules"},
    {"target": "idle-01", "amount": "1"},
    {"target": "idle-01", "requester": ARJUN},
    {"target": "idle-01", "authority": "break_glass"},
    {"target": "idle-01", "account": "999999999999"},
    {"target": ["idle-01"]},
    {},
]


@control(
    "AISVS 9.5.1",
    shows="The tools that a model is given and each argument's values are fixed by schemas in code: amount, requester,"
    " account and authority are none of them, and a speaker who may see no team gets no machine to name.",
)
def test_c9_5_1_tools_and_their_arguments_are_bounded(gate: Any, tmp_path: Path) -> None:
    box = box_of(gate.engine, tmp_path / "seeing")
    tool = next(tool for tool in box.tools if tool.name == "propose_change")
    for given in REFUSED_ARGUMENTS:
        assert json.loads(str(tool.invoke(given)))["error"], given
    blind = box_of(gate.engine, tmp_path / "blind", speaker="p-05e00005")  # sees no team
    tool = next(tool for tool in blind.tools if tool.name == "propose_change")
    assert json.loads(str(tool.invoke({"target": "idle-01"})))["error"]
    with gate.reading() as (session, _):
        assert session.exec(select(Draft)).all() == []
    tool = next(tool for tool in box.tools if tool.name == "propose_change")
    assert json.loads(str(tool.invoke({"target": "idle-01"})))["proposals"]


@control(
    "AISVS 9.5.3", "NIST AC-5",
    shows="Nothing that judges can reach a language model, and the policy's functions take people, rules, states and"
    " times alone; who asks through a tool is judged by the same function as at a terminal.",
)  # fmt: skip
def test_c9_5_3_no_model_decides(gate: Any) -> None:
    graph = grimp.build_graph("approvals", "audit", "agent", "tools", include_external_packages=True)
    for module in ("approvals", "audit"):
        for library in ("langchain_core", "langchain_openai", "langgraph", "openai"):
            if library in graph.modules:
                assert graph.find_shortest_chain(module, library, as_packages=True) is None
    import inspect

    from approvals import emergency, policy

    taken = {
        name
        for judge in (
            *(policy.may_propose, policy.may_vote, policy.may_claim, policy.may_withdraw, policy.quorum),
            *(emergency.may_stop, emergency.may_break_glass, emergency.may_review),
        )
        for name in inspect.signature(judge).parameters
    }
    assert not taken & {"text", "evidence", "advice", "answer", "reason", "explanation", "body"}
    assert gate.draft(requester="p-0a0d1703").verdict.code == "no_role"  # the auditor, through the agent's verb


@control(
    "AISVS 9.5.6", "NIST AC-5", "SOC 2 CC8.1",
    shows="At the claim every vote, the requester's right and the rules are judged anew as they are then: a right that"
    " was lost, a person who left, rules that changed end the approval, and nothing is sent.",
)  # fmt: skip
@pytest.mark.parametrize(("kind", "text", "code"), [
    ("people", PEOPLE.replace('roles = ["approver", "owner"]', "roles = []"), "entitlement_lost"),
    ("people", PEOPLE.replace('roles = ["ops_manager"]', "roles = []"), "requester"),
    ("people", PEOPLE.replace(ARJUN, "p-0b0b9999"), "entitlement_lost"),
    ("rules", RULES.replace('["manager|approver"]', '["director"]'), "policy_changed"),
])  # fmt: skip
def test_c9_5_6_rights_are_judged_again_at_the_claim(gate: Any, kind: str, text: str, code: str) -> None:
    row = gate.approved()
    gate.adopt(kind, text)
    got = claimed(gate, row)
    assert isinstance(got, Refusal)
    assert (got.state, got.verdict.code) == (State.STALE, code)
    assert gate.cloud.effects() == []


@control(
    "AISVS 9.6.1",
    shows="With the kill switch on, the agent asks no model and answers in a fixed sentence; a turn that is being"
    " thought is cancelled, its words are dropped and what it would have asked for is not asked later.",
)
async def test_c9_6_1_the_kill_switch_halts_the_model_and_its_words(
    engine: Any, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.halt.LOOK_SECONDS", 0.01)
    thinking = asyncio.Event()

    async def thinks(*_: Any, **__: Any) -> Any:
        thinking.set()
        await asyncio.sleep(3600)

    first = ask(engine, "first", "Stop idle-01")
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        model = scripted(process, "words that nobody may read")
        with monkeypatch.context() as patched:
            patched.setattr("agent.turns.ask_again", thinks)
            serving = asyncio.create_task(process.drain(first))
            await asyncio.wait_for(thinking.wait(), 20)
            await asyncio.to_thread(stop_everything, engine)
            await asyncio.wait_for(serving, 20)
        await process.drain(ask(engine, "second", "What did AI cost?"))
    assert (said(engine, "first"), said(engine, "second")) == (HALTED, HALTED)
    assert model.asked == []
    assert rows_of(engine)[0] == 0


@control(
    "AISVS 9.6.2", "NIST CM-3(1)",
    shows="What is not decided in its time, and what is not carried out in its time, ends without effect, by the"
    " database's clock, also where nobody has swept it up yet; nothing ever approves by waiting.",
)  # fmt: skip
def test_c9_6_2_no_answer_is_no(gate: Any) -> None:
    waiting = gate.pending()
    gate.later(days=8)
    assert gate.vote(waiting, ARJUN).verdict.code == "expired"
    assert isinstance(claimed(gate, waiting), Refusal)
    with gate.writing() as (session, now):
        expire(session, now=now)
    assert gate.state(waiting) == State.EXPIRED
    approved = gate.approved()
    gate.later(days=8)
    got = claimed(gate, approved)
    assert isinstance(got, Refusal)
    assert (got.state, got.verdict.code) == (State.EXPIRED, "expired")
    assert gate.cloud.effects() == []


@control(
    "AISVS 9.6.3", "NIST CM-5(1)",
    shows="The switch is turned at a terminal under the gate's role; the agent's role can read it and neither turn it"
    " on nor off, and no code that the agent reaches can.",
)  # fmt: skip
def test_c9_6_3_the_switch_is_out_of_the_agents_band(served: Any) -> None:
    turn = "INSERT INTO kill_switch (scope, engaged, by, turned_at) VALUES ('999999999999', {}, 'p', '')"
    with served.connect("agent") as connection:
        assert connection.execute("SELECT count(*) FROM kill_switch").fetchone() is not None
        for statement in (turn.format("true"), turn.format("false"), "DELETE FROM kill_switch",
                          "UPDATE kill_switch SET engaged = false"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()
    with writing(served.engine("gate")) as (session, now):
        assert engage(session, now=now, person=SAM, scope="999999999999", reason="drill").allowed
    with reading(served.engine("agent")) as (session, _):
        assert [row.engaged for row in session.exec(select(KillSwitch))] == [True]
    graph = grimp.build_graph("app", "agent", "tools", "approvals", "audit", "lake")
    for source in ("agent", "tools", "app.processes.agent"):
        assert graph.find_shortest_chain(source, "approvals.engage", as_packages=True) is None
