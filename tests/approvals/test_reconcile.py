"""What a read-back proves: a table of everything that can be known of a request, and the sentence it leads to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.conclude import Conclusion, judge
from approvals.inspectors.port import Happening
from approvals.proceed import GivenUp, Ready, next_step
from approvals.resend import may_send_again
from approvals.sealed import Amount, Pinned, Sealed
from approvals.settling import SETTLE, UNREADABLE
from approvals.states import State
from approvals.store import DONE, REFUSED, Effect
from tests.approvals.gate_stubs import DELETE, FIELDS, GROUP_FIELDS, RESIZE, SCALE, STOP, VOLUME_FIELDS

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STOPPED = FIELDS | {"state": "stopped"}


def sealed_of(change: dict[str, Any], fields: dict[str, Any]) -> Sealed:
    typed = parse_change(change)
    policy = dict.fromkeys(("rules_digest", "people_digest", "environment", "reason"), "x")
    known = {"rules_version": 1, "people_version": 1, "slots": ()} | policy
    needed = {name for name, told in Pinned.model_fields.items() if told.is_required()}
    texts = dict.fromkeys(needed - set(known), "x")
    document: dict[str, Any] = {
        "id": "P-0123456789", "requester": "p", "editors": (), "change": typed, "title": typed.title(),
        "resource": typed.resource, "resource_name": None, "steps": typed.steps(),
        "request_hashes": tuple(step.request.hash() for step in typed.steps()), "preconditions": fields,
        "blast_radius": (), "reversibility": "", "amount": Amount(value=None, currency=None, basis=""),
        "evidence": {}, "policy": Pinned.model_validate(known | texts), "nonce": "n", "sealed_at": "x",
        "expires_at": "x", "execute_by": "x", "supersedes": None, "inverse_of": None,
    }  # fmt: skip
    missing = {name for name, told in Sealed.model_fields.items() if told.is_required()} - set(document)
    return Sealed.model_validate(document | dict.fromkeys(missing, "x"))


def effects(*outcomes: str | None, rehearsal: bool = False) -> list[Effect]:
    return [
        Effect(
            proposal="P-0123456789", step=number, attempt=f"a{number}", token=f"t{number}", fence=1, executor="stub",
            rehearsal=rehearsal, request_hash="x", intended_at=NOW, outcome=outcome,
            answered_at=NOW if outcome in (DONE, REFUSED) else None,
        )
        for number, outcome in enumerate(outcomes, 1)
    ]  # fmt: skip


def happened(token: str, *, refused: bool = False) -> list[Happening]:
    return [Happening("ec2:StopInstances", NOW, token=token, refused=refused)]


S, U = State.SUCCEEDED, State.RECONCILING
RESIZED = FIELDS | {"type": "g5.xlarge"}
GONE = {"state": "gone"}
TABLE: list[tuple[str, dict[str, Any], list[str | None], Any, State, timedelta, State | None, str]] = [
    # what; the change; each sent step's outcome; what reads; from; how long after; where it ends; what it says
    ("answered and shows", STOP, [DONE], STOPPED, S, 0 * MINUTE, State.VERIFIED, "as approved"),
    ("answered and does not show yet", STOP, [DONE], FIELDS, S, 9 * MINUTE, None, ""),
    ("answered and never shows", STOP, [DONE], FIELDS, S, 10 * MINUTE, State.DIVERGED, "now reads state running"),
    ("answered and on its way", STOP, [DONE], FIELDS | {"state": "stopping"}, S, 59 * MINUTE, None, ""),
    ("answered and never arrives", STOP, [DONE], FIELDS | {"state": "stopping"}, S, 60 * MINUTE, State.DIVERGED, ""),
    ("answered and unreadable", STOP, [DONE], None, S, UNREADABLE - MINUTE, None, ""),
    ("answered, unreadable for a day", STOP, [DONE], None, S, UNREADABLE, State.DIVERGED, "needs a person"),
    ("unanswered and shows", STOP, [None], STOPPED, U, 0 * MINUTE, State.VERIFIED, "as approved"),
    ("unanswered and unchanged", STOP, [None], FIELDS, U, 9 * MINUTE, None, ""),
    ("unanswered and unchanged for long", STOP, [None], FIELDS, U, 10 * MINUTE, State.FAILED, "did not take effect"),
    (
        "unanswered, started anew", STOP, [None], FIELDS | {"launched_at": "2026-11-20T09:01:00Z"}, U, 10 * MINUTE,
        State.DIVERGED, "now reads state running",
    ),
    ("unanswered, terminated", STOP, [None], FIELDS | {"state": "terminated"}, U, 10 * MINUTE, State.DIVERGED, "term"),
    ("unanswered, gone", STOP, [None], GONE, U, 10 * MINUTE, State.DIVERGED, "gone"),
    ("unanswered, unreadable for a day", STOP, [None], None, U, UNREADABLE, State.DIVERGED, "nobody knows"),
    ("nothing was ever readable", STOP, [None], None, U, 0 * MINUTE, None, ""),
    ("the first of three shows", RESIZE, [None], STOPPED, U, 0 * MINUTE, State.DIVERGED, "not sent: step 2, 3"),
    ("the first of three does not", RESIZE, [None], FIELDS, U, 10 * MINUTE, State.FAILED, "did not take effect"),
    ("the second of three", RESIZE, [DONE, None], STOPPED, U, 10 * MINUTE, State.DIVERGED, "of 3 steps done: 1"),
    (
        "the second shows", RESIZE, [DONE, None], STOPPED | {"type": "g5.xlarge"}, U, 0 * MINUTE, State.DIVERGED,
        "step 2 took effect without an answer",
    ),
    ("the last shows", RESIZE, [DONE, DONE, None], RESIZED, U, 0 * MINUTE, State.VERIFIED, "as approved"),
    (
        "the last does not", RESIZE, [DONE, DONE, None], RESIZED | {"state": "stopped"}, U, 10 * MINUTE,
        State.DIVERGED, "of 3 steps done: 1, 2",
    ),
    ("a volume is gone", DELETE, [None], GONE, U, 0 * MINUTE, State.VERIFIED, "as approved"),
    ("a volume is going", DELETE, [None], VOLUME_FIELDS | {"state": "deleting"}, U, 59 * MINUTE, None, ""),
    ("a volume stays", DELETE, [None], VOLUME_FIELDS, U, 10 * MINUTE, State.FAILED, "did not take effect"),
    ("a group is updating", SCALE, [DONE], GROUP_FIELDS | {"status": "UPDATING"}, S, 59 * MINUTE, None, ""),
    ("a group degraded", SCALE, [DONE], GROUP_FIELDS | {"status": "DEGRADED"}, S, 10 * MINUTE, State.DIVERGED, "DEGR"),
]  # fmt: skip
BEFORE = {"stop_instance": FIELDS, "resize_instance": FIELDS, "delete_volume": VOLUME_FIELDS}


def before(change: dict[str, Any]) -> dict[str, Any]:
    return BEFORE.get(change["kind"], GROUP_FIELDS)


@pytest.mark.parametrize(
    ("what", "change", "outcomes", "fields", "state", "after", "end", "says"), TABLE, ids=[row[0] for row in TABLE]
)
def test_the_read_back_proves(
    what: str, change: dict[str, Any], outcomes: list[str | None], fields: Any, state: State, after: timedelta,
    end: State | None, says: str,
) -> None:  # fmt: skip
    sealed = sealed_of(change, before(change))
    found = judge(sealed, effects(*outcomes), fields, state=state, now=NOW + after, settle=SETTLE)
    assert (found.state if found else None) == end
    assert says in (found.reason if found else "")


@pytest.mark.parametrize("fields", [None, {}, FIELDS, STOPPED, GONE, FIELDS | {"state": "stopping"}])
@pytest.mark.parametrize("outcome", [None, DONE])
def test_whatever_is_read_it_ends_within_a_day(fields: Any, outcome: str | None) -> None:
    state = S if outcome else U
    found = judge(sealed_of(STOP, FIELDS), effects(outcome), fields, state=state, now=NOW + UNREADABLE, settle=SETTLE)
    assert found is not None
    assert found.state in (State.VERIFIED, State.DIVERGED, State.FAILED)


def test_what_was_proven_of_each_step_is_told() -> None:
    resize, late = sealed_of(RESIZE, FIELDS), NOW + SETTLE
    found = judge(resize, effects(DONE, None), STOPPED, state=U, now=late, settle=SETTLE)
    assert isinstance(found, Conclusion)
    assert (found.found, found.absent) == ((), (2,))
    touched = judge(resize, effects(DONE, None), STOPPED | {"type": "m5.large"}, state=U, now=late, settle=SETTLE)
    assert isinstance(touched, Conclusion)
    assert (touched.found, touched.absent) == ((), ())


HISTORY = [
    ("its own line: it was done, and undone since", happened("t1"), State.DIVERGED),
    ("its own line, refused", happened("t1", refused=True), State.FAILED),
    ("somebody else's line", happened("t9"), State.FAILED),
    ("no line yet", [], State.FAILED),
    ("no history at all", None, State.FAILED),
]


@pytest.mark.parametrize(("what", "history", "end"), HISTORY, ids=[row[0] for row in HISTORY])
def test_the_providers_own_log_is_a_witness_of_effects_alone(what: str, history: Any, end: State) -> None:
    stop = sealed_of(STOP, FIELDS)
    found = judge(stop, effects(None), FIELDS, state=U, now=NOW + SETTLE, settle=SETTLE, history=history)
    assert found is not None
    assert found.state == end


def test_a_second_request_starts_the_settle_time_anew() -> None:
    scale, again = sealed_of(SCALE, GROUP_FIELDS), [NOW + 4 * MINUTE]
    args: dict[str, Any] = {"state": U, "settle": SETTLE, "sent_again": again}
    assert judge(scale, effects(None), GROUP_FIELDS, now=NOW + 13 * MINUTE, **args) is None
    found = judge(scale, effects(None), GROUP_FIELDS, now=NOW + 14 * MINUTE, **args)
    assert found is not None
    assert found.state == State.FAILED


def test_a_rehearsal_that_was_interrupted_needs_no_proof() -> None:
    found = judge(sealed_of(STOP, FIELDS), effects(None, rehearsal=True), None, state=U, now=NOW, settle=SETTLE)
    assert found is not None
    assert found.state == State.REHEARSED


AGAIN: list[tuple[str, dict[str, Any], list[str | None], list[timedelta], timedelta, bool]] = [
    ("half a minute later", SCALE, [None], [], timedelta(seconds=30), True),
    ("at once", SCALE, [None], [], timedelta(seconds=29), False),
    ("half a minute after the second", SCALE, [None], [MINUTE], timedelta(seconds=90), True),
    ("right after the second", SCALE, [None], [MINUTE], timedelta(seconds=89), False),
    ("a fourth time more", SCALE, [None], [MINUTE, 2 * MINUTE, 3 * MINUTE], 4 * MINUTE, False),
    ("just within half a settle time", SCALE, [None], [], timedelta(seconds=299), True),
    ("after half a settle time", SCALE, [None], [], 5 * MINUTE, False),
    ("it was answered", SCALE, [DONE], [], MINUTE, False),
    ("it was refused", SCALE, [REFUSED], [], MINUTE, False),
    ("it takes no token", STOP, [None], [], MINUTE, False),
    ("a deletion", DELETE, [None], [], MINUTE, False),
    ("nothing was sent", SCALE, [], [], MINUTE, False),
]


@pytest.mark.parametrize(("what", "change", "outcomes", "again", "after", "may"), AGAIN, ids=[row[0] for row in AGAIN])
def test_it_may_go_out_again(
    what: str, change: dict[str, Any], outcomes: list[str | None], again: list[timedelta], after: timedelta, may: bool
) -> None:
    moments = [NOW + one for one in again]
    sealed = sealed_of(change, before(change))
    found = may_send_again(sealed, effects(*outcomes), moments, now=NOW + after, settle=SETTLE)
    assert (found is not None) == may
    rehearsed = may_send_again(sealed, effects(*outcomes, rehearsal=True), moments, now=NOW + after, settle=SETTLE)
    assert rehearsed is None


NEXT: list[tuple[str, int, Any, timedelta, type | None]] = [
    ("stopped: modify", 1, STOPPED, 0 * MINUTE, Ready),
    ("modified: start", 2, STOPPED | {"type": "g5.xlarge"}, 0 * MINUTE, Ready),
    ("not modified yet", 2, STOPPED, MINUTE, None),
    ("never modified", 2, STOPPED, 10 * MINUTE, GivenUp),
    ("still stopping", 1, FIELDS | {"state": "stopping"}, 59 * MINUTE, None),
    ("unreadable", 1, None, 59 * MINUTE, None),
    ("unreadable for an hour", 1, None, 60 * MINUTE, GivenUp),
    ("gone", 1, GONE, 0 * MINUTE, GivenUp),
    ("another disk", 1, STOPPED | {"disks": ["vol-2"]}, 0 * MINUTE, GivenUp),
]


@pytest.mark.parametrize(("what", "done", "fields", "after", "kind"), NEXT, ids=[row[0] for row in NEXT])
def test_between_two_steps(what: str, done: int, fields: Any, after: timedelta, kind: type | None) -> None:
    resize = sealed_of(RESIZE, FIELDS)
    found = next_step(resize, effects(*[DONE] * done), fields, now=NOW + after, settle=SETTLE)
    assert (type(found) if found else None) == kind
    if isinstance(found, Ready):
        assert found.step.number == done + 1
