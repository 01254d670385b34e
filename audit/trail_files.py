"""CloudTrail's files, record by record: JSON with `Records`, JSON Lines, gzipped or not, and folders of them.

A year of events does not fit into memory, so a file is decoded as it is read: at no time is more of it held than one
record may be long. What cannot be read is handed on as such, with the file and the number of the record; a reader that
skipped it in silence would hide just the event that somebody spoilt.
"""

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from audit.errors import AuditError

CHUNK = 256 * 1024
MOST = 4 * 1024 * 1024
"""Characters that one record may have; CloudTrail's own have at most 256 KiB."""

SUFFIXES = (".json", ".jsonl", ".ndjson", ".gz")
GZIP = b"\x1f\x8b"
LISTED = re.compile(r'\{\s*"(?:Records|Events)"\s*:\s*\[')
BEGINS = re.compile(r'\{\s*"eventVersion"')
BLANK = re.compile(r"[\s\ufeff]*")
BLANK_OR_COMMA = re.compile(r"[\s,]*")
SPOILT = re.compile("[\ud800-\udfff]")
SUMMARIES = ("digestStartTime", "digestS3Object")
"""What CloudTrail's digest files have and records have not: they lie beside the records and tell of no call."""


class Raw(NamedTuple):
    """One record as JSON knows it, or why there is none. `number` counts from 1 within its file."""

    file: str
    number: int
    record: Any
    why: str = ""


class Summary(NamedTuple):
    """A file that holds no record by its nature (one of CloudTrail's digests)."""

    file: str


class _Unreadable(Exception):
    """Why what stands at the cursor cannot be taken; the cursor is where it began, or behind it if it was `passed`."""

    def __init__(self, why: str, *, passed: bool = False) -> None:
        super().__init__(why)
        self.passed = passed


def files_of(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files to read, in order, and those in folders whose names are none of a record file's.

    AuditError for a path that is not there, and where nothing at all is to be read.
    """
    wanted: list[Path] = []
    passed: list[Path] = []
    for path in paths:
        if not path.exists():
            raise AuditError(
                f"{path} cannot be read",
                why="there is no such file or folder",
                do="Name CloudTrail's files as you downloaded them, or the folder that holds them",
            )
        found = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for one in found:
            (wanted if one == path or one.name.lower().endswith(SUFFIXES) else passed).append(one)
    if not wanted:
        raise AuditError(
            "there is nothing to compare with the log",
            why=f"no file ends in {', '.join(SUFFIXES)}",
            do="Name CloudTrail's files as you downloaded them, or the folder that holds them",
        )
    return list(dict.fromkeys(wanted)), passed


def records(path: Path) -> Iterator[Raw | Summary]:
    """Every record of one file, in order; what is no record is told as such, and never ends the reading silently."""
    name = str(path)
    try:
        with path.open("rb") as handle:
            source = _Source(handle)
            yield from _documents(name, source)
    except OSError as error:
        yield Raw(name, 0, None, f"the file cannot be opened ({error.strerror or type(error).__name__})")


class _Source:
    """A window on the file's text, moved forward; `broken` says why it ended before its end."""

    def __init__(self, handle: IO[bytes]) -> None:
        head = handle.read(2)
        handle.seek(0)
        self._bytes = gzip.GzipFile(fileobj=handle) if head == GZIP else handle
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.text, self.at, self.broken, self.spoilt, self._ended = "", 0, "", False, False

    def more(self) -> bool:
        """Takes in another piece and forgets what lies behind the cursor; False at the end."""
        if self._ended:
            return False
        try:
            piece = self._bytes.read1(CHUNK)  # type: ignore[union-attr]  # what was unpacked before a fault is kept
        except (EOFError, OSError, zlib.error) as error:
            piece = b""
            self.broken = "it ends in the middle" if isinstance(error, EOFError) else "its compression is damaged"
        self._ended = not piece
        fresh = self._decoder.decode(piece, final=self._ended)
        self.spoilt = self.spoilt or SPOILT.search(fresh) is not None
        self.text, self.at = self.text[self.at :] + fresh, 0
        return bool(piece)

    def skip(self, what: re.Pattern[str]) -> str:
        """Moves past what matches and returns the character then at the cursor, "" at the end."""
        while True:
            found = what.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""

    def value(self) -> Any:
        """The JSON value at the cursor, which then stands behind it; _Unreadable where there is none."""
        while True:
            try:
                told, end = _DECODER.raw_decode(self.text, self.at)
            except RecursionError:
                raise _Unreadable("it is nested too deeply") from None
            except ValueError as error:
                if len(self.text) - self.at > MOST:
                    raise _Unreadable(f"it is no JSON, or longer than {MOST} characters") from None
                if not self.more():
                    raise _Unreadable(f"it is no JSON ({_told(error)})") from None
                continue
            if self.spoilt and SPOILT.search(self.text, self.at, end):
                self.at = end
                raise _Unreadable("it holds bytes that are no UTF-8", passed=True)
            self.at = end
            return told

    def resume(self, begins: re.Pattern[str]) -> bool:
        """Moves to the next place behind the cursor where something new begins; False if there is none."""
        self.at += 1
        while True:
            found = begins.search(self.text, self.at)
            if found is not None:
                self.at = found.start()
                return True
            self.at = max(self.at, len(self.text) - 64)
            if not self.more():
                return False


def _documents(name: str, source: _Source) -> Iterator[Raw | Summary]:
    """What stands in the file: one list of records, or values one after the other (JSON Lines)."""
    number = 0
    if source.skip(BLANK) == "":
        yield Raw(name, 0, None, source.broken or "the file is empty")
        return
    while source.skip(BLANK):
        listed = LISTED.match(source.text, source.at)
        if listed is None and source.text[source.at] != "[":
            for one in _single(name, source, number):
                number = one.number if isinstance(one, Raw) else number
                yield one
            continue
        source.at = listed.end() if listed else source.at + 1
        number, given_up = yield from _listed(name, source, number)
        if given_up:
            return
        if not _closed(source, enclosed=listed is not None):
            yield Raw(name, number + 1, None, source.broken or "the list of records does not end as one")
            return
    if source.broken:
        yield Raw(name, number + 1, None, source.broken)


def _listed(name: str, source: _Source, number: int) -> Generator[Raw, None, tuple[int, bool]]:
    """The records of one list; returns the last one's number, and whether what follows could not be read.

    After a spoilt one it goes on where another record begins.
    """
    while source.skip(BLANK_OR_COMMA) not in ("", "]"):
        number += 1
        try:
            yield Raw(name, number, source.value())
        except _Unreadable as error:
            if error.passed or source.resume(BEGINS):
                yield Raw(name, number, None, str(error))
                continue
            yield Raw(name, number, None, f"{source.broken or error}; whatever follows in the file was not read")
            return number, True
    return number, False


def _closed(source: _Source, *, enclosed: bool) -> bool:
    """Whether the list ended, and the object around it too; other names in that object are passed over."""
    if source.skip(BLANK) != "]":
        return False
    source.at += 1
    while enclosed:
        mark = source.skip(BLANK)
        source.at += 1
        if mark != ",":
            return mark == "}"
        try:
            source.skip(BLANK)
            source.value()
            if source.skip(BLANK) != ":":
                return False
            source.at += 1
            source.skip(BLANK)
            source.value()
        except _Unreadable:
            return False
    return True


def _single(name: str, source: _Source, number: int) -> Iterator[Raw | Summary]:
    """One value of several: a record, or a list of them in a line of its own."""
    try:
        told = source.value()
    except _Unreadable as error:
        passed = error.passed or source.resume(_NEXT_LINE)
        if not passed:
            source.at = len(source.text)
        # Where the file itself is cut off, that is told once, at its end.
        if passed or not source.broken:
            yield Raw(name, number + 1, None, str(error))
        return
    if isinstance(told, dict) and any(key in told for key in SUMMARIES):
        yield Summary(name)
        return
    inside = told.get("Records", told.get("Events")) if isinstance(told, dict) else told
    for one in inside if isinstance(inside, list) else [told]:
        number += 1
        yield Raw(name, number, one)


_NEXT_LINE = re.compile(r"(?<=\n)[^\n]")


def _told(error: ValueError) -> str:
    """The decoder's own words without the text that it quotes."""
    return str(getattr(error, "msg", type(error).__name__)).split(":")[0].lower()


def _whole(text: str) -> int | None:
    # A number longer than any that CloudTrail writes takes time without end to convert; it counts as not given.
    return int(text) if len(text) < 20 else None


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=str, parse_constant=lambda _: None)


def decoded(text: str) -> Any:
    """JSON that stands as text inside a record; None where it is none."""
    try:
        return _DECODER.decode(text) if len(text) <= MOST else None
    except (ValueError, RecursionError):
        return None
