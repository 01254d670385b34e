"""How a change of two steps goes on, and how a worker dies at one of them."""

from typing import Any

from approvals.execute import execute
from approvals.lease import Claim
from approvals.proceed import proceed
from approvals.recover import recover
from approvals.settling import SETTLE
from approvals.states import State
from tests.approvals.savings.estate import claimed, read_back


def go_on(gate: Any, got: Claim) -> State:
    """Another worker looks whether the next step may go out."""
    return proceed(
        gate.begin, proposal_id=got.proposal_id, worker="w2", inspector=gate.inspector, executor=gate.executor
    )


def begun(gate: Any, change: dict[str, Any]) -> Claim:
    """The copy is made, and nothing else yet."""
    got = claimed(gate, change)
    assert execute(gate.begin, claim=got, executor=gate.executor) == State.EXECUTING
    return got


class Dies(BaseException):
    """The worker's process ends here."""


class Dying:
    """An executor whose process dies before or after one operation goes out."""

    name, rehearsal = "aws", False

    def __init__(self, hands: Any, operation: str, *, after: bool) -> None:
        self._hands, self._operation, self._after = hands, operation, after

    def send(self, request: Any, *, token: str) -> Any:
        if request.operation != self._operation:
            return self._hands.send(request, token=token)
        if self._after:
            self._hands.send(request, token=token)
        raise Dies


def died_and_mended(gate: Any, got: Claim, operation: str, *, after: bool) -> State:
    """A worker dies at this operation; others find out what happened, and go on where they may."""
    whole, dead = gate.executor, False
    gate.executor = Dying(whole, operation, after=after)
    try:
        execute(gate.begin, claim=got, executor=gate.executor)
        go_on(gate, got)
    except Dies:
        dead = True
    assert dead
    gate.executor = whole
    gate.later(seconds=SETTLE.total_seconds())
    recover(gate.begin, worker="w2")
    gate.later(seconds=SETTLE.total_seconds())
    end = read_back(gate, got)
    assert go_on(gate, got) == end
    return end
