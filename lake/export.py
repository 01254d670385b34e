"""Hands the lake's charges out as one FOCUS 1.2 file, CSV or Parquet, that loads again as the same charges.

Formats are those of the specification's attributes: DateTimeFormat (UTC, with Z), NumericFormat (plain decimals without
idle zeros), StringHandling (no value is an empty field), and custom columns that begin with `x_`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lake import duck
from lake.columns import COLUMNS, LABELS, Column, Kind
from lake.engine import Lake
from lake.errors import CannotBeAsked, LakeError
from lake.period import Period
from lake.question import EVERY_TEAM, UNTAGGED
from lake.reading import Reader
from lake.report import Finding
from lake.store import Snapshot

VERSION = "1.2"
ENDINGS = (".csv", ".parquet")
MOST_EXTRA = 500
"""Columns of the providers' own beyond this stay together as JSON in `x_extra`: a file has to stay readable."""


@dataclass(frozen=True)
class Exported:
    """What was written: how many charges, of which snapshots, and where they do not conform to FOCUS."""

    rows: int
    snapshots: tuple[str, ...]
    findings: tuple[Finding, ...]


def export(
    lake: Lake,
    target: Path,
    *,
    form: str,
    period: Period | None = None,
    source: str | None = None,
    teams_seen: Sequence[str] = (EVERY_TEAM,),
) -> Exported:
    """Writes the charges that start in `period`, of one source or all, into `target`; `form` is csv or parquet.

    A value that FOCUS requires and the provider left out stays out: it is told as a finding and never made up. Raises
    LakeError if nothing is to be written.
    """
    snapshots = _chosen(lake, period, source)
    where = _condition(period, teams_seen)
    with Reader(lake.folder, snapshots) as reader:
        rows = int(reader.query(f"SELECT count(*) FROM charges WHERE {where}")[0][0])  # noqa: S608
        if not rows:
            raise _nothing(period, source)
        columns = [f"{_shown(column, form)} AS {duck.name(column.name)}" for column in COLUMNS]
        columns += [duck.name(label) for label in LABELS]
        columns += _extra(reader, where)
        options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT parquet, COMPRESSION zstd"
        order = 'x_day, x_source, "ChargePeriodStart", x_file, x_row'
        select = f"SELECT {', '.join(columns)} FROM charges WHERE {where} ORDER BY {order}"  # noqa: S608
        reader.copy(select, target, options)
        findings = _findings(reader, where, target.name)
    return Exported(rows, tuple(snapshot.id for snapshot in snapshots), tuple(findings))


def _chosen(lake: Lake, period: Period | None, source: str | None) -> list[Snapshot]:
    current = lake.files().snapshots()
    sources = {snapshot.source for snapshot in current}
    if source is not None and source not in sources:
        raise CannotBeAsked(
            f"There is no source '{source}' in the lake.",
            why=f"It holds {', '.join(sorted(sources))}.",
            do="Name one of these with --source, or leave it away.",
        )
    named = [snapshot for snapshot in current if source in (None, snapshot.source)]
    found = [snapshot for snapshot in named if period is None or snapshot.charged.overlaps(period)]
    if not found:
        raise _nothing(period, source)
    return found


def _nothing(period: Period | None, source: str | None) -> LakeError:
    when = f" that starts in {period.label}" if period else ""
    return LakeError(
        f"There is no charge{when}{f' of {source}' if source else ''} that you may see.",
        why="The lake holds none in this scope, and an empty file would look like a bill of nothing.",
        do="`spendgate lake status` tells what is loaded; name another period or source.",
    )


def _condition(period: Period | None, teams_seen: Sequence[str]) -> str:
    parts = ["true"]
    if period is not None:
        parts.append(f"x_day >= DATE '{period.start.isoformat()}' AND x_day < DATE '{period.end.isoformat()}'")
    if EVERY_TEAM not in teams_seen:
        seen = ", ".join(duck.text(team) for team in sorted(teams_seen)) or "NULL"
        parts.append(f"coalesce(x_team, {duck.text(UNTAGGED)}) IN ({seen})")
    return " AND ".join(parts)


def _shown(column: Column, form: str) -> str:
    name = duck.name(column.name)
    if form == "parquet":
        return name
    if column.kind is Kind.TIME:
        whole = f"epoch_us({name}) % 1000000 = 0"
        moment = f"timezone('UTC', {name})"
        return (
            f"CASE WHEN {whole} THEN strftime({moment}, '%Y-%m-%dT%H:%M:%SZ') "
            f"ELSE strftime({moment}, '%Y-%m-%dT%H:%M:%S.%fZ') END"
        )
    if column.kind in (Kind.MONEY, Kind.QUANTITY):
        return rf"regexp_replace(CAST({name} AS VARCHAR), '\.?0+$', '')"
    return name


def _extra(reader: Reader, where: str) -> list[str]:
    """The providers' own columns, each under its own name with the `x_` that FOCUS demands of custom columns."""
    known = f"SELECT DISTINCT unnest(json_keys(x_extra)) FROM charges WHERE x_extra IS NOT NULL AND {where}"  # noqa: S608
    keys = sorted(row[0] for row in reader.query(known))
    names = [key if key.startswith("x_") else f"x_{key}" for key in keys]
    taken = {name.lower() for name in (*(column.name for column in COLUMNS), *LABELS)}
    clash = len({name.lower() for name in names} | taken) != len(names) + len(taken)
    if clash or len(names) > MOST_EXTRA:
        return ["x_extra"]
    return [
        f"json_extract_string(x_extra, {duck.text('$.' + json.dumps(key))}) AS {duck.name(name)}"
        for key, name in zip(keys, names, strict=True)
    ]


def _findings(reader: Reader, where: str, file: str) -> list[Finding]:
    wanted = [column for column in COLUMNS if column.mandatory and not column.nullable]
    counts = ", ".join(f"count(*) FILTER (WHERE {duck.name(column.name)} IS NULL)" for column in wanted)
    missing = reader.query(f"SELECT {counts} FROM charges WHERE {where}")[0]  # noqa: S608
    return [
        Finding(
            rule="null",
            file=file,
            column=column.name,
            rows=rows,
            text=f"{column.name} has no value in {rows} charges, which FOCUS requires: the provider gave none",
        )
        for column, rows in zip(wanted, missing, strict=True)
        if rows
    ]
