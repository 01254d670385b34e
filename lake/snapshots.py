"""Turns typed charges into snapshots: one Parquet file for each (source, billing period), checked by reading it back.

Three ways to count a charge twice, or to lose one, are watched here: the same charges in two files of one load, the
same account under a second source name, and a restated period that no longer holds an account it held before.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from lake import duck, rollup
from lake.columns import COLUMNS, LABELS, STORED
from lake.errors import LakeError, SourceConflict
from lake.money import plain
from lake.report import Finding
from lake.sources.api_charges import CostSource
from lake.sources.table_file import TableFile, digest
from lake.store import Input, Replaced, RollupFile, Snapshot, SnapshotFile, Store, Totals, sync

# Usage at a published price stands in for a bill that has not come: it does not carry the data any further.
_BILLED = f"x_cost_source IS DISTINCT FROM {duck.text(CostSource.PRICED.value)}"
_NOT_COMPARED = {"Tags", "SkuPriceDetails", "x_file", "x_row", "x_extra", "x_source", "x_day"}


@dataclass(frozen=True)
class Key:
    """One snapshot to be: its source, its billing period, and what its rows say about themselves."""

    source: str
    period: str
    start: date
    end: date
    rows: int
    first_day: date
    last_day: date
    data_through: datetime
    accounts: tuple[tuple[str, str], ...]
    files: tuple[int, ...]


def drop_twins(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    """Leaves out what a second file of this load repeats whole, and tells what it repeats in part."""
    compared = ", ".join(duck.name(name) for name, _ in STORED if name not in _NOT_COMPARED)
    connection.execute(
        f"CREATE TABLE print AS SELECT file, x_source, period, hash({compared}) AS print "  # noqa: S608
        "FROM charge WHERE fault IS NULL"
    )
    prints = connection.execute(
        "SELECT x_source, period, file, count(*), sum(CAST(print AS HUGEINT)) FROM print GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    findings: list[Finding] = []
    first: dict[tuple[str, str, int, int], int] = {}
    for source, period, file, rows, total in prints:
        twin = first.setdefault((source, period, rows, total), file)
        if twin != file:
            text = f"holds the same {rows} charges of {source} {period} as {files[twin]}; they were counted once"
            findings.append(Finding(rule="same-charges", file=files[file], rows=rows, text=text))
            where = "file = ? AND x_source = ? AND period = ?"
            connection.execute(f"DELETE FROM charge WHERE fault IS NULL AND {where}", [file, source, period])  # noqa: S608
            connection.execute(f"DELETE FROM print WHERE {where}", [file, source, period])  # noqa: S608
    return findings + _overlaps(connection, files)


def _overlaps(connection: duckdb.DuckDBPyConnection, files: list[str]) -> list[Finding]:
    rows = connection.execute(
        "WITH shared AS (SELECT x_source, period, print, min(file) AS one, max(file) AS other, count(*) AS rows "
        "FROM print GROUP BY x_source, period, print HAVING min(file) <> max(file)) "
        "SELECT x_source, period, one, other, count(*) FROM shared GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [
        Finding(
            rule="possible-double-count",
            file=files[other],
            rows=count,
            text=f"{count} charges of {source} {period} stand in {files[one]} too, alike in all columns; both counted",
        )
        for source, period, one, other, count in rows
    ]


def keys(connection: duckdb.DuckDBPyConnection, now: datetime) -> list[Key]:
    """The snapshots that the readable charges fall into."""
    rows = connection.execute(
        "SELECT x_source, period, min(CAST(timezone('UTC', \"BillingPeriodStart\") AS DATE)), "  # noqa: S608
        "max(CAST(timezone('UTC', \"BillingPeriodEnd\") AS DATE)), count(*), min(x_day), max(x_day), "
        f'coalesce(epoch_us(max("ChargePeriodEnd") FILTER (WHERE "ChargeCategory" = \'Usage\' AND {_BILLED})), '
        f'epoch_us(max("ChargePeriodEnd") FILTER (WHERE {_BILLED})), epoch_us(min("ChargePeriodStart"))), '
        "list_sort(list(DISTINCT {'p': coalesce(\"ProviderName\", ''), 'a': coalesce(\"BillingAccountId\", '')})), "
        "list_sort(list(DISTINCT file)) FROM charge WHERE fault IS NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    return [
        Key(
            source, period, start, max(end, start + timedelta(days=1)), count, first, last,
            min(datetime.fromtimestamp(through / 1_000_000, UTC), now),
            tuple((pair["p"], pair["a"]) for pair in pairs), tuple(numbers),
        )
        for source, period, start, end, count, first, last, through, pairs, numbers in rows
    ]  # fmt: skip


def refuse_conflicts(found: Iterable[Key], current: tuple[Snapshot, ...], *, replace: bool) -> None:
    """Refuses a load that would count an account twice, or silently drop one."""
    for key in found:
        for snapshot in current:
            if (snapshot.period_start, snapshot.source) == (key.start, key.source):
                gone = sorted(set(snapshot.accounts) - set(key.accounts))
                if gone and not replace:
                    raise _would_vanish(key, snapshot, gone)
            elif snapshot.period_start < key.end and key.start < snapshot.period_end and snapshot.source != key.source:
                twice = sorted(set(snapshot.accounts) & set(key.accounts))
                if twice:
                    raise _would_count_twice(key, snapshot, twice)


def _would_vanish(key: Key, snapshot: Snapshot, gone: list[tuple[str, str]]) -> LakeError:
    return SourceConflict(
        f"This load would drop the billing account {gone[0][1]} from {key.source} {key.period}.",
        why=f"Snapshot {snapshot.id} holds it, the new file does not, and a load replaces the whole billing period.",
        do="Load all files of that period in one call, or keep the accounts apart with --source NAME, "
        "or let the account go with --replace.",
    )


def _would_count_twice(key: Key, snapshot: Snapshot, twice: list[tuple[str, str]]) -> LakeError:
    return SourceConflict(
        f"This load would count billing account {twice[0][1]} of {twice[0][0]} twice in {key.period}.",
        why=f"Snapshot {snapshot.id} holds its charges already, under the source name {snapshot.source}.",
        do=f"Load with --source {snapshot.source} to replace that snapshot.",
    )


def write(
    connection: duckdb.DuckDBPyConnection, key: Key, *, making: Path, store: Store, inputs: list[TableFile],
    before: Snapshot | None, now: datetime, final: bool, findings: list[Finding], allocation: str,
) -> Snapshot:  # fmt: skip
    """Writes one snapshot's files into `making` and returns its manifest, after reading the files back."""
    making.mkdir()
    where = f"fault IS NULL AND x_source = {duck.text(key.source)} AND period = {duck.text(key.period)}"
    path = making / "charges.parquet"
    columns = ", ".join(duck.name(name) for name, _ in STORED)
    connection.execute(
        f"COPY (SELECT {columns} FROM charge WHERE {where}) "  # noqa: S608
        f"TO {duck.text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    rolled = making / rollup.FILE
    rollup.write(connection, where, rolled)
    wanted = totals(connection, f"charge WHERE {where}")
    for made in (path, rolled):
        if totals(connection, f"read_parquet({duck.text(str(made))})") != wanted:
            raise LakeError(
                "A snapshot did not read back as it was written.", why="The disk may be failing.", do="Load it again."
            )
        sync(made)
    revision = store.next_revision(key.source, key.period)
    folder = f"snapshots/{key.source}/{key.period}/{revision}"
    held = _write_quarantine(connection, making, key)
    counts = dict(connection.execute(f"SELECT file, count(*) FROM charge WHERE {where} GROUP BY file").fetchall())  # noqa: S608
    return Snapshot(
        source=key.source, period=key.period, revision=revision, period_start=key.start, period_end=key.end,
        files=(_placed(path, folder, key.rows),),
        rollup=RollupFile(
            **_placed(rolled, folder, pq.read_metadata(rolled).num_rows).model_dump(), by=(*rollup.KEYS, *rollup.APART)
        ),
        quarantine=f"{folder}/quarantine.parquet" if held else None,
        inputs=tuple(Input(name=inputs[n].name, sha256=inputs[n].digest, rows=counts[n]) for n in key.files),
        loaded_at=now, final=final, rows=key.rows, rows_quarantined=held, totals=wanted, first_day=key.first_day,
        last_day=key.last_day, data_through=key.data_through, accounts=key.accounts,
        replaces=Replaced(revision=before.revision, rows=before.rows, totals=before.totals) if before else None,
        findings=tuple(findings), allocation=allocation,
    )  # fmt: skip


def _placed(path: Path, folder: str, rows: int) -> SnapshotFile:
    return SnapshotFile(path=f"{folder}/{path.name}", rows=rows, bytes=path.stat().st_size, sha256=digest(path))


def totals(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[Totals, ...]:
    """The four costs of each currency, to the last digit."""
    rows = connection.execute(
        'SELECT "BillingCurrency", sum("BilledCost"), sum("EffectiveCost"), sum("ListCost"), '  # noqa: S608
        f'sum("ContractedCost") FROM {source} GROUP BY 1 ORDER BY 1'
    ).fetchall()

    def shown(value: Decimal | None) -> str | None:
        return None if value is None else plain(value)

    return tuple(
        Totals(
            currency=row[0], billed=shown(row[1]), effective=shown(row[2]), list=shown(row[3]), contracted=shown(row[4])
        )
        for row in rows
    )


def assign_quarantine(connection: duckdb.DuckDBPyConnection, found: list[Key]) -> None:
    """Gives each unreadable row a snapshot to lie beside: its own, or the first of its source, or the first of all."""
    connection.execute(
        "CREATE TABLE held AS SELECT file, x_row, x_source, period, fault FROM charge WHERE fault IS NOT NULL"
    )
    known = {(key.source, key.period) for key in found}
    for file, row, source, period in connection.execute("SELECT file, x_row, x_source, period FROM held").fetchall():
        if (source, period) not in known:
            home = next((key for key in found if key.source == source), found[0])
            connection.execute(
                "UPDATE held SET x_source = ?, period = ? WHERE file = ? AND x_row = ?",
                [home.source, home.period, file, row],
            )


def _write_quarantine(connection: duckdb.DuckDBPyConnection, making: Path, key: Key) -> int:
    where = f"h.x_source = {duck.text(key.source)} AND h.period = {duck.text(key.period)}"
    count = connection.execute(f"SELECT count(*) FROM held h WHERE {where}").fetchone()  # noqa: S608
    if not count or not count[0]:
        return 0
    columns = ", ".join(f"l.{duck.name(name)}" for name in (*(column.name for column in COLUMNS), *LABELS, "x_extra"))
    path = making / "quarantine.parquet"
    connection.execute(
        f"COPY (SELECT h.fault AS reason, f.name AS x_file, h.x_row, {columns} FROM held h "  # noqa: S608
        "JOIN clean l ON l.file = h.file AND l.row = h.x_row JOIN file_names f ON f.number = h.file "
        f"WHERE {where} ORDER BY h.file, h.x_row) TO {duck.text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    sync(path)
    return int(count[0])
