"""FOCUS files: every column that is one of ours is carried over letter by letter, every other kept in `x_extra`.

Microsoft's files differ from what FOCUS means by their values; `azure_focus.py` reads them as they are meant, and what
they say is kept in `x_extra` too.
"""

from collections.abc import Sequence

import duckdb

from lake.columns import BY_NAME, MANDATORY, RENAMED, SIGNATURE, Kind
from lake.errors import LakeError
from lake.report import Finding
from lake.sources import azure_focus, focus_version
from lake.sources.cells import as_json, with_more
from lake.sources.port import TARGETS, Reading, Rows, twice
from lake.sources.table_file import TableFile, as_text, from_table

_BY_LOWER = {target.lower(): target for target in TARGETS}
_SIGNATURE = {name.lower() for name in (*SIGNATURE, *RENAMED)}
NOT_GIVEN = "NULL"


class Focus:
    """FOCUS 1.0 to 1.4, from whichever provider."""

    name = "FOCUS 1.0 to 1.4"

    def recognises(self, file: TableFile) -> bool:
        """One of the columns without which there is no FOCUS."""
        return any(name.lower() in _SIGNATURE for name in file.names)

    def reading(self, file: TableFile) -> Reading:
        """Refuses a file that lacks a mandatory column, or has a column twice."""
        ours, extra, findings = mapping(file)
        values = {target: _given(file, target, index) for target, index in ours.items()}
        rest = as_json([(file.names[index], as_text(file, index)) for index in extra], keep_empty=True)
        if azure_focus.is_one(file):
            given, values = values, azure_focus.amended(file, values)
            names = {target: file.names[index] for target, index in ours.items()}
            rest = with_more(rest, azure_focus.unchanged(given, values, names))
        findings += _inexact_types(file, ours)
        return Reading([Rows(values, rest=rest)], findings)

    def look(self, connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> list[Finding]:
        """Counts the cells in which the text NULL stands for no value."""
        ours, _, _ = mapping(file)
        findings = azure_focus.look(connection, file, number) if azure_focus.is_one(file) else []
        return findings + _text_nulls(connection, file, list(ours.values()))


def mapping(file: TableFile) -> tuple[dict[str, int], list[int], list[Finding]]:
    """Which of the file's columns is which of ours, which are none of ours, and what was noticed about that.

    Refuses a file that lacks a mandatory column, or has a column twice.
    """
    version = focus_version.seems(file.names)
    ours: dict[str, int] = {}
    extra: list[int] = []
    findings: list[Finding] = []
    for index, name in enumerate(file.names):
        target = _BY_LOWER.get(name.lower()) or _renamed(name, file.names)
        if target is None:
            extra.append(index)
            continue
        if target in ours:
            raise twice(file, target)
        ours[target] = index
        if target != name:
            findings.append(_finding("column-name", file, name, f"column {name} is read as {target}"))
    _refuse_if_incomplete(file, ours, version)
    if version not in focus_version.STORED:
        findings.append(_finding("focus-version", file, "", _told(version, ours)))
    findings += [_kept(file, file.names[index]) for index in extra if not file.names[index].startswith("x_")]
    return ours, extra, findings


def _told(version: str, ours: dict[str, int]) -> str:
    gone = [name for name in focus_version.PARTIES if name not in ours]
    without = f"; without {', '.join(gone)}, which that version no longer has" if gone else ""
    return f"seems to be FOCUS {version}, by its columns; read as FOCUS 1.2{without}"


def _kept(file: TableFile, name: str) -> Finding:
    version = focus_version.added_by(name)
    text = f"column {name} is new in FOCUS {version}" if version else f"column {name} is not in FOCUS 1.2"
    return _finding("column-later" if version else "column-unknown", file, name, f"{text}; kept in x_extra")


def _renamed(name: str, names: Sequence[str]) -> str | None:
    target = RENAMED.get(name)
    return target if target and target not in names else None


def _refuse_if_incomplete(file: TableFile, ours: dict[str, int], version: str) -> None:
    needed = [name for name in MANDATORY if version < "1.3" or name not in focus_version.PARTIES]
    missing = [name for name in needed if name not in ours]
    if missing:
        raise LakeError(
            f"{file.path} lacks the mandatory FOCUS column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            why="Without it a charge cannot be told apart, dated or summed as FOCUS defines it.",
            do="Export the file with all mandatory columns of FOCUS; docs/bills.md lists them.",
        )


def _finding(rule: str, file: TableFile, column: str, text: str) -> Finding:
    return Finding(rule=rule, file=file.name, column=column, text=text)


def _given(file: TableFile, target: str, index: int) -> str:
    value = as_text(file, index)
    if file.columns[index][1] != "VARCHAR":
        return value
    is_text = target not in BY_NAME or BY_NAME[target].kind in (Kind.TEXT, Kind.JSON)
    if not file.may_say_null:
        # An empty cell is no value already.
        return value if is_text else f"CASE WHEN trim({value}) = '' THEN NULL ELSE {value} END"
    compared = value if is_text else f"trim({value})"
    return f"CASE WHEN {compared} IN ('', '{NOT_GIVEN}') THEN NULL ELSE {value} END"


def _text_nulls(connection: duckdb.DuckDBPyConnection, file: TableFile, columns: list[int]) -> list[Finding]:
    texts = [index for index in columns if file.columns[index][1] == "VARCHAR"]
    if not texts or not file.may_say_null:
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
