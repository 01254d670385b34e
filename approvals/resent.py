"""When a proposal's request went out again, as the log tells: the only place where that is kept."""

from datetime import datetime

from sqlmodel import Session, col, select

from audit.event import Event
from audit.log import LogEntry


def resent_at(session: Session, proposal_id: str) -> list[datetime]:
    """When requests of this proposal were sent again, as the log tells."""
    query = select(LogEntry.recorded_at).where(
        LogEntry.proposal == proposal_id, LogEntry.event == Event.EXECUTION_RESENT.value
    )
    return list(session.exec(query.order_by(col(LogEntry.seq))))
