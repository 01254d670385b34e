"""Loads bills: files in, snapshots out, all of a call or nothing of it.

The unit is (source, billing period): a new load of one replaces it whole, since providers restate an open period
without marking what changed. The source is the provider's name unless the caller gives one; the name of the file
means nothing, so the same bill under another file name replaces and never adds.
"""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb

from lake import allocation, breaches, charges, duck, numbers, progress, snapshots, usage
from lake.allocation_rules import TAGS_ALONE, AllocationRules
from lake.engine import Lake
from lake.errors import LakeError
from lake.money import add
from lake.report import CurrencyTotal, Finding, HeldBack, IngestReport
from lake.sources import deliveries, port, shapes
from lake.sources.invoice_mapping import InvoiceMapping
from lake.sources.table_file import TableFile, expected_rows, inspect
from lake.store import Commit, Snapshot, UsageManifest

ENDINGS = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


def ingest(
    lake: Lake,
    paths: Sequence[str | Path],
    *,
    now: datetime,
    final: bool = False,
    source: str | None = None,
    replace: bool = False,
    mapping: InvoiceMapping | None = None,
    rules: AllocationRules = TAGS_ALONE,
    noticed: Sequence[Finding] = (),
) -> IngestReport:
    """Loads files, folders and glob patterns; raises LakeError with nothing changed if any of it cannot be loaded.

    `mapping` says what the columns of an invoice of no known shape mean; `rules`, whose charges are whose; `noticed`,
    what was decided where the files were fetched, to be reported with what is noticed here.
    """
    if source is not None and charges.source_name(source) != source:
        raise LakeError(
            f"'{source}' is no name for a source.",
            why="A source is named with lower-case letters, digits and single hyphens, at most 60.",
            do=f"Use for example --source {charges.source_name(source)}.",
        )
    delimiter = mapping.file.delimiter if mapping else None
    ready = expand(paths)
    with duck.connect() as connection:
        tables, twins = _distinct([inspect(path, connection, delimiter=delimiter) for path in ready.paths])
    findings = [*noticed, *ready.noticed, *twins]
    bills = [table for table in tables if not usage.is_usage(table)]
    measured = [table for table in tables if usage.is_usage(table)]
    known = shapes.known(mapping)
    chosen = [port.choose(table, known) for table in bills]
    for table, shape in zip(bills, chosen, strict=True):
        shape.reading(table)  # a file that cannot be a bill is refused before the others are read
    try:
        with lake.store.writing() as making, duck.connect(spill=str(making)) as connection:
            clean = port.Clean(connection, making)
            found = _read_bills(
                connection, clean, bills, chosen, source=source, now=now, findings=findings, rules=rules
            )
            allocation.refuse_estimates(connection, lake, bills, loading=bool(found))
            snapshots.refuse_conflicts(found, lake.store.current(), replace=replace)
            written = _write(
                connection, lake, clean, found, bills,
                making=making, now=now, final=final, findings=findings, rules=rules,
            )  # fmt: skip
            used = None
            if measured:
                used = usage.stage(connection, measured, store=lake.store, making=making / "usage.parquet", now=now)
                lake.store.place_usage(making / "usage.parquet", used)
            lake.store.publish(Commit(snapshots=tuple(written), usage=used))
            held = snapshots.money_held_back(connection) if found else []
            return _report(clean.rows, written, used, findings, held)
    except duckdb.Error as error:
        raise LakeError(
            "The load was given up.",
            why=f"DuckDB could not go on: {str(error).splitlines()[0]}.",
            do="Check that the disk has room and the memory is not taken, then load again; nothing was changed.",
        ) from error


@dataclass(frozen=True)
class Ready:
    """Paths of this machine that can be loaded, and what was noticed when they were chosen."""

    paths: list[Path]
    noticed: list[Finding]


def expand(paths: Sequence[str | Path]) -> Ready:
    """The files that these paths name, in order: what a folder holds, what a pattern matches. Raises LakeError."""
    found: dict[Path, None] = {}
    noticed: list[Finding] = []
    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = _delivered(path.resolve())
            if not inside.paths:
                raise LakeError(
                    f"{path} holds nothing to load.",
                    why=f"It is a folder without a file ending in {', '.join(ENDINGS)}.",
                    do="Name the file or the folder that holds the bill.",
                )
        elif not path.exists() and glob.has_magic(str(given)):
            matches = sorted(Path(match) for match in glob.glob(str(given), recursive=True))
            if not matches:
                raise LakeError(f"No file matches {given}.", why="The pattern finds nothing.", do="Check the path.")
            inside = expand(matches)
        else:
            inside = Ready([path.resolve()], [])
        found.update(dict.fromkeys(inside.paths))
        noticed += inside.noticed
    if not found:
        raise LakeError(
            "There is nothing to load.", why="No path was named.", do="Name a bill: CSV, Parquet or JSON lines."
        )
    return Ready(list(found), noticed)


def _delivered(folder: Path) -> Ready:
    """The bills below a folder, by path; of a bill that was delivered several times, the newest delivery.

    Names begin with the folder's own, whichever way it was typed: that may be the period's.
    """
    below = {item.relative_to(folder.parent).as_posix(): item for item in sorted(folder.rglob("*")) if item.is_file()}
    manifests = [
        deliveries.Manifest(name, item.stat().st_mtime, item.read_bytes())
        for name, item in below.items()
        if deliveries.may_be_one(name) and item.stat().st_size <= deliveries.MOST_BYTES
    ]
    counted = deliveries.newest([name for name in below if name.lower().endswith(ENDINGS)], manifests)
    return Ready([below[name].resolve() for name in counted.files], counted.noticed)


def _distinct(tables: list[TableFile]) -> tuple[list[TableFile], list[Finding]]:
    kept: dict[str, TableFile] = {}
    findings = []
    for table in tables:
        twin = kept.setdefault(table.digest, table)
        if twin is not table:
            findings.append(
                Finding(rule="same-file", file=table.name, text=f"is byte for byte {twin.name}; counted once")
            )
    return list(kept.values()), findings


def _read_bills(
    connection: duckdb.DuckDBPyConnection,
    clean: port.Clean,
    tables: list[TableFile],
    chosen: Sequence[port.Shape],
    *,
    source: str | None,
    now: datetime,
    findings: list[Finding],
    rules: AllocationRules,
) -> list[snapshots.Key]:
    if not tables:
        return []
    names = [table.name for table in tables]
    sizes = [table.path.stat().st_size for table in tables]
    for number, (table, shape) in enumerate(zip(tables, chosen, strict=True)):
        with progress.reading(
            connection,
            table.name,
            bytes_before=sum(sizes[:number]),
            bytes_here=sizes[number],
            bytes_in_all=sum(sizes),
            expected=partial(expected_rows, table),
        ):
            findings += clean.read(shape, table, number)
    clean.show()
    progress.tell(progress.Step("checking what was read"))
    read = numbers.normalise(connection, names)
    findings += read.findings
    findings += charges.label(connection, names, rules)
    charges.judge_ai(connection)
    findings += breaches.find(connection, names, read.short)
    charges.type_charges(connection, names, source, read.short)
    snapshots.hold_back(connection)
    findings += breaches.held_back(connection, names)
    found, repeated = snapshots.drop_twins(connection, snapshots.keys(connection, now), names)
    findings += repeated
    if not found:
        raise _nothing_readable(connection)
    snapshots.assign_quarantine(connection, found)
    return found


def _nothing_readable(connection: duckdb.DuckDBPyConnection) -> LakeError:
    reasons = [
        row[0] for row in connection.execute("SELECT DISTINCT fault FROM held ORDER BY fault LIMIT 3").fetchall()
    ]
    return LakeError(
        "No charge of these files can be read.",
        why=f"Every row has money, time or currency that is unreadable: {'; '.join(reasons)}.",
        do="Export the file again with plain decimals, ISO 8601 times and three-letter currencies.",
    )


def _write(
    connection: duckdb.DuckDBPyConnection, lake: Lake, clean: port.Clean, found: list[snapshots.Key],
    tables: list[TableFile], *, making: Path, now: datetime, final: bool, findings: list[Finding],
    rules: AllocationRules,
) -> list[Snapshot]:  # fmt: skip
    current = {(snapshot.source, snapshot.period): snapshot for snapshot in lake.store.current()}
    folders = [making / str(number) for number in range(len(found))]
    paths = []
    for key, folder in zip(found, folders, strict=True):
        clean.show(key.rows_of)
        paths.append(snapshots.write_charges(connection, key, folder))
    held = snapshots.files_held_back(connection) if found else {}
    findings += breaches.find_in_charges(connection, paths) if paths else []
    written: list[Snapshot] = []
    for key, folder in zip(found, folders, strict=True):
        names = {tables[n].name for n in key.rows_of}
        before = current.get((key.source, key.period))
        own = [finding for finding in findings if finding.file in names]
        progress.tell(
            progress.Step(f"writing {key.source} {key.period}", len(written), len(found) if len(found) > 1 else None)
        )
        clean.show({*key.rows_of, *held.get((key.source, key.period), ())})
        snapshot = snapshots.write(
            connection,
            key,
            making=folder,
            store=lake.store,
            inputs=tables,
            before=before,
            now=now,
            final=final,
            findings=own,
            allocation=rules.digest,
        )
        written.append(snapshot)
        findings += _replacement(snapshot, before)
    for folder, snapshot in zip(folders, written, strict=True):
        lake.store.place(folder, snapshot)
    return written


def _replacement(snapshot: Snapshot, before: Snapshot | None) -> list[Finding]:
    if before is None:
        return []
    origin = before.inputs[0].name
    moved = [
        f"billed {moved.billed:+f} and effective {moved.effective:+f} {moved.currency}"
        for moved in snapshot.delta_vs_previous
        if moved.billed or moved.effective
    ]
    text = (
        f"{snapshot.id} ({snapshot.rows} charges) replaces {before.id} ({before.rows} charges, from {origin}): "
        f"{'; '.join(moved) or 'the same money'}"
    )
    return [Finding(rule="replaced", file=snapshot.inputs[0].name, rows=before.rows, text=text)]


def _report(
    rows: int, written: list[Snapshot], used: UsageManifest | None, findings: list[Finding], held: list[HeldBack]
) -> IngestReport:
    told = [(total.currency, total) for snapshot in written for total in snapshot.totals]
    totals = [
        CurrencyTotal(
            currency,
            billed=add(Decimal(total.billed or 0) for named, total in told if named == currency),
            effective=add(Decimal(total.effective or 0) for named, total in told if named == currency),
        )
        for currency in sorted({named for named, _ in told})
    ]
    return IngestReport(
        snapshots=[snapshot.id for snapshot in written],
        rows_in=rows,
        rows_loaded=sum(snapshot.rows for snapshot in written),
        rows_quarantined=sum(snapshot.rows_quarantined for snapshot in written),
        totals=totals,
        findings=findings,
        quarantine=[snapshot.quarantine for snapshot in written if snapshot.quarantine],
        held_back=held,
        rows_repeated=sum(finding.rows for finding in findings if finding.rule == snapshots.REPEATED),
        usage_hours=sum(given.rows for given in used.inputs) if used else 0,
    )
