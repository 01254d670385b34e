"""Reads FOCUS files, CSV (also gzipped) or Parquet, as text: nothing is interpreted here, so nothing is lost here.

A Parquet file may bring typed columns (decimals, timestamps, maps); they become text exactly, so that both kinds of
file go through the same rules.
"""

import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lake import duck
from lake.columns import BY_NAME, COLUMNS, LABELS, MANDATORY, RENAMED, SIGNATURE, Kind
from lake.errors import LakeError
from lake.report import Finding

_DELIMITERS = ",;\t|"
_TARGETS = (*(column.name for column in COLUMNS), *LABELS)
_BY_LOWER = {target.lower(): target for target in _TARGETS}
NOT_GIVEN = "NULL"


@dataclass(frozen=True)
class TableFile:
    """A readable table: where, in which form, and its columns with their types (CSV: all text)."""

    path: Path
    form: str  # csv or parquet
    columns: tuple[tuple[str, str], ...]
    digest: str
    delimiter: str = ","
    gzipped: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column for column, _ in self.columns)

    @property
    def name(self) -> str:
        return self.path.name


def inspect(path: Path, connection: duckdb.DuckDBPyConnection) -> TableFile:
    """Looks at a file's first bytes and its columns, by content and not by its name's ending."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
        checked = digest(path)
    except OSError as error:
        raise cannot_read(path, error) from error
    if not magic:
        raise LakeError(f"{path} is empty.", why="It has no bytes at all.", do="Export it again and load the new file.")
    if magic == b"PAR1":
        return TableFile(path, "parquet", _parquet_columns(path, connection), checked)
    gzipped = magic[:2] == b"\x1f\x8b"
    header, delimiter = _csv_header(path, gzipped)
    return TableFile(path, "csv", tuple((name, "VARCHAR") for name in header), checked, delimiter, gzipped)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cannot_read(path: Path, error: OSError) -> LakeError:
    """The refusal for a path that the operating system does not let us read."""
    if isinstance(error, FileNotFoundError):
        return LakeError(f"{path} does not exist.", why="There is no such file or folder.", do="Check the path.")
    if isinstance(error, PermissionError):
        return LakeError(
            f"{path} cannot be read.", why="Permission was denied.", do="Give this user read access to it."
        )
    return LakeError(f"{path} cannot be read.", why=f"{error.strerror or error}.", do="Check the path and the disk.")


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


def _csv_header(path: Path, gzipped: bool) -> tuple[list[str], str]:
    try:
        with path.open("rb") as plain, gzip.open(plain) if gzipped else plain as stream:
            first = stream.readline(1_000_000)
            # DuckDB reads a gzip file that was cut short without a word; only its end tells that it is whole.
            while gzipped and stream.read(1 << 20):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken_gzip(path) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in first:
        raise _not_utf8(path)
    try:
        line = first.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    readings = [(next(csv.reader([line], delimiter=mark), []), mark) for mark in _DELIMITERS]
    header, delimiter = max(readings, key=lambda reading: len(reading[0]))
    return [name.strip() for name in header], delimiter


def _not_utf8(path: Path) -> LakeError:
    return LakeError(
        f"{path} is no UTF-8 text.",
        why="It holds bytes that are no UTF-8, so names and amounts could be misread.",
        do="Export it as UTF-8, or convert it (iconv -f FROM -t UTF-8), or load the Parquet export.",
    )


def _broken_gzip(path: Path) -> LakeError:
    return LakeError(
        f"{path} cannot be unpacked.",
        why="The gzip data is damaged or ends too early.",
        do="Fetch it again and compare the size.",
    )


def mapping(file: TableFile) -> tuple[dict[str, int], list[int], list[Finding]]:
    """Which of the file's columns is which of ours, which are none of ours, and what was noticed about that.

    Refuses a file that is not FOCUS, lacks a mandatory column, or has a column twice.
    """
    ours: dict[str, int] = {}
    extra: list[int] = []
    findings: list[Finding] = []
    for index, name in enumerate(file.names):
        target = _BY_LOWER.get(name.lower()) or _renamed(name, file.names)
        if target is None:
            extra.append(index)
            continue
        if target in ours:
            raise LakeError(
                f"{file.path} has the column {target} twice.",
                why="Which of the two holds the charge cannot be told.",
                do="Remove one of them and load the file again.",
            )
        ours[target] = index
        if target != name:
            findings.append(_finding("column-name", file, name, f"column {name} is read as {target}"))
    _refuse_if_incomplete(file, ours)
    findings += [
        _finding(
            "column-unknown",
            file,
            file.names[index],
            f"column {file.names[index]} is not in FOCUS 1.2; kept in x_extra",
        )
        for index in extra
        if not file.names[index].startswith("x_")
    ]
    return ours, extra, findings


def _renamed(name: str, names: Sequence[str]) -> str | None:
    target = RENAMED.get(name)
    return target if target and target not in names else None


def _refuse_if_incomplete(file: TableFile, ours: dict[str, int]) -> None:
    if not any(name in ours for name in SIGNATURE):
        shown = ", ".join(name[:40] for name in file.names[:6])
        raise LakeError(
            f"{file.path} is not a FOCUS file.",
            why=f"None of {', '.join(SIGNATURE)} is among its {len(file.names)} columns ({shown} …).",
            do="Export the bill in FOCUS 1.0 or 1.2 (AWS Data Exports, Azure Exports and others offer it).",
        )
    missing = [name for name in MANDATORY if name not in ours]
    if missing:
        raise LakeError(
            f"{file.path} lacks the mandatory FOCUS column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            why="Without it a charge cannot be told apart, dated or summed as FOCUS defines it.",
            do="Export the file with all mandatory columns of FOCUS 1.0 or 1.2.",
        )


def _finding(rule: str, file: TableFile, column: str, text: str) -> Finding:
    return Finding(rule=rule, file=file.name, column=column, text=text)


def create_clean(connection: duckdb.DuckDBPyConnection) -> None:
    """The table that files are read into: every value as the text it was, and none where it says that there is none."""
    columns = ", ".join(f"{duck.name(target)} VARCHAR" for target in _TARGETS)
    connection.execute(f"CREATE TABLE clean (file INTEGER, row BIGINT, {columns}, x_extra VARCHAR)")


def read_into_clean(connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
    """Appends the file's rows to `clean` under this file number; refuses a file that cannot be read to its end."""
    ours, extra, findings = mapping(file)
    values = [_given(file, target, ours[target]) if target in ours else "NULL" for target in _TARGETS]
    rest = "NULL"
    if extra:
        fields = ", ".join(f"{duck.text(file.names[index])}: {as_text(file, index)}" for index in extra)
        rest = f"CAST(to_json({{{fields}}}) AS VARCHAR)"
    select = f"SELECT {number}, row_number() OVER (), {', '.join(values)}, {rest} FROM {from_table(file)}"  # noqa: S608
    try:
        connection.execute(f"INSERT INTO clean {select}")
        nulls = _text_nulls(connection, file, list(ours.values()))
    except duckdb.Error as error:
        raise unreadable(file, str(error)) from error
    if connection.execute(f"SELECT count(*) FROM clean WHERE file = {number}").fetchone() == (0,):  # noqa: S608
        raise LakeError(
            f"{file.path} holds no charge.",
            why="It has a header and no row.",
            do="Export a period that has charges; an empty file would not say which period it replaces.",
        )
    return findings + nulls + _inexact_types(file, ours)


def _given(file: TableFile, target: str, index: int) -> str:
    value = as_text(file, index)
    if file.columns[index][1] != "VARCHAR":
        return value
    is_text = target not in BY_NAME or BY_NAME[target].kind in (Kind.TEXT, Kind.JSON)
    compared = value if is_text else f"trim({value})"
    return f"CASE WHEN {compared} IN ('', '{NOT_GIVEN}') THEN NULL ELSE {value} END"


def from_table(file: TableFile) -> str:
    """SQL: the file as a table; a CSV's columns are c0, c1 …"""
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
    if file.form == "csv":
        return f"c{index}"
    quoted = duck.name(name)
    if kind == "VARCHAR":
        return quoted
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(make_timestamp(epoch_us({quoted})) AS VARCHAR) || 'Z'"
    if kind.startswith(("MAP", "STRUCT", "JSON")) or kind.endswith("[]"):
        return f"CAST(to_json({quoted}) AS VARCHAR)"
    return f"CAST({quoted} AS VARCHAR)"


def unreadable(file: TableFile, message: str) -> LakeError:
    """The refusal for a file whose rows DuckDB could not read to the end."""
    if "unicode" in message.lower() or "utf-8" in message.lower():
        return _not_utf8(file.path)
    if file.gzipped and "CSV Error" not in message:
        return _broken_gzip(file.path)
    if file.form == "parquet":
        return LakeError(
            f"{file.path} cannot be read to its end.",
            why="A part of the Parquet file is damaged.",
            do="Fetch it again and compare the size.",
        )
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"Line {line[1]} does not have" if line else "A line does not have"
    return LakeError(
        f"{file.path} cannot be read to its end.",
        why=f"{where} the {len(file.columns)} columns of the header: the file may be cut short, or a quote be missing.",
        do="Export it again, or repair that line; nothing of the file was loaded.",
    )


def _text_nulls(connection: duckdb.DuckDBPyConnection, file: TableFile, columns: list[int]) -> list[Finding]:
    texts = [index for index in columns if file.columns[index][1] == "VARCHAR"]
    if not texts:
        return []
    counts = ", ".join(f"count(*) FILTER (WHERE {as_text(file, index)} = '{NOT_GIVEN}')" for index in texts)
    found = connection.execute(f"SELECT {counts} FROM {from_table(file)}").fetchall()[0]  # noqa: S608
    cells, named = sum(found), sum(1 for count in found if count)
    text = f"the text NULL stands for no value in {named} columns, {cells} cells"
    return [Finding(rule="null-as-text", file=file.name, rows=cells, text=text)] if cells else []


def _inexact_types(file: TableFile, ours: dict[str, int]) -> list[Finding]:
    findings = []
    for target, index in ours.items():
        inexact = target in BY_NAME and BY_NAME[target].kind in (Kind.MONEY, Kind.QUANTITY)
        if inexact and file.columns[index][1] in ("DOUBLE", "FLOAT"):
            text = f"{target} is stored as binary floating point; read as the shortest decimal that names it"
            findings.append(_finding("floating-point", file, target, text))
    return findings
