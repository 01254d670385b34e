"""Changes of several steps, and of other things than instances: what is sent when, and how each way there ends."""

from typing import Any

import pytest

from approvals.changes.step import Request
from approvals.claim import claim
from approvals.due import due
from approvals.errors import GateError
from approvals.execute import execute
from approvals.executors.port import Refused
from approvals.executors.rehearsal import Rehearsal
from approvals.executors.router import Router
from approvals.lease import Claim
from approvals.proceed import proceed
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import ABSENT, DONE, FOUND, KillSwitch, effects_of
from approvals.undo import inverse_change
from audit.verify import verify
from tests.approvals.gate_stubs import (
    INSTANCE,
    RESIZE,
    SAM,
    STOP,
    StubExecutor,
)

PEER = "p-09ee0006"
CHEAP = {"amount": "900", "currency": "USD"}


def claimed(gate: Any, change: dict[str, Any], *voters: str) -> Claim:
    row = gate.approved(*(voters or (SAM,)), change=change, evidence=CHEAP)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got


def go_on(gate: Any, got: Claim, executor: Any, worker: str = "w1") -> State:
    return proceed(gate.begin, proposal_id=got.proposal_id, worker=worker, inspector=gate.inspector, executor=executor)


def read_back(gate: Any, got: Claim) -> State:
    return reconcile(gate.begin, proposal_id=got.proposal_id, inspector=gate.inspector)


def sent(gate: Any) -> list[str]:
    return [line.split()[0].removeprefix("ec2:") for line in gate.cloud.effects()]


def switch(gate: Any, scope: str = "*", on: bool = True) -> None:
    with gate.writing() as (session, now):
        session.add(KillSwitch(scope=scope, engaged=on, by="p-0d1e0004", turned_at=now))


def outcomes(gate: Any, got: Claim) -> list[str | None]:
    with gate.reading() as (session, _):
        return [effect.outcome for effect in effects_of(session, got.proposal_id)]


def undo_of(gate: Any, got: Claim) -> Any:
    row = gate.row(got.proposal_id)
    with gate.reading() as (session, _):
        return inverse_change(decode(row.sealed, row.digest), effects_of(session, row.id))


def reason(gate: Any, got: Claim) -> str:
    return gate.row(got.proposal_id).reason or ""


def test_a_resize_sends_each_step_once_it_was_read_back(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.EXECUTING
    assert sent(gate) == ["StopInstances"]
    assert go_on(gate, got, gate.executor) == State.EXECUTING
    assert go_on(gate, got, gate.executor) == State.SUCCEEDED
    assert sent(gate) == ["StopInstances", "ModifyInstanceAttribute", "StartInstances"]
    assert read_back(gate, got) == State.VERIFIED
    assert gate.events(got.proposal_id).count("execution.intended") == 3
    with gate.writing() as (session, _):
        assert verify(session).ok
        assert not due(session, now=gate.now).anything()


def test_a_stopped_instance_is_only_modified(gate: Any) -> None:
    gate.cloud.change(state="stopped")
    got = claimed(gate, RESIZE | {"found": "stopped"})
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.SUCCEEDED
    assert read_back(gate, got) == State.VERIFIED
    assert sent(gate) == ["ModifyInstanceAttribute"]
    assert gate.cloud.read()["fields"]["state"] == "stopped"


def test_the_next_step_does_not_go_by_what_was_read_long_ago(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=gate.executor)
    gate.inspector.after_read = lambda: gate.later(seconds=61)
    assert go_on(gate, got, gate.executor) == State.EXECUTING
    assert sent(gate) == ["StopInstances"]
    gate.inspector.after_read = None
    assert go_on(gate, got, gate.executor) == State.EXECUTING
    assert sent(gate) == ["StopInstances", "ModifyInstanceAttribute"]


def test_the_next_step_waits_for_a_state_on_its_way_and_writes_no_entry_meanwhile(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=gate.executor)
    gate.cloud.change(state="stopping")
    gate.later(minutes=59)
    entries = len(gate.log())
    assert go_on(gate, got, gate.executor) == State.EXECUTING
    assert (len(gate.log()), sent(gate)) == (entries, ["StopInstances"])
    with gate.reading() as (session, now):
        assert due(session, now=now).to_proceed == []
        assert recover(gate.begin, worker="w2") == []
    gate.later(seconds=3)
    with gate.reading() as (session, now):
        assert due(session, now=now).to_proceed == [got.proposal_id]
    gate.cloud.change(state="stopped")
    assert go_on(gate, got, gate.executor, worker="w2") == State.EXECUTING
    assert go_on(gate, got, gate.executor, worker="w3") == State.SUCCEEDED


GIVEN_UP: list[tuple[str, dict[str, Any], dict[str, float], str]] = [
    ("it is still stopping after an hour", {"state": "stopping"}, {"hours": 1}, "did not get there in time"),
    ("it runs ten minutes after the stop", {"state": "running"}, {"minutes": 10}, "did not get there in time"),
    ("somebody changed the type", {"type": "g5.48xlarge"}, {"seconds": 1}, "somebody else changed it"),
    ("somebody set stop protection", {"stop_protection": True}, {"seconds": 1}, "somebody else changed it"),
    ("somebody took its tags", {"tags": {}}, {"seconds": 1}, "tags"),
]


@pytest.mark.parametrize(("what", "seen", "after", "says"), GIVEN_UP, ids=[row[0] for row in GIVEN_UP])
def test_the_next_step_is_not_sent_when(
    gate: Any, what: str, seen: dict[str, Any], after: dict[str, float], says: str
) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=gate.executor)
    gate.cloud.change(**seen)
    gate.later(**after)
    assert go_on(gate, got, gate.executor) == State.DIVERGED
    assert says in reason(gate, got)
    assert "step 1 was done; the rest was not sent" in reason(gate, got)
    assert sent(gate) == ["StopInstances"]
    assert [step.request.operation for step in undo_of(gate, got).steps()] == ["ec2:StartInstances"]


def test_an_instance_that_cannot_be_read_between_two_steps_is_given_up_after_an_hour(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=gate.executor)
    gate.inspector.down = True
    gate.later(minutes=59)
    assert go_on(gate, got, gate.executor) == State.EXECUTING
    gate.later(minutes=1)
    assert go_on(gate, got, gate.executor) == State.DIVERGED
    assert "could not be read" in reason(gate, got)


def test_two_workers_between_two_steps_send_the_next_one_once(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=gate.executor)
    other = StubExecutor(gate.cloud)

    class Slow(StubExecutor):
        def send(self, request: Request, *, token: str) -> Any:
            assert go_on(gate, got, other, worker="w2") == State.EXECUTING
            return super().send(request, token=token)

    assert go_on(gate, got, Slow(gate.cloud)) == State.EXECUTING
    assert (other.sent, sent(gate)) == (0, ["StopInstances", "ModifyInstanceAttribute"])


def test_a_look_that_is_older_than_another_workers_step_sends_nothing(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=gate.executor)
    known = gate.inspector.read_back

    def late(change: Any) -> Any:
        gate.inspector.read_back = known
        fields = known(change)
        assert go_on(gate, got, gate.executor, worker="w2") == State.EXECUTING
        return fields

    gate.inspector.read_back = late
    assert go_on(gate, got, gate.executor) == State.EXECUTING
    assert sent(gate) == ["StopInstances", "ModifyInstanceAttribute"]


@pytest.mark.parametrize("scope", ["*", STOP["account"]])
def test_with_the_switch_on_nothing_is_begun(gate: Any, scope: str) -> None:
    got = claimed(gate, RESIZE)
    switch(gate, scope)
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.VETOED
    assert (sent(gate), outcomes(gate, got)) == ([], [])
    assert "kill switch" in reason(gate, got)
    assert undo_of(gate, got) is None


def test_with_the_switch_on_no_next_step_is_sent_and_what_was_done_is_named(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=gate.executor)
    switch(gate)
    assert go_on(gate, got, gate.executor) == State.DIVERGED
    assert reason(gate, got).startswith("stopped by the kill switch: step 1 was done; step 2 was not sent")
    assert sent(gate) == ["StopInstances"]
    switch(gate, on=False)
    assert go_on(gate, got, gate.executor) == State.DIVERGED
    assert sent(gate) == ["StopInstances"]


def test_the_switch_of_another_account_stops_nothing_here(gate: Any) -> None:
    got = claimed(gate, STOP)
    switch(gate, "999999999999")
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.SUCCEEDED


STEPS = [
    # the second step's answer, where that leads, what was found of it, what would undo it all
    ("refused", State.DIVERGED, "refused", ["ec2:StartInstances"]),
    ("lost before", State.DIVERGED, ABSENT, ["ec2:StartInstances"]),
    ("lost after", State.DIVERGED, FOUND, ["ec2:ModifyInstanceAttribute", "ec2:StartInstances"]),
]


@pytest.mark.parametrize(("answer", "end", "outcome", "back"), STEPS, ids=[row[0] for row in STEPS])
def test_a_middle_step_ends_it_and_the_undo_holds_what_took_effect(
    gate: Any, answer: str, end: State, outcome: str, back: list[str]
) -> None:
    got = claimed(gate, RESIZE)
    executor = StubExecutor(gate.cloud, answer, only=2)
    execute(gate.begin, claim=got, executor=executor)
    go_on(gate, got, executor)
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) == end
    assert outcomes(gate, got) == [DONE, outcome]
    undo = undo_of(gate, got)
    assert [step.request.operation for step in undo.steps()] == back
    undone = claimed(gate, undo.model_dump(mode="json"))
    state = execute(gate.begin, claim=undone, executor=gate.executor)
    while state == State.EXECUTING:
        state = go_on(gate, undone, gate.executor)
    assert read_back(gate, undone) == State.VERIFIED
    now = gate.cloud.read()["fields"]
    assert (now["state"], now["type"]) == ("running", "g5.12xlarge")


def test_a_lost_middle_step_that_shows_ends_at_once(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    executor = StubExecutor(gate.cloud, "lost after", only=1)
    assert execute(gate.begin, claim=got, executor=executor) == State.UNKNOWN
    assert read_back(gate, got) == State.DIVERGED
    assert "step 1 took effect without an answer; not sent: step 2, 3" in reason(gate, got)


def test_a_whole_resize_is_undone_by_its_sealed_inverses_and_that_undo_too(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    state = execute(gate.begin, claim=got, executor=gate.executor)
    while state == State.EXECUTING:
        state = go_on(gate, got, gate.executor)
    read_back(gate, got)
    sealed = decode(gate.row(got.proposal_id).sealed, got.digest)
    undo = undo_of(gate, got)
    assert [step.request for step in undo.steps()] == [step.inverse for step in reversed(sealed.steps)]
    assert undo.of == got.proposal_id
    undone = claimed(gate, undo.model_dump(mode="json"))
    state = execute(gate.begin, claim=undone, executor=gate.executor)
    while state == State.EXECUTING:
        state = go_on(gate, undone, gate.executor)
    assert read_back(gate, undone) == State.VERIFIED
    assert gate.cloud.read()["fields"]["type"] == "g5.12xlarge"
    again = undo_of(gate, undone)
    assert [step.request for step in again.steps()] == [step.request for step in sealed.steps]


def test_an_undo_that_names_other_steps_than_were_sealed_is_not_sealed(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, "lost after"))
    assert read_back(gate, got) == State.DIVERGED
    undo = undo_of(gate, got).model_dump(mode="json")
    undo["back"][0]["undo"]["parameters"] = {"InstanceId": INSTANCE, "InstanceType": {"Value": "g5.48xlarge"}}
    undo["back"][0]["undo"]["operation"] = "ec2:ModifyInstanceAttribute"
    row = gate.sealed(change=undo)
    assert (row.state, row.code) == (State.UNSEALABLE, "not_the_inverse")


def test_a_rehearsal_walks_through_all_steps_and_has_nothing_to_undo(gate: Any) -> None:
    got = claimed(gate, RESIZE)
    assert execute(gate.begin, claim=got, executor=Rehearsal()) == State.REHEARSED
    assert (sent(gate), len(outcomes(gate, got))) == ([], 3)
    assert undo_of(gate, got) is None


def test_a_rehearsal_that_was_interrupted_between_two_steps_ends_rehearsed(gate: Any) -> None:
    got = claimed(gate, RESIZE)

    class Killed(Rehearsal):
        def send(self, request: Request, *, token: str) -> Any:
            if "Modify" in request.operation:
                raise KeyboardInterrupt
            return super().send(request, token=token)

    with pytest.raises(KeyboardInterrupt):
        execute(gate.begin, claim=got, executor=Killed())
    gate.later(seconds=91)
    assert go_on(gate, got, gate.executor) == State.EXECUTING
    assert recover(gate.begin, worker="w2") == [got.proposal_id]
    assert read_back(gate, got) == State.REHEARSED
    assert sent(gate) == []


def test_an_operation_that_nobody_has_hands_for_is_not_begun(gate: Any) -> None:
    got = claimed(gate, STOP)
    hands = Router({"eks:": gate.executor}, name="stub")
    with pytest.raises(GateError, match="no executor"):
        execute(gate.begin, claim=got, executor=hands)
    assert outcomes(gate, got) == []
    assert execute(gate.begin, claim=got, executor=hands.also({"ec2:": gate.executor})) == State.SUCCEEDED
    with pytest.raises(GateError, match="Two executors"):
        hands.also({"eks:": Rehearsal()})
    with pytest.raises(ValueError, match="no prefix"):
        Router({"ec2": gate.executor}, name="stub")


def test_an_operation_that_nobody_declared_is_not_begun(gate: Any, monkeypatch: Any) -> None:
    got = claimed(gate, STOP)
    monkeypatch.setattr("approvals.changes.operations.OPERATIONS", {})
    with pytest.raises(GateError, match="is not sent"):
        execute(gate.begin, claim=got, executor=gate.executor)
    assert (sent(gate), outcomes(gate, got)) == ([], [])


def test_hands_that_were_refused_by_the_provider_end_it_as_not_carried_out(gate: Any) -> None:
    got = claimed(gate, STOP)

    class No(StubExecutor):
        def send(self, request: Request, *, token: str) -> Any:
            raise Refused("IncorrectInstanceState", "not in a state from which it can be stopped")

    assert execute(gate.begin, claim=got, executor=No(gate.cloud)) == State.FAILED
    assert undo_of(gate, got) is None
