"""Changes of several requests, carried out step by step, and the change that takes them back."""

from typing import Any

from approvals.execute import execute
from approvals.lease import Claim
from approvals.proceed import proceed
from approvals.sealed import decode
from approvals.states import State
from approvals.store import effects_of
from approvals.undo import inverse_change
from tests.approvals.savings.estate import claimed, read_back


def go_on(cloud: Any, got: Claim, worker: str = "w1") -> State:
    return proceed(
        cloud.begin, proposal_id=got.proposal_id, worker=worker, inspector=cloud.inspector, executor=cloud.executor
    )


def run(cloud: Any, got: Claim) -> State:
    """Sends step after step until there is none left, or an answer is missing."""
    state = execute(cloud.begin, claim=got, executor=cloud.executor)
    return go_on(cloud, got) if state == State.EXECUTING else state


def carried_out(cloud: Any, change: dict[str, Any]) -> Claim:
    got = claimed(cloud, change)
    assert run(cloud, got) == State.SUCCEEDED
    assert read_back(cloud, got) == State.VERIFIED
    return got


def undo_of(cloud: Any, got: Claim) -> Any:
    row = cloud.row(got.proposal_id)
    with cloud.reading() as (session, _):
        return inverse_change(decode(row.sealed, row.digest), effects_of(session, got.proposal_id))
