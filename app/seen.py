"""When each process was last seen, so that a card can say what it waits for."""

from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel

from audit.stored import UtcTime, insert_into

EVERY = timedelta(seconds=3)


class ProcessSeen(SQLModel, table=True):
    """The last sign of life of a kind of process."""

    __tablename__ = "process_seen"
    process: str = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


def sign_of_life(session: Session, *, process: str, now: datetime) -> None:
    """Notes that a process of this kind lives."""
    row = {"process": process, "at": now}
    session.execute(
        insert_into(session, ProcessSeen)
        .values(**row)
        .on_conflict_do_update(index_elements=["process"], set_={"at": now})
    )


def last_seen(session: Session, process: str) -> datetime | None:
    """When one was last seen; None if never."""
    row = session.get(ProcessSeen, process)
    return row.at if row else None
