"""PostgreSQL for a campaign: a server of its own, a role for each process, and connections that are cut.

Each process logs in as its own role, so a campaign also shows that the powers of the roles are enough.
"""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Engine, text

from app.database import open_database
from app.home import open_home
from app.migrate import create
from app.server import give_powers, make_conversation, make_roles
from tests.chaos.store import ADDRESS, PARTS, begin_with_policy
from tests.postgres.server import Server


class Postgresql:
    """A server of the campaign's own; the nursery gets the roles' addresses by its environment."""

    name = "postgresql"

    def __init__(self, folder: Path, known: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.server: Server | None = None
        self.addresses = dict(known or {})
        self._owner: Engine | None = None

    def make(self) -> None:
        self.server = Server()
        self.server.run("CREATE ROLE owner LOGIN CREATEDB CREATEROLE", "CREATE DATABASE chaos OWNER owner")
        owner = self.server.of("chaos")
        engine = open_database(owner)
        create(engine)
        files = make_roles(engine, owner, open_home(self.folder).folder / "database")
        make_conversation(owner)
        give_powers(engine)
        begin_with_policy(engine)
        engine.dispose()
        for part, path in files.items():
            assert path is not None
            self.addresses[part] = path.read_text().strip().partition("=")[2]

    def engine(self, role: str | None = None) -> Engine:
        if role is not None:
            return open_database(self.addresses[PARTS[role]])
        assert self.server is not None
        self._owner = self._owner or open_database(self.server.of("chaos", "postgres"))
        return self._owner

    def environment(self, role: str | None = None) -> dict[str, str]:
        if role is not None:
            return {"SPENDGATE_DATABASE_URL": self.addresses[PARTS[role]]}
        return {f"{ADDRESS}{part}": address for part, address in self.addresses.items()}

    def sever(self) -> bool:
        cut = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN"
            " (SELECT pid FROM pg_stat_activity WHERE usename LIKE '%worker' ORDER BY random() LIMIT 1)"
        )
        with self.engine().connect() as connection:
            return bool(connection.execute(text(cut)).scalar())

    def faults(self) -> list[str]:
        return []

    def end(self) -> None:
        if self._owner is not None:
            self._owner.dispose()
        if self.server is not None:
            self.server.stop()
