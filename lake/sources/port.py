"""What a kind of bill must tell so that it can be loaded: whether a file is one, and which FOCUS value stands where.

A shape maps, it does not judge: its values are SQL that gives *text*, and everything after `clean` (numbers, times,
findings, quarantine) is the same for all shapes. What a shape cannot say in FOCUS it keeps in `x_extra`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import duckdb

from lake import duck
from lake.columns import COLUMNS, LABELS
from lake.errors import LakeError
from lake.report import Finding
from lake.sources import computed
from lake.sources.computed import Computed
from lake.sources.refusals import is_of_the_disk
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
    """How a file is read: its own lines first, one charge each, then charges that are split off them.

    `compared` says that `look` wants the lines of the files before this one too.
    """

    rows: Sequence[Rows]
    findings: Sequence[Finding] = ()
    computed: Mapping[str, Computed] = field(default_factory=dict)
    compared: bool = False


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


class Clean:
    """What files hold, as the view `written`: `file` (its number), `row`, TARGETS, `x_extra`; `clean` is read from it.

    Every value is the text it was, and none where the file says that there is none. The rows lie in Parquet files of
    this folder and not in memory: a column of a bill repeats a few values, which the form keeps once, so that a bill of
    any length is read in little memory and later looks at it are many times faster.

    A view of many files takes long to plan, however few lines a question needs: `show` says whose are wanted.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._parts: dict[int, list[str]] = {}
        self._shown: frozenset[int] = frozenset()
        self.rows = 0

    def read(self, shape: Shape, file: TableFile, number: int) -> list[Finding]:
        """Appends the file's charges under this number; refuses a file that cannot be read to its end."""
        reading = shape.reading(file)
        findings = list(reading.findings)
        try:
            prepare(self._connection, file)
            plain = not reading.computed and len(reading.rows) == 1 and _says_lines_alone(reading.rows[0])
            lines = f"SELECT * FROM {from_table(file)}" if plain else self._numbered(file, reading)  # noqa: S608
            before = 0
            for rows in reading.rows:
                added = self._append(lines, rows, number, before=before, numbered=not plain)
                before += added
                if rows.told and added:
                    rule, text = rows.told
                    findings.append(Finding(rule=rule, file=file.name, rows=added, text=text))
            self._lines.unlink(missing_ok=True)
            if not before:
                raise _empty(file)
            self.rows += before
            self.show(None if reading.compared else [number])
            self._connection.execute("CREATE OR REPLACE VIEW clean AS SELECT * FROM written")
            return findings + shape.look(self._connection, file, number)
        except duckdb.Error as error:
            if is_of_the_disk(error):
                raise
            raise unreadable(file, str(error)) from error

    def show(self, files: Iterable[int] | None = None) -> None:
        """Has `written`, and all that is read from it, show the lines of these files alone; of all if none is named."""
        wanted = frozenset(self._parts if files is None else files)
        if wanted != self._shown:
            parts = [part for number in sorted(wanted) for part in self._parts[number]]
            self._connection.execute(f"CREATE OR REPLACE VIEW written AS {' UNION ALL '.join(parts)}")
            self._shown = wanted

    @property
    def _lines(self) -> Path:
        return self._folder / "lines.parquet"

    def _numbered(self, file: TableFile, reading: Reading) -> str:
        """SQL: the file's lines with their numbers, parsed once, since what is computed or split off reads them again.

        (A window function that numbers lines while they are read makes reading slower by half.)
        """
        self._copy(f"SELECT * FROM {from_table(file)}", self._lines)  # noqa: S608
        lines = f"SELECT file_row_number + 1 AS {LINE}, {_BUT_NUMBER} FROM {_numbering(self._lines)}"  # noqa: S608
        return computed.lines(self._connection, lines, reading.computed)

    def _append(self, lines: str, rows: Rows, number: int, *, before: int, numbered: bool) -> int:
        parts = self._parts.setdefault(number, [])
        path = self._folder / f"clean-{number}-{len(parts)}.parquet"
        own = numbered and not rows.told
        values = [f"CAST({rows.values.get(target, 'NULL')} AS VARCHAR) AS {duck.name(target)}" for target in TARGETS]
        values += [f"CAST({rows.rest} AS VARCHAR) AS x_extra", *([f"{LINE} AS line"] if own else [])]
        added = self._copy(
            f"WITH lines AS ({lines}) SELECT {', '.join(values)} FROM {rows.relation}",  # noqa: S608
            path,
        )
        # Charges that were split off are numbered after the file's last line, so that each row has a number of its own.
        row = "line" if own else f"{before} + file_row_number + 1"
        names = ", ".join(duck.name(target) for target in (*TARGETS, "x_extra"))
        parts.append(
            f"SELECT CAST({number} AS INTEGER) AS file, CAST({row} AS BIGINT) AS row, {names} FROM {_numbering(path)}"  # noqa: S608
        )
        return added

    def _copy(self, select: str, path: Path) -> int:
        done = self._connection.execute(f"COPY ({select}) TO {duck.text(str(path))} (FORMAT parquet)").fetchone()
        return int(done[0]) if done else 0


_BUT_NUMBER = "* EXCLUDE (file_row_number)"


def _numbering(path: Path) -> str:
    return f"read_parquet({duck.text(str(path))}, file_row_number = true)"


def _says_lines_alone(rows: Rows) -> bool:
    """Whether each line becomes one charge in its place, without its number being asked for."""
    named = any(LINE in value for value in (*rows.values.values(), rows.rest))
    return rows.relation == "lines" and rows.told is None and not named


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
