"""Carrying out: what each answer, and each missing answer, leads to; and that no step is ever sent twice."""

from typing import Any

import pytest

from approvals.changes.instance import StopInstance
from approvals.changes.step import Request, Step
from approvals.claim import claim
from approvals.errors import Altered
from approvals.execute import carry_step, execute
from approvals.executors.rehearsal import Rehearsal
from approvals.expire import expire
from approvals.lease import Claim, LostClaim
from approvals.proceed import proceed
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import steps_done
from tests.approvals.gate_stubs import ARJUN, INSTANCE, StubExecutor


def claimed(gate: Any, **more: Any) -> Claim:
    row = gate.approved(**more)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    return got


def read_back(gate: Any, got: Claim) -> State:
    return reconcile(gate.begin, proposal_id=got.proposal_id, inspector=gate.inspector)


def carry(gate: Any, got: Claim, executor: Any) -> State:
    """Executes, and goes on with the next steps as long as each is read back at once."""
    state = execute(gate.begin, claim=got, executor=executor)
    while state == State.EXECUTING:
        before = gate.row(got.proposal_id).version
        state = proceed(
            gate.begin, proposal_id=got.proposal_id, worker="w1", inspector=gate.inspector, executor=executor
        )
        if gate.row(got.proposal_id).version == before:
            break
    return state


def effects(gate: Any, got: Claim) -> Any:
    with gate.reading() as (session, _):
        return effects_of(session, got.proposal_id)


BEHAVIOURS = [
    ("the answer is yes", "", State.SUCCEEDED, State.VERIFIED, 1),
    ("the provider refuses", "refused", State.FAILED, State.FAILED, 0),
    ("the answer is lost after it took effect", "lost after", State.UNKNOWN, State.VERIFIED, 1),
    ("the request is lost before it took effect", "lost before", State.UNKNOWN, State.FAILED, 0),
    ("the executor breaks after it took effect", "surprise", State.UNKNOWN, State.VERIFIED, 1),
]


@pytest.mark.parametrize(("what", "behaviour", "first", "end", "count"), BEHAVIOURS, ids=[row[0] for row in BEHAVIOURS])
def test_when(gate: Any, what: str, behaviour: str, first: State, end: State, count: int) -> None:
    got = claimed(gate)
    executor = StubExecutor(gate.cloud, behaviour)
    assert execute(gate.begin, claim=got, executor=executor) == first
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) == end
    with pytest.raises(LostClaim):
        execute(gate.begin, claim=got, executor=executor)
    assert (executor.sent, len(gate.cloud.effects())) == (1, count)


def test_an_unknown_outcome_stays_open_until_the_settle_time(gate: Any) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, "lost before"))
    assert read_back(gate, got) == State.RECONCILING
    gate.later(seconds=SETTLE.total_seconds() - 1)
    assert read_back(gate, got) == State.RECONCILING
    entries = len(gate.log())
    assert read_back(gate, got) == State.RECONCILING
    assert len(gate.log()) == entries
    gate.later(seconds=1)
    assert read_back(gate, got) == State.FAILED


def test_what_was_read_before_the_settle_time_proves_no_absence_after_it(gate: Any) -> None:
    """The worker sleeps between reading and concluding, and the effect comes about in between."""
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, "lost before"))

    def sleep() -> None:
        gate.later(seconds=SETTLE.total_seconds() + 1)
        gate.cloud.change(state="stopped")

    gate.inspector.after_read = sleep
    assert read_back(gate, got) == State.RECONCILING
    gate.inspector.after_read = None
    assert read_back(gate, got) == State.VERIFIED


def test_an_effect_that_appears_late_is_still_found(gate: Any) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, "lost before"))
    assert read_back(gate, got) == State.RECONCILING
    gate.cloud.change(state="stopped")
    assert read_back(gate, got) == State.VERIFIED


def test_no_answer_to_the_read_back_decides_nothing(gate: Any) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, "lost after"))
    gate.inspector.down = True
    gate.later(hours=23)
    assert read_back(gate, got) == State.RECONCILING
    gate.inspector.down = False
    assert read_back(gate, got) == State.VERIFIED


@pytest.mark.parametrize("behaviour", ["", "lost after", "lost before"])
def test_what_cannot_be_read_for_a_day_needs_a_person_and_says_so(gate: Any, behaviour: str) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, behaviour))
    gate.inspector.down = True
    gate.later(hours=24)
    assert read_back(gate, got) == State.DIVERGED
    assert "needs a person" in (gate.row(got.proposal_id).reason or "")


@pytest.mark.parametrize("behaviour", ["", "lost after"])
def test_a_resource_that_ends_otherwise_is_told_as_diverged(gate: Any, behaviour: str) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, behaviour))
    gate.cloud.change(state="terminated")
    open_state = State.RECONCILING if behaviour else State.SUCCEEDED
    assert read_back(gate, got) == open_state
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) == State.DIVERGED
    assert "terminated" in (gate.row(got.proposal_id).reason or "")


def test_a_state_on_the_way_is_waited_for(gate: Any) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=gate.executor)
    gate.cloud.change(state="stopping")
    gate.later(minutes=59)
    assert read_back(gate, got) == State.SUCCEEDED
    gate.cloud.change(state="stopped")
    assert read_back(gate, got) == State.VERIFIED


def test_a_state_on_the_way_is_not_waited_for_without_end(gate: Any) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=gate.executor)
    gate.cloud.change(state="stopping")
    gate.later(hours=1)
    assert read_back(gate, got) == State.DIVERGED


def test_the_receipt_is_kept(gate: Any) -> None:
    got = claimed(gate)
    execute(gate.begin, claim=got, executor=gate.executor)
    (effect,) = effects(gate, got)
    assert effect.provider_request_id == f"r-{effect.token[:8]}"
    assert (effect.outcome, effect.response_hash) == ("done", "ab" * 32)
    sealed = decode(gate.row(got.proposal_id).sealed, got.digest)
    assert effect.request_hash == sealed.request_hashes[0]


def test_a_rehearsal_walks_the_whole_way_and_changes_nothing(gate: Any) -> None:
    got = claimed(gate)
    assert execute(gate.begin, claim=got, executor=Rehearsal()) == State.REHEARSED
    assert gate.cloud.effects() == []
    assert gate.cloud.read()["fields"]["state"] == "running"
    assert gate.events(got.proposal_id)[-1] == "execution.rehearsed"
    assert read_back(gate, got) == State.REHEARSED


def test_a_rehearsal_that_was_interrupted_ends_rehearsed(gate: Any) -> None:
    got = claimed(gate)

    class Killed(Rehearsal):
        def send(self, request: Request, *, token: str) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(gate.begin, claim=got, executor=Killed())
    gate.later(seconds=120)
    assert recover(gate.begin, worker="w2") == [got.proposal_id]
    assert read_back(gate, got) == State.REHEARSED


def test_a_worker_that_died_after_the_intent_is_found_and_read_back(gate: Any) -> None:
    got = claimed(gate)

    class Killed(StubExecutor):
        def send(self, request: Request, *, token: str) -> Any:
            super().send(request, token=token)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(gate.begin, claim=got, executor=Killed(gate.cloud))
    assert recover(gate.begin, worker="w2") == []
    gate.later(seconds=90)
    refusal = claim(gate.begin, proposal_id=got.proposal_id, worker="w2", inspector=gate.inspector)
    assert not isinstance(refusal, Claim)
    assert recover(gate.begin, worker="w2") == [got.proposal_id]
    assert read_back(gate, got) == State.VERIFIED
    assert len(gate.cloud.effects()) == 1


def answered_late(gate: Any) -> Claim:
    """Its answer comes when another worker has already given it up for lost."""
    got = claimed(gate)

    class Late(StubExecutor):
        def send(self, request: Request, *, token: str) -> Any:
            receipt = super().send(request, token=token)
            gate.later(seconds=91)
            assert recover(gate.begin, worker="w2") == [got.proposal_id]
            return receipt

    assert execute(gate.begin, claim=got, executor=Late(gate.cloud)) == State.UNKNOWN
    assert effects(gate, got)[0].provider_request_id is not None
    return got


def test_an_answer_that_comes_after_the_lease_ended_is_kept_and_decides_nothing(gate: Any) -> None:
    assert read_back(gate, answered_late(gate)) == State.VERIFIED


def test_what_was_answered_and_then_undone_by_somebody_has_not_failed_but_diverged(gate: Any) -> None:
    got = answered_late(gate)
    gate.cloud.change(state="running")
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) == State.DIVERGED


def test_the_same_claim_used_while_its_request_is_out_sends_nothing(gate: Any) -> None:
    got = claimed(gate)
    second = StubExecutor(gate.cloud)

    class Again(StubExecutor):
        def send(self, request: Request, *, token: str) -> Any:
            with pytest.raises(LostClaim, match="may have been sent before"):
                execute(gate.begin, claim=got, executor=second)
            return super().send(request, token=token)

    assert execute(gate.begin, claim=got, executor=Again(gate.cloud)) == State.SUCCEEDED
    assert (second.sent, len(gate.cloud.effects())) == (0, 1)


def test_a_worker_cannot_use_its_own_older_claim(gate: Any) -> None:
    old = claimed(gate)
    gate.later(seconds=90)
    new = claim(gate.begin, proposal_id=old.proposal_id, worker=old.worker, inspector=gate.inspector)
    assert isinstance(new, Claim)
    with pytest.raises(LostClaim):
        execute(gate.begin, claim=old, executor=gate.executor)
    assert gate.executor.sent == 0


def test_bytes_altered_after_the_claim_are_not_sent(gate: Any) -> None:
    got = claimed(gate)
    gate.sql("DROP TRIGGER proposal_sealed")
    gate.sql(
        "UPDATE proposal SET sealed = CAST(replace(sealed, 'i-0123', 'i-9999') AS BLOB) WHERE id = ?", got.proposal_id
    )
    with pytest.raises(Exception, match="do not have the digest"):
        execute(gate.begin, claim=got, executor=gate.executor)
    assert gate.executor.sent == 0


def test_a_request_that_was_not_sealed_is_not_sent(gate: Any) -> None:
    got = claimed(gate)
    (step,) = decode(gate.row(got.proposal_id).sealed, got.digest).steps
    elsewhere = step.request.model_copy(update={"parameters": {"InstanceIds": ["i-0fedcba9876543210"]}})
    for other in (step.model_copy(update={"request": elsewhere}), step.model_copy(update={"expect": {}})):
        with pytest.raises(Altered, match="not the one that was sealed"):
            carry_step(gate.begin, claim=got, executor=gate.executor, step=other)
    assert (gate.executor.sent, effects(gate, got)) == (0, [])
    assert gate.state(got) == State.CLAIMED


def restart(change: StopInstance) -> tuple[Step, ...]:
    stop, start = change.steps_of_one(), change.inverse().steps()  # type: ignore[attr-defined]
    return (stop[0], start[0].model_copy(update={"number": 2}))


@pytest.fixture
def two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StopInstance, "steps_of_one", StopInstance.steps, raising=False)
    monkeypatch.setattr(StopInstance, "steps", restart)


@pytest.mark.usefixtures("two_steps")
def test_two_steps_are_sent_in_order_once_each(gate: Any) -> None:
    got = claimed(gate)
    assert carry(gate, got, gate.executor) == State.SUCCEEDED
    assert [line.split()[0] for line in gate.cloud.effects()] == ["ec2:StopInstances", "ec2:StartInstances"]
    assert read_back(gate, got) == State.VERIFIED


class SecondFails(StubExecutor):
    """Does the first step; the second goes as `second` says."""

    second = "refused"

    def send(self, request: Request, *, token: str) -> Any:
        self.behaviour = self.second if self.sent else ""
        return super().send(request, token=token)


@pytest.mark.usefixtures("two_steps")
def test_a_second_step_that_is_refused_diverges_and_names_what_was_done_with_its_inverse(gate: Any) -> None:
    got = claimed(gate)
    assert carry(gate, got, SecondFails(gate.cloud)) == State.DIVERGED
    row = gate.row(got.proposal_id)
    assert "step 1 was done; step 2 was refused" in (row.reason or "")
    (back,) = steps_done(decode(row.sealed, row.digest), effects(gate, got))
    assert back.inverse is not None
    assert back.inverse.operation == "ec2:StartInstances"


@pytest.mark.usefixtures("two_steps")
def test_a_second_step_without_an_answer_is_read_back_and_not_sent_again(gate: Any) -> None:
    got = claimed(gate)
    executor = SecondFails(gate.cloud)
    executor.second = "lost before"
    assert carry(gate, got, executor) == State.UNKNOWN
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) == State.DIVERGED
    assert "of 2 steps done: 1" in (gate.row(got.proposal_id).reason or "")
    assert executor.sent == 2


@pytest.mark.usefixtures("two_steps")
def test_a_worker_that_died_between_two_steps_leaves_the_second_unsent(gate: Any) -> None:
    got = claimed(gate)

    class Killed(StubExecutor):
        def send(self, request: Request, *, token: str) -> Any:
            if self.sent:
                raise KeyboardInterrupt
            return super().send(request, token=token)

    with pytest.raises(KeyboardInterrupt):
        carry(gate, got, Killed(gate.cloud))
    gate.later(seconds=91)
    recover(gate.begin, worker="w2")
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) == State.DIVERGED
    assert len(gate.cloud.effects()) == 1


@pytest.mark.usefixtures("two_steps")
def test_a_half_done_change_that_looks_done_because_of_somebody_else_is_not_verified(gate: Any) -> None:
    got = claimed(gate)
    assert execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, "lost after")) == State.UNKNOWN
    gate.cloud.change(state="running")
    gate.later(seconds=SETTLE.total_seconds())
    assert read_back(gate, got) != State.VERIFIED


def test_what_nobody_decided_expires_and_so_does_what_nobody_carried_out(gate: Any) -> None:
    def ended() -> list[str]:
        with gate.writing() as (session, now):
            return expire(session, now=now)

    row = gate.pending()
    gate.later(hours=72, microseconds=-1)
    assert ended() == []
    gate.later(microseconds=1)
    assert ended() == [row.id]
    second = gate.approved()
    gate.later(hours=4)
    assert ended() == [second.id]
    assert gate.row(second.id).reason == "approved, but not carried out in time"
    assert ended() == []
    assert gate.vote(second, ARJUN, "reject").verdict.code == "closed"
    assert gate.cloud.read(INSTANCE)["fields"]["state"] == "running"


def test_a_worker_that_wakes_up_late_sends_nothing(gate: Any, monkeypatch: Any) -> None:
    row = gate.approved()
    claimed = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(claimed, Claim)
    moments = iter([0.0, 3600.0])
    monkeypatch.setattr("approvals.execute.awake", lambda: next(moments))
    assert execute(gate.begin, claim=claimed, executor=gate.executor) == State.FAILED
    assert gate.cloud.effects() == []
    assert "overslept" in gate.row(row.id).code
