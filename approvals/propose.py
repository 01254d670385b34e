"""Stores what somebody asked for as a draft. Nothing is resolved, shown or approvable by this.

The only write of the agent's process into the gate. Asking again with the same id changes nothing, since a turn that
died may run again.
"""

import json
import re
from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from approvals.active import active
from approvals.changes.change import parse_change
from approvals.errors import GateError
from approvals.evidence import read_evidence
from approvals.policy import Verdict, may_propose, no, yes
from approvals.states import OPEN
from approvals.store import Draft, Proposal
from audit.canonical import canonical, sha256
from audit.event import Actor, ActorKind, Event
from audit.log import append

ID = re.compile(r"^P-[0-9A-Z]{10}$")
AGENT = Actor(ActorKind.AGENT, "agent")


class DraftRequest(BaseModel):
    """What is asked for. `requester` is the person whose message led to it; `change` a stored change, unresolved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    thread: str
    requester: str
    change: dict[str, Any]
    evidence: dict[str, Any] = {}
    editors: tuple[str, ...] = ()
    supersedes: str | None = None
    inverse_of: str | None = None


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
    verdict = _judge(session, draft, change.resource)
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
            editors=json.dumps(list(draft.editors)),
            kind=change.kind,
            resource=change.resource,
            change=canonical(change.model_dump()).decode(),
            evidence=given.decode(),
            supersedes=draft.supersedes,
            inverse_of=draft.inverse_of,
            created_at=now,
        )
    )
    data |= {"change": change.model_dump(), "evidence_hash": sha256(given), "editors": draft.editors}
    data |= {"supersedes": draft.supersedes, "inverse_of": draft.inverse_of}
    append(session, now=now, event=Event.PROPOSAL_DRAFTED, actor=actor, proposal=draft.id, data=data)
    session.flush()
    return Drafted(yes(""), draft.id)


def _repeated(known: Draft, draft: DraftRequest, change: dict[str, Any]) -> Drafted:
    if known.requester == draft.requester and json.loads(known.change) == json.loads(canonical(change)):
        return Drafted(yes("already drafted"), draft.id, already=True)
    return Drafted(no("id_taken", "another draft has this id"), draft.id)


def _judge(session: Session, draft: DraftRequest, resource: str) -> Verdict:
    current = active(session)
    verdict = may_propose(person=draft.requester, people=current.people, rules=current.rules)
    if not verdict.allowed:
        return verdict
    other = open_for(session, resource)
    if other is not None:
        return no("already_open", f"{other} for this resource is still open; decide or withdraw it first")
    return verdict


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
