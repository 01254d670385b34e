"""What the tests of the gate's government share: people and rules beside the usual, and the short ways to act."""

import json
from datetime import timedelta
from typing import Any

from approvals.adopt import offer
from approvals.changes.governance import AdoptPolicy, ReleaseKillSwitch
from approvals.claim import claim
from approvals.delegate import delegate
from approvals.engage import engage
from approvals.execute import execute
from approvals.executors.local import LocalExecutor
from approvals.ids import new_id
from approvals.inspectors.local import LocalInspector
from approvals.lease import Claim
from approvals.posted import posted
from approvals.propose import Drafted, DraftRequest, propose
from approvals.reconcile import reconcile
from approvals.seal import seal
from approvals.states import State
from approvals.store import Proposal
from approvals.switch import newest_turn
from audit.event import Actor, ActorKind
from tests.approvals.gate_stubs import (
    OLIVIA,
    PEOPLE,
    SAM,
)

SERVE = Actor(ActorKind.SERVICE, "serve")
RITA, FINN = "p-0a150006", "p-0f1a0007"


MORE_PEOPLE = f"""{PEOPLE}
[[person]]
id = "{RITA}"
name = "Rita Risk"
roles = ["risk"]

[[person]]
id = "{FINN}"
name = "Finn Ops"
roles = ["finops"]
"""


LENDING = '\n[delegation]\nmax_days = 21\nroles = ["owner", "approver"]\n'


GLASS = """
[break_glass]
roles = ["ops_manager"]
slots = ["owner|sre", "director|vp"]
classes = ["reversible"]
vote_within_hours = 1
review_within_hours = 24
reviewers = ["risk", "finops"]
"""


OTHER = "i-0fedcba9876543210"


def sealed(gate: Any, drafted: Drafted, inspector: Any = None) -> Proposal:
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=inspector or gate.inspector)
    assert row is not None
    return row


def document(row: Proposal) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(row.sealed or b"{}")
    return told


def claimed(gate: Any, row: Proposal, worker: str = "w1") -> Any:
    return claim(gate.begin, proposal_id=row.id, worker=worker, inspector=gate.inspector)


def carried_out(gate: Any, row: Proposal) -> State:
    got = claimed(gate, row)
    assert isinstance(got, Claim), got
    execute(gate.begin, claim=got, executor=gate.executor)
    return reconcile(gate.begin, proposal_id=row.id, inspector=gate.inspector)


def lend(gate: Any, giver: str, receiver: str, *roles: str, days: float = 7) -> Any:
    with gate.writing() as (session, now):
        return delegate(
            session,
            now=now,
            giver=giver,
            receiver=receiver,
            roles=roles,
            starts_at=now,
            ends_at=now + timedelta(days=days),
        )


def turn_on(gate: Any, person: str | None = SAM, scope: str = "*") -> Any:
    with gate.writing() as (session, now):
        return engage(session, now=now, person=person, scope=scope, reason="runaway")


def turn_of(gate: Any) -> Any:
    with gate.reading() as (session, _):
        return newest_turn(session, "*")


def emergency(gate: Any, **more: Any) -> Any:
    return gate.draft(authority="break_glass", incident=more.pop("incident", "INC-20417"), **more)


def of_the_gate(gate: Any, change: AdoptPolicy | ReleaseKillSwitch, requester: str = OLIVIA) -> Proposal:
    inspector = LocalInspector(gate.begin)
    with gate.writing() as (session, now):
        draft = DraftRequest(id=new_id(), thread="", requester=requester, change=change.model_dump())
        drafted = propose(session, now=now, draft=draft)
    assert drafted.verdict.allowed, drafted.verdict
    row = sealed(gate, drafted, inspector)
    if row.state == State.SEALED:
        with gate.writing() as (session, now):
            posted(session, now=now, proposal_id=row.id, where="test")
    found: Proposal = gate.row(row.id)
    return found


def vote_all(gate: Any, row: Proposal) -> State:
    for person in (RITA, FINN):
        gate.vote(row, person)
    state: State = gate.state(row)
    return state


def through(gate: Any, row: Proposal) -> State:
    inspector = LocalInspector(gate.begin)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=inspector)
    assert isinstance(got, Claim), got
    execute(gate.begin, claim=got, executor=LocalExecutor(gate.begin))
    return reconcile(gate.begin, proposal_id=row.id, inspector=inspector)


def offered(gate: Any, kind: str, text: str) -> AdoptPolicy:
    with gate.writing() as (session, now):
        return offer(session, now=now, kind=kind, text=text)
