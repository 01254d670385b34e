"""A person's vote: judged at this moment, stored with its entry, and counted. A refusal is a result, and is logged.

Every guard is asked again for every ballot; nothing that came with the click (a name, a state, a card) is believed
except the opaque person id that the front door found, the proposal's id and the digest that was shown.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from approvals.active import active, entitled, judged_by
from approvals.caps import HOUR, fatigued
from approvals.errors import Altered
from approvals.move import move
from approvals.person import People
from approvals.policy import APPROVE, REJECT, WITHDRAW, Standing, Verdict, may_vote, no, quorum, yes
from approvals.risk import Risk, risk_of
from approvals.sealed import Sealed, decode
from approvals.states import REJECTABLE, State, words
from approvals.store import Proposal, Vote, find_proposal, standing_votes
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.moment import utc_time
from audit.private import commitment, reference, written_by

NOBODY = "unknown"
Via = Literal["slack", "page", "terminal"]
SLACK: Via = "slack"
"""The way of a click: it says who somebody claims to be, so it is not enough for everything."""
PAGE: Via = "page"
"""The way of the page that a link of one's own opens."""
TERMINAL: Via = "terminal"
"""The way of whoever is logged in on the machine."""
SURE: frozenset[Via] = frozenset({PAGE, TERMINAL})
"""The ways that are enough for every change; any other, also one that is added later, is judged by the risk."""
_SAFE = re.compile(r"[^0-9A-Za-z:_.-]")


class Ballot(BaseModel):
    """What a person decided. `person` is None if nobody knows who clicked; `digest` is the whole one that was shown;
    `reason_ref` is where the door has kept `reason` under that person's key already, if it has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proposal_id: str
    person: str | None
    choice: Literal["approve", "reject", "withdraw"]
    digest: str
    via: Via
    reason: str | None = None
    reason_ref: str | None = None


class VoteResult(NamedTuple):
    """The verdict, where the proposal stands now (None if there is none), and whether the vote was there before."""

    verdict: Verdict
    proposal_state: State | None
    already: bool = False


def vote(session: Session, *, now: datetime, ballot: Ballot) -> VoteResult:
    """Judges and counts one ballot in the caller's transaction."""
    proposal = find_proposal(session, ballot.proposal_id)
    if proposal is None or proposal.sealed is None:
        told = no("not_found", "there is no such proposal") if proposal is None else _closed(proposal)
        return _refused(session, now, ballot, told, proposal)
    try:
        sealed = decode(proposal.sealed, proposal.digest)
        people = judged_by(entitled(session, now).people, sealed.change.kind)
    except Altered as error:
        return _refused(session, now, ballot, no("altered", f"{error.what} {error.why}"), proposal)
    if ballot.reason_ref and written_by(session, ballot.reason_ref) != ballot.person:
        told = no("not_your_words", "the reason that came with it was written by somebody else")
        return _refused(session, now, ballot, told, proposal)
    votes = standing_votes(session, proposal.id)
    mine = next((cast for cast in votes if cast.person == ballot.person), None)
    if ballot.choice == WITHDRAW:
        return _withdraw(session, now, ballot, proposal, sealed, people, mine, votes)
    if mine is not None and mine.choice == ballot.choice and mine.digest == ballot.digest:
        return _repeated(session, now, ballot, proposal)
    verdict = may_vote(
        person=ballot.person,
        choice=ballot.choice,
        digest=ballot.digest,
        standing=standing(proposal, sealed, votes),
        people=people,
        now=now,
    )
    if verdict.allowed and ballot.choice == APPROVE:
        verdict = _rested(session, now, ballot.person)
    if verdict.allowed and ballot.choice == APPROVE and ballot.via not in SURE:
        verdict = _sure(ballot, risk_of(sealed, active(session).rules))
    if not verdict.allowed or ballot.person is None:
        return _refused(session, now, ballot, verdict, proposal)
    return _count(session, now, ballot, proposal, sealed, people, mine, votes)


def refuse(session: Session, *, now: datetime, ballot: Ballot, verdict: Verdict) -> VoteResult:
    """Notes a ballot that its door turned away before it could be judged, like every other that was refused."""
    return _refused(session, now, ballot, verdict, find_proposal(session, ballot.proposal_id))


def _rested(session: Session, now: datetime, person: str | None) -> Verdict:
    """Whether this person has not approved more in an hour than anybody can read."""
    recent = select(Vote.cast_at).where(Vote.person == person, Vote.choice == APPROVE, col(Vote.cast_at) > now - HOUR)
    tired = fatigued(active(session).rules.caps, votes=list(session.exec(recent)), now=now)
    return yes() if tired is None else no(tired.code, tired.reason)


def _sure(ballot: Ballot, risk: Risk) -> Verdict:
    """Whether a click is enough for a change of this risk; whatever the card offered, it is judged here."""
    if risk == Risk.HIGH:
        return no("needs_link", "a change of high risk is approved on a page of your own, not by a click in Slack")
    if risk == Risk.MEDIUM and not (ballot.reason or "").strip():
        return no("needs_reason", "approving this change needs a written reason")
    return yes()


def standing(proposal: Proposal, sealed: Sealed, votes: list[Vote]) -> Standing:
    """The row as the policy judges it."""
    return Standing(
        state=State(proposal.state),
        digest=proposal.digest or "",
        requester=sealed.requester,
        editors=sealed.editors,
        slots=sealed.policy.needed(),
        approvals=tuple(cast.person for cast in votes if cast.choice == APPROVE),
        expires_at=utc_time(sealed.expires_at),
    )


def _count(
    session: Session,
    now: datetime,
    ballot: Ballot,
    proposal: Proposal,
    sealed: Sealed,
    people: People,
    mine: Vote | None,
    votes: list[Vote],
) -> VoteResult:
    person = ballot.person or NOBODY
    if mine is not None:
        mine.withdrawn_at = now
        session.add(mine)
        session.flush()
    cast = _cast(session, now, ballot, person)
    approvals = [other.person for other in votes if other.choice == APPROVE and other is not mine]
    involved = (sealed.requester, *sealed.editors)
    data = {"choice": ballot.choice, "digest": ballot.digest, "via": _safe(ballot.via), "person": person} | cast
    data |= _standing_of(people, person, involved)
    actor = Actor(ActorKind.PERSON, person)
    if ballot.choice == REJECT:
        _must(move(session, proposal, to=State.REJECTED, event=Event.VOTE_REJECTED, actor=actor, now=now, data=data))
        return VoteResult(yes("rejected"), State.REJECTED)
    approvals.append(person)
    if quorum(sealed.policy.needed(), approvals, people, involved):
        # The vote and the quorum that it completes are two entries: a list of votes must not lack the last one.
        append(session, now=now, event=Event.VOTE_APPROVED, actor=actor, proposal=proposal.id, data=data)
        data |= {"approvals": approvals}
        until = min(now + active(session).rules.execute_within, utc_time(sealed.execute_by))
        event = Event.APPROVAL_QUORUM_MET
        _must(
            move(session, proposal, to=State.APPROVED, event=event, actor=actor, now=now, data=data, execute_by=until)
        )
        return VoteResult(yes("approved; it has all the votes it needs"), State.APPROVED)
    _must(move(session, proposal, to=State.PARTIAL, event=Event.VOTE_APPROVED, actor=actor, now=now, data=data))
    return VoteResult(yes("your approval counts; others are still needed"), State.PARTIAL)


def _standing_of(people: People, person: str, involved: Sequence[str]) -> dict[str, Any]:
    """By what this person may vote at this moment: kept with the vote, since roles come and go."""
    known = people.by_id[person]
    lent = [lending for lending in known.lent if lending.giver not in involved]
    told: dict[str, Any] = {"roles": sorted(known.roles)}
    if lent:
        told["lent"] = [{"role": one.role, "by": one.giver, "delegation": one.delegation} for one in lent]
    return told


def _cast(session: Session, now: datetime, ballot: Ballot, person: str) -> dict[str, Any]:
    written = _written(session, now, ballot, person)
    row = Vote(
        proposal=ballot.proposal_id,
        person=person,
        choice=ballot.choice,
        digest=ballot.digest,
        via=_safe(ballot.via),
        reason_ref=written["ref"] if written else None,
        cast_at=now,
    )
    session.add(row)
    session.flush()
    return {"reason": written} if written else {}


def _written(session: Session, now: datetime, ballot: Ballot, person: str) -> dict[str, Any] | None:
    """What the entry may hold of the reason, if there is one."""
    if not ballot.reason:
        return None
    if ballot.reason_ref:
        return {"ref": ballot.reason_ref, "commitment": commitment(session, ballot.reason_ref)}
    return reference(session, person=person, text=ballot.reason, now=now)


def _withdraw(
    session: Session,
    now: datetime,
    ballot: Ballot,
    proposal: Proposal,
    sealed: Sealed,
    people: People,
    mine: Vote | None,
    votes: list[Vote],
) -> VoteResult:
    state = State(proposal.state)
    if ballot.person is None or mine is None or mine.choice != APPROVE:
        return _refused(session, now, ballot, no("no_vote", "you have no approval here to take back"), proposal)
    if state not in REJECTABLE:
        return _refused(session, now, ballot, no("not_open", f"too late to take it back: {words(state)}"), proposal)
    mine.withdrawn_at = now
    session.add(mine)
    session.flush()
    left = [cast.person for cast in votes if cast.choice == APPROVE and cast is not mine]
    to = State.PARTIAL if left else State.PENDING
    data = {"person": ballot.person, "digest": mine.digest, "approvals": left, "via": _safe(ballot.via)}
    actor = Actor(ActorKind.PERSON, ballot.person)
    _must(move(session, proposal, to=to, event=Event.VOTE_WITHDRAWN, actor=actor, now=now, data=data))
    return VoteResult(yes("your approval was taken back"), to)


def _repeated(session: Session, now: datetime, ballot: Ballot, proposal: Proposal) -> VoteResult:
    actor = Actor(ActorKind.PERSON, ballot.person or NOBODY)
    data = {"choice": ballot.choice, "via": _safe(ballot.via), "state": State(proposal.state)}
    append(session, now=now, event=Event.VOTE_REPEATED, actor=actor, proposal=proposal.id, data=data)
    return VoteResult(yes("you had already voted so; nothing changed"), State(proposal.state), already=True)


def _refused(
    session: Session, now: datetime, ballot: Ballot, verdict: Verdict, proposal: Proposal | None
) -> VoteResult:
    person = ballot.person
    actor = Actor(ActorKind.PERSON, person) if person else Actor(ActorKind.UNKNOWN, NOBODY)
    data = {
        "choice": ballot.choice,
        "code": verdict.code,
        "reason": verdict.reason,
        "asked_for": _safe(ballot.proposal_id),
        "digest": _safe(ballot.digest),
        "via": _safe(ballot.via),
    }
    named = proposal.id if proposal else None
    append(session, now=now, event=Event.VOTE_REFUSED, actor=actor, proposal=named, data=data)
    return VoteResult(verdict, State(proposal.state) if proposal else None)


def _closed(proposal: Proposal) -> Verdict:
    return no("closed", f"this proposal is closed: {words(proposal.state)}")


def _safe(text: str) -> str:
    """What came from outside, shortened to harmless characters: an entry must not carry what a stranger wrote."""
    return _SAFE.sub("?", text)[:100]


def _must(moved: bool) -> None:
    """Inside one writing transaction the row cannot have moved on; if it did, nothing of this vote may stay."""
    if not moved:
        raise RuntimeError("the proposal moved while its vote was counted; the whole transaction is taken back")
