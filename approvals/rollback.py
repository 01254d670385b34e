"""Proposes to undo what was carried out: a proposal of its own, of exactly the inverse that was sealed with it.

Nothing is undone without a vote. What is quick about it is that there is nothing to think up: the bytes of the way back
were fixed, and shown, before the way there was approved.
"""

import json
from datetime import datetime
from typing import Any

from sqlmodel import Session

from approvals.errors import Altered
from approvals.ids import new_id
from approvals.policy import Verdict, no
from approvals.propose import Drafted, DraftRequest, propose
from approvals.sealed import Sealed, decode
from approvals.states import State, words
from approvals.store import Proposal, effects_of, find_proposal
from approvals.undo import inverse_change
from audit.event import Actor, ActorKind, Event
from audit.log import append

UNDOABLE = frozenset({State.VERIFIED, State.DIVERGED, State.REVIEW_DUE, State.REVIEWED_OK, State.REVIEWED_BAD})
KEPT = ("amount", "currency", "environment", "team", "resource_name")
"""What of the evidence is the resource's and holds for another change of it; a saving does not."""


def roll_back(session: Session, *, now: datetime, proposal_id: str, person: str, digest: str | None = None) -> Drafted:
    """Drafts the inverse of what this proposal did, in this person's name; a refusal is a result, and is logged.

    `digest` is the one that this person was shown, where there was a card to show it.
    """
    original = find_proposal(session, proposal_id)
    verdict, sealed = _judge(original, digest)
    if original is None or sealed is None:
        return _refused(session, now, verdict, proposal_id if original is not None else None, person)
    change = inverse_change(sealed, effects_of(session, original.id))
    if change is None:
        verdict = no("not_invertible", "nothing of it was done, or what was done cannot be undone")
        return _refused(session, now, verdict, original.id, person)
    evidence: dict[str, Any] = {name: sealed.evidence[name] for name in KEPT if name in sealed.evidence}
    draft = DraftRequest(
        id=new_id(),
        thread=original.thread,
        requester=person,
        change=change.model_dump(),
        evidence=json.loads(json.dumps(evidence)),
        inverse_of=original.id,
    )
    return propose(session, now=now, draft=draft, actor=Actor(ActorKind.PERSON, person))


def _judge(original: Proposal | None, shown: str | None) -> tuple[Verdict, Sealed | None]:
    if original is None:
        return no("not_found", "there is no such proposal"), None
    if original.state not in UNDOABLE:
        return no("nothing_to_undo", f"there is nothing to undo: {words(original.state)}"), None
    if shown is not None and shown != original.digest:
        return no("digest_differs", "what you were shown is not what is stored; look at the newest card"), None
    try:
        return no("", ""), decode(original.sealed, original.digest)
    except Altered as error:
        return no("altered", f"{error.what} {error.why}"), None


def _refused(session: Session, now: datetime, verdict: Verdict, named: str | None, person: str) -> Drafted:
    data = {"requester": person, "code": verdict.code, "reason": verdict.reason, "inverse_of": named}
    append(
        session,
        now=now,
        event=Event.PROPOSAL_REFUSED,
        actor=Actor(ActorKind.PERSON, person),
        proposal=named,
        data=data,
    )
    return Drafted(verdict, named or "")
