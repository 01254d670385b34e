"""A file as a table of text: CSV (also gzipped), Parquet or JSON lines; not interpreted here, so nothing is lost.

A Parquet file may bring typed columns (decimals, timestamps, maps); they become text exactly, so that all kinds of
file go through the same rules.
"""

import csv
import gzip
import hashlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lake import duck
from lake.errors import LakeError
from lake.sources import json_lines
from lake.sources.refusals import broken_gzip, cannot_read, line_too_long, not_utf8

_DELIMITERS = ",;\t|"
_LOOKED_AT = 256 * 1024
_PART = 1 << 20


@dataclass(frozen=True)
class TableFile:
    """A readable table: where, in which form, and its columns with their types (CSV, JSON: all text)."""

    path: Path
    form: str  # csv, parquet or json (lines)
    columns: tuple[tuple[str, str], ...]
    digest: str
    delimiter: str = ","
    gzipped: bool = False
    may_say_null: bool = True
    """whether the text NULL may stand somewhere in it: looking for it in every cell would cost more than reading"""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column for column, _ in self.columns)

    @property
    def name(self) -> str:
        return self.path.name


def inspect(path: Path, connection: duckdb.DuckDBPyConnection, *, delimiter: str | None = None) -> TableFile:
    """Looks at a file's first bytes and its columns, by content and not by its name's ending.

    `delimiter` is that of a CSV file; by default the mark that makes most columns of the header.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
        checked, says_null = _looked_through(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    if not magic:
        raise LakeError(f"{path} is empty.", why="It has no bytes at all.", do="Export it again and load the new file.")
    if magic == b"PAR1":
        return TableFile(path, "parquet", _parquet_columns(path, connection), checked)
    gzipped = magic[:2] == b"\x1f\x8b"
    if _begins_an_object(path, gzipped):
        names = json_lines.columns(path, gzipped=gzipped)
        return TableFile(path, "json", tuple((name, "VARCHAR") for name in names), checked, gzipped=gzipped)
    header, mark = _csv_header(path, gzipped, delimiter)
    columns = tuple((name, "VARCHAR") for name in header)
    return TableFile(path, "csv", columns, checked, mark, gzipped, may_say_null=gzipped or says_null)


def _looked_through(path: Path) -> tuple[str, bool]:
    """The file's SHA-256, and whether the text NULL stands in it, by one reading in little memory."""
    hashed, found, end = hashlib.sha256(), False, b""
    with path.open("rb") as stream:
        while part := stream.read(_PART):
            hashed.update(part)
            found = found or b"NULL" in end + part[:3] or b"NULL" in part
            end = part[-3:]
    return hashed.hexdigest(), found


def expected_rows(file: TableFile) -> tuple[int | None, bool]:
    """How many rows the file has, None if it cannot be told; and whether that is only reckoned from its beginning."""
    try:
        if file.form == "parquet":
            return pq.read_metadata(file.path).num_rows, False
        if file.gzipped:
            return None, False
        with file.path.open("rb") as stream:
            begins = stream.read(_LOOKED_AT)
        lines = begins.count(b"\n")
        return (
            (int(file.path.stat().st_size * lines / len(begins)), len(begins) == _LOOKED_AT) if lines else (None, False)
        )
    except (OSError, pa.ArrowException):
        return None, False


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _parquet_columns(path: Path, connection: duckdb.DuckDBPyConnection) -> tuple[tuple[str, str], ...]:
    try:
        source = f"read_parquet({duck.text(str(path))}, binary_as_string = true)"
        found = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise LakeError(
            f"{path} is no readable Parquet file.",
            why="It begins like one, but its end is missing or damaged: a copy or download may have been cut short.",
            do="Fetch it again and compare the size.",
        ) from error
    return tuple((row[0], row[1]) for row in found)


def _begins_an_object(path: Path, gzipped: bool) -> bool:
    try:
        with path.open("rb") as plain, gzip.open(plain) if gzipped else plain as stream:
            return stream.read(200).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(path) from error


def _csv_header(path: Path, gzipped: bool, given: str | None) -> tuple[list[str], str]:
    try:
        with path.open("rb") as plain, gzip.open(plain) if gzipped else plain as stream:
            first = stream.readline(1_000_000)
            # DuckDB reads a gzip file that was cut short without a word; only its end tells that it is whole.
            while gzipped and stream.read(1 << 20):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(path) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in first:
        raise not_utf8(path)
    try:
        line = first.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    readings = [(next(csv.reader([line], delimiter=mark), []), mark) for mark in given or _DELIMITERS]
    header, delimiter = max(readings, key=lambda reading: len(reading[0]))
    return [name.strip() for name in header], delimiter


def prepare(connection: duckdb.DuckDBPyConnection, file: TableFile) -> None:
    """Makes ready what `from_table` names: JSON lines are read here, the other forms by the query itself."""
    if file.form == "json":
        json_lines.create(connection, _json_table(file), file.path, gzipped=file.gzipped)


def _json_table(file: TableFile) -> str:
    return f"json_{file.digest[:32]}"


def from_table(file: TableFile) -> str:
    """SQL: the file as a table; the columns of CSV and of JSON lines are c0, c1 …"""
    if file.form == "json":
        return _json_table(file)
    path = duck.text(str(file.path))
    if file.form == "parquet":
        return f"read_parquet({path}, binary_as_string = true)"
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(file.columns)))
    compression = "gzip" if file.gzipped else "none"
    return (
        f"read_csv({path}, columns = {{{columns}}}, auto_detect = false, header = true, "
        f"delim = {duck.text(file.delimiter)}, quote = '\"', escape = '\"', compression = '{compression}', "
        "strict_mode = true)"
    )


def as_text(file: TableFile, index: int) -> str:
    """SQL: the file's column of this position, as text."""
    name, kind = file.columns[index]
    if file.form != "parquet":
        return f"c{index}"
    quoted = duck.name(name)
    if kind == "VARCHAR":
        return quoted
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(make_timestamp(epoch_us({quoted})) AS VARCHAR) || 'Z'"
    if kind.startswith(("MAP", "STRUCT", "JSON")) or kind.endswith("[]"):
        return f"CAST(to_json({quoted}) AS VARCHAR)"
    return f"CAST({quoted} AS VARCHAR)"


_SCALAR = re.compile(
    r"\b(?:U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DOUBLE|FLOAT|DECIMAL\(\d+,\d+\)|BOOLEAN|DATE|TIME|BLOB"
    r"|TIMESTAMP(?:_S|_MS|_NS)?(?: WITH TIME ZONE)?)(?![A-Za-z_])"
)


def as_json_of_texts(file: TableFile, index: int) -> str:
    """SQL: the column as JSON whose numbers are texts, since reading a JSON number may change its last digits."""
    name, kind = file.columns[index]
    if file.form != "parquet" or kind == "VARCHAR":
        return as_text(file, index)
    # Names of fields in quotes are left alone, whatever words they hold.
    parts = re.split(r'("(?:[^"]|"")*")', kind)
    texts = "".join(part if part.startswith('"') else _SCALAR.sub("VARCHAR", part) for part in parts)
    return f"CAST(to_json(CAST({duck.name(name)} AS {texts})) AS VARCHAR)"


def unreadable(file: TableFile, message: str) -> LakeError:
    """The refusal for a file whose rows DuckDB could not read to the end."""
    if "unicode" in message.lower() or "utf-8" in message.lower():
        return not_utf8(file.path)
    if file.gzipped and "CSV Error" not in message:
        return broken_gzip(file.path)
    if file.form == "parquet":
        return LakeError(
            f"{file.path} cannot be read to its end.",
            why="A part of the Parquet file is damaged.",
            do="Fetch it again and compare the size.",
        )
    if "line size" in message.lower():
        return line_too_long(file.path)
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"Line {line[1]} does not have" if line else "A line does not have"
    return LakeError(
        f"{file.path} cannot be read to its end.",
        why=f"{where} the {len(file.columns)} columns of the header: the file may be cut short, or a quote be missing.",
        do="Export it again, or repair that line; nothing of the file was loaded.",
    )
