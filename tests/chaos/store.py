"""The database of a campaign, as all its processes open it: one place to choose between the kinds there are."""

import os
import re
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from app.database import open_database, writing
from app.migrate import create
from app.ready import DEFAULTS
from approvals.adopt import initialise
from audit.event import Actor, ActorKind
from tests.chaos.world import PEOPLE

DATABASES = ("sqlite", "postgresql")
PARTS = {"worker": "worker", "gate": "gate", "drafter": "agent"}
"""Which role of a server's database each process of the crew has."""

ADDRESS = "CHAOS_ADDRESS_"


class Store(Protocol):
    """What a campaign asks of its database."""

    name: str

    def make(self) -> None:
        """The tables, and the first rules and people."""

    def engine(self, role: str | None = None) -> Engine:
        """An engine of this process's own, as a process of the crew or as the one who may read everything."""

    def environment(self, role: str | None = None) -> dict[str, str]:
        """What a process needs to find it: the shipped program as `role`, or the nursery as all of them."""

    def sever(self) -> bool:
        """Cuts a worker's connection, whatever it is saying; False where there is none."""

    def faults(self) -> list[str]:
        """What the database itself finds wrong with what is stored."""

    def end(self) -> None:
        """Ends what it started."""


class Sqlite:
    """A file in the campaign's folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        create(self.engine())
        begin_with_policy(self.engine())

    def engine(self, role: str | None = None) -> Engine:
        return open_database(self.folder / "spendgate.db")

    def environment(self, role: str | None = None) -> dict[str, str]:
        return {}

    def sever(self) -> bool:
        return False

    def faults(self) -> list[str]:
        with self.engine().connect() as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
            found += [f"foreign key: {row}" for row in connection.exec_driver_sql("PRAGMA foreign_key_check")]
        return [line for line in found if line != "ok"]

    def end(self) -> None:
        return


def store(kind: str, folder: Path) -> Store:
    """The store of this kind in this folder; in the nursery, the one that the campaign has made."""
    if kind == "sqlite":
        return Sqlite(folder)
    if kind == "postgresql":
        from tests.chaos.on_server import Postgresql

        given = {name.removeprefix(ADDRESS): value for name, value in os.environ.items() if name.startswith(ADDRESS)}
        return Postgresql(folder, given)
    raise ValueError(f"a campaign knows no database {kind!r}: {', '.join(DATABASES)}")


def without_caps(rules: str) -> str:
    """The same rules with hourly caps that a campaign does not reach: what it waits for are deaths, not hours."""
    return re.sub(r"(?m)^(\w+_per_hour) = .*$", r"\1 = 10000", rules)


def begin_with_policy(engine: Engine) -> None:
    """The shipped rules, but for their caps, and the campaign's people as version 1."""
    rules = without_caps((DEFAULTS / "rules.toml").read_text())
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.SERVICE, "chaos")
        initialise(session, now=now, rules_text=rules, people_text=PEOPLE, actor=actor)
