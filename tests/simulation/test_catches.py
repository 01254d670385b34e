"""A simulator that finds nothing proves nothing: each fault that is planted into the gate here must be found.

Each has a weather of its own in which it shows soon; a run that finds it ends the search.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import Session, select

import approvals.claim
import approvals.conclude
import approvals.execute
import approvals.policy
import approvals.resend
import approvals.seal
import approvals.stops
import approvals.vote
import tests.simulation.run
from approvals.changes.operation import Again
from approvals.changes.operations import declared
from approvals.person import People
from approvals.policy import Standing
from approvals.sealed import decode
from approvals.split import Summed
from approvals.store import UNANSWERED, Vote, proposal_of
from tests.simulation.memory import Memory
from tests.simulation.run import simulate
from tests.simulation.weather import Weather

Plant = Callable[[pytest.MonkeyPatch], None]
MOST = 400


def _any_quorum(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(approvals.policy, "quorum", lambda *_: True)
    patch.setattr(approvals.vote, "quorum", lambda *_: True)


def _own_votes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Standing, "involved", property(lambda _self: frozenset()))


def _withdrawn_votes_count(patch: pytest.MonkeyPatch) -> None:
    def all_votes(session: Session, proposal_id: str) -> list[Vote]:
        return list(session.exec(select(Vote).where(Vote.proposal == proposal_id).order_by(Vote.id)))  # type: ignore[arg-type]

    patch.setattr(approvals.claim, "standing_votes", all_votes)
    patch.setattr(approvals.vote, "standing_votes", all_votes)
    patch.setattr(approvals.claim, "vouched", lambda *_: True)  # which finds this too, before any effect


def _any_digest(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(approvals.policy, "hmac", SimpleNamespace(compare_digest=lambda _a, _b: True))


def _no_drift(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(approvals.claim, "drifted", lambda _sealed, _seen: [])


def _no_expiry(patch: pytest.MonkeyPatch) -> None:
    real, never = approvals.policy.may_claim, datetime(9999, 1, 1, tzinfo=UTC)
    patch.setattr(approvals.claim, "may_claim", lambda **given: real(**given | {"execute_by": never}))


def _sends_twice(patch: pytest.MonkeyPatch) -> None:
    """The usual mistake: try again when no answer came."""
    real = approvals.execute._send

    def send(*given: Any) -> Any:
        answer = real(*given)
        return real(*given) if answer.outcome == UNANSWERED else answer

    patch.setattr(approvals.execute, "_send", send)


def _sends_everything_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(approvals.resend, "declared", lambda name: replace(declared(name), again=Again.SAME_TOKEN))


def _no_fence(patch: pytest.MonkeyPatch) -> None:
    def mine(session: Session, _now: datetime, claim: Any) -> Any:
        proposal = proposal_of(session, claim.proposal_id)
        return proposal, decode(proposal.sealed, claim.digest)

    patch.setattr(approvals.execute, "_mine", mine)


def _oversleeps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(approvals.execute, "PROMPT_SECONDS", 1e9)


def _believes_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(approvals.claim, "vouched", lambda *_: True)


def _no_switch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(approvals.stops, "engaged", lambda *_: None)
    patch.setattr(approvals.execute, "engaged", lambda *_: None)


def _fails_at_once(patch: pytest.MonkeyPatch) -> None:
    """No answer and nothing to be seen yet is taken for a failure."""
    patch.setattr(approvals.conclude, "_patience", lambda *_: timedelta(0))


def _lends_oneself(patch: pytest.MonkeyPatch) -> None:
    real = People.roles
    patch.setattr(People, "roles", lambda self, person, _apart_from=(): real(self, person))


def _no_sum(patch: pytest.MonkeyPatch) -> None:
    def alone(amount: Any, currency: Any, _earlier: Any, **_more: Any) -> Summed:
        return Summed(amount=amount, currency=currency, alone=amount)

    patch.setattr(approvals.seal, "summed", alone)


QUIET = Weather()
ODD_BALLOTS = Weather(delivery=0.5)
PLANTED: dict[str, tuple[Plant, Weather, str]] = {
    "any vote is a quorum": (_any_quorum, QUIET, "2 quorum"),
    "who asked may decide": (_own_votes, ODD_BALLOTS, "2 quorum"),
    "a vote that was taken back counts": (_withdrawn_votes_count, ODD_BALLOTS, "2 quorum"),
    "a vote on other bytes counts": (_any_digest, ODD_BALLOTS, "8 bytes"),
    "a changed resource is not noticed": (_no_drift, Weather(drift=0.3), "8 drift"),
    "an approval never expires": (_no_expiry, Weather(clock=0.3), "6 expiry"),
    "no answer is answered by another request": (_sends_twice, Weather(send=1.0), "1 once"),
    "every request may be sent again": (_sends_everything_again, Weather(send=1.0, clock=0.1), "1 once"),
    "a lost claim is not noticed": (_no_fence, Weather(interleave=0.5, clock=0.3), "1 claim"),
    "a worker that slept sends": (_oversleeps, Weather(interleave=0.5, clock=0.3), "late"),
    "rows are believed without the log": (_believes_rows, Weather(tampering=0.5), "tampering"),
    "the kill switch is not read": (_no_switch, Weather(switch=0.3), "12 switch"),
    "an unknown outcome is a failure": (_fails_at_once, Weather(send=1.0), "4 effects"),
    "a lent role counts beside its owner": (_lends_oneself, Weather(lending=0.5, delivery=0.5), "2 quorum"),
    "amounts are judged one by one": (_no_sum, QUIET, "2 quorum"),
}


SOON = {
    "who asked may decide": 30,
    "a vote that was taken back counts": 85,
    "a vote on other bytes counts": 35,
    "a worker that slept sends": 50,
    "a lent role counts beside its owner": 120,
}
"""From which run on to search, so that the tests are quick; any other would do as well, only later."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(memory: Memory, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plant, weather, rule = PLANTED[name]
    plant(monkeypatch)
    monkeypatch.setattr(tests.simulation.run, "forecast", lambda _dice: weather)
    found: list[str] = []
    first = SOON.get(name, 0)
    for number in range(first, first + MOST):
        found = [line for _, line in simulate(memory, 7, number).violations]
        if any(line.startswith(f"{rule}:") for line in found):
            return
    pytest.fail(f"{name}: not found in {MOST} runs")
