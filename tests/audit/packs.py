"""Logs of entries that were signed, and packs of them, for the tests of packs."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from sqlmodel import Session

from audit import pack_verifier
from audit.note import LOG, WITNESS, SigningKey, VerifierKey, parse
from audit.pack import Pack, Wanted, write_pack
from audit.signer import Signer
from audit.stored_tree import LogWitness

ORIGIN = "spendgate/test"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
KEY = SigningKey(ORIGIN, LOG, bytes(range(32)))
OTHER_KEY = SigningKey(ORIGIN, LOG, bytes(range(1, 33)))
WATCH = SigningKey("witness.example", WITNESS, bytes(range(2, 34)))
"""Fixed keys, so that the same pack has the same bytes in each run."""


def sign(session: Session, key: SigningKey = KEY, *, origin: str = ORIGIN) -> str:
    """Signs what there is, as the signer does."""
    signer = Signer(key, origin=origin)
    signer.read(session)
    note = signer.sign()
    signer.store(session, note, NOW.replace(second=min(signer.size, 59)))
    return note


def cosign(session: Session, note: str, *, at: int = 1_800_000_000, witness: str = "witness.example") -> None:
    """Lays down what the witness signed."""
    told = pack_verifier.parse_checkpoint(note.encode())
    line = WATCH.sign(parse(note).text, at=at).line()
    row = LogWitness(origin=told.origin, size=told.size, witness=witness, cosignature=line, at=NOW)
    session.add(row)
    session.flush()


def packed(session: Session, **wanted: Any) -> tuple[bytes, Pack]:
    """A pack in memory."""
    out = io.BytesIO()
    keys: tuple[VerifierKey, ...] = wanted.pop("witness_keys", ())
    made = write_pack(session, out, wanted=Wanted(**wanted), now=NOW, witness_keys=keys)
    return out.getvalue(), made


def files_of(data: bytes) -> dict[str, bytes]:
    """The files of a pack."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@dataclass
class Bench:
    """Lays packs into a folder of its own and runs the verifier on them, as its command does."""

    folder: Path
    said: str = ""
    _count: Iterator[int] = field(default_factory=count)

    def check(self, path: Path, *options: str, key: SigningKey | None = KEY) -> int:
        """The exit code; what it printed is in `said`. An exception is a stack trace, and the test's failure."""
        keys = () if key is None else ("--key", str(key.verifier))
        told = io.StringIO()
        with redirect_stdout(told):
            code = pack_verifier.main([str(path), *keys, *options])
        self.said = told.getvalue()
        return code

    def zip(self, data: bytes) -> Path:
        """The bytes as a file."""
        path = self.folder / f"pack-{next(self._count)}.zip"
        path.write_bytes(data)
        return path

    def unpacked(self, data: bytes) -> Path:
        """The pack as a folder."""
        path = self.folder / f"pack-{next(self._count)}"
        path.mkdir()
        for name, content in files_of(data).items():
            (path / name).write_bytes(content)
        return path

    def zipped(self, files: dict[str, bytes]) -> Path:
        """These files as a pack."""
        path = self.folder / f"pack-{next(self._count)}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path
