"""Stores what somebody asked for as a draft. Nothing is resolved, shown or approvable by this.

The only write of the agent's process into the gate. Asking again with the same id changes nothing, since a turn that
died may run again.
"""

import json
import re
from datetime import datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from approvals.active import entitled
from approvals.changes.change import AnyChange, parse_change
from approvals.changes.terraform import PatchTerraform
from approvals.emergency import may_break_glass
from approvals.errors import GateError
from approvals.evidence import read_evidence
from approvals.ids import new_id
from approvals.policy import Verdict, may_propose, no, yes
from approvals.states import BEFORE_CLAIM, DECIDED, OPEN, State, words
from approvals.store import BREAK_GLASS, BY_VOTE, Draft, Proposal, find_proposal
from audit.canonical import canonical, sha256
from audit.event import Actor, ActorKind, Event
from audit.log import append

ID = re.compile(r"^P-[0-9A-Z]{10}$")
INCIDENT = re.compile(r"[A-Za-z][A-Za-z0-9]{1,15}-?[0-9]{1,12}")
"""An incident's number as ticket systems write it: no free text, since it stands in sealed bytes."""

AGENT = Actor(ActorKind.AGENT, "agent")


class DraftRequest(BaseModel):
    """What is asked for. `requester` is the person whose message led to it; `change` a stored change, unresolved.

    `supersedes` names the open proposal that this one edits: its requester and editors become editors of this one.
    `authority` is break-glass only where a person asks for it with an `incident`; no model can fill it in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    thread: str
    requester: str
    change: dict[str, Any]
    evidence: dict[str, Any] = {}
    editors: tuple[str, ...] = ()
    supersedes: str | None = None
    inverse_of: str | None = None
    authority: Literal["vote", "break_glass"] = "vote"
    incident: str | None = None


def in_emergency(old: Proposal, *, person: str, incident: str) -> DraftRequest:
    """The request of an open proposal's change as an emergency, in its place. Of a patch it is the change of which the
    worker made it: the worker makes patches itself, and anew."""
    change = parse_change(json.loads(old.change))
    return DraftRequest(
        id=new_id(),
        thread=old.thread,
        requester=person,
        change=(change.of if isinstance(change, PatchTerraform) else change).model_dump(),
        evidence=json.loads(old.evidence),
        supersedes=old.id,
        authority="break_glass",
        incident=incident,
    )


class Drafted(NamedTuple):
    """Whether it was accepted, and if not why; `already` if this very draft was there before."""

    verdict: Verdict
    proposal_id: str
    already: bool = False


def propose(session: Session, *, now: datetime, draft: DraftRequest, actor: Actor = AGENT) -> Drafted:
    """Stores the draft with its entry, or says why not; a refusal is a result and is logged."""
    if not ID.fullmatch(draft.id):
        raise GateError(
            f"{draft.id[:40]!r} is no proposal id",
            why="it is not P- and ten capital letters or digits",
            do="Make one with approvals.ids.new_id()",
        )
    change = parse_change(draft.change)
    evidence = read_evidence(draft.evidence)
    known = session.get(Draft, draft.id)
    if known is not None:
        return _repeated(known, draft, change.model_dump())
    verdict = _judge(session, now, draft, change)
    editors = _editors(session, draft)
    data: dict[str, Any] = {"requester": draft.requester, "kind": change.kind, "resource": change.resource}
    if not verdict.allowed:
        data |= {"code": verdict.code, "reason": verdict.reason}
        append(session, now=now, event=Event.PROPOSAL_REFUSED, actor=actor, proposal=draft.id, data=data)
        return Drafted(verdict, draft.id)
    given = canonical(evidence.model_dump(exclude_none=True))
    session.add(
        Draft(
            id=draft.id,
            thread=draft.thread,
            requester=draft.requester,
            editors=json.dumps(editors),
            kind=change.kind,
            resource=change.resource,
            change=canonical(change.model_dump()).decode(),
            evidence=given.decode(),
            supersedes=draft.supersedes,
            inverse_of=draft.inverse_of,
            authority=draft.authority,
            incident=draft.incident,
            created_at=now,
        )
    )
    data |= {"change": change.model_dump(), "evidence_hash": sha256(given), "editors": editors}
    data |= {"supersedes": draft.supersedes, "inverse_of": draft.inverse_of}
    if draft.authority != BY_VOTE:
        data |= {"authority": draft.authority, "incident": draft.incident}
    append(session, now=now, event=Event.PROPOSAL_DRAFTED, actor=actor, proposal=draft.id, data=data)
    session.flush()
    return Drafted(yes(""), draft.id)


def _repeated(known: Draft, draft: DraftRequest, change: dict[str, Any]) -> Drafted:
    if known.requester == draft.requester and json.loads(known.change) == json.loads(canonical(change)):
        return Drafted(yes("already drafted"), draft.id, already=True)
    return Drafted(no("id_taken", "another draft has this id"), draft.id)


def _judge(session: Session, now: datetime, draft: DraftRequest, change: AnyChange) -> Verdict:
    current = entitled(session, now)
    verdict = may_propose(person=draft.requester, people=current.people, rules=current.rules)
    if not verdict.allowed:
        return verdict
    if draft.authority == BREAK_GLASS:
        verdict = may_break_glass(
            person=draft.requester,
            change_kind=change.kind,
            people=current.people,
            rules=current.rules,
            unreviewed=unreviewed(session),
        )
        if not verdict.allowed:
            return verdict
        if not INCIDENT.fullmatch(draft.incident or ""):
            return no("no_incident", "an emergency names its incident by its number, for example INC-20417")
    if draft.supersedes is not None:
        verdict = _may_supersede(session, draft.supersedes, change.resource)
        if not verdict.allowed:
            return verdict
    other = open_for(session, change.resource)
    if other is not None and other != draft.supersedes:
        return no("already_open", f"{other} for this resource is still open; decide or withdraw it first")
    return verdict


def _may_supersede(session: Session, supersedes: str, resource: str) -> Verdict:
    old = find_proposal(session, supersedes)
    if old is None:
        return no("not_found", "there is no such proposal to replace")
    if old.resource != resource:
        return no("other_resource", "a proposal is only replaced by one for the same resource")
    if old.state not in BEFORE_CLAIM:
        return no("too_late", f"it cannot be replaced any more: {words(old.state)}")
    return yes()


def _editors(session: Session, draft: DraftRequest) -> list[str]:
    """Everybody who had a hand in it besides the requester: those of what it replaces too, since an edit is one."""
    editors = set(draft.editors)
    if draft.supersedes is not None:
        old, old_draft = session.get(Proposal, draft.supersedes), session.get(Draft, draft.supersedes)
        editors |= {old.requester} if old is not None else set()
        editors |= set(json.loads(old_draft.editors)) if old_draft is not None else set()
    return sorted(editors - {draft.requester})


def unreviewed(session: Session) -> list[str]:
    """Break-glass proposals that are still open or not reviewed; they stand before the next."""
    done = [State.REVIEWED_OK, State.REVIEWED_BAD, State.UNSEALABLE, State.FAILED, State.REHEARSED, *DECIDED]
    waiting = select(Proposal.id).where(
        Proposal.authority == BREAK_GLASS, col(Proposal.state).not_in([state.value for state in done])
    )
    drafted = select(Draft.id).where(Draft.authority == BREAK_GLASS, col(Draft.id).not_in(select(Proposal.id)))
    return [*session.exec(waiting), *session.exec(drafted)]


def open_for(session: Session, resource: str) -> str | None:
    """The open proposal, or the draft that waits to be sealed, of this resource."""
    proposal = open_proposal(session, resource)
    if proposal is not None:
        return proposal
    waiting = select(Draft.id).where(Draft.resource == resource, col(Draft.id).not_in(select(Proposal.id)))
    return session.exec(waiting).first()


def open_proposal(session: Session, resource: str) -> str | None:
    """The open proposal of this resource; a draft that waits does not count."""
    states = [state.value for state in OPEN]
    query = select(Proposal.id).where(Proposal.resource == resource, col(Proposal.state).in_(states))
    return session.exec(query).first()
