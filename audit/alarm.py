"""What a witness said against the log: kept beside it, once for each contradiction, and never taken back."""

from datetime import datetime

from sqlmodel import Field, Session, SQLModel, col, select

from audit.stored import UtcTime


class LogAlarm(SQLModel, table=True):
    """That `witness` contradicted the log called `origin`; `what` is one word or two, the log's entry says more."""

    __tablename__ = "log_alarm"

    origin: str = Field(primary_key=True)
    witness: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime)


def alarms(session: Session) -> list[LogAlarm]:
    """All of them, the oldest first."""
    return list(session.exec(select(LogAlarm).order_by(col(LogAlarm.at), col(LogAlarm.witness), col(LogAlarm.what))))
