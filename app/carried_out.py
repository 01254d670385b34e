"""The proposals that were carried out, as a conversation may hear of them: when, what, and whose.

Told to whoever may see the team whose cost it is; what was only rehearsed changed nothing and is not among them, nor is
a patch before it was seen to be applied.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time

from sqlalchemy import Engine, case, func
from sqlmodel import Session, col, select

from app.database import reading
from approvals.changes.change import parse_change
from approvals.states import REVIEW, State
from approvals.store import TOOK_EFFECT, Effect, Proposal
from lake.period import Period
from tools.happenings import CarriedOut, Happening

MOST = 100
"""The earliest of them: what is near the beginning is told."""
CARRIED_OUT = frozenset({State.SUCCEEDED, State.VERIFIED, State.DIVERGED}) | REVIEW
"""Whose effect is known; an outcome that is still looked for may turn out to be none."""
HANDED_OVER = '"kind":"patch_terraform"'
"""How a stored change says that it is a patch: canonical JSON has no blanks, and no text in it holds a bare quote."""


def carried_out(session: Session, days: Period, *, scope: tuple[str, ...]) -> Sequence[Happening]:
    """Those that took effect in these days (in UTC), oldest first: a check or a review that comes later moves no
    day."""
    first, end = (datetime.combine(day, time(), UTC) for day in (days.start, days.end))
    # Others apply a patch, some days after it was handed over: it is carried out once that is seen.
    patch, applied = col(Proposal.change).contains(HANDED_OVER), col(Proposal.state) == State.VERIFIED.value
    took = case(
        (patch, col(Proposal.changed_at)),
        else_=func.max(func.coalesce(col(Effect.answered_at), col(Effect.intended_at))),
    )
    rows = session.exec(
        select(Proposal, took)
        .join(Effect, col(Effect.proposal) == col(Proposal.id))
        .where(col(Proposal.state).in_([state.value for state in CARRIED_OUT]))
        .where(col(Effect.outcome).in_(TOOK_EFFECT), col(Effect.rehearsal).is_(False), ~patch | applied)
        .group_by(col(Proposal.id))
        .having(took >= first, took < end)
        .order_by(took, col(Proposal.id))
    )
    found: list[Happening] = []
    for row, at in rows:
        team = str(json.loads(row.evidence).get("team") or "")
        if "*" in scope or (team and team in scope):
            title = parse_change(json.loads(row.change)).title()
            found.append(Happening(at.date(), f"{row.id} ({title})", team))
            if len(found) == MOST:
                break
    return found


def carried_out_here(engine: Engine, scope: tuple[str, ...]) -> CarriedOut:
    """The port of a desk beside these proposals."""

    def read(days: Period) -> Sequence[Happening]:
        with reading(engine) as (session, _):
            return carried_out(session, days, scope=scope)

    return read
