"""`spendgate proposals` and `spendgate decide`: what waits for people, and a vote at the terminal by the same rules."""

import sys
from typing import Any

from sqlmodel import Session, col, select

from app.commands.console import hint, print_json, print_table
from app.commands.here import person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.seen import last_seen
from app.whoami import Here
from approvals.active import active
from approvals.card import Card, project
from approvals.errors import NotFound
from approvals.posted import posted
from approvals.states import State, words
from approvals.store import Draft, Proposal, proposal_of
from approvals.vote import TERMINAL, Ballot, vote
from tools.shown import one_line

CODES = {
    **dict.fromkeys(("closed", "not_open", "digest_differs", "expired", "complete", "slot_taken"), Exit.CONFLICT),
    "not_found": Exit.NOT_FOUND,
    "altered": Exit.VERIFICATION_FAILED,
}
"""Exit codes of a refused vote; any other refusal is about the person."""


def list_all(*, person: str | None, as_json: bool) -> None:
    """Every proposal that this person may see, newest first."""
    here = place()
    reader = person_at(here, person)
    with reading(here.engine) as (session, _):
        found = session.exec(select(Proposal).order_by(col(Proposal.created_at).desc())).all()
        people = active(session).people
        cards = [card for row in found if may_see(reader, card := project(session, row.id, people))]
        drafts = session.exec(select(Draft).where(col(Draft.id).not_in(select(Proposal.id)))).all()
        unchecked = sorted(row.id for row in drafts if row.requester == reader.id or "*" in reader.sees_teams)
    if as_json:
        print_json({"proposals": [summary(card) for card in cards]})
        return
    rows = [
        (card.proposal, card.words, card.title, f"{card.saving} {card.currency}" if card.saving else "", card.requester)
        for card in cards
    ]
    print_table(("Proposal", "State", "Change", "Saving a year", "Requester"), rows, right=frozenset({"Saving a year"}))
    if unchecked:
        hint(f"Drafted, and not yet checked by `spendgate worker`: {', '.join(unchecked)}.")
    elif not cards:
        hint("There are no proposals yet.")


def show(proposal: str, *, person: str | None, as_json: bool) -> None:
    """One proposal whole."""
    here = place()
    reader = person_at(here, person)
    with reading(here.engine) as (session, _):
        card = card_for(session, proposal, reader)
    if as_json:
        print_json({"proposal": card.__dict__})
    else:
        sys.stdout.write(card_text(card))


def decide(
    proposal: str,
    *,
    approve: bool,
    reject: bool,
    withdraw: bool = False,
    reason: str,
    digest: str | None,
    person: str | None,
    as_json: bool,
) -> None:
    """One vote by whoever sits here. Without --approve or --reject it only shows what there is to decide."""
    if approve + reject + withdraw > 1:
        raise Problem(
            "A vote is for or against, or taken back.",
            do="Say one of --approve, --reject and --withdraw.",
            exit_code=Exit.USAGE,
        )
    here = place()
    voter = person_at(here, person)
    with writing(here.engine) as (session, now):
        card = card_for(session, proposal, voter)
        if not as_json:
            sys.stderr.write(card_text(card))
        if card.state == State.SEALED:
            posted(session, now=now, proposal_id=card.proposal, where="terminal")
        if not approve and not reject and not withdraw:
            hint(f"To vote: spendgate decide {card.proposal} --digest {card.digest} --approve (or --reject --reason …)")
            return
        ballot = Ballot(
            proposal_id=card.proposal,
            person=voter.person.id if voter.person else None,
            choice="approve" if approve else "reject" if reject else "withdraw",
            digest=digest or card.digest,
            via=TERMINAL,
            reason=reason or None,
        )
        result = vote(session, now=now, ballot=ballot)
    state = words(result.proposal_state) if result.proposal_state else "unknown"
    told = {"counted": result.verdict.allowed and not result.already, "reason": result.verdict.reason, "state": state}
    if as_json:
        print_json({"proposal": proposal, **told})
    else:
        sys.stdout.write(f"{proposal}: {result.verdict.reason}. It is now: {state}.\n")
    if not result.verdict.allowed:
        sys.exit(CODES.get(result.verdict.code, Exit.DENIED))


def summary(card: Card) -> dict[str, Any]:
    """A proposal as one line of JSON."""
    return {
        "id": card.proposal,
        "version": card.version,
        "state": card.state,
        "words": card.words,
        "title": card.title,
        "resource": card.resource,
        "requester": card.requester,
        "saving": card.saving,
        "amount": card.amount,
        "currency": card.currency,
        "digest": card.digest,
        "expires_at": card.expires_at,
        "reason": card.reason,
    }


def card_text(card: Card) -> str:
    """The card for a terminal: the same facts in the same order as in Slack."""
    lines = [f"{card.proposal}  {card.words}", card.title, ""]
    if card.saving:
        lines.append(f"  saves        {card.saving} {card.currency} a year")
    lines += [f"  {figure.get('label')}: {figure.get('display', figure.get('value'))}" for figure in card.figures]
    lines += [
        f"  resource     {card.resource_name or 'unnamed'} ({card.resource})",
        f"  environment  {card.environment}",
        f"  amount       {card.amount or 'unknown'} {card.currency or ''} a year",
        f"  undo         {card.reversibility}",
        f"  requester    {card.requester}",
    ]
    lines += [
        f"  step {step.number}       {step.sentence} ({step.before} → {step.after}; {step.progress})"
        for step in card.steps
    ]
    lines += [f"  {line}" for line in card.difference]
    if card.incident:
        lines.append(f"  emergency    break-glass for {card.incident}")
    if card.inverse_of:
        lines.append(f"  undoes       {card.inverse_of}")
    if card.supersedes:
        lines.append(f"  replaces     {card.supersedes}, and its votes")
    if card.advice:
        lines.append(f"  advice       {card.advice} (by {card.advised_by}; counts for nothing)")
    lines += [f"  needs        {slot.role}: {slot.person or 'open'}" for slot in card.slots]
    if card.expires_at:
        lines.append(f"  expires      {card.expires_at:%Y-%m-%d %H:%M} UTC")
    if card.reason:
        lines.append(f"  reason       {card.reason}")
    if card.hint:
        lines.append(f"  waiting      {card.hint}")
    lines.append(f"  digest       {card.digest or 'none'}")
    return "\n".join(one_line(line) for line in lines) + "\n"


def may_see(reader: Here, card: Card) -> bool:
    """Whose cost a person may see, that team's proposals too; one's own always."""
    own = reader.person is not None and card.requester == reader.id
    return own or "*" in reader.sees_teams or (card.team is not None and card.team in reader.sees_teams)


def card_for(session: Session, proposal: str, reader: Here) -> Card:
    """The card, if this person may see it; in the same words as for none at all if not."""
    try:
        row = proposal_of(session, proposal)
        card = project(session, row.id, active(session).people, worker_seen_at=last_seen(session, "worker"))
        if not may_see(reader, card):
            raise NotFound(proposal, why="it is another team's", do="")  # in the same words as for none at all
    except NotFound as error:
        raise Problem(
            f"There is no proposal {proposal[:40]!r}.",
            why="No row has this id; a draft becomes a proposal once `spendgate worker` has sealed it.",
            do="List them with `spendgate proposals list`.",
            exit_code=Exit.NOT_FOUND,
        ) from error
    return card
