"""What makes an approved proposal wait or end, however many votes it has: the kill switch, a freeze, a cap.

Read at the claim, under the write lock, where nothing can slip past between the look and the act. The gate's own
changes are exempt, as far as they are what lifts a stop: a freeze that held the vote on it could never be lifted.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlmodel import Session

from approvals.active import active
from approvals.caps import capped
from approvals.changes.operations import declared
from approvals.freeze import frozen
from approvals.policy import Verdict, no
from approvals.precedents import recent_claims
from approvals.scope import team_of
from approvals.sealed import Sealed
from approvals.store import BREAK_GLASS, Proposal
from approvals.switch import engaged, words_of


class Stop(NamedTuple):
    """Why it is not carried out now; `ends` if it never will be, `until` where that is known."""

    verdict: Verdict
    ends: bool
    until: datetime | None


def stopped_by(session: Session, now: datetime, proposal: Proposal, sealed: Sealed) -> Stop | None:
    """The first stop that holds for this proposal at `now`; None if it may go ahead."""
    stoppable = any(declared(step.request.operation).stoppable for step in sealed.steps)
    turn = engaged(session, sealed.change.account) if stoppable else None
    if turn is not None:
        # An approval from before an emergency must not wake up after it: it ends, and may be asked for again.
        return Stop(no("kill_switch", words_of(turn)), ends=True, until=None)
    frost = frozen_now(session, now, sealed)
    if frost is not None:
        return frost
    amount = None if sealed.amount.value is None else Decimal(sealed.amount.value)
    cap = capped(
        active(session).rules.caps,
        claims=recent_claims(session, now=now, but=proposal.id),
        now=now,
        account=sealed.change.account,
        amount=amount,
        currency=sealed.amount.currency,
        class_name=sealed.policy.class_name,
    )
    return None if cap is None else Stop(no(cap.code, cap.reason), ends=False, until=cap.until)


def frozen_now(session: Session, now: datetime, sealed: Sealed) -> Stop | None:
    """The freeze that holds for this proposal at `now` and lasts longest; None where none does."""
    rules = active(session).rules
    # The bill's team and that of the resource's own tags: a freeze of either holds, so that a figure names no way out.
    teams = {team for team in (sealed.evidence.get("team"), team_of(sealed.scope)) if team} or {None}
    hits = [
        frozen(
            rules.freezes,
            at=now,
            environment=sealed.policy.environment,
            class_name=sealed.policy.class_name,
            account=sealed.change.account,
            team=team,
            break_glass=sealed.policy.authority == BREAK_GLASS,
        )
        for team in teams
    ]
    hit = max((one for one in hits if one is not None), key=lambda one: one.until, default=None)
    return None if hit is None else Stop(no("frozen", hit.reason), ends=False, until=hit.until)
