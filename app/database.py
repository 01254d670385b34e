"""The one database: how it is opened, what a transaction is, whose clock counts.

SQLite for one machine, PostgreSQL for several replicas; the code above knows no difference. Every writer takes the one
write lock first, then asks the database for the time: two processes that race for a claim are put in an order before
either reads a row.
"""

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import NullPool
from sqlmodel import Session, create_engine

from audit.guard import SCHEMA
from audit.stored import utc_text, utc_time
from audit.transaction import Begin, Transaction

Clock = Callable[[], datetime]
BUSY_SECONDS = 15
STUCK_SECONDS = 60
"""A transaction that says nothing for so long is ended by the server: its process hangs, and holds the write lock."""

KEPT = 8
"""So many connections to a SQLite file a process keeps open that asks for it (`kept`): one for each turn at once, and
some for what looks on."""

WRITERS = 0x5370656E64  # "Spend"
"""The number of the advisory lock that every writer of a PostgreSQL database takes."""

PRESSES = 0x5072657373  # "Press"
"""The number of the lock of whoever stores presses: held for milliseconds, by nobody who waits for `WRITERS`."""

_LOCK_AND_TIME = "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock({})) SELECT spendgate_now() FROM held"
"""One trip in a line of writers, and in this order: the time is told once the row of the lock is there."""

_WRITE = {"isolation_level": "READ COMMITTED"}
_READ = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def system_clock() -> datetime:
    """The machine's time, aware and in UTC."""
    return datetime.now(UTC)


def open_database(where: Path | str, clock: Clock = system_clock) -> Engine:
    """An engine on the SQLite file at a path, or on the PostgreSQL database at a `postgresql://` address.

    `clock` is what SQLite's registered function `spendgate_now()` tells; PostgreSQL has one of its own.
    """
    return _on_server(where) if isinstance(where, str) else _on_file(where, clock)


def is_server(engine: Engine | Connection) -> bool:
    """Whether this is PostgreSQL."""
    return engine.dialect.name == "postgresql"


@contextmanager
def kept(engine: Engine) -> Iterator[Engine]:
    """The same database for a process that asks it many times a second: on SQLite its connections stay open meanwhile.

    A conversation's turn makes some twenty transactions. To open a file for each costs as much as a small question,
    and whoever closes it last empties the write-ahead log each time, which waits for the disk.
    """
    if is_server(engine):
        yield engine
        return
    keeping = _on_file(Path(str(engine.url.database)), engine.get_execution_options()["clock"], keep=KEPT)
    _forget_in_children(keeping)
    event.listen(keeping, "checkout", _only_of_this_file)
    try:
        yield keeping
    finally:
        keeping.dispose()


def _only_of_this_file(_connection: Any, record: Any, proxy: Any) -> None:
    """Another file may have been put in this one's place: what was written into the old one would be lost."""
    if record.info["file"] != _file(record.info["path"]):
        raise DisconnectionError("the database's file was replaced")  # the pool then opens the new one


def _file(path: Path) -> tuple[int, int] | None:
    try:
        told = path.stat()
    except FileNotFoundError:
        return None
    return told.st_dev, told.st_ino


def _on_file(path: Path, clock: Clock, *, keep: int = 0) -> Engine:
    # Processes fork and threads come and go, so by itself no connection is kept: an open one is a race there.
    pool: dict[str, Any] = {"pool_size": keep, "max_overflow": 20} if keep else {"poolclass": NullPool}
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        execution_options={"clock": clock},
        **pool,
    )

    @event.listens_for(engine, "do_connect")
    def _note(_dialect: Any, record: Any, _arguments: Any, _more: Any) -> None:
        record.info.update(path=path, file=_file(path))  # before it is opened: afterwards it may be another one's

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


def _on_server(address: str) -> Engine:
    settings = {
        "search_path": SCHEMA,
        "lock_timeout": f"{BUSY_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{STUCK_SECONDS}s",
    }
    engine = create_engine(
        make_url(address).set(drivername="postgresql+psycopg"),
        pool_size=5,
        max_overflow=20,
        pool_recycle=600,
        connect_args={
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "connect_timeout": 10,
            "application_name": "spendgate",
        },
    )
    _forget_in_children(engine)
    return engine


def _forget_in_children(engine: Engine) -> None:
    """A forked child must not speak on its parent's connections: it drops them unclosed and opens its own."""
    known = weakref.ref(engine)

    def forget() -> None:
        alive = known()
        if alive is not None:
            alive.dispose(close=False)

    os.register_at_fork(after_in_child=forget)


@contextmanager
def writing(engine: Engine) -> Iterator[Transaction]:
    """One transaction with the write lock held from its first moment.

    There is a single lock for all writers, on both databases, because every transaction of ours ends in the log and
    the log is one chain: its next entry is made from its last, so there is one head and one writer at a time. Locks on
    rows would only let two writers meet at that head later, when both have already decided. On PostgreSQL the lock is
    advisory and ends with the transaction, however that ends; the snapshots are taken after it (READ COMMITTED).
    """
    with Session(engine, expire_on_commit=False) as session:
        if is_server(engine):
            now = _first(session, _WRITE, partial(_in_line, WRITERS))
        else:
            connection = session.connection()
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            now = now_by(connection)
        yield Transaction(session, now)
        session.commit()


@contextmanager
def beside(engine: Engine, *, line: int | None = None) -> Iterator[Transaction]:
    """A writing transaction of rows that no entry tells of: on a server it waits for no other writer, but for those of
    the same `line`, where one is given: the number of a lock that it holds from its first moment."""
    if not is_server(engine):
        with writing(engine) as transaction:
            yield transaction
        return
    with Session(engine, expire_on_commit=False) as session:
        yield Transaction(session, _first(session, _WRITE, now_by if line is None else partial(_in_line, line)))
        session.commit()


def wait_in(session: Session, line: int) -> None:
    """Takes the lock of `line` besides, until the transaction ends; SQLite has one line for everybody."""
    if is_server(session.connection()):
        session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({line})")


@contextmanager
def reading(engine: Engine) -> Iterator[Transaction]:
    """One consistent view that never writes."""
    with Session(engine, expire_on_commit=False) as session:
        if is_server(engine):
            now = _first(session, _READ, now_by)
        else:
            connection = session.connection()
            connection.exec_driver_sql("BEGIN")
            now = now_by(connection)
        yield Transaction(session, now)
        session.expunge_all()  # a rollback would empty the rows that the caller read and goes on to use
        session.rollback()


def now_by(connection: Connection) -> datetime:
    """The database's time, aware and in UTC."""
    return _moment(_told(connection, "SELECT spendgate_now()"))


def _in_line(line: int, connection: Connection) -> datetime:
    return _moment(_told(connection, _LOCK_AND_TIME.format(line)))


def _told(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement).scalar_one()


def _first(session: Session, options: dict[str, Any], ask: Callable[[Connection], datetime]) -> datetime:
    """A transaction's first statement, asked once more on a new connection where the pool's had been cut meanwhile.

    A server that was restarted then costs no failed vote, and no transaction pays for a trip that only asks whether
    its connection lives: nothing was done before this statement, so nothing is done twice.
    """
    try:
        return ask(session.connection(execution_options=options))
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
    session.rollback()
    return ask(session.connection(execution_options=options))


def _moment(told: datetime | str) -> datetime:
    return told.astimezone(UTC) if isinstance(told, datetime) else utc_time(told)


def beginner(engine: Engine) -> Begin:
    """`writing` on this engine, as lower floors take it."""

    def begin() -> AbstractContextManager[Transaction]:
        return writing(engine)

    return begin
