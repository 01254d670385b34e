"""The lake's folder: which snapshot is current for each source and billing period, and how one replaces another.

Data files are never changed. A load writes new ones, then commits with one journal (so that several snapshots become
current together), then replaces the manifests by rename. A process killed at any point leaves the old state or the
new one; the next reader sees through the journal, the next load finishes it.
"""

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, ValidationError

from lake.errors import LakeError
from lake.money import difference
from lake.period import Period
from lake.report import Finding

SCHEMA = 1
LOCK_SECONDS = 30
_SNAPSHOT = re.compile(r"[a-z0-9-]+/[0-9-]+/[0-9]+")


class SnapshotFile(BaseModel):
    """One Parquet file of a snapshot."""

    model_config = ConfigDict(frozen=True)

    path: str  # relative to the lake's folder
    rows: int
    bytes: int
    sha256: str


class RollupFile(SnapshotFile):
    """The rollup of a snapshot; `by` are the columns that it is summed by, which later versions may add to.

    A cost among them says that charges which lack it are summed apart from those which have it.
    """

    by: tuple[str, ...] = ()


class Input(BaseModel):
    """A file that was loaded."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    rows: int


class Totals(BaseModel):
    """The four costs of one currency, as text to the last digit (None: no row has one)."""

    model_config = ConfigDict(frozen=True)

    currency: str
    billed: str | None
    effective: str | None
    list: str | None
    contracted: str | None


class Moved(BaseModel):
    """By how much two costs of one currency moved, later minus earlier, exactly; a cost that no row has is nothing."""

    model_config = ConfigDict(frozen=True)

    currency: str
    billed: Decimal
    effective: Decimal


class Replaced(BaseModel):
    """What a revision replaced."""

    model_config = ConfigDict(frozen=True)

    revision: int
    rows: int
    totals: tuple[Totals, ...]


class Snapshot(BaseModel):
    """The manifest of one (source, billing period): what is loaded, from where, how far it reaches."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA
    source: str
    period: str
    revision: int
    period_start: date
    period_end: date
    files: tuple[SnapshotFile, ...]
    rollup: RollupFile | None = None
    monthly: RollupFile | None = None
    quarantine: str | None = None
    inputs: tuple[Input, ...]
    loaded_at: datetime
    final: bool
    rows: int
    rows_quarantined: int
    totals: tuple[Totals, ...]
    first_day: date
    last_day: date
    data_through: datetime
    accounts: tuple[tuple[str, str], ...]  # (provider, billing account)
    replaces: Replaced | None = None
    findings: tuple[Finding, ...] = ()
    allocation: str = ""
    """digest of the allocation rules that it was loaded with; empty without any"""

    @property
    def id(self) -> str:
        return f"{self.source}/{self.period}/{self.revision}"

    @property
    def delta_vs_previous(self) -> tuple[Moved, ...]:
        """What this revision restated, by currency: its costs minus those that it replaced; empty for the first."""
        if self.replaces is None:
            return ()
        now, before = ({total.currency: total for total in totals} for totals in (self.totals, self.replaces.totals))

        def moved(currency: str, name: str) -> Decimal:
            later, earlier = (getattr(totals.get(currency), name, None) or "0" for totals in (now, before))
            return difference(Decimal(later), Decimal(earlier))

        return tuple(
            Moved(currency=currency, billed=moved(currency, "billed"), effective=moved(currency, "effective"))
            for currency in sorted({*now, *before})
        )

    @property
    def billing(self) -> Period:
        """The billing period: which bill these charges stand on."""
        return Period(self.period_start, self.period_end)

    @property
    def charged(self) -> Period:
        """From the first to the last day on which one of these charges starts."""
        return Period(self.first_day, self.last_day + timedelta(days=1))


class UsageManifest(BaseModel):
    """The hourly utilisation that counts now: one file, with the newest value of each machine and hour."""

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA
    revision: int
    file: SnapshotFile
    first_hour: datetime
    last_hour: datetime
    loaded_at: datetime
    inputs: tuple[Input, ...]


class Commit(BaseModel):
    """What becomes current together."""

    snapshots: tuple[Snapshot, ...]
    usage: UsageManifest | None = None


class Store:
    """Reads and replaces manifests below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifests = folder / "manifests"
        self.incoming = folder / "incoming"
        self._journal = folder / "journal.json"
        self._placing = folder / "placing.json"
        self._usage = folder / "usage" / "manifest.json"
        self._cached: tuple[tuple[int, bytes], tuple[Snapshot, ...]] | None = None

    def current(self) -> tuple[Snapshot, ...]:
        """The snapshots that count now, by source and period: all of a load or none of it."""
        for _ in range(100):
            stamp = self._stamp()
            if self._cached is not None and self._cached[0] == stamp:
                return self._cached[1]
            found = self._read(stamp[1])
            if self._stamp() == stamp:
                self._cached = (stamp, found)
                return found
            time.sleep(0.01)
        raise LakeError("The lake is changing too fast to be read.", why="Loads follow each other.", do="Ask again.")

    def _stamp(self) -> tuple[int, bytes]:
        try:
            changed = self.manifests.stat().st_mtime_ns
        except FileNotFoundError:
            changed = 0
        try:
            return changed, self._journal.read_bytes()
        except FileNotFoundError:
            return changed, b""

    def _read(self, journal: bytes) -> tuple[Snapshot, ...]:
        found: dict[tuple[str, str], Snapshot] = {}
        for path in sorted(self.manifests.glob("*.json")) if self.manifests.is_dir() else []:
            snapshot = _parse(path.read_bytes(), path)
            found[snapshot.source, snapshot.period] = snapshot
        for snapshot in _journalled(journal, self._journal).snapshots:
            found[snapshot.source, snapshot.period] = snapshot
        return tuple(found[key] for key in sorted(found))

    def usage(self) -> UsageManifest | None:
        """The utilisation that counts now, if any was ever loaded."""
        journalled = _journalled(self._stamp()[1], self._journal).usage
        if journalled is not None:
            return journalled
        try:
            return UsageManifest.model_validate_json(self._usage.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise _damaged(self._usage) from error

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """One load at a time: yields a folder for files in the making, which is gone afterwards."""
        try:
            self.manifests.mkdir(parents=True, exist_ok=True)
            with (self.folder / "lock").open("w") as lock:
                _acquire(lock.fileno())
                self._finish()
                self._sweep()
                making = self.incoming / uuid4().hex
                making.mkdir(parents=True)
                try:
                    yield making
                finally:
                    shutil.rmtree(self.incoming, ignore_errors=True)
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def next_revision(self, source: str, period: str) -> int:
        """One more than any revision that is here."""
        folder = self.folder / "snapshots" / source / period
        numbers = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
        return max(numbers, default=0) + 1

    def place(self, making: Path, snapshot: Snapshot) -> None:
        """Moves a finished snapshot's files to their place; until `publish` nobody reads them.

        A note tells which were placed, so that the next load removes those of a load that was killed before it
        published: by its revision alone such a snapshot cannot be told from one that was current once.
        """
        write_durably(self._placing, json.dumps([*self._placed(), snapshot.id]).encode())
        write_durably(making / "manifest.json", snapshot.model_dump_json(indent=1).encode())
        target = self.folder / "snapshots" / snapshot.id
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(making)
        making.rename(target)
        sync(target.parent)
        sync(target.parent.parent)

    def place_usage(self, making: Path, manifest: UsageManifest) -> None:
        """Moves a finished utilisation file to its place; the one before stays, for questions that are under way."""
        target = self.folder / manifest.file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(making)
        making.rename(target)
        sync(target.parent)
        for path in target.parent.glob("*.parquet"):
            if path.stem.isdigit() and int(path.stem) < manifest.revision - 1:
                path.unlink()

    def publish(self, commit: Commit) -> None:
        """Makes all of this current together."""
        write_durably(self._journal, commit.model_dump_json().encode())
        self._finish()
        self._placing.unlink(missing_ok=True)

    def _placed(self) -> list[str]:
        try:
            names = json.loads(self._placing.read_bytes())
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise _damaged(self._placing) from error
        # Folders of these names are removed: a note that names anything else is not followed.
        if not isinstance(names, list) or not all(_SNAPSHOT.fullmatch(str(name)) for name in names):
            raise _damaged(self._placing)
        return [str(name) for name in names]

    def _sweep(self) -> None:
        """Removes what an earlier load left that did not come to its end; only while no other load runs."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        if placed := self._placed():
            held = {snapshot.id for snapshot in self.current()}
            for name in placed:
                if name not in held:
                    shutil.rmtree(self.folder / "snapshots" / name, ignore_errors=True)
            self._placing.unlink()
        for folder in (self.folder, self.manifests):
            for path in folder.glob(".*.json.*"):
                path.unlink(missing_ok=True)

    def _finish(self) -> None:
        try:
            body = self._journal.read_bytes()
        except FileNotFoundError:
            return
        commit = _journalled(body, self._journal)
        if commit.usage is not None:
            write_durably(self._usage, commit.usage.model_dump_json(indent=1).encode())
        for snapshot in commit.snapshots:
            path = self.manifests / f"{snapshot.source}--{snapshot.period}.json"
            write_durably(path, snapshot.model_dump_json(indent=1).encode())
        self._journal.unlink()
        sync(self.folder)


def _journalled(body: bytes, path: Path) -> Commit:
    if not body:
        return Commit(snapshots=())
    try:
        return Commit.model_validate_json(body)
    except ValidationError as error:
        raise _damaged(path) from error


def _parse(body: bytes, path: Path) -> Snapshot:
    try:
        return Snapshot.model_validate_json(body)
    except ValidationError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> LakeError:
    return LakeError(
        f"{path} cannot be understood.",
        why="It is no manifest of this version: it was edited, damaged, or written by a newer Spendgate.",
        do="Use the newer version, or remove the file and load that billing period again.",
    )


def _acquire(descriptor: int) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LakeError(
                    "Another load is still running.",
                    why=f"The lake takes one load at a time, and the other has not ended in {LOCK_SECONDS} seconds.",
                    do="Wait for it, then load again.",
                ) from None
            time.sleep(0.05)
        else:
            return


def cannot_write(folder: Path, error: OSError) -> LakeError:
    """The refusal when the lake's folder does not take what a load has to write."""
    return LakeError(
        f"The lake in {folder} cannot be written.",
        why=f"{error.strerror or error}.",
        do="Make the folder writable and give it room, or name another home in SPENDGATE_HOME; nothing was loaded.",
    )


def write_durably(path: Path, body: bytes) -> None:
    """Replaces the file by rename after fsync, so that a reader sees the old bytes or the new ones."""
    making = path.with_name(f".{path.name}.{uuid4().hex}")
    with making.open("wb") as stream:
        stream.write(body)
        stream.flush()
        os.fsync(stream.fileno())
    making.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Flushes a file, or a folder's list of names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
