"""How hard machines worked, hour by hour: the evidence beside the bill.

A bill cannot tell an idle machine from a busy one, since both cost the same. What was not measured stays unmeasured
here: a metric that is missing is None and never zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from lake import duck, expressions
from lake.charges import read_time
from lake.columns import PERCENT_TYPE, PERCENTS
from lake.errors import LakeError
from lake.sources.table_file import TableFile, as_text, digest, from_table, prepare, unreadable
from lake.store import Input, SnapshotFile, Store, UsageManifest, sync

NETWORK = "network_bytes"
BYTES_PER_MB = 1_000_000


@dataclass(frozen=True)
class Utilisation:
    """What was measured on one machine over a stretch of time; None is "not measured". Percentages are 0 to 100.

    `metric_hours` counts the hours in which both GPU and CPU were measured. GPU and encoder activity are shares of
    those hours, memory and CPU the highest values, network the busiest day in megabytes of 1,000,000 bytes.
    """

    resource_id: str
    metric_hours: int
    gpu_active_percent: Decimal | None
    gpu_memory_max_percent: Decimal | None
    encoder_active_percent: Decimal | None
    cpu_max_percent: Decimal | None
    network_mb_per_day: Decimal | None
    last_metric_at: datetime | None


def is_usage(file: TableFile) -> bool:
    """Whether this table is hourly utilisation rather than a bill."""
    return {"ResourceId", "HourStart"} <= set(file.names) and any(name in file.names for name in (*PERCENTS, NETWORK))


def stage(
    connection: duckdb.DuckDBPyConnection, files: Sequence[TableFile], *, store: Store, making: Path, now: datetime
) -> UsageManifest:
    """Merges these files with what is loaded, the newer value of a machine and hour winning, into one new file."""
    connection.execute(
        f"CREATE TABLE used (part INTEGER, resource VARCHAR, hour TIMESTAMPTZ, "
        f"{', '.join(f'{name} {PERCENT_TYPE}' for name in PERCENTS)}, {NETWORK} BIGINT)"
    )
    before = store.usage()
    if before is not None:
        path = duck.text(str(store.folder / before.file.path))
        connection.execute(f"INSERT INTO used SELECT -1, * FROM read_parquet({path})")  # noqa: S608
    inputs = [_read(connection, file, number) for number, file in enumerate(files)]
    connection.execute(
        "COPY (SELECT * EXCLUDE (part) FROM used "  # noqa: S608
        "QUALIFY row_number() OVER (PARTITION BY resource, hour ORDER BY part DESC) = 1 "
        f"ORDER BY resource, hour) TO {duck.text(str(making))} (FORMAT parquet, COMPRESSION zstd)"
    )
    sync(making)
    rows, first, last = connection.execute(
        f"SELECT count(*), epoch_us(min(hour)), epoch_us(max(hour)) FROM read_parquet({duck.text(str(making))})"  # noqa: S608
    ).fetchall()[0]
    revision = (before.revision if before else 0) + 1
    path = f"usage/{revision}.parquet"
    return UsageManifest(
        revision=revision,
        file=SnapshotFile(path=path, rows=rows, bytes=making.stat().st_size, sha256=digest(making)),
        first_hour=_moment(first),
        last_hour=_moment(last),
        loaded_at=now,
        inputs=tuple(inputs),
    )


def _read(connection: duckdb.DuckDBPyConnection, file: TableFile, number: int) -> Input:
    def column(name: str) -> str:
        return as_text(file, file.names.index(name)) if name in file.names else "NULL"

    percents = ", ".join(f"TRY_CAST(TRY_CAST({column(name)} AS DOUBLE) AS {PERCENT_TYPE})" for name in PERCENTS)
    try:
        prepare(connection, file)
        connection.execute(
            f"INSERT INTO used SELECT {number}, {column('ResourceId')}, {read_time(column('HourStart'))}, {percents}, "  # noqa: S608
            f"TRY_CAST(TRY_CAST({column(NETWORK)} AS DOUBLE) AS BIGINT) FROM {from_table(file)}"
        )
    except duckdb.Error as error:
        raise unreadable(file, str(error)) from error
    rows, bad = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE resource IS NULL OR hour IS NULL) FROM used WHERE part = ?", [number]
    ).fetchall()[0]
    if bad or not rows:
        raise LakeError(
            f"{file.path} is no readable utilisation.",
            why=f"{bad} of its {rows} rows name no machine or no hour." if rows else "It holds no row.",
            do="Give every row a ResourceId and an HourStart in ISO 8601.",
        )
    return Input(name=file.name, sha256=file.digest, rows=rows)


def utilisation(store: Store, resource_ids: Iterable[str], *, start: datetime, end: datetime) -> dict[str, Utilisation]:
    """What was measured on these machines from `start` to before `end`; a machine without a row is absent."""
    manifest = store.usage()
    wanted = sorted(set(resource_ids))
    if manifest is None or not wanted:
        return {}
    with duck.connect() as connection:
        path = duck.text(str(store.folder / manifest.file.path))
        connection.execute(
            f"CREATE VIEW usage AS SELECT * REPLACE (timezone('UTC', hour) AS hour) FROM read_parquet({path})"  # noqa: S608
        )
        days = expressions.machine_days(wanted, start=_text(start), end=_text(end))
        rows = connection.execute(expressions.to_sql(days)).to_arrow_table().to_pylist()
    by_machine: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_machine.setdefault(row["resource"], []).append(row)
    return {machine: _over(machine, days) for machine, days in by_machine.items()}


def _over(machine: str, days: list[dict[str, Any]]) -> Utilisation:
    last = [day["last"] for day in days if day["last"] is not None]
    network = [int(day["network"]) for day in days if day["network"] is not None]
    return Utilisation(
        resource_id=machine,
        metric_hours=sum(int(day["measured"] or 0) for day in days),
        gpu_active_percent=_mean(days, "gpu_active_pct"),
        gpu_memory_max_percent=_peak(days, "gpu_memory_pct"),
        encoder_active_percent=_mean(days, "gpu_encoder_pct"),
        cpu_max_percent=_peak(days, "cpu_max_pct"),
        network_mb_per_day=round(Decimal(max(network)) / BYTES_PER_MB, 4) if network else None,
        last_metric_at=max(last).replace(tzinfo=UTC) if last else None,
    )


def _mean(days: list[dict[str, Any]], name: str) -> Decimal | None:
    hours = sum(int(day[f"{name}_hours"]) for day in days)
    total = sum((day[f"{name}_sum"] for day in days if day[f"{name}_sum"] is not None), start=Decimal())
    return round(total / hours, 4) if hours else None


def _peak(days: list[dict[str, Any]], name: str) -> Decimal | None:
    return max((day[f"{name}_max"] for day in days if day[f"{name}_max"] is not None), default=None)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
