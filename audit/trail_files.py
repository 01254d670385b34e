"""CloudTrail's files, record by record: JSON with `Records`, JSON Lines, gzipped or not, and folders of them.

A year of events does not fit into memory, so a file is decoded as it is read: at no time is more of it held than one
record may be long. What cannot be read is handed on as such, with the file and the number of the record; a reader that
skipped it in silence would hide just the event that somebody spoilt.
"""

import codecs
import gzip
import json
import os
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
LISTS = frozenset({"records", "events"})
OWN = frozenset({"eventname", "eventsource", "eventid", "useridentity", "cloudtrailevent"})
"""Names, in lower case, under which records lie, and by which an object is a record itself, whatever it has besides."""


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
    """The files to read, in order, and what in folders is not read: files whose names are none of a record file's, and
    whatever is neither a file nor a folder that can be opened (links to folders, broken links, pipes).

    AuditError for a path that is not there or is no file, and where nothing at all is to be read.
    """
    wanted: list[Path] = []
    passed: list[Path] = []
    for path in paths:
        if path.is_dir():
            files, others = _inside(path)
            wanted += [one for one in files if one.name.lower().endswith(SUFFIXES)]
            passed += [*others, *(one for one in files if not one.name.lower().endswith(SUFFIXES))]
        elif path.is_file():
            wanted.append(path)
        else:
            raise AuditError(
                f"{path} cannot be read",
                why="it is neither a file nor a folder" if path.exists() else "there is no such file or folder",
                do="Name CloudTrail's files as you downloaded them, or the folder that holds them",
            )
    if not wanted:
        raise AuditError(
            "there is nothing to compare with the log",
            why=f"no file ends in {', '.join(SUFFIXES)}",
            do="Name CloudTrail's files as you downloaded them, or the folder that holds them",
        )
    return list(dict.fromkeys(wanted)), sorted(dict.fromkeys(passed))


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """The plain files below a folder, in order, and everything else that is no folder of files.

    A link to a folder is not followed (it may lead in a circle), and a pipe would be waited for without end.
    """
    files: list[Path] = []
    others: list[Path] = []

    def locked(error: OSError) -> None:
        others.append(Path(error.filename))

    for here, folders, names in os.walk(folder, onerror=locked):
        others += [one for one in (Path(here, name) for name in folders) if one.is_symlink()]
        for one in (Path(here, name) for name in names):
            (files if one.is_file() else others).append(one)
    return sorted(files), others


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
        self._json = _Json()
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
                told, end = self._json.raw_decode(self.text, self.at)
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
            if self._json.twice:
                raise _Unreadable("it has a name twice, of which each reader takes another", passed=True)
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
    """What stands in the file: lists of records, or values one after the other (JSON Lines)."""
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
        number, ended = yield from _listed(name, source, number)
        if ended and listed is not None:
            number, ended = yield from _around(name, source, number)
        if not ended:
            return
    if source.broken:
        yield Raw(name, number + 1, None, source.broken)


def _listed(name: str, source: _Source, number: int) -> Generator[Raw, None, tuple[int, bool]]:
    """The records of one list and its end; returns the last one's number, and whether what follows can be read.

    After a spoilt one it goes on where another record begins.
    """
    while (mark := source.skip(BLANK_OR_COMMA)) not in ("", "]"):
        number += 1
        try:
            yield Raw(name, number, source.value())
        except _Unreadable as error:
            if error.passed or source.resume(BEGINS):
                yield Raw(name, number, None, str(error))
                continue
            yield Raw(name, number, None, f"{source.broken or error}; whatever follows in the file was not read")
            return number, False
    if mark != "]":
        yield Raw(name, number + 1, None, source.broken or NO_END)
        return number + 1, False
    source.at += 1
    return number, True


def _around(name: str, source: _Source, number: int) -> Generator[Raw, None, tuple[int, bool]]:
    """What follows a list in the object around it: further lists are read as the first was, other names are passed.

    A name of a record's own is told, and so is a list's name with something else behind it: the call could stand there.
    """
    while (mark := source.skip(BLANK)) == ",":
        source.at += 1
        try:
            key = _key(source)
            suspect = key in LISTS or key in OWN
            if key in LISTS and source.skip(BLANK) == "[":
                source.at += 1
                number, ended = yield from _listed(name, source, number)
                if not ended:
                    return number, False
                continue
            source.value()
        except _Unreadable as error:
            if not error.passed:
                break
            suspect = True
        if suspect:
            number += 1
            yield Raw(name, number, None, BESIDE)
    source.at += 1
    if mark != "}":
        yield Raw(name, number + 1, None, source.broken or NO_END)
    return number, mark == "}"


NO_END = "the list of records does not end as one"
BESIDE = "beside a list of records it holds what may be another record"


def _key(source: _Source) -> str:
    """The name at the cursor in lower case, which then stands before its value; _Unreadable where there is none."""
    source.skip(BLANK)
    key = source.value()
    if not isinstance(key, str) or source.skip(BLANK) != ":":
        raise _Unreadable("it is no JSON")
    source.at += 1
    source.skip(BLANK)
    return key.lower()


def _single(name: str, source: _Source, number: int) -> Iterator[Raw | Summary]:
    """One value of several: a record, a list of them in a line of its own, or lists in an object with other names."""
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
    names = {key.lower() for key in told} if isinstance(told, dict) else set()
    if names & LISTS and names & OWN:
        yield Raw(name, number + 1, None, BESIDE)
        return
    if not names & (LISTS | OWN) and any(key in told for key in SUMMARIES if isinstance(told, dict)):
        yield Summary(name)
        return
    lists = [inner for key, inner in told.items() if key.lower() in LISTS] if names & LISTS else [told]
    for inside in lists:
        for one in inside if isinstance(inside, list) else [inside]:
            number += 1
            yield Raw(name, number, one)


_NEXT_LINE = re.compile(r"(?<=\n)[^\n]")


def _told(error: ValueError) -> str:
    """The decoder's own words without the text that it quotes."""
    return str(getattr(error, "msg", type(error).__name__)).split(":")[0].lower()


def _whole(text: str) -> int | None:
    # A number longer than any that CloudTrail writes takes time without end to convert; it counts as not given.
    return int(text) if len(text) < 20 else None


class _Json(json.JSONDecoder):
    """JSON with every number harmless; `twice` tells whether the value that was read last has a name twice.

    JSON does not forbid it and readers differ in which of the two they take, so what it says cannot be known.
    """

    def __init__(self) -> None:
        super().__init__(
            parse_int=_whole, parse_float=str, parse_constant=lambda _: None, object_pairs_hook=self._object
        )
        self.twice = False

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        self.twice = False
        return super().raw_decode(s, idx)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        told = dict(pairs)
        self.twice = self.twice or len(told) != len(pairs)
        return told


def decoded(text: str) -> Any:
    """JSON that stands as text inside a record; None where it is none, or has a name twice."""
    decoder = _Json()
    try:
        told = decoder.decode(text) if len(text) <= MOST else None
    except (ValueError, RecursionError):
        return None
    return None if decoder.twice else told
