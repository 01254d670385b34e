"""A second request under the provider's token: when it goes out, when it does not, and that its effect is one."""

from datetime import timedelta
from typing import Any

import pytest

from approvals.agree import disagreements
from approvals.claim import claim
from approvals.due import due
from approvals.engage import engage
from approvals.execute import execute
from approvals.lease import Claim
from approvals.proceed import proceed
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.resend import MOST, resend
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import effects_of
from audit.event import Event
from audit.verify import verify
from tests.approvals.gate_stubs import GROUP_FIELDS, PEOPLE, SAM, SCALE, STOP, StubExecutor

PAUSE = timedelta(seconds=30)


def unknown(gate: Any, behaviour: str = "lost before", change: dict[str, Any] = SCALE) -> Claim:
    """Sent once, without an answer, and read back once."""
    gate.cloud.put(GROUP_FIELDS)
    row = gate.approved(SAM, change=change, evidence={"amount": "900", "currency": "USD"})
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    assert execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, behaviour)) == State.UNKNOWN
    reconcile(gate.begin, proposal_id=got.proposal_id, inspector=gate.inspector)
    return got


def again(gate: Any, got: Claim, behaviour: str = "") -> State | None:
    executor = StubExecutor(gate.cloud, behaviour)
    return resend(gate.begin, proposal_id=got.proposal_id, worker="w2", executor=executor)


def read_back(gate: Any, got: Claim) -> State:
    return reconcile(gate.begin, proposal_id=got.proposal_id, inspector=gate.inspector)


def test_a_lost_request_goes_out_again_under_the_same_token_and_has_one_effect(gate: Any) -> None:
    got = unknown(gate)
    gate.later(seconds=30)
    assert again(gate, got) == State.SUCCEEDED
    assert read_back(gate, got) == State.VERIFIED
    with gate.writing() as (session, _):
        (effect,) = effects_of(session, got.proposal_id)
        assert verify(session).ok
        assert disagreements(session) == []
    assert gate.cloud.effects() == [f"eks:UpdateNodegroupConfig batch/gpu {effect.token}"]
    assert effect.fence == got.fence
    assert gate.row(got.proposal_id).fence == got.fence + 1
    assert gate.events(got.proposal_id).count("execution.intended") == 1
    resent = [entry for entry in gate.log(got.proposal_id) if entry.event == Event.EXECUTION_RESENT]
    assert len(resent) == 1
    assert all(word.encode() in resent[0].body for word in (effect.token, effect.attempt, effect.request_hash))


def test_what_took_effect_and_lost_its_answer_is_answered_and_changed_no_second_time(gate: Any) -> None:
    got = unknown(gate, "lost after")
    assert gate.state(got) == State.VERIFIED
    gate.cloud.put(GROUP_FIELDS)  # the same, seen by a provider whose reads are late
    late = unknown(gate, "surprise", SCALE | {"after": {"min": 0, "max": 4, "desired": 1}})
    assert gate.state(late) == State.VERIFIED
    assert len(gate.cloud.effects()) == 2


def test_a_read_that_lags_behind_leads_to_a_second_request_and_not_to_a_second_effect(gate: Any) -> None:
    known = gate.inspector.read_back
    gate.inspector.read_back = lambda _change: GROUP_FIELDS
    got = unknown(gate, "lost after")
    assert gate.state(got) == State.RECONCILING
    gate.later(seconds=30)
    assert again(gate, got) == State.SUCCEEDED
    gate.inspector.read_back = known
    assert read_back(gate, got) == State.VERIFIED
    assert len(gate.cloud.effects()) == 1


@pytest.mark.parametrize("behaviour", ["refused", "lost before"])
def test_a_second_request_without_a_yes_leaves_the_first_as_unknown_as_it_was(gate: Any, behaviour: str) -> None:
    got = unknown(gate)
    gate.later(seconds=30)
    assert again(gate, got, behaviour) == State.UNKNOWN
    assert read_back(gate, got) == State.RECONCILING
    gate.later(minutes=9, seconds=59)
    assert read_back(gate, got) == State.RECONCILING
    gate.later(seconds=1)
    assert read_back(gate, got) == State.FAILED


def test_it_goes_out_three_times_more_at_most(gate: Any) -> None:
    got = unknown(gate)
    ends = []
    for _ in range(MOST + 2):
        gate.later(seconds=30)
        ends.append(again(gate, got, "lost before"))
        read_back(gate, got)
    assert ends == [State.UNKNOWN] * MOST + [None, None]
    assert gate.events(got.proposal_id).count("execution.resent") == MOST


def switched_off(gate: Any) -> None:
    with gate.writing() as (session, now):
        assert engage(session, now=now, person=SAM, scope="*", reason="runaway").allowed


NOT_AGAIN: list[tuple[str, Any]] = [
    ("too soon", lambda gate: gate.later(seconds=-1)),
    ("too late", lambda gate: gate.later(seconds=SETTLE.total_seconds() / 2 - 30)),
    ("the kill switch is on", switched_off),
    (
        "whoever approved it may not any more",
        lambda gate: gate.adopt("people", PEOPLE.replace('["sre", "owner"]', '["auditor"]')),
    ),
]


@pytest.mark.parametrize(("what", "happens"), NOT_AGAIN, ids=[row[0] for row in NOT_AGAIN])
def test_it_does_not_go_out_again_when(gate: Any, what: str, happens: Any) -> None:
    got = unknown(gate)
    gate.later(seconds=30)
    happens(gate)
    assert again(gate, got) is None
    assert (gate.cloud.effects(), gate.state(got)) == ([], State.RECONCILING)


def test_an_operation_without_a_token_never_goes_out_again(gate: Any) -> None:
    got = unknown(gate, change=STOP)
    for _ in range(20):
        gate.later(seconds=30)
        assert again(gate, got) is None
    assert gate.cloud.effects() == []
    assert read_back(gate, got) == State.FAILED


@pytest.mark.parametrize("first", ["", "refused"])
def test_nothing_goes_out_again_that_was_answered(gate: Any, first: str) -> None:
    gate.cloud.put(GROUP_FIELDS)
    row = gate.approved(SAM, change=SCALE, evidence={"amount": "900", "currency": "USD"})
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim)
    execute(gate.begin, claim=got, executor=StubExecutor(gate.cloud, first))
    gate.later(seconds=30)
    assert again(gate, got) is None


def test_a_worker_that_dies_while_its_second_request_is_out_is_read_back(gate: Any) -> None:
    got = unknown(gate)
    gate.later(seconds=30)

    class Killed(StubExecutor):
        def send(self, request: Any, *, token: str) -> Any:
            super().send(request, token=token)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resend(gate.begin, proposal_id=got.proposal_id, worker="w2", executor=Killed(gate.cloud))
    assert again(gate, got) is None
    gate.later(seconds=90)
    assert recover(gate.begin, worker="w3") == [got.proposal_id]
    assert read_back(gate, got) == State.VERIFIED
    assert len(gate.cloud.effects()) == 1


def test_the_first_answer_that_comes_after_the_second_request_changes_nothing(gate: Any) -> None:
    gate.cloud.put(GROUP_FIELDS)
    row = gate.approved(SAM, change=SCALE, evidence={"amount": "900", "currency": "USD"})
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim)

    held: Claim = got

    class Late(StubExecutor):
        def send(self, request: Any, *, token: str) -> Any:
            gate.later(seconds=91)
            recover(gate.begin, worker="w2")
            assert read_back(gate, held) == State.RECONCILING
            assert again(gate, held) == State.SUCCEEDED
            return super().send(request, token=token)

    assert execute(gate.begin, claim=got, executor=Late(gate.cloud)) == State.SUCCEEDED
    assert len(gate.cloud.effects()) == 1
    assert read_back(gate, got) == State.VERIFIED


class Interrupted(BaseException):
    """The process is gone in the middle of a send."""


class Slow(StubExecutor):
    """Takes so long that its worker is given up, and another sends again and dies before it stores the answer."""

    def __init__(self, gate: Any, first: str) -> None:
        super().__init__(gate.cloud, first)
        self.gate = gate

    def send(self, request: Any, *, token: str) -> Any:
        self.gate.later(seconds=91)
        (lost,) = recover(self.gate.begin, worker="w2")
        reconcile(self.gate.begin, proposal_id=lost, inspector=self.gate.inspector)
        with pytest.raises(Interrupted):
            resend(self.gate.begin, proposal_id=lost, worker="w2", executor=Dying(self.gate.cloud))
        return super().send(request, token=token)


class Dying(StubExecutor):
    def send(self, request: Any, *, token: str) -> Any:
        super().send(request, token=token)
        raise Interrupted


@pytest.mark.parametrize("late_answer", ["", "refused"])
def test_a_late_answer_beside_a_dead_second_sender_is_read_back_in_the_end(gate: Any, late_answer: str) -> None:
    """The receipt of the first sender is stored under a claim that is another's, whose holder is gone."""
    gate.cloud.put(GROUP_FIELDS)
    row = gate.approved(SAM, change=SCALE, evidence={"amount": "900", "currency": "USD"})
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    assert isinstance(got, Claim), got
    assert execute(gate.begin, claim=got, executor=Slow(gate, late_answer)) == State.EXECUTING
    gate.later(seconds=91)
    assert recover(gate.begin, worker="w3") == []
    with gate.writing() as (session, now):
        assert due(session, now=now).to_proceed == [row.id]
    idle = StubExecutor(gate.cloud)
    assert proceed(
        gate.begin, proposal_id=row.id, worker="w3", inspector=gate.inspector, executor=idle
    ) == State.UNKNOWN  # fmt: skip
    assert read_back(gate, got) == State.VERIFIED
    assert (idle.sent, len(gate.cloud.effects())) == (0, 1)
