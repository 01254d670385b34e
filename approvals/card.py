"""What people see of a proposal: the stored row, projected. Any surface draws it; none adds a fact to it.

A card is only ever made from what is stored, after it is stored, and everything that is approved stands on it in full:
what cannot be shown whole must not be approvable.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import unified_diff
from typing import Any

from sqlmodel import Session

from approvals.active import active
from approvals.adopt import text_of
from approvals.changes.change import AnyChange
from approvals.changes.governance import AdoptPolicy
from approvals.changes.terraform import PatchTerraform
from approvals.errors import Altered
from approvals.person import People
from approvals.policy import APPROVE, filled, held
from approvals.risk import Risk, risk_of
from approvals.rollback import UNDOABLE
from approvals.sealed import Sealed, decode
from approvals.states import BEFORE_CLAIM, REJECTABLE, TERMINAL, State, words
from approvals.store import BY_VOTE, Advice, Effect, Proposal, Vote, effects_of, proposal_of, standing_votes
from approvals.undo import inverse_change

WAITED = timedelta(seconds=10)


@dataclass(frozen=True)
class SlotShown:
    """One vote that is needed, and the opaque id of whoever gave it."""

    role: str
    person: str | None


@dataclass(frozen=True)
class VoteShown:
    """One standing vote."""

    person: str
    choice: str
    cast_at: datetime


@dataclass(frozen=True)
class StepShown:
    """One request in full, what it leads to, what would undo it, and how far it is."""

    number: int
    sentence: str
    request_hash: str
    before: str
    after: str
    undo: str
    progress: str


@dataclass(frozen=True)
class Card:
    """The facts of one proposal. `amount`, `saving` and `figures` are as the tools gave them."""

    proposal: str
    version: int
    state: State
    words: str
    title: str
    resource: str
    resource_name: str | None
    environment: str
    requester: str
    reversibility: str
    blast_radius: tuple[str, ...]
    steps: tuple[StepShown, ...]
    preconditions: dict[str, Any]
    amount: str | None
    saving: str | None
    currency: str | None
    window: str | None
    team: str | None
    figures: tuple[dict[str, Any], ...]
    policy: str
    slots: tuple[SlotShown, ...]
    votes: tuple[VoteShown, ...]
    digest: str
    digest8: str
    expires_at: datetime | None
    execute_by: datetime | None
    reason: str | None
    hint: str | None
    approvable: bool
    rejectable: bool
    withdrawable: bool
    terminal: bool
    rehearsal: bool
    nonce: str = ""
    authority: str = BY_VOTE
    incident: str | None = None
    undoable: bool = False
    inverse_of: str | None = None
    supersedes: str | None = None
    until: datetime | None = None
    difference: tuple[str, ...] = ()
    advice: str | None = None
    advised_by: str | None = None
    risk: Risk = Risk.LOW


def project(
    session: Session,
    proposal_id: str,
    people: People,
    *,
    now: datetime | None = None,
    worker_seen_at: datetime | None = None,
) -> Card:
    """The card of a stored proposal. With `now`, a hint says when it waits for a worker that was not seen lately."""
    proposal = proposal_of(session, proposal_id)
    votes = standing_votes(session, proposal_id)
    effects = effects_of(session, proposal_id)
    try:
        sealed = None if proposal.sealed is None else decode(proposal.sealed, proposal.digest)
    except Altered as error:
        return _bare(proposal, reason=f"{error.what} {error.why}")
    if sealed is None:
        return _bare(proposal, reason=proposal.reason)
    card = _full(proposal, sealed, votes, effects, people, _hint(proposal, now, worker_seen_at))
    advice = session.get(Advice, proposal.id)
    return replace(
        card,
        undoable=proposal.state in UNDOABLE and inverse_change(sealed, effects) is not None,
        difference=difference(session, sealed.change),
        risk=risk_of(sealed, active(session).rules),
        # What was remarked on other bytes says nothing about these.
        advice=advice.body if advice is not None and advice.digest == proposal.digest else None,
        advised_by=advice.model if advice is not None else None,
    )


def difference(session: Session, change: AnyChange) -> tuple[str, ...]:
    """What a change of rules or people, or a patch, would change, line by line as `diff -u` tells it; else nothing."""
    if isinstance(change, PatchTerraform):
        return change.lines()
    if not isinstance(change, AdoptPolicy):
        return ()
    before, after = (text_of(session, change.what, which) for which in (change.replaces, change.digest))
    if before is None or after is None:
        return ("the texts are not stored",)
    lines = unified_diff(before.splitlines(), after.splitlines(), "in force", "proposed", lineterm="")
    return tuple(lines)


def _bare(proposal: Proposal, *, reason: str | None) -> Card:
    """What was never sealed, or is no longer what was sealed: named, with its reason, and not approvable."""
    evidence = json.loads(proposal.evidence)
    state = State(proposal.state)
    change = json.loads(proposal.change)
    return Card(
        proposal=proposal.id,
        version=proposal.version,
        state=state,
        words=words(state),
        title=f"{proposal.kind.replace('_', ' ').capitalize()} {change.get('instance_id', proposal.resource)}",
        resource=proposal.resource,
        resource_name=evidence.get("resource_name"),
        environment="unknown",
        requester=proposal.requester,
        reversibility="",
        blast_radius=(),
        steps=(),
        preconditions={},
        amount=None,
        saving=None,
        currency=None,
        window=None,
        team=evidence.get("team"),
        figures=(),
        policy="",
        slots=(),
        votes=(),
        digest="",
        digest8="",
        expires_at=proposal.expires_at,
        execute_by=proposal.execute_by,
        reason=reason,
        hint=None,
        approvable=False,
        rejectable=False,
        withdrawable=False,
        terminal=state in TERMINAL,
        rehearsal=False,
    )


def _full(
    proposal: Proposal,
    sealed: Sealed,
    votes: list[Vote],
    effects: list[Effect],
    people: People,
    hint: str | None,
) -> Card:
    state = State(proposal.state)
    evidence = sealed.evidence
    approvals = [vote.person for vote in votes if vote.choice == APPROVE]
    needed = sealed.policy.needed()
    holders = filled(needed, held(people, approvals, (sealed.requester, *sealed.editors)))
    return Card(
        proposal=proposal.id,
        version=proposal.version,
        state=state,
        words=_words(state, sealed.change),
        title=sealed.title,
        resource=sealed.resource,
        resource_name=sealed.resource_name,
        environment=sealed.policy.environment,
        requester=sealed.requester,
        reversibility=sealed.reversibility,
        blast_radius=sealed.blast_radius,
        steps=_steps(sealed, effects),
        preconditions=sealed.preconditions,
        amount=sealed.amount.value,
        saving=evidence.get("saving"),
        currency=sealed.amount.currency or evidence.get("currency"),
        window=evidence.get("window"),
        team=evidence.get("team"),
        figures=tuple(evidence.get("figures", ())),
        policy=sealed.policy.reason,
        slots=tuple(SlotShown(slot.words(), holder) for slot, holder in zip(needed, holders, strict=True)),
        votes=tuple(VoteShown(vote.person, vote.choice, vote.cast_at) for vote in votes),
        digest=proposal.digest or "",
        digest8=(proposal.digest or "")[:8],
        expires_at=proposal.expires_at,
        execute_by=proposal.execute_by,
        reason=proposal.reason,
        hint=hint,
        approvable=state in (State.PENDING, State.PARTIAL),
        rejectable=state in REJECTABLE,
        withdrawable=state in BEFORE_CLAIM,
        terminal=state in TERMINAL,
        rehearsal=bool(effects) and all(effect.rehearsal for effect in effects),
        nonce=sealed.nonce,
        authority=sealed.policy.authority,
        incident=sealed.incident,
        inverse_of=sealed.inverse_of,
        supersedes=sealed.supersedes,
        until=proposal.look_at if state == State.REVIEW_DUE else None,
    )


def _words(state: State, change: AnyChange) -> str:
    """Where it stands; of a patch, whether it was applied."""
    if not isinstance(change, PatchTerraform):
        return words(state)
    told = {State.SUCCEEDED: "handed over, not applied yet", State.VERIFIED: "applied and checked"}
    return told.get(state) or words(state)


def _steps(sealed: Sealed, effects: list[Effect]) -> tuple[StepShown, ...]:
    sent = {effect.step: effect for effect in effects}
    shown = []
    for step, request_hash in zip(sealed.steps, sealed.request_hashes, strict=True):
        effect = sent.get(step.number)
        before = ", ".join(f"{name}: {sealed.preconditions.get(name, 'unknown')}" for name in sorted(step.expect))
        after = ", ".join(f"{name}: {value}" for name, value in sorted(step.expect.items()))
        shown.append(
            StepShown(
                number=step.number,
                sentence=step.sentence(),
                request_hash=request_hash,
                before=before,
                after=after,
                undo=step.inverse.operation if step.inverse else "cannot be undone",
                progress="not sent" if effect is None else effect.outcome or "no answer yet",
            )
        )
    return tuple(shown)


def _hint(proposal: Proposal, now: datetime | None, worker_seen_at: datetime | None) -> str | None:
    waits_for_worker = State(proposal.state) in (State.APPROVED, State.HELD, State.SUCCEEDED, State.UNKNOWN)
    if now is None or not waits_for_worker or now - proposal.changed_at < WAITED:
        return None
    if worker_seen_at is not None and now - worker_seen_at < WAITED:
        return None
    since = f"since {worker_seen_at:%H:%M} UTC" if worker_seen_at else "was seen yet"
    return f"{words(proposal.state)}; no worker {since}: start one with `spendgate worker`"
