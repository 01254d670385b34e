"""Random walks through the gate: whatever people, workers, clouds and clocks do, in whatever order, nothing that must
never be is ever true. Checked after each step, from the rows and the log alone.
"""

import contextlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.claim import claim
from approvals.execute import execute
from approvals.executors.rehearsal import Rehearsal
from approvals.expire import expire
from approvals.ids import new_id
from approvals.lease import Claim, LostClaim
from approvals.posted import posted
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.seal import seal
from approvals.states import MOVES, OPEN, State
from approvals.store import Proposal
from approvals.withdraw import withdraw
from audit.event import Event
from audit.verify import verify
from tests.approvals.gate_stubs import ARJUN, DANA, EDITH, FIELDS, INSTANCE, OLIVIA, PEOPLE, SAM, StubExecutor

pytestmark = pytest.mark.slow

OTHER = "i-0fedcba9876543210"
NO_OWNER = PEOPLE.replace('roles = ["approver", "owner"]', 'roles = ["auditor"]')


class Walk:
    """One gate, what it remembers of proposals and claims, and every step that can be taken."""

    def __init__(self, gate: Any) -> None:
        self.gate = gate
        gate.cloud.put(FIELDS | {"instance_id": OTHER})
        self.names: list[str] = []
        self.claims: list[Claim] = []
        self.which = 0

    def take(self, step: str, which: int, who: str) -> None:
        self.which = which
        name = self.names[which % len(self.names)] if self.names else None
        if step == "draft":
            self._draft(which, who)
        elif name is not None:
            getattr(self, "_" + step)(name, who)

    def _draft(self, which: int, who: str) -> None:
        change = {"kind": "stop_instance", "account": FIELDS["account"], "region": "eu-central-1"}
        change["instance_id"] = (INSTANCE, OTHER)[which % 2]
        drafted = self.gate.draft(id=new_id(), change=change, requester=who)
        if drafted.verdict.allowed:
            self.names.append(drafted.proposal_id)

    def _seal(self, name: str, _who: str) -> None:
        seal(self.gate.begin, draft_id=name, inspector=self.gate.inspector)

    def _post(self, name: str, _who: str) -> None:
        if self._known(name):
            with self.gate.writing() as (session, now):
                posted(session, now=now, proposal_id=name, where="walk")

    def _ballot(self, name: str, who: str, choice: str) -> None:
        if self._known(name):
            self.gate.vote(self.gate.row(name), who, choice)

    def _approve(self, name: str, who: str) -> None:
        self._ballot(name, who, "approve")

    def _reject(self, name: str, who: str) -> None:
        self._ballot(name, who, "reject")

    def _take_back(self, name: str, who: str) -> None:
        self._ballot(name, who, "withdraw")

    def _cancel(self, name: str, who: str) -> None:
        with self.gate.writing() as (session, now):
            withdraw(session, now=now, proposal_id=name, person=who)

    def _claim(self, name: str, who: str) -> None:
        if self._known(name):
            got = claim(self.gate.begin, proposal_id=name, worker=f"w-{who}", inspector=self.gate.inspector)
            if isinstance(got, Claim):
                self.claims.append(got)

    def _execute(self, _name: str, who: str) -> None:
        behaviour = {ARJUN: "", OLIVIA: "lost after", DANA: "lost before", EDITH: "refused", SAM: "rehearse"}[who]
        executor: Any = Rehearsal() if behaviour == "rehearse" else StubExecutor(self.gate.cloud, behaviour)
        if self.claims:
            with contextlib.suppress(LostClaim):
                execute(self.gate.begin, claim=self.claims[self.which % len(self.claims)], executor=executor)

    def _reconcile(self, name: str, _who: str) -> None:
        if self._known(name):
            reconcile(self.gate.begin, proposal_id=name, inspector=self.gate.inspector)

    def _recover(self, _name: str, _who: str) -> None:
        recover(self.gate.begin, worker="w-recover")

    def _expire(self, _name: str, _who: str) -> None:
        with self.gate.writing() as (session, now):
            expire(session, now=now)

    def _wait(self, _name: str, who: str) -> None:
        self.gate.later(seconds={ARJUN: 30, OLIVIA: 100, DANA: 700, EDITH: 5 * 3600, SAM: 73 * 3600}[who])

    def _drift(self, _name: str, who: str) -> None:
        self.gate.cloud.change(INSTANCE, **({"type": "g5.48xlarge"} if who == DANA else {"state": "running"}))

    def _cloud_down(self, _name: str, _who: str) -> None:
        self.gate.inspector.down = not self.gate.inspector.down

    def _people(self, _name: str, who: str) -> None:
        self.gate.adopt("people", NO_OWNER if who in (ARJUN, OLIVIA) else PEOPLE)

    def _known(self, name: str) -> bool:
        with self.gate.reading() as (session, _):
            return session.get(Proposal, name) is not None


def hold(gate: Any) -> None:
    """What is true after every step."""
    with gate.writing() as (session, now):
        assert verify(session).ok
        run = session.connection().exec_driver_sql
        rows = {
            row[0]: row[1:] for row in run("SELECT id, state, version, digest, requester, execute_by FROM proposal")
        }
        log = [json.loads(row[0]) for row in run("SELECT body FROM log_entry ORDER BY seq")]
        effects = run("SELECT proposal, step, rehearsal FROM effect").fetchall()
        open_resources = run(
            f"SELECT resource FROM proposal WHERE state IN ({','.join(repr(state.value) for state in OPEN)})"
        ).fetchall()
        assert now is not None
    assert len(open_resources) == len(set(open_resources)), "two open proposals for one resource"
    every_move_has_its_entry(rows, log)
    sent = gate.cloud.effects()
    real = [effect for effect in effects if not effect[2]]
    assert len(sent) <= len(real), "something was sent without an intent"
    assert len(sent) == len(set(sent)), "something was sent twice"
    for name, *_ in real:
        approved_before_it_was_sent(name, rows[name], log)


def every_move_has_its_entry(rows: dict[str, Any], log: list[dict[str, Any]]) -> None:
    moves: dict[str, list[dict[str, Any]]] = {}
    for entry in log:
        if entry["proposal_version"] is not None:
            moves.setdefault(entry["proposal"], []).append(entry)
    assert set(moves) == set(rows)
    for name, entries in moves.items():
        state, version = rows[name][0], rows[name][1]
        assert [entry["proposal_version"] for entry in entries] == list(range(1, version + 1))
        path = ["draft", *(entry["data"]["to"] for entry in entries)]
        assert [entry["data"]["from"] for entry in entries] == path[:-1]
        assert path[-1] == state
        for entry in entries:
            pair = (State(entry["data"]["from"]), State(entry["data"]["to"]))
            assert Event(entry["event"]) in MOVES[pair]


def approved_before_it_was_sent(name: str, row: Any, log: list[dict[str, Any]]) -> None:
    mine = [entry for entry in log if entry["proposal"] == name]
    intents = [entry for entry in mine if entry["event"] == "execution.intended"]
    assert len(intents) == 1, "one step, one intent"
    before = [entry for entry in mine if entry["seq"] < intents[0]["seq"]]
    quorum = [entry for entry in before if entry["event"] == "approval.quorum_met"]
    claims = [entry for entry in before if entry["event"].startswith("execution.")]
    assert quorum, "sent without an approval"
    assert claims, "sent without a claim"
    assert all(entry["data"]["digest"] == row[2] for entry in (quorum[-1], *claims, intents[0]))
    assert quorum[-1]["actor"]["kind"] == "person"
    assert row[3] not in quorum[-1]["data"]["approvals"]
    assert quorum[-1]["seq"] < claims[0]["seq"]


STEPS = [name[1:] for name in vars(Walk) if name.startswith("_") and name[1:2].isalpha()]
STEPS = [name for name in STEPS if name not in ("known", "ballot", "draft")]
LIKELY = ["draft", "seal", "post", "approve", "claim", "execute", "reconcile"]
step = st.tuples(
    st.one_of(st.sampled_from(LIKELY), st.sampled_from(STEPS)),
    st.integers(0, 5),
    st.one_of(st.just(ARJUN), st.sampled_from([ARJUN, OLIVIA, DANA, EDITH, SAM])),
)
START = [("draft", 0, OLIVIA), ("seal", 0, OLIVIA), ("post", 0, OLIVIA), ("approve", 0, ARJUN)]


def run(gate: Any, steps: list[tuple[str, int, str]]) -> Walk:
    walk = Walk(gate)
    for name, which, who in steps:
        walk.take(name, which, who)
        hold(gate)
    return walk


@settings(max_examples=10, deadline=timedelta(seconds=60), suppress_health_check=list(HealthCheck))
@given(steps=st.lists(step, min_size=8, max_size=16))
def test_nothing_that_must_never_be_is_ever_true(
    new_gate: Callable[[], Any], steps: list[tuple[str, int, str]]
) -> None:
    with contextlib.closing(new_gate()) as gate:
        run(gate, START + steps)


@pytest.mark.slow
@settings(max_examples=40, deadline=timedelta(seconds=60), suppress_health_check=list(HealthCheck))
@given(steps=st.lists(step, min_size=10, max_size=40))
def test_nothing_that_must_never_be_is_ever_true_in_long_walks(
    new_gate: Callable[[], Any], steps: list[tuple[str, int, str]]
) -> None:
    with contextlib.closing(new_gate()) as gate:
        run(gate, START + steps)


def test_the_walk_reaches_every_outcome(gate: Any) -> None:
    """The checks above would be worth nothing if no walk ever sent anything."""
    walk = run(gate, [*START, ("claim", 0, ARJUN), ("execute", 0, ARJUN), ("reconcile", 0, ARJUN)])
    assert gate.row(walk.names[0]).state == State.VERIFIED
    assert len(gate.cloud.effects()) == 1
