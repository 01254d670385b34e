"""The worker's right to act, once: APPROVED → CLAIMED after everything was judged again.

A fresh look at the resource is taken just before, outside any transaction; inside one, with the write lock held, the
bytes, the votes' entitlement now, the rules, the times by the database's clock and every precondition are judged, and
one compare-and-set decides which worker it is. An expired lease is taken over only where no step's intent was stored:
after an intent nobody may send again.
"""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session

from approvals.active import active
from approvals.agree import vouched
from approvals.changes.change import parse_change
from approvals.errors import Altered
from approvals.evidence import read_evidence
from approvals.inspectors.port import CannotLook, Inspector, NotSealable, Snapshot
from approvals.lease import LEASE, Claim
from approvals.move import move
from approvals.pin import pin
from approvals.policy import Verdict, may_claim, may_propose, no
from approvals.sealed import Sealed, decode
from approvals.states import State, words
from approvals.store import Proposal, effects_of, proposal_of, standing_votes
from approvals.vote import standing
from audit.event import Actor, ActorKind, Event
from audit.moment import utc_time
from audit.transaction import Begin


class Refusal(NamedTuple):
    """Why there was no claim, and where the proposal stands now."""

    verdict: Verdict
    state: State


def claim(
    begin: Begin, *, proposal_id: str, worker: str, inspector: Inspector, lease: timedelta = LEASE
) -> Claim | Refusal:
    """Judges everything again and claims the proposal, or says why not (and moves it where that ends or holds it)."""
    with begin() as (session, now):
        proposal = proposal_of(session, proposal_id)
        refusal = _claimable(session, proposal, now)
        if refusal is not None:
            return refusal
        looked_for = parse_change(json.loads(proposal.change))
    try:
        seen: Snapshot | NotSealable | CannotLook = inspector.look(looked_for)
    except CannotLook as error:
        seen = error
    with begin() as (session, now):
        proposal = proposal_of(session, proposal_id)
        return _claimable(session, proposal, now) or _judge(session, now, proposal, seen, worker, lease)


def _claimable(session: Session, proposal: Proposal, now: datetime) -> Refusal | None:
    state = State(proposal.state)
    if state in (State.APPROVED, State.HELD):
        return None
    if state != State.CLAIMED:
        return Refusal(no("not_approved", f"nothing to carry out: {words(state)}"), state)
    if proposal.lease_until is not None and now < proposal.lease_until:
        return Refusal(no("claimed", "another worker has claimed it"), state)
    if effects_of(session, proposal.id):
        return Refusal(no("intent_stored", "its request may have been sent; only a read-back may follow"), state)
    return None


def _judge(
    session: Session,
    now: datetime,
    proposal: Proposal,
    seen: Snapshot | NotSealable | CannotLook,
    worker: str,
    lease: timedelta,
) -> Claim | Refusal:
    actor = Actor(ActorKind.WORKER, worker)
    try:
        sealed = decode(proposal.sealed, proposal.digest)
    except Altered as error:
        return _end(session, now, proposal, actor, State.STALE, no("altered", error.why))
    verdict = _by_policy(session, now, proposal, sealed, seen)
    if verdict.code == "expired":
        return _end(session, now, proposal, actor, State.EXPIRED, verdict)
    if not verdict.allowed:
        return _end(session, now, proposal, actor, State.STALE, verdict)
    if isinstance(seen, CannotLook):
        return _hold(session, now, proposal, actor, no("cannot_look", f"the resource cannot be read now: {seen}"))
    drift = drifted(sealed.preconditions, seen)
    if drift or isinstance(seen, NotSealable):
        told = "; ".join(drift) if drift else getattr(seen, "reason", "")
        verdict = no("drift", f"changed since it was approved: {told}")
        return _end(session, now, proposal, actor, State.STALE, verdict, {"drift": drift})
    return _take(session, now, proposal, actor, lease)


def _by_policy(
    session: Session, now: datetime, proposal: Proposal, sealed: Sealed, seen: Snapshot | NotSealable | CannotLook
) -> Verdict:
    """The votes, the times and the rules as they are now; the environment too, as it is seen now."""
    current = active(session)
    votes = standing_votes(session, proposal.id)
    if any(cast.digest != proposal.digest for cast in votes):
        return no("altered", "a vote was given to other bytes than those stored")
    if not vouched(session, proposal, votes):
        return no("altered", "what is stored is not what the log tells of")
    asker = may_propose(person=sealed.requester, people=current.people, rules=current.rules)
    if not asker.allowed:
        return no("requester", f"whoever asked for it may not do so any more: {asker.reason}")
    pinned = sealed.policy
    for kind, version, digest, now_version, now_digest in (
        ("rules", pinned.rules_version, pinned.rules_digest, current.rules_version, current.rules_digest),
        ("people", pinned.people_version, pinned.people_digest, current.people_version, current.people_digest),
    ):
        if now_version < version or (now_version == version and now_digest != digest):
            return no("altered", f"the {kind} that it was sealed under are not those that are stored")
    required = pinned.needed()
    if isinstance(seen, Snapshot):
        evidence, involved = read_evidence(sealed.evidence), (sealed.requester, *sealed.editors)
        required = pin(current, sealed.change.kind, evidence, seen.environment, involved).needed()
    return may_claim(
        standing=standing(proposal, sealed, votes),
        people=current.people,
        execute_by=min(proposal.execute_by or utc_time(sealed.execute_by), utc_time(sealed.execute_by)),
        now=now,
        required=required,
    )


def drifted(sealed: dict[str, Any], seen: Snapshot | NotSealable) -> list[str]:
    """Each precondition that is not as it was sealed, in words: "state: running, now stopped"; of groups, the keys."""
    if isinstance(seen, NotSealable) and not seen.fields:
        return []
    return [
        _difference(name, sealed.get(name), seen.fields.get(name))
        for name in sorted(set(sealed) | set(seen.fields))
        if sealed.get(name) != seen.fields.get(name) or (name in sealed) != (name in seen.fields)
    ]


def _difference(name: str, before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(key for key in set(before) | set(now) if before.get(key) != now.get(key))
        return f"{name}: {', '.join(keys)}"
    return f"{name}: {'absent' if before is None else before}, now {'absent' if now is None else now}"


def _take(session: Session, now: datetime, proposal: Proposal, actor: Actor, lease: timedelta) -> Claim | Refusal:
    again = proposal.state == State.CLAIMED
    if proposal.state == State.HELD:
        data = {"reason": "what it waited for is over"}
        move(
            session, proposal, to=State.APPROVED, event=Event.APPROVAL_RELEASED, actor=actor, now=now, data=data,
            reason=None, code=None,
        )  # fmt: skip
    fence, until = proposal.fence + 1, now + lease
    taken = move(
        session,
        proposal,
        to=State.CLAIMED,
        event=Event.EXECUTION_TAKEN_OVER if again else Event.EXECUTION_CLAIMED,
        actor=actor,
        now=now,
        data={"digest": proposal.digest, "fence": fence, "lease_until": until},
        fence=fence,
        claimed_by=actor.id,
        lease_until=until,
    )
    if not taken:
        return Refusal(no("claimed", "another worker was faster"), State(proposal.state))
    return Claim(proposal.id, actor.id, fence, proposal.digest or "", until)


def _end(
    session: Session,
    now: datetime,
    proposal: Proposal,
    actor: Actor,
    to: State,
    verdict: Verdict,
    data: dict[str, Any] | None = None,
) -> Refusal:
    event = Event.PROPOSAL_EXPIRED if to == State.EXPIRED else Event.PROPOSAL_STALE
    told = {"code": verdict.code, "reason": verdict.reason, **(data or {})}
    move(
        session, proposal, to=to, event=event, actor=actor, now=now, data=told,
        reason=verdict.reason, code=verdict.code,
    )  # fmt: skip
    return Refusal(verdict, to)


def _hold(session: Session, now: datetime, proposal: Proposal, actor: Actor, verdict: Verdict) -> Refusal:
    """Waits, and says so once: a worker that tries again every second writes no entry every second."""
    if proposal.state != State.HELD:
        told = {"code": verdict.code, "reason": verdict.reason}
        move(
            session, proposal, to=State.HELD, event=Event.APPROVAL_HELD, actor=actor, now=now, data=told,
            reason=verdict.reason, code=verdict.code, look_at=now + timedelta(seconds=5),
        )  # fmt: skip
    else:
        proposal.look_at = now + timedelta(seconds=15)
        session.add(proposal)
    return Refusal(verdict, State.HELD)
