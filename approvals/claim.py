"""The worker's right to act, once: APPROVED → CLAIMED after everything was judged again.

A fresh look at the resource is taken just before, outside any transaction; inside one, with the write lock held, the
bytes, the votes' entitlement now, the rules, the times by the database's clock, the kill switch, freezes, caps and
every precondition are judged, and one compare-and-set decides which worker it is, spending the approval's nonce. An
expired lease is taken over only where no step's intent was stored: after an intent nobody may send again.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlmodel import Session

from approvals.active import entitled, judged_by
from approvals.agree import claims_agree, vouched
from approvals.caps import DAY
from approvals.changes.change import parse_change
from approvals.changes.terraform import filed_as
from approvals.emergency import may_break_glass
from approvals.errors import Altered
from approvals.evidence import read_evidence
from approvals.inspectors.port import CannotLook, Inspector, NotSealable, Snapshot
from approvals.lease import LEASE, Claim
from approvals.move import move
from approvals.pin import required_now
from approvals.policy import Verdict, may_claim, may_propose, no
from approvals.rules import Slot
from approvals.sealed import Sealed, decode
from approvals.settling import LOOK_LASTS
from approvals.states import State, words
from approvals.stops import frozen_now, stopped_by
from approvals.store import BREAK_GLASS, ClaimRecord, Proposal, effects_of, proposal_of, standing_votes
from approvals.vote import standing
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.moment import utc_time
from audit.transaction import Begin

LOOK_FIRST, LOOK_AGAIN, LOOK_LATEST = timedelta(seconds=5), timedelta(seconds=15), timedelta(minutes=10)
_ENDS = {
    State.EXPIRED: Event.PROPOSAL_EXPIRED,
    State.STALE: Event.PROPOSAL_STALE,
    State.VETOED: Event.PROPOSAL_VETOED,
}


class Refusal(NamedTuple):
    """Why there was no claim, and where the proposal stands now."""

    verdict: Verdict
    state: State


def claim(
    begin: Begin, *, proposal_id: str, worker: str, inspector: Inspector, lease: timedelta = LEASE
) -> Claim | Refusal:
    """Judges everything again and claims the proposal, or says why not (and moves it where that ends or holds it)."""
    with begin() as (session, asked_at):
        proposal = proposal_of(session, proposal_id)
        refusal = _claimable(session, proposal, asked_at)
        if refusal is not None:
            return refusal
        looked_for = parse_change(json.loads(proposal.change))
    try:
        seen: Snapshot | NotSealable | CannotLook = inspector.look(looked_for)
    except CannotLook as error:
        seen = error
    with begin() as (session, now):
        if now > asked_at + LOOK_LASTS:
            seen = CannotLook("the answer came too late to say how it is now")
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
    if verdict.code == "directory_down":
        return _hold(session, now, proposal, actor, verdict)
    if not verdict.allowed:
        return _end(session, now, proposal, actor, State.STALE, verdict)
    stopped = stopped_by(session, now, proposal, sealed)
    if stopped is not None and stopped.ends:
        return _end(session, now, proposal, actor, State.VETOED, stopped.verdict)
    if stopped is not None:
        return _hold(session, now, proposal, actor, stopped.verdict, until=stopped.until)
    if isinstance(seen, CannotLook):
        return _hold(session, now, proposal, actor, no("cannot_look", f"the resource cannot be read now: {seen}"))
    drift = drifted(sealed.preconditions, seen)
    if drift or isinstance(seen, NotSealable):
        told = "; ".join(drift) if drift else getattr(seen, "reason", "")
        verdict = no("drift", f"changed since it was approved: {told}")
        return _end(session, now, proposal, actor, State.STALE, verdict, {"drift": drift})
    return _take(session, now, proposal, sealed, actor, lease)


def _by_policy(
    session: Session, now: datetime, proposal: Proposal, sealed: Sealed, seen: Snapshot | NotSealable | CannotLook,
    begun_at: datetime | None = None,
) -> Verdict:  # fmt: skip
    """The votes, the times and the rules as they are now; the environment too, as it is seen now.

    `begun_at`: when what goes on was claimed; only then must the time to carry it out not have been over.
    """
    current = entitled(session, now)
    votes = standing_votes(session, proposal.id)
    if any(cast.digest != proposal.digest for cast in votes):
        return no("altered", "a vote was given to other bytes than those stored")
    if not vouched(session, proposal, votes):
        return no("altered", "what is stored is not what the log tells of")
    if not claims_agree(session, since=now - DAY):
        return no("altered", "the claims by which the caps are judged are not those that the log tells of")
    asker = may_propose(person=sealed.requester, people=current.people, rules=current.rules)
    if not asker.allowed:
        return no("requester", f"whoever asked for it may not do so any more: {asker.reason}")
    if sealed.policy.authority == BREAK_GLASS:
        glass = may_break_glass(
            person=sealed.requester, change_kind=filed_as(sealed.change), people=current.people, rules=current.rules
        )
        if not glass.allowed:
            return no("no_emergency", f"it may not be asked for as an emergency any more: {glass.reason}")
    pinned = sealed.policy
    for kind, version, digest, now_version, now_digest in (
        ("rules", pinned.rules_version, pinned.rules_digest, current.rules_version, current.rules_digest),
        ("people", pinned.people_version, pinned.people_digest, current.people_version, current.people_digest),
    ):
        if now_version < version or (now_version == version and now_digest != digest):
            return no("altered", f"the {kind} that it was sealed under are not those that are stored")
    required: Sequence[Slot] = pinned.needed()
    if isinstance(seen, Snapshot):
        required = required_now(current, sealed, read_evidence(sealed.evidence), seen.environment).slots
    return may_claim(
        standing=standing(proposal, sealed, votes),
        people=judged_by(current.people, sealed.change.kind),
        execute_by=min(proposal.execute_by or utc_time(sealed.execute_by), utc_time(sealed.execute_by)),
        now=begun_at or now,
        required=required,
    )


def still_approved(session: Session, now: datetime, proposal: Proposal, sealed: Sealed) -> Verdict:
    """Whether the votes, the times and the rules still allow what was claimed, whatever the resource looks like now."""
    return _by_policy(session, now, proposal, sealed, CannotLook("not looked at"))


def may_go_on(session: Session, now: datetime, proposal: Proposal, sealed: Sealed) -> Verdict:
    """Whether the votes and the rules still allow the rest of what was begun in time; a freeze allows no more of it."""
    record = session.get(ClaimRecord, proposal.id)
    if record is None:
        return no("no_claim", "nothing tells that it was ever claimed")
    verdict = _by_policy(session, now, proposal, sealed, CannotLook("not looked at"), begun_at=record.claimed_at)
    frost = frozen_now(session, now, sealed) if verdict.allowed else None
    return verdict if frost is None else frost.verdict


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


def _take(
    session: Session, now: datetime, proposal: Proposal, sealed: Sealed, actor: Actor, lease: timedelta
) -> Claim | Refusal:
    again = proposal.state == State.CLAIMED
    if proposal.state == State.HELD:
        _release(session, now, proposal, actor)
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
    if not _spend(session, now, proposal, sealed, actor, fence):
        raise RuntimeError(f"the approval of {proposal.id} was used before; the whole claim is taken back")
    if sealed.policy.authority == BREAK_GLASS and not again:
        data = {"incident": sealed.incident, "digest": proposal.digest}
        append(session, now=now, event=Event.BREAKGLASS_USED, actor=actor, proposal=proposal.id, data=data)
    return Claim(proposal.id, actor.id, fence, proposal.digest or "", until)


def _spend(session: Session, now: datetime, proposal: Proposal, sealed: Sealed, actor: Actor, fence: int) -> bool:
    """Spends the nonce under which people voted. Only the same claim, taken over before any intent, keeps it."""
    known = session.get(ClaimRecord, proposal.id, populate_existing=True)
    if known is not None:
        known.worker, known.fence, known.claimed_at = actor.id, fence, now
        session.add(known)
        return known.nonce == sealed.nonce and known.digest == proposal.digest
    session.add(
        ClaimRecord(
            proposal=proposal.id,
            nonce=sealed.nonce,
            digest=proposal.digest or "",
            worker=actor.id,
            fence=fence,
            claimed_at=now,
            account=sealed.change.account,
            amount=None if sealed.amount.value is None else Decimal(sealed.amount.value),
            currency=sealed.amount.currency,
        )
    )
    session.flush()
    return True


def _end(
    session: Session,
    now: datetime,
    proposal: Proposal,
    actor: Actor,
    to: State,
    verdict: Verdict,
    data: dict[str, Any] | None = None,
) -> Refusal:
    event = _ENDS[to]
    told = {"code": verdict.code, "reason": verdict.reason, **(data or {})}
    move(
        session, proposal, to=to, event=event, actor=actor, now=now, data=told,
        reason=verdict.reason, code=verdict.code,
    )  # fmt: skip
    return Refusal(verdict, to)


def _hold(
    session: Session, now: datetime, proposal: Proposal, actor: Actor, verdict: Verdict, until: datetime | None = None
) -> Refusal:
    """Waits, and says so once: a worker that tries again every second writes no entry every second."""
    if proposal.state == State.HELD and proposal.code == verdict.code:
        proposal.look_at = _next_look(now, until, LOOK_AGAIN)
        session.add(proposal)
        return Refusal(verdict, State.HELD)
    if proposal.state == State.HELD:
        # What it waits for has changed: released and held again, so that card and log tell the present reason.
        _release(session, now, proposal, actor)
    told = {"code": verdict.code, "reason": verdict.reason, "until": until}
    move(
        session, proposal, to=State.HELD, event=Event.APPROVAL_HELD, actor=actor, now=now, data=told,
        reason=verdict.reason, code=verdict.code, look_at=_next_look(now, until, LOOK_FIRST),
    )  # fmt: skip
    return Refusal(verdict, State.HELD)


def _next_look(now: datetime, until: datetime | None, soon: timedelta) -> datetime:
    """When it is tried again: at the end of what it waits for, but at least every ten minutes, as rules can change."""
    return now + soon if until is None else max(now + soon, min(until, now + LOOK_LATEST))


def _release(session: Session, now: datetime, proposal: Proposal, actor: Actor) -> None:
    data = {"reason": "what it waited for is over"}
    move(
        session, proposal, to=State.APPROVED, event=Event.APPROVAL_RELEASED, actor=actor, now=now, data=data,
        reason=None, code=None,
    )  # fmt: skip
