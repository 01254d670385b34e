"""Entries for other programs: JSON lines, CSV for spreadsheets, OCSF for a SIEM. Views, not evidence: see `pack.py`."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from hashlib import sha256
from typing import IO, NamedTuple

from audit.canonical import canonical
from audit.ocsf import event_of

COLUMNS = ("seq", "recorded_at", "event", "actor_kind", "actor", "proposal", "proposal_version", "prev", "hash", "data")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "\N{MINUS SIGN}")


class Format(StrEnum):
    """How entries are written."""

    JSONL = "jsonl"
    CSV = "csv"
    OCSF = "ocsf"


class Exported(NamedTuple):
    """What was written: the first and last number (0: none), how many, and the SHA-256 of all bytes."""

    first: int
    last: int
    entries: int
    sha256: str


def export(rows: Iterable[tuple[int, str, bytes]], out: IO[bytes], *, form: Format, origin: str) -> Exported:
    """Writes entries (number, hash, body) one after the other, as they come."""
    digest, first, last, count = sha256(), 0, 0, 0
    head = _cells(COLUMNS) if form is Format.CSV else b""
    line_of: Callable[[str, bytes], bytes] = {
        Format.JSONL: json_line,
        Format.CSV: csv_line,
        Format.OCSF: lambda told, body: ocsf_line(told, body, origin=origin),
    }[form]
    for line, seq in _lines(head, rows, line_of):
        out.write(line)
        digest.update(line)
        if seq:
            first, last, count = first or seq, seq, count + 1
    return Exported(first, last, count, digest.hexdigest())


def json_line(entry_hash: str, body: bytes) -> bytes:
    """The stored bytes with the hash put in before the last brace; without it they hash to it again."""
    return body[:-1] + b',"hash":"' + entry_hash.encode() + b'"}\n'


def csv_line(entry_hash: str, body: bytes) -> bytes:
    """One row (RFC 4180) under `COLUMNS`; `data` as JSON text."""
    told = json.loads(body)
    actor = told["actor"]
    data = canonical(told["data"]).decode()
    row = (told["seq"], told["recorded_at"], told["event"], actor["kind"], actor["id"], told["proposal"])
    return _cells((*row, told["proposal_version"], told["prev"], entry_hash, data))


def ocsf_line(entry_hash: str, body: bytes, *, origin: str) -> bytes:
    """One event as a JSON line."""
    return canonical(event_of(body, entry_hash, origin=origin)) + b"\n"


def _lines(
    head: bytes, rows: Iterable[tuple[int, str, bytes]], line_of: Callable[[str, bytes], bytes]
) -> Iterator[tuple[bytes, int]]:
    if head:
        yield head, 0
    for seq, entry_hash, body in rows:
        yield line_of(entry_hash, body), seq


def _cells(cells: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([harmless(cell) for cell in cells])
    return text.getvalue().encode()


def harmless(cell: object) -> object:
    """A text that a spreadsheet would compute gets an apostrophe before it, which spreadsheets do not show."""
    if not isinstance(cell, str):
        return cell
    # Blanks and what nobody sees may be left out by a spreadsheet before it looks.
    seen = next((letter for letter in cell if letter.isprintable() and letter != " "), "")
    return f"'{cell}" if cell.startswith(_FORMULA) or seen in _FORMULA else cell
