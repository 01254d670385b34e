"""Makes a proposal of a draft: looks at the resource, resolves, computes, and fixes all of it as bytes with a digest.

The look is outside any transaction (a cloud may take seconds to answer); then one short transaction stores what was
seen. What cannot be sealed becomes UNSEALABLE with its reason, and nothing of it is ever shown as approvable.
"""

import json
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session

from approvals.active import Active, entitled
from approvals.changes.change import AnyChange, parse_change
from approvals.changes.reversibility import class_of
from approvals.changes.stop_schedule import ScheduleStop
from approvals.changes.terraform import PatchTerraform, filed_as
from approvals.changes.undo import UndoInstance
from approvals.emergency import may_break_glass
from approvals.errors import Altered, GateError, NotFound
from approvals.evidence import Evidence, read_evidence
from approvals.governance import GOVERNANCE
from approvals.inspectors.port import CannotLook, Inspector, NotSealable, Snapshot
from approvals.move import create, move
from approvals.pin import pin
from approvals.precedents import earlier_proposals
from approvals.propose import INCIDENT, open_proposal, unreviewed
from approvals.scope import scope_of, told
from approvals.sealed import Amount, Sealed, decode, digest
from approvals.split import Summed, summed
from approvals.states import BEFORE_CLAIM, State, words
from approvals.store import BREAK_GLASS, Draft, Proposal, effects_of, find_proposal, from_draft
from approvals.undo import inverse_change
from audit.canonical import canonical
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
    if isinstance(change, PatchTerraform):
        why = NotSealable("a patch is made by the worker of a change; ask for the change", "made_by_worker")
        return _unsealable(session, row, actor, now, why)
    if isinstance(seen, NotSealable):
        return _unsealable(session, row, actor, now, seen)
    if seen.resolved is not None:
        if (filed_as(seen.resolved), seen.resolved.resource) != (filed_as(change), change.resource):
            why = NotSealable("what was read would make another change of it than was asked for", "other_change")
            return _unsealable(session, row, actor, now, why)
        try:
            change = parse_change(seen.resolved.model_dump())
        except GateError as error:
            # What an inspector filled in was never checked as a change that somebody asks for is.
            why = NotSealable(f"what was read makes no change that could be sealed: {error.why}", "odd_change")
            return _unsealable(session, row, actor, now, why)
        row.change = canonical(change.model_dump()).decode()
    current = entitled(session, now)
    wrong = (
        _misplaced(change, now)
        or _not_the_inverse(session, draft, change)
        or _no_emergency(session, draft, change, current)
    )
    if wrong is not None:
        return _unsealable(session, row, actor, now, wrong)
    evidence = read_evidence(json.loads(draft.evidence))
    try:
        class_name = current.rules.class_of(filed_as(change))
    except GateError as error:
        return _unsealable(session, row, actor, now, NotSealable(str(error), "no_class"))
    # What it replaces ends last of all: a change that cannot be sealed ends nobody's votes.
    wrong = _filed_too_laxly(change, class_name, current) or _supersede(session, draft, change, actor, now)
    if wrong is not None:
        return _unsealable(session, row, actor, now, wrong)
    scope = scope_of(class_name, seen.team or evidence.team, change.account)
    judged = _judged(session, now, change, evidence, scope, current)
    document = _document(draft, change, seen, current, now, scope, judged)
    row.state = State.SEALED.value
    row.sealed = document.encode()
    row.digest = digest(row.sealed)
    row.policy_version = current.rules_version
    row.class_name, row.scope, row.account = document.policy.class_name, scope, change.account
    row.amount, row.currency = evidence.amount, evidence.currency
    row.expires_at = now + _vote_within(current, draft)
    row.execute_by = row.expires_at + current.rules.execute_within
    data = {
        "digest": row.digest,
        "requester": row.requester,
        "resource": row.resource,
        "policy": document.policy.model_dump(),
        "amount": document.amount.model_dump(),
        "scope": scope,
        "expires_at": row.expires_at,
    }
    return create(session, row, event=Event.PROPOSAL_SEALED, actor=actor, now=now, data=data)


def _judged(
    session: Session, now: datetime, change: AnyChange, evidence: Evidence, scope: str, current: Active
) -> Summed:
    """The amount that decides the column: with whatever in the same scope it may have been split from."""
    days, class_name = current.rules.split_days, current.rules.class_of(filed_as(change))
    # The gate's own changes cost nothing, so there is nothing to split.
    earlier = (
        earlier_proposals(session, now=now, scope=scope, class_name=class_name, days=days)
        if change.kind not in GOVERNANCE
        else []
    )
    return summed(evidence.amount, evidence.currency, earlier, resource=change.resource, scope=told(scope), days=days)


def _vote_within(current: Active, draft: Draft) -> timedelta:
    glass = current.rules.break_glass
    hurried = draft.authority == BREAK_GLASS and glass is not None
    return glass.vote_within if hurried and glass is not None else current.rules.vote_within


def _filed_too_laxly(change: AnyChange, class_name: str, current: Active) -> NotSealable | None:
    """Whether the rules in force would let fewer people decide than the worst step of the change asks for.

    The loader refuses such a file; this holds for rules that were in force before the program knew the kind so well,
    and for a chain of which one link is worse than its kind says.
    """
    worst = class_of(change)
    if current.rules.votes_as_strictly(class_name, worst):
        return None
    filed = f"the rules in force file {filed_as(change)} under {class_name!r}"
    told = f"a step of it is {worst.replace('_', ' ')}, and {filed}"
    return NotSealable(f"{told}, whose votes do not include those of {worst!r}", "filed_too_laxly")


def _misplaced(change: AnyChange, now: datetime) -> NotSealable | None:
    """A standing order has an end that lies ahead, and not so far that nobody would vote on it again."""
    why = change.misplaced(now) if isinstance(change, ScheduleStop) else None
    return NotSealable(why, "misplaced_end") if why is not None else None


def _not_the_inverse(session: Session, draft: Draft, change: AnyChange) -> NotSealable | None:
    """A rollback is the inverse that was sealed, or it is no rollback."""
    # The way back of what Terraform owns is a patch again; what was sealed as the inverse is the change that it makes.
    change = change.of if isinstance(change, PatchTerraform) else change
    named = draft.inverse_of or (change.of if isinstance(change, UndoInstance) else None)
    if named is None:
        return None
    original = find_proposal(session, named)
    try:
        sealed = decode(original.sealed, original.digest) if original is not None else None
    except Altered as error:
        return NotSealable(f"{error.what} {error.why}", "altered")
    if original is None or sealed is None or inverse_change(sealed, effects_of(session, original.id)) != change:
        return NotSealable(f"it is not the inverse that was sealed with {named}", "not_the_inverse")
    return None


def _no_emergency(session: Session, draft: Draft, change: AnyChange, current: Active) -> NotSealable | None:
    """Why it is sealed by no emergency's authority: a draft's row alone does not make one, whoever wrote it."""
    if draft.authority != BREAK_GLASS:
        return None
    verdict = may_break_glass(
        person=draft.requester,
        change_kind=filed_as(change),
        people=current.people,
        rules=current.rules,
        unreviewed=[other for other in unreviewed(session) if other != draft.id],
    )
    if not verdict.allowed:
        return NotSealable(verdict.reason, verdict.code)
    if not INCIDENT.fullmatch(draft.incident or ""):
        return NotSealable("an emergency names its incident by its number", "no_incident")
    return None


def _supersede(session: Session, draft: Draft, change: AnyChange, actor: Actor, now: datetime) -> NotSealable | None:
    """Ends what this draft replaces, its votes with it; from here on only the new one can be decided."""
    other = open_proposal(session, change.resource)
    if other is not None and other != draft.supersedes:
        return NotSealable(f"{other} for this resource is open", "already_open")
    if draft.supersedes is None:
        return None
    old = find_proposal(session, draft.supersedes)
    if old is None or State(old.state) not in BEFORE_CLAIM:
        told = words(old.state) if old is not None else "there is no such proposal"
        return NotSealable(f"{draft.supersedes} cannot be replaced any more: {told}", "too_late")
    reason = f"replaced by {draft.id}"
    move(
        session, old, to=State.SUPERSEDED, event=Event.PROPOSAL_SUPERSEDED, actor=actor, now=now,
        data={"by": draft.id}, reason=reason, code="superseded",
    )  # fmt: skip
    return None


def _unsealable(session: Session, row: Proposal, actor: Actor, now: datetime, why: NotSealable) -> Proposal:
    row.reason, row.code = why.reason, why.code
    data = {"code": why.code, "reason": why.reason, "resource": row.resource}
    return create(session, row, event=Event.PROPOSAL_UNSEALABLE, actor=actor, now=now, data=data)


def _document(
    draft: Draft, change: AnyChange, seen: Snapshot, current: Active, now: datetime, scope: str, judged: Summed
) -> Sealed:
    evidence = read_evidence(json.loads(draft.evidence))
    editors = tuple(json.loads(draft.editors))
    steps = change.steps()
    expires_at = now + _vote_within(current, draft)
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
        policy=pin(current, draft, evidence, (draft.requester, *editors), seen.environment, judged),
        nonce=secrets.token_hex(16),
        sealed_at=utc_text(now),
        expires_at=utc_text(expires_at),
        execute_by=utc_text(expires_at + current.rules.execute_within),
        supersedes=draft.supersedes,
        inverse_of=draft.inverse_of,
        incident=draft.incident,
        scope=scope,
    )


def _amount(evidence: Evidence) -> Amount:
    if evidence.amount is None:
        return Amount(value=None, currency=None, basis="not known, so the highest limit applies")
    basis = "annualised effective cost of the resource, from the bill"
    return Amount(value=format(evidence.amount, "f"), currency=evidence.currency, basis=basis)
