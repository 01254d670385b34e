"""The proposals that were carried out, as a conversation may hear of them: when, what, and whose.

Told to whoever may see the team whose cost it is; what was only rehearsed changed nothing and is not among them.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, time

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.database import reading
from approvals.changes.change import parse_change
from approvals.states import MAY_HAVE_EFFECT
from approvals.store import Proposal
from lake.period import Period
from tools.happenings import CarriedOut, Happening

MOST = 100


def carried_out(session: Session, days: Period, *, scope: tuple[str, ...]) -> Sequence[Happening]:
    """Those that came to their end in these days (in UTC), newest first."""
    first, end = (datetime.combine(day, time(), UTC) for day in (days.start, days.end))
    rows = session.exec(
        select(Proposal)
        .where(col(Proposal.state).in_([state.value for state in MAY_HAVE_EFFECT]))
        .where(col(Proposal.changed_at) >= first, col(Proposal.changed_at) < end)
        .order_by(col(Proposal.changed_at).desc())
        .limit(MOST)
    )
    found = []
    for row in rows:
        team = str(json.loads(row.evidence).get("team") or "")
        if "*" in scope or (team and team in scope):
            title = parse_change(json.loads(row.change)).title()
            found.append(Happening(row.changed_at.date(), f"{row.id} ({title})", team))
    return found


def carried_out_here(engine: Engine, scope: tuple[str, ...]) -> CarriedOut:
    """The port of a desk beside these proposals."""

    def read(days: Period) -> Sequence[Happening]:
        with reading(engine) as (session, _):
            return carried_out(session, days, scope=scope)

    return read
