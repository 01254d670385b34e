"""Proposals as a conversation may hear of them: the stored rows, as far as the one who asks may see them.

A proposal shows its team's cost, so it is told to those who may see that team; to its requester as well, but only where
nobody else reads along.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, desc, select

from app.inbox import Conversation
from approvals.active import active
from approvals.card import Card, project
from approvals.changes.change import parse_change
from approvals.person import People
from approvals.policy import APPROVE
from approvals.propose import ID
from approvals.states import OPEN, TERMINAL, UNDECIDED, State, words
from approvals.store import Draft, Proposal
from tools.desk import ProposalLine, SlotLine, VoteLine

MOST_ENDED = 300
"""Ended proposals that a question looks through, newest first; an older one is found by its id."""


def proposal_lines(
    session: Session, *, speaker: str, thread: str, scope: tuple[str, ...], which: str = ""
) -> list[ProposalLine]:
    """What `speaker` may hear of in this thread; if `which` is a proposal's id, at most that one."""
    people = active(session).people
    place = session.get(Conversation, thread)
    alone = place is None or place.private
    found: list[ProposalLine] = []
    for row in _stored(session, which.strip().upper()):
        card = project(session, row.id, people) if isinstance(row, Proposal) else None
        evidence: dict[str, Any] = json.loads(row.evidence)
        # What was sealed counts: that is what people decide on.
        team = card.team if card is not None else evidence.get("team")
        if "*" in scope or team in scope or (alone and row.requester == speaker):
            found.append(_line(row, card, evidence, people, speaker))
    return found


def _stored(session: Session, which: str) -> Iterator[Proposal | Draft]:
    if ID.fullmatch(which):
        row = session.get(Proposal, which) or session.get(Draft, which)
        yield from [row] if row is not None else []
        return
    yield from session.exec(select(Draft).where(col(Draft.id).not_in(select(Proposal.id))))
    ended = [state.value for state in TERMINAL]
    yield from session.exec(select(Proposal).where(col(Proposal.state).not_in(ended)))
    newest = select(Proposal).where(col(Proposal.state).in_(ended)).order_by(desc(col(Proposal.changed_at)))
    yield from session.exec(newest.limit(MOST_ENDED))


def _line(
    row: Proposal | Draft, card: Card | None, evidence: dict[str, Any], people: People, speaker: str
) -> ProposalLine:
    change = parse_change(json.loads(row.change))
    state = State(row.state) if isinstance(row, Proposal) else State.DRAFT
    measured = evidence if card is None else {"saving": card.saving, "amount": card.amount, "currency": card.currency}
    return ProposalLine(
        id=row.id,
        words=words(state),
        title=change.title(),
        resource=row.resource,
        instance=change.target,
        requester="you" if row.requester == speaker else name_of(row.requester, people),
        created=row.created_at.date(),
        changed=(row.changed_at if isinstance(row, Proposal) else row.created_at).date(),
        open=state in OPEN,
        awaits_votes=state in UNDECIDED,
        mine=row.requester == speaker,
        resource_name=str((card.resource_name if card else None) or evidence.get("resource_name") or ""),
        team=str((card.team if card else evidence.get("team")) or ""),
        saving=_money(measured.get("saving")),
        amount=_money(measured.get("amount")),
        currency=str(measured.get("currency") or ""),
        window=str((card.window if card else evidence.get("window")) or ""),
        **(_decision(card, people, speaker) if card else {}),
    )


def _decision(card: Card, people: People, speaker: str) -> dict[str, Any]:
    def called(person: str) -> str:
        return "you" if person == speaker else name_of(person, people)

    return {
        "slots": tuple(SlotLine(slot.role, called(slot.person) if slot.person else "") for slot in card.slots),
        "votes": tuple(
            VoteLine(called(vote.person), "approved" if vote.choice == APPROVE else "rejected", vote.cast_at.date())
            for vote in card.votes
        ),
        "expires": card.expires_at,
        "reason": card.reason or "",
    }


def name_of(person: str, people: People) -> str:
    """Somebody's opaque id, which `app/named.py` makes a name where it is shown; nobody's who is not known any more."""
    return person if person in people.by_id else "somebody else"


def _money(amount: Any) -> Decimal | None:
    return None if amount is None else Decimal(str(amount))
