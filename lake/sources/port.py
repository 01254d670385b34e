"""What a kind of bill must tell so that it can be loaded: whether a file is one, and which FOCUS value stands where.

A shape maps, it does not judge: its values are SQL that gives *text*, and everything after `clean` (numbers, times,
findings, quarantine) is the same for all shapes. What a shape cannot say in FOCUS it keeps in `x_extra`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import duckdb

from lake import duck
from lake.columns import COLUMNS, LABELS
from lake.errors import LakeError
from lake.report import Finding
from lake.sources import computed
from lake.sources.computed import Computed
from lake.sources.table_file import TableFile, from_table, prepare, unreadable

TARGETS = (*(column.name for column in COLUMNS), *LABELS)
# The number of a line of the file, from 1, as the SQL of a shape may use it.
LINE = '"#row"'


@dataclass(frozen=True)
class Rows:
    """One charge for each line of `relation`: SQL for the FOCUS columns it fills (others are none), and for the rest.

    `relation` is SQL over `lines`, the file's lines with their number LINE and the computed columns. `told` is the rule
    and text of the finding that says how many rows this added; the file's own lines need none.
    """

    values: Mapping[str, str]
    rest: str = "NULL"
    relation: str = "lines"
    told: tuple[str, str] | None = None


@dataclass(frozen=True)
class Reading:
    """How a file is read: its own lines first, one charge each, then charges that are split off them."""

    rows: Sequence[Rows]
    findings: Sequence[Finding] = ()
    computed: Mapping[str, Computed] = field(default_factory=dict)


class Shape(Protocol):
    """One kind of bill."""

    @property
    def name(self) -> str:
        """As people call it, for a sentence."""

    def recognises(self, file: TableFile) -> bool:
        """Whether a file with these columns is such a bill, complete or not."""

    def reading(self, file: TableFile) -> Reading:
        """How to read it; raises LakeError if it lacks what makes a charge, or has it twice. Opens no file."""

    def look(self, connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
        """What is noticed in its lines once they are in `clean` under this number; raises LakeError to refuse."""


def choose(file: TableFile, shapes: Sequence[Shape]) -> Shape:
    """The first shape that knows the file by its columns; raises LakeError, naming all of them, if none does."""
    for shape in shapes:
        if shape.recognises(file):
            return shape
    shown = ", ".join(name[:40] for name in file.names[:6])
    known = "; ".join(shape.name for shape in shapes)
    raise LakeError(
        f"{file.path} is not a FOCUS file, nor another bill that is known by its columns.",
        why=f"Its {len(file.names)} columns ({shown} …) are those of none of these: {known}.",
        do="Export the bill in one of these forms, or say what its columns mean with --mapping FILE.toml.",
    )


def create_clean(connection: duckdb.DuckDBPyConnection) -> None:
    """The table that files are read into: every value as the text it was, and none where it says that there is none."""
    columns = ", ".join(f"{duck.name(target)} VARCHAR" for target in TARGETS)
    connection.execute(f"CREATE TABLE clean (file INTEGER, row BIGINT, {columns}, x_extra VARCHAR)")


def read_into_clean(connection: duckdb.DuckDBPyConnection, shape: Shape, file: TableFile, number: int) -> list[Finding]:
    """Appends the file's charges to `clean` under this number; refuses a file that cannot be read to its end."""
    reading = shape.reading(file)
    findings = list(reading.findings)
    try:
        prepare(connection, file)
        lines = f"SELECT row_number() OVER () AS {LINE}, * FROM {from_table(file)}"  # noqa: S608
        if reading.computed or len(reading.rows) > 1:
            # What is computed or split off reads the lines again; parsing them again would take longer.
            connection.execute(f"CREATE TABLE lines_{number} AS {lines}")
            lines = computed.lines(connection, f"SELECT * FROM lines_{number}", reading.computed)  # noqa: S608
        for rows in reading.rows:
            added = _append(connection, lines, rows, number)
            if rows.told and added:
                rule, text = rows.told
                findings.append(Finding(rule=rule, file=file.name, rows=added, text=text))
        connection.execute(f"DROP TABLE IF EXISTS lines_{number}")
        if not _count(connection, number):
            raise _empty(file)
        return findings + shape.look(connection, file, number)
    except duckdb.Error as error:
        raise unreadable(file, str(error)) from error


def _append(connection: duckdb.DuckDBPyConnection, lines: str, rows: Rows, number: int) -> int:
    before = _count(connection, number)
    # Charges that were split off are numbered after the file's last line, so that each row has a number of its own.
    row = f"{before} + row_number() OVER ()" if rows.told else LINE
    values = ", ".join(rows.values.get(target, "NULL") for target in TARGETS)
    connection.execute(
        f"INSERT INTO clean WITH lines AS ({lines}) "  # noqa: S608
        f"SELECT {number}, {row}, {values}, {rows.rest} FROM {rows.relation}"
    )
    return _count(connection, number) - before


def _count(connection: duckdb.DuckDBPyConnection, number: int) -> int:
    return int((connection.execute("SELECT count(*) FROM clean WHERE file = ?", [number]).fetchone() or (0,))[0])


def list_cost_unknown(file: TableFile, column: str, rows: int) -> Finding:
    """That the provider gave no list price, which is not a price of nothing."""
    text = "the export gives no list price for these; their list cost is not known, so no saving is"
    return Finding(rule="list-cost-unknown", file=file.name, column=column, rows=rows, text=text)


def twice(file: TableFile, column: str) -> LakeError:
    """The refusal for a file that has two columns of one meaning."""
    return LakeError(
        f"{file.path} has the column {column} twice.",
        why="Which of the two holds the charge cannot be told.",
        do="Remove one of them and load the file again.",
    )


def _empty(file: TableFile) -> LakeError:
    return LakeError(
        f"{file.path} holds no charge.",
        why="It has a header and no row.",
        do="Export a period that has charges; an empty file would not say which period it replaces.",
    )
