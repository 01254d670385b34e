"""The changes that rules of savings lead to, on real client code: done, undone, and every kind of lost answer."""

from typing import Any

import pytest

from approvals.claim import Refusal, claim
from approvals.execute import execute
from approvals.resend import resend
from approvals.sealed import decode
from approvals.settling import SETTLE
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import inverse_change
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws
from tests.approvals.gate_stubs import PEOPLE, SAM
from tests.approvals.savings.estate import (
    BORNE,
    CHEAP,
    Make,
    access_key,
    address,
    claimed,
    copy,
    disk,
    each,
    endpoint,
    group,
    log_group,
    machines,
    moves,
    notebook,
    read_back,
    schedule,
    tag,
    target,
    units,
)

pytestmark = pytest.mark.slow


@each
def test_it_is_done_once_and_read_back(
    cloud: Any, aws: ServedAws, make: Make, action: str, moved: tuple[str, str, str]
) -> None:
    change = make()
    got = claimed(cloud, change)
    assert moves(aws, target(change)) == []
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    assert moves(aws, target(change)) == [(target(change) + moved[0], *moved[1:])]


BACK = [
    (disk, (" type", "gp3", "gp2")),
    (notebook, ("", "Stopped", "InService")),
    (endpoint, ("", "absent", "InService")),
    (machines, (" machines", "2", "6")),
    (group, (" minimum", "3", "8")),
    (access_key, ("", "Inactive", "Active")),
    (tag, (" tags", f"{BORNE} use_case=fraud", BORNE)),
    (schedule, (" schedule", "cron(0 20 1-31 1-12 ? 1970-2199) ENABLED", "absent")),
]


@pytest.mark.parametrize(("make", "moved"), BACK)
def test_it_is_undone_by_the_sealed_inverse(
    cloud: Any, aws: ServedAws, make: Make, moved: tuple[str, str, str]
) -> None:
    change = make()
    got = claimed(cloud, change)
    execute(cloud.begin, claim=got, executor=cloud.executor)
    read_back(cloud, got)
    row = cloud.row(got.proposal_id)
    with cloud.reading() as (session, _):
        back = inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id))
    assert back is not None
    again = claimed(cloud, back.model_dump(mode="json"))
    assert execute(cloud.begin, claim=again, executor=cloud.executor) == State.SUCCEEDED
    assert read_back(cloud, again) == State.VERIFIED
    assert moves(aws, target(change))[-1] == (target(change) + moved[0], *moved[1:])


@pytest.mark.parametrize("make", [address, log_group, units, copy])
def test_what_is_gone_has_no_way_back(cloud: Any, make: Make) -> None:
    got = claimed(cloud, make())
    execute(cloud.begin, claim=got, executor=cloud.executor)
    row = cloud.row(got.proposal_id)
    with cloud.reading() as (session, _):
        assert inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id)) is None


@pytest.mark.parametrize("make", [address, log_group, units, copy])
def test_one_vote_does_not_do_what_cannot_be_undone(cloud: Any, aws: ServedAws, make: Make) -> None:
    change = make()
    row = cloud.pending(change=change, evidence=CHEAP)
    assert cloud.vote(row, SAM).verdict.allowed
    assert cloud.state(row) == State.PARTIAL
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert moves(aws, target(change)) == []


def test_one_vote_does_not_do_it_where_the_amount_is_not_known(cloud: Any) -> None:
    board, risk = "p-0b0a0010", "p-0f150011"
    more = (
        f'\n[[person]]\nid = "{who}"\nname = "{role}"\nroles = ["{role}"]\n'
        for who, role in ((board, "board"), (risk, "risk"))
    )
    cloud.adopt("people", PEOPLE + "".join(more))
    row = cloud.pending(change=log_group(), evidence={})
    assert cloud.vote(row, board).verdict.allowed
    assert cloud.state(row) == State.PARTIAL
    assert cloud.vote(row, risk).verdict.allowed
    assert cloud.state(row) == State.APPROVED


TAKEN = [FaultMode.NONSENSE, FaultMode.TRUNCATED, FaultMode.DROP_RESPONSE]
LOST = [FaultMode.DROP_REQUEST, FaultMode.PROXY, FaultMode.ERROR]
ENDS = [(mode, State.VERIFIED, 1) for mode in TAKEN] + [(mode, State.FAILED, 0) for mode in LOST]


QUICK = (FaultMode.DROP_RESPONSE, FaultMode.DROP_REQUEST)
MODES = [pytest.param(*row, id=row[0].value, marks=() if row[0] in QUICK else pytest.mark.slow) for row in ENDS]


@pytest.mark.parametrize(("mode", "end", "times"), MODES)
@each
def test_an_answer_that_never_came_ends_in_the_right_state_and_is_sent_once(
    cloud: Any, aws: ServedAws, make: Make, action: str, moved: Any, mode: FaultMode, end: State, times: int
) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=mode))
    told = execute(cloud.begin, claim=got, executor=cloud.executor)
    # An answer without a body says nothing that could be spoilt; a page instead of one is no answer either.
    assert told in (State.UNKNOWN, State.SUCCEEDED)
    assert told == State.UNKNOWN or mode in (FaultMode.NONSENSE, FaultMode.TRUNCATED)
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == end
    assert resend(cloud.begin, proposal_id=got.proposal_id, worker="w1", executor=cloud.executor) is None
    assert len(moves(aws, target(change))) == times


@each
def test_a_yes_without_a_deed_is_not_believed(cloud: Any, aws: ServedAws, make: Make, action: str, moved: Any) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.HOLLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    cloud.later(seconds=SETTLE.total_seconds())
    assert read_back(cloud, got) == State.DIVERGED
    assert moves(aws, target(change)) == []


@each
def test_an_effect_that_comes_late_is_found_within_the_settle_time(
    cloud: Any, aws: ServedAws, make: Make, action: str, moved: Any
) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.LATE))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.UNKNOWN
    cloud.later(minutes=9)
    assert read_back(cloud, got) == State.RECONCILING
    assert target(change) in aws.settle()
    assert read_back(cloud, got) == State.VERIFIED


LINGERS = [(disk, "ModifyVolume"), (notebook, "StopNotebookInstance"), (endpoint, "DeleteEndpoint"),
           (machines, "UpdateEndpointWeightsAndCapacities")]  # fmt: skip


@pytest.mark.parametrize(("make", "action"), LINGERS)
def test_one_that_is_on_its_way_is_waited_for(cloud: Any, aws: ServedAws, make: Make, action: str) -> None:
    change = make()
    got = claimed(cloud, change)
    aws.faults.add(Fault(action=action, mode=FaultMode.SLOW))
    assert execute(cloud.begin, claim=got, executor=cloud.executor) == State.SUCCEEDED
    cloud.later(minutes=30)
    assert read_back(cloud, got) == State.SUCCEEDED
    assert aws.settle() == [target(change)]
    assert read_back(cloud, got) == State.VERIFIED
