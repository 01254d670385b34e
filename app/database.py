"""The one database: how it is opened, what a transaction is, whose clock counts.

SQLite for one machine. Every writer takes the write lock first (`BEGIN IMMEDIATE`), then asks the database for the
time: two processes that race for a claim are put in an order before either reads a row.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.pool import NullPool
from sqlmodel import Session, create_engine

from audit.stored import utc_text, utc_time
from audit.transaction import Begin, Transaction

Clock = Callable[[], datetime]
BUSY_SECONDS = 15


def system_clock() -> datetime:
    """The machine's time, aware and in UTC."""
    return datetime.now(UTC)


def open_database(path: Path, clock: Clock = system_clock) -> Engine:
    """An engine on the SQLite file at `path`; `clock` is what the registered function `spendgate_now()` tells."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,  # processes fork and threads come and go; a connection is cheap, a shared one is a race
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions of its own
        connection.create_function("spendgate_now", 0, lambda: utc_text(clock()))
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "recursive_triggers=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Transaction]:
    """One transaction with the write lock held from its first moment."""
    with Session(engine, expire_on_commit=False) as session:
        session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        now = utc_time(session.connection().execute(text("SELECT spendgate_now()")).scalar_one())
        yield Transaction(session, now)
        session.commit()


@contextmanager
def reading(engine: Engine) -> Iterator[Transaction]:
    """One consistent view that never writes."""
    with Session(engine, expire_on_commit=False) as session:
        session.connection().exec_driver_sql("BEGIN")
        now = utc_time(session.connection().execute(text("SELECT spendgate_now()")).scalar_one())
        yield Transaction(session, now)
        session.expunge_all()  # a rollback would empty the rows that the caller read and goes on to use
        session.rollback()


def beginner(engine: Engine) -> Begin:
    """`writing` on this engine, as lower floors take it."""

    def begin() -> AbstractContextManager[Transaction]:
        return writing(engine)

    return begin
