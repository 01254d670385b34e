"""The database of a campaign, as all its processes open it: one place to choose between SQLite and PostgreSQL."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from app.database import open_database, writing
from app.migrate import create
from app.ready import DEFAULTS
from approvals.adopt import initialise
from audit.event import Actor, ActorKind
from tests.chaos.world import PEOPLE


class Sqlite:
    """A file in the campaign's folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self) -> dict[str, str]:
        """What a process of the shipped program needs to find it."""
        return {}

    def engine(self) -> Engine:
        """An engine of this process's own."""
        return open_database(self.folder / "spendgate.db")

    def sever(self) -> bool:
        """Cuts a connection of a worker's; a file has none."""
        return False

    def faults(self) -> list[str]:
        """What the database itself finds wrong with what is stored."""
        with self.engine().connect() as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            found += [f"foreign key: {row}" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
        return [line for line in found if line != "ok"]

    def end(self) -> None:
        """Ends what it started."""


def store(kind: str, folder: Path) -> Any:
    """The store of this kind in this folder, not yet made."""
    if kind == "sqlite":
        return Sqlite(folder)
    raise ValueError(f"a campaign knows no database {kind!r}: sqlite")


def make(place: Any) -> None:
    """The tables, and the first rules and people."""
    engine = place.engine()
    create(engine)
    with writing(engine) as (session, now):
        rules = (DEFAULTS / "rules.toml").read_text()
        initialise(session, now=now, rules_text=rules, people_text=PEOPLE, actor=Actor(ActorKind.SERVICE, "chaos"))
    engine.dispose()
