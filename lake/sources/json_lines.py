"""Reads JSON lines, one object a line, with every number kept as the digits that were written.

DuckDB's own reader turns a number into binary floating point, which changes the digits of an amount; Python's can be
told to leave them alone.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from lake.errors import LakeError
from lake.sources.refusals import LONGEST_LINE, broken_gzip, line_too_long

_AT_ONCE = 20_000


def columns(path: Path, *, gzipped: bool) -> list[str]:
    """Every name that any line's object has, in the order in which they first appear.

    Raises LakeError, naming the line, where one is no JSON object.
    """
    found: dict[str, None] = {}
    for line in _objects(path, gzipped):
        found.update(dict.fromkeys(line))
    return list(found)


def create(connection: duckdb.DuckDBPyConnection, table: str, path: Path, *, gzipped: bool) -> None:
    """Makes a table with one text column, c0, c1 …, for each name of `columns`: a nested value as JSON text, its
    numbers quoted, so that they stay the digits that they were."""
    names = columns(path, gzipped=gzipped)
    connection.execute(f"CREATE TABLE {table} ({', '.join(f'c{index} VARCHAR' for index in range(len(names)))})")
    waiting: list[dict[str, Any]] = []
    for line in _objects(path, gzipped):
        waiting.append(line)
        if len(waiting) == _AT_ONCE:
            _append(connection, table, names, waiting)
            waiting = []
    if waiting:
        _append(connection, table, names, waiting)


def _append(connection: duckdb.DuckDBPyConnection, table: str, names: list[str], lines: list[dict[str, Any]]) -> None:
    arrays = {f"c{i}": pa.array([_text(line.get(name)) for line in lines], pa.string()) for i, name in enumerate(names)}
    connection.from_arrow(pa.table(arrays)).insert_into(table)


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _objects(path: Path, gzipped: bool) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as plain, gzip.open(plain) if gzipped else plain as stream:
            for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), start=1):
                if len(line) > LONGEST_LINE:
                    raise line_too_long(path, number)
                if line.strip():
                    yield _object(path, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(path) from error


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        read = json.loads(
            line.decode("utf-8-sig"), parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_once
        )
    except _Twice as error:
        raise LakeError(
            f"{path} has {str(error)[:60]} twice in one charge.",
            why=f"Line {number} gives two values for it, and which of them counts cannot be told.",
            do="Export the file again, with every name once an object.",
        ) from error
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict) or not _is_text(line, read):
        raise LakeError(
            f"{path} cannot be read to its end.",
            why=f"Line {number} is no JSON object of its own in UTF-8: the file may be cut short, or be one long text.",
            do="Export it as newline-delimited JSON, one charge a line; nothing of the file was loaded.",
        )
    return read


def _is_text(line: bytes, read: dict[str, Any]) -> bool:
    # Half of a character that needs two halves may be written as an escape, and is no text that can be stored.
    if b"\\u" not in line:
        return True
    try:
        json.dumps(read, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class _Twice(Exception):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, value in pairs:
        if name in read:
            raise _Twice(name)
        read[name] = value
    return read
