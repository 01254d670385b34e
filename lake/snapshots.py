"""Turns typed charges into snapshots: one Parquet file for each (source, billing period), checked by reading it back.

Three ways to count a charge twice, or to lose one, are watched here: the same charges in two files of one load, the
same account under a second source name, and a restated period that no longer holds an account it held before.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from lake import duck, rollup
from lake.columns import COLUMNS, LABELS, STORED
from lake.errors import LakeError, SourceConflict
from lake.money import plain
from lake.report import Finding, HeldBack
from lake.sources.api_charges import CostSource
from lake.sources.table_file import TableFile, digest
from lake.store import Input, Replaced, RollupFile, Snapshot, SnapshotFile, Store, Totals, sync

# Usage at a published price stands in for a bill that has not come: it does not carry the data any further.
_BILLED = f"x_cost_source IS DISTINCT FROM {duck.text(CostSource.PRICED.value)}"
REPEATED = "same-charges"
"""The rule of the finding that a file of a load repeats another whole."""
_NOT_COMPARED = {"Tags", "SkuPriceDetails", "x_file", "x_row", "x_extra", "x_source", "x_day"}


@dataclass(frozen=True)
class Key:
    """One snapshot to be: its source, its billing period, and what its rows say about themselves.

    `rows_of` are the charges that each file gives to it, `written` how they write the start of its billing period.
    """

    source: str
    period: str
    start: date
    end: date
    first_day: date
    last_day: date
    data_through: datetime
    accounts: tuple[tuple[str, str], ...]
    rows_of: dict[int, int]
    written: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(self.rows_of.values())

    @property
    def where(self) -> str:
        """SQL: which rows of `dated` and `charge` are its own. By the text of the billing period, which the bill's own
        columns hold, so that a month is found without typing the others."""
        files = ", ".join(str(file) for file in self.rows_of)
        texts = ", ".join(duck.text(text) for text in self.written)
        return (
            f"fault IS NULL AND x_source = {duck.text(self.source)} AND period = {duck.text(self.period)} "
            f"AND file IN ({files}) AND billed_in IN ({texts})"
        )

    def without(self, file: int) -> "Key":
        """The same without what this file gives, which another gives too."""
        return replace(self, rows_of={number: rows for number, rows in self.rows_of.items() if number != file})


def hold_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds the table `held`: the rows that cannot be read, why, and what of their money can be."""
    connection.execute(
        "CREATE TABLE held AS SELECT file, x_row, x_source, period, fault, "
        'CASE WHEN regexp_full_match("BillingCurrency", \'[A-Z]{3}\') THEN "BillingCurrency" END AS currency, '
        '"BilledCost" AS billed, "EffectiveCost" AS effective FROM dated WHERE fault IS NOT NULL'
    )


def money_held_back(connection: duckdb.DuckDBPyConnection) -> list[HeldBack]:
    """The rows of `held` by currency, with what those of them are billed that say it."""
    rows = connection.execute(
        "SELECT currency, count(*), sum(billed), sum(effective) FROM held GROUP BY 1 ORDER BY 1 NULLS LAST"
    ).fetchall()
    return [
        HeldBack(currency, count, billed=billed or Decimal(), effective=effective or Decimal())
        for currency, count, billed, effective in rows
    ]


def drop_twins(
    connection: duckdb.DuckDBPyConnection, keys: list[Key], files: list[str]
) -> tuple[list[Key], list[Finding]]:
    """The keys without what a second file of this load repeats whole, and what is repeated, whole or in part.

    Charges are compared by their whole print only where a few of their columns are alike already: most files have
    nothing in common, and a print of all columns takes as long as writing them.
    """
    if len(files) < 2 or not _suspect(connection):
        return keys, []
    prints = connection.execute(
        "SELECT x_source, period, file, count(*), sum(CAST(print AS HUGEINT)) FROM print GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    of = {(key.source, key.period): key for key in keys}
    findings: list[Finding] = []
    first: dict[tuple[str, str, int, int], int] = {}
    for source, period, file, rows, total in prints:
        if rows != of[source, period].rows_of[file]:
            continue  # some of its charges are like no other file's
        twin = first.setdefault((source, period, rows, total), file)
        if twin != file:
            text = f"holds the same {rows} charges of {source} {period} as {files[twin]}; they were counted once"
            findings.append(Finding(rule=REPEATED, file=files[file], rows=rows, text=text))
            of[source, period] = of[source, period].without(file)
            where = "file = ? AND x_source = ? AND period = ?"
            connection.execute(f"DELETE FROM print WHERE {where}", [file, source, period])  # noqa: S608
    return list(of.values()), findings + _overlaps(connection, files)


def _suspect(connection: duckdb.DuckDBPyConnection) -> bool:
    """Makes `print`: that of each charge which is like one of another file in what `dated` holds; whether any is."""
    few = '"BilledCost", "EffectiveCost", "ChargePeriodStart", "ChargePeriodEnd", "ResourceId", "SkuId"'
    connection.execute(
        f"CREATE TABLE seeming AS SELECT file, x_row, x_source, period, hash({few}) AS seeming "  # noqa: S608
        "FROM dated WHERE fault IS NULL"
    )
    connection.execute(
        "CREATE TABLE suspect AS SELECT file, x_row FROM seeming SEMI JOIN (SELECT x_source, period, seeming "
        "FROM seeming GROUP BY ALL HAVING min(file) <> max(file)) USING (x_source, period, seeming)"
    )
    compared = ", ".join(f"c.{duck.name(name)}" for name, _ in STORED if name not in _NOT_COMPARED)
    made = connection.execute(
        f"CREATE TABLE print AS SELECT c.file, c.x_source, c.period, hash({compared}) AS print "  # noqa: S608
        "FROM charge c SEMI JOIN suspect USING (file, x_row)"
    ).fetchone()
    return bool(made and made[0])


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
        "SELECT x_source, period, file, min(CAST(timezone('UTC', \"BillingPeriodStart\") AS DATE)), "  # noqa: S608
        "max(CAST(timezone('UTC', \"BillingPeriodEnd\") AS DATE)), count(*), min(x_day), max(x_day), "
        f'epoch_us(max("ChargePeriodEnd") FILTER (WHERE "ChargeCategory" = \'Usage\' AND {_BILLED})), '
        f'epoch_us(max("ChargePeriodEnd") FILTER (WHERE {_BILLED})), epoch_us(min("ChargePeriodStart")), '
        "list(DISTINCT {'p': coalesce(\"ProviderName\", ''), 'a': coalesce(\"BillingAccountId\", '')}), "
        "list(DISTINCT billed_in) FROM dated WHERE fault IS NULL GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    by_key: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for source, period, *told in rows:
        by_key[source, period].append(told)
    return [_key(source, period, list(zip(*told, strict=True)), now) for (source, period), told in by_key.items()]


def _key(source: str, period: str, told: list[tuple[Any, ...]], now: datetime) -> Key:
    files, starts, ends, counts, firsts, lasts, used, billed, begun, accounts, texts = told
    start = min(starts)
    reached = [moment for moment in used if moment is not None] or [moment for moment in billed if moment is not None]
    through = max(reached) if reached else min(begun)
    return Key(
        source=source,
        period=period,
        start=start,
        end=max(*ends, start + timedelta(days=1)),
        first_day=min(firsts),
        last_day=max(lasts),
        data_through=min(datetime.fromtimestamp(through / 1_000_000, UTC), now),
        accounts=tuple(sorted({(pair["p"], pair["a"]) for pairs in accounts for pair in pairs})),
        rows_of=dict(zip(files, counts, strict=True)),
        written=tuple(sorted({text for one in texts for text in one})),
    )


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


def write_charges(connection: duckdb.DuckDBPyConnection, key: Key, making: Path) -> Path:
    """Writes the charges of one snapshot into this folder, as the file that questions read."""
    making.mkdir()
    path = making / "charges.parquet"
    columns = ", ".join(duck.name(name) for name, _ in STORED)
    connection.execute(
        f"COPY (SELECT {columns} FROM charge WHERE {key.where}) "  # noqa: S608
        f"TO {duck.text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    return path


def write(
    connection: duckdb.DuckDBPyConnection, key: Key, *, making: Path, store: Store, inputs: list[TableFile],
    before: Snapshot | None, now: datetime, final: bool, findings: list[Finding], allocation: str,
) -> Snapshot:  # fmt: skip
    """Completes the snapshot whose charges lie in `making`, and returns its manifest, after reading the files back.

    What they must add up to is summed anew from the text of the bill.
    """
    path = making / "charges.parquet"
    rolled = rollup.write(connection, path, making)
    wanted = totals(connection, f"dated WHERE {key.where}")
    for made in (path, *rolled.values()):
        if totals(connection, f"read_parquet({duck.text(str(made))})") != wanted:
            raise LakeError(
                "A snapshot did not read back as it was written.", why="The disk may be failing.", do="Load it again."
            )
        sync(made)
    revision = store.next_revision(key.source, key.period)
    folder = f"snapshots/{key.source}/{key.period}/{revision}"
    held = _write_quarantine(connection, making, key)
    return Snapshot(
        source=key.source, period=key.period, revision=revision, period_start=key.start, period_end=key.end,
        files=(_placed(path, folder, key.rows),),
        rollup=_rolled(rolled[rollup.Rolled.DAYS], folder), monthly=_rolled(rolled[rollup.Rolled.MONTHS], folder),
        quarantine=f"{folder}/quarantine.parquet" if held else None,
        inputs=tuple(
            Input(name=inputs[n].name, sha256=inputs[n].digest, rows=count) for n, count in key.rows_of.items()
        ),
        loaded_at=now, final=final, rows=key.rows, rows_quarantined=held, totals=wanted, first_day=key.first_day,
        last_day=key.last_day, data_through=key.data_through, accounts=key.accounts,
        replaces=Replaced(revision=before.revision, rows=before.rows, totals=before.totals) if before else None,
        findings=tuple(findings), allocation=allocation,
    )  # fmt: skip


def _placed(path: Path, folder: str, rows: int) -> SnapshotFile:
    return SnapshotFile(path=f"{folder}/{path.name}", rows=rows, bytes=path.stat().st_size, sha256=digest(path))


def _rolled(path: Path, folder: str) -> RollupFile:
    placed = _placed(path, folder, pq.read_metadata(path).num_rows)
    return RollupFile(**placed.model_dump(), by=(*rollup.KEYS, *rollup.APART))


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
    known = {(key.source, key.period) for key in found}
    for source, period in connection.execute("SELECT DISTINCT x_source, period FROM held ORDER BY ALL").fetchall():
        if (source, period) not in known:
            home = next((key for key in found if key.source == source), found[0])
            connection.execute(
                "UPDATE held SET x_source = ?, period = ? "
                "WHERE x_source IS NOT DISTINCT FROM ? AND period IS NOT DISTINCT FROM ?",
                [home.source, home.period, source, period],
            )


def files_held_back(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[int]]:
    """The files that rows which lie beside a snapshot come from, by its source and period."""
    told = connection.execute("SELECT x_source, period, list(DISTINCT file) FROM held GROUP BY ALL").fetchall()
    return {(source, period): files for source, period, files in told}


def _write_quarantine(connection: duckdb.DuckDBPyConnection, making: Path, key: Key) -> int:
    where = f"h.x_source = {duck.text(key.source)} AND h.period = {duck.text(key.period)}"
    count = connection.execute(f"SELECT count(*) FROM held h WHERE {where}").fetchone()  # noqa: S608
    if not count or not count[0]:
        return 0
    columns = ", ".join(f"l.{duck.name(name)}" for name in (*(column.name for column in COLUMNS), *LABELS, "x_extra"))
    path = making / "quarantine.parquet"
    connection.execute(
        f"COPY (SELECT h.fault AS reason, f.name AS x_file, h.x_row, {columns} FROM held h "  # noqa: S608
        "JOIN written l ON l.file = h.file AND l.row = h.x_row JOIN file_names f ON f.number = h.file "
        f"WHERE {where} ORDER BY h.file, h.x_row) TO {duck.text(str(path))} (FORMAT parquet, COMPRESSION zstd)"
    )
    sync(path)
    return int(count[0])
