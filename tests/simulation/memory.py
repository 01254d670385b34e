"""The database of a run: SQLite in memory, put back to the same bytes before each run, with the run's clock in it.

The product's own `writing` and `reading` open its transactions. Around them stand the hooks at which a replica can
die: before any statement, before a commit, after it.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import StaticPool
from sqlmodel import create_engine

from app.database import writing
from app.migrate import create
from approvals.adopt import initialise
from audit.event import Actor, ActorKind
from audit.stored import utc_text
from tests.simulation.cast import CAST, SHIPPED, people_text
from tests.simulation.dice import Dice, throw

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Kept(sqlite3.Connection):
    """A connection that outlives whoever used it: SQLAlchemy closes the one in whose statement a process died."""

    def close(self) -> None:
        """What a closed connection does to an open transaction, and no more."""
        self.rollback()


class Memory:
    """One connection for the whole process; `clock` and `before_statement` are the current run's."""

    def __init__(self) -> None:
        self.clock: Callable[[], datetime] = lambda: START
        self.before_statement: Callable[[], None] = lambda: None
        self.engine = self._engine()
        self.template = self._template()

    def _engine(self) -> Engine:
        self.raw = raw = sqlite3.connect(":memory:", factory=Kept, check_same_thread=False, isolation_level=None)
        raw.create_function("spendgate_now", 0, lambda: utc_text(self.clock()))
        raw.execute("PRAGMA foreign_keys=ON")
        raw.execute("PRAGMA recursive_triggers=ON")
        engine = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: raw)

        @event.listens_for(engine, "before_cursor_execute")
        def _before(*_arguments: Any) -> None:
            self.before_statement()

        return engine

    def _template(self) -> bytes:
        throw(Dice(0, 0))
        create(self.engine)
        actor = Actor(ActorKind.SERVICE, "simulation")
        with writing(self.engine) as (session, now):
            initialise(session, now=now, rules_text=SHIPPED, people_text=people_text(CAST), actor=actor)
        self.raw.execute("VACUUM")
        return self.raw.serialize()

    def restore(self) -> None:
        """As if nothing of an earlier run had ever been."""
        self.raw.deserialize(self.template)

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Plain rows, read beside the product's own way of reading them."""
        return self.raw.execute(statement, values).fetchall()
