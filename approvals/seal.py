"""Makes a proposal of a draft: looks at the resource, resolves, computes, and fixes all of it as bytes with a digest.

The look is outside any transaction (a cloud may take seconds to answer); then one short transaction stores what was
seen. What cannot be sealed becomes UNSEALABLE with its reason, and nothing of it is ever shown as approvable.
"""

import json
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session

from approvals.active import Active, active
from approvals.changes.change import AnyChange, parse_change
from approvals.errors import NotFound
from approvals.evidence import Evidence, read_evidence
from approvals.inspectors.port import CannotLook, Inspector, NotSealable, Snapshot
from approvals.move import create
from approvals.pin import pin
from approvals.propose import open_proposal
from approvals.sealed import Amount, Sealed, digest
from approvals.states import State
from approvals.store import Draft, Proposal, from_draft
from audit.event import Actor, ActorKind, Event
from audit.moment import utc_text
from audit.transaction import Begin

GIVE_UP = timedelta(seconds=60)
"""How long a draft is tried while the provider gives no answer."""


def seal(begin: Begin, *, draft_id: str, inspector: Inspector, worker: str = "worker") -> Proposal | None:
    """The sealed (or unsealable) proposal; None while the provider gives no answer and it is worth trying again."""
    with begin() as (session, now):
        known = session.get(Proposal, draft_id)
        if known is not None:
            return known
        draft = session.get(Draft, draft_id)
        if draft is None:
            raise NotFound(f"there is no draft {draft_id[:40]!r}", why="no row has this id", do="Propose it again")
        waited = now - draft.created_at
    change = parse_change(json.loads(draft.change))
    try:
        seen = inspector.look(change)
    except CannotLook as error:
        if waited < GIVE_UP:
            return None
        seen = NotSealable(f"the resource could not be read for {GIVE_UP.seconds} seconds: {error}", "cannot_look")
    with begin() as (session, now):
        known = session.get(Proposal, draft_id)
        return known or _store(session, now, draft, change, seen, Actor(ActorKind.WORKER, worker))


def _store(
    session: Session, now: datetime, draft: Draft, change: AnyChange, seen: Snapshot | NotSealable, actor: Actor
) -> Proposal:
    row = from_draft(draft, state=State.UNSEALABLE, now=now)
    if isinstance(seen, NotSealable):
        return _unsealable(session, row, actor, now, seen)
    other = open_proposal(session, change.resource)
    if other is not None:
        return _unsealable(session, row, actor, now, NotSealable(f"{other} for this resource is open", "already_open"))
    current = active(session)
    document = _document(draft, change, seen, current, now)
    row.state = State.SEALED.value
    row.sealed = document.encode()
    row.digest = digest(row.sealed)
    row.policy_version = current.rules_version
    row.expires_at = now + current.rules.vote_within
    row.execute_by = row.expires_at + current.rules.execute_within
    data = {
        "digest": row.digest,
        "requester": row.requester,
        "resource": row.resource,
        "policy": document.policy.model_dump(),
        "amount": document.amount.model_dump(),
        "expires_at": row.expires_at,
    }
    return create(session, row, event=Event.PROPOSAL_SEALED, actor=actor, now=now, data=data)


def _unsealable(session: Session, row: Proposal, actor: Actor, now: datetime, why: NotSealable) -> Proposal:
    row.reason, row.code = why.reason, why.code
    data = {"code": why.code, "reason": why.reason, "resource": row.resource}
    return create(session, row, event=Event.PROPOSAL_UNSEALABLE, actor=actor, now=now, data=data)


def _document(draft: Draft, change: AnyChange, seen: Snapshot, current: Active, now: datetime) -> Sealed:
    evidence = read_evidence(json.loads(draft.evidence))
    editors = tuple(json.loads(draft.editors))
    steps = change.steps()
    expires_at = now + current.rules.vote_within
    return Sealed(
        id=draft.id,
        requester=draft.requester,
        editors=editors,
        change=change,
        title=change.title(),
        resource=change.resource,
        resource_name=seen.name or evidence.resource_name,
        steps=steps,
        request_hashes=tuple(step.request.hash() for step in steps),
        preconditions=seen.fields,
        blast_radius=seen.blast_radius or (change.resource,),
        reversibility=change.reversibility(),
        amount=_amount(evidence),
        evidence=json.loads(draft.evidence),
        policy=pin(current, change.kind, evidence, seen.environment, (draft.requester, *editors)),
        nonce=secrets.token_hex(16),
        sealed_at=utc_text(now),
        expires_at=utc_text(expires_at),
        execute_by=utc_text(expires_at + current.rules.execute_within),
        supersedes=draft.supersedes,
        inverse_of=draft.inverse_of,
    )


def _amount(evidence: Evidence) -> Amount:
    if evidence.amount is None:
        return Amount(value=None, currency=None, basis="not known, so the highest limit applies")
    basis = "annualised effective cost of the resource, from the bill"
    return Amount(value=format(evidence.amount, "f"), currency=evidence.currency, basis=basis)
