"""Where state lives: one folder, checked before it is used; with SQLite, one worker at a time.

Everything of Spendgate's is under `SPENDGATE_HOME`: the database, the lake, the conversation's checkpoints and the
files a person edits (`rules.toml`, `people.toml`, `allocation.toml`, `calendar.csv`). With a PostgreSQL server the
database and the checkpoints are there.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from app.errors import Exit, Problem

LEAST_FREE_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True)
class Home:
    """The folder and the places in it."""

    folder: Path
    server: str | None = field(default=None, repr=False)
    """the address of the PostgreSQL database, with this process's password; None for SQLite"""

    @property
    def place(self) -> Path | str:
        """Where the database is, as `open_database` takes it."""
        return self.server or self.database

    @property
    def memory(self) -> Path | str:
        """Where conversations are kept, as the agent's memory takes it."""
        return self.server or self.checkpoints

    @property
    def passwords(self) -> Path:
        """The files, one a process, with the addresses of the database's roles."""
        return self.folder / "database"

    @property
    def database(self) -> Path:
        return self.folder / "spendgate.db"

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints.db"

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def rules(self) -> Path:
        return self.folder / "rules.toml"

    @property
    def people(self) -> Path:
        return self.folder / "people.toml"

    @property
    def allocation(self) -> Path:
        return self.folder / "allocation.toml"

    @property
    def calendar(self) -> Path:
        """Holidays and seasons."""
        return self.folder / "calendar.csv"

    @property
    def deploys(self) -> Path:
        """What was deployed when, if somebody tells it."""
        return self.folder / "deploys.csv"

    @property
    def anomalies(self) -> Path:
        """From what on unusual spend is told."""
        return self.folder / "anomalies.toml"

    @property
    def savings(self) -> Path:
        return self.folder / "savings.toml"

    @property
    def price_book(self) -> Path:
        """Prices of one's own, which go before the shipped ones."""
        return self.folder / "price-book"

    @property
    def web_key(self) -> Path:
        return self.folder / "web.key"

    @property
    def is_sandbox(self) -> bool:
        """True where the demo made this home: only there may one act as somebody else."""
        return (self.folder / "sandbox").exists()


def open_home(folder: Path, server: str | None = None) -> Home:
    """The home at `folder`, made if need be; refuses one that cannot be written or is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / f".probe-{os.getpid()}"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
    except OSError as error:
        raise Problem(
            f"Spendgate cannot write in its home folder {folder}.",
            why=f"{error.strerror or error}.",
            do="Make the folder writable, free some space, or name another in SPENDGATE_HOME.",
        ) from error
    if shutil.disk_usage(folder).free < LEAST_FREE_BYTES:
        raise Problem(
            f"The disk of {folder} is nearly full.",
            why="Less than 50 MB are free, and a decision that cannot be stored would be lost.",
            do="Free some space, or name another folder in SPENDGATE_HOME.",
        )
    return Home(folder.resolve(), server)


@contextmanager
def sole(home: Home, process: str) -> Iterator[None]:
    """Holds the right to be the only `process` of this home; the operating system gives it back if we die.

    With a server there may be many: its write lock, leases and claims put them in an order.
    """
    if home.server:
        yield
        return
    path = home.folder / f"{process}.lock"
    with path.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Problem(
                f"A {process} is already running on {home.folder} (process {_owner(held)}).",
                why=f"On SQLite there is one {process} a home.",
                do=f"Stop it first, or use another home (SPENDGATE_HOME) for a second {process}.",
                exit_code=Exit.CONFLICT,
            ) from error
        held.seek(0)
        held.truncate()
        held.write(str(os.getpid()))
        held.flush()
        yield


def running(home: Home, process: str) -> bool:
    """Whether a `process` of this home is running now."""
    path = home.folder / f"{process}.lock"
    if not path.exists():
        return False
    with path.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def _owner(held: TextIO) -> str:
    held.seek(0)
    return held.read().strip() or "unknown"
