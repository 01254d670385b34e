"""How hard resources worked, hour by hour: the evidence beside the bill.

A bill cannot tell an idle machine from a busy one, since both cost the same. What was not measured stays unmeasured
here: a metric that is missing is None and never zero.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from lake import duck, expressions
from lake.charges import read_time
from lake.columns import COUNTS, PERCENT_TYPE, PERCENTS
from lake.engine import Lake
from lake.errors import LakeError
from lake.meter_expressions import GROUP_NAME, GROUP_START
from lake.remembered import Kept
from lake.sources.table_file import TableFile, as_text, digest, from_table, prepare, unreadable
from lake.speaking import in_words
from lake.store import Input, SnapshotFile, Store, UsageManifest, sync

BYTES_PER_MB = 1_000_000
_COLUMNS = (
    ("resource", "VARCHAR"),
    ("hour", "TIMESTAMPTZ"),
    *((name, PERCENT_TYPE) for name in PERCENTS),
    *((name, "BIGINT") for name in COUNTS),
)
_MEASURED = ", ".join((*PERCENTS, *COUNTS))
_AZURE = "/subscriptions/"
# A file of an earlier version lacks the metrics that came later: they were not measured.
_EVERY_COLUMN = f"SELECT {', '.join(f'CAST(NULL AS {kind}) AS {name}' for name, kind in _COLUMNS)} WHERE false"


@dataclass(frozen=True)
class Utilisation:
    """What was measured of one resource over a stretch of time; None is "not measured". Percentages are 0 to 100.

    `metric_hours` counts the hours in which both GPU and CPU were measured, `plain_hours` those in which both CPU and
    network were. GPU and encoder activity are shares of the former, memory and CPU the highest values, network the
    busiest day in megabytes of 1,000,000 bytes.
    Invocations, requests and tokens are counts of the whole stretch, over the hours that were measured. `hours` tells
    for each metric, by its column's name, how many hours that were.
    """

    resource_id: str
    metric_hours: int
    gpu_active_percent: Decimal | None
    gpu_memory_max_percent: Decimal | None
    encoder_active_percent: Decimal | None
    cpu_max_percent: Decimal | None
    network_mb_per_day: Decimal | None
    last_metric_at: datetime | None
    memory_max_percent: Decimal | None = None
    invocations: int | None = None
    requests: int | None = None
    tokens: int | None = None
    hours: Mapping[str, int] = field(default_factory=dict)
    plain_hours: int = 0
    last_plain_at: datetime | None = None
    last_invocations_at: datetime | None = None


@dataclass(frozen=True)
class UsedHour:
    """One hour of a resource, from `hour` on; percentages are 0 to 100, counts those of the hour, None not measured.

    Of a scaling group: the mean CPU of its machines, its minimum, and how many machines were in service at most. Of a
    SageMaker endpoint: its busiest machine's CPU, GPUs and their memory, 100 for each core or card.
    """

    resource_id: str
    hour: datetime
    cpu_max_pct: Decimal | None
    gpu_active_pct: Decimal | None
    gpu_encoder_pct: Decimal | None
    gpu_memory_pct: Decimal | None
    memory_pct: Decimal | None
    network_bytes: int | None
    invocations: int | None
    requests: int | None
    tokens: int | None
    cpu_avg_pct: Decimal | None = None
    group_min: int | None = None
    group_in_service: int | None = None
    cpu_cores_pct: Decimal | None = None
    gpu_cards_pct: Decimal | None = None
    gpu_memory_cards_pct: Decimal | None = None


def folded(resource: str) -> str:
    """SQL: this text as ids are kept and looked for. Azure's mean the same in any case, and its bills are loaded with
    small letters; everybody else's are kept letter by letter."""
    return f"CASE WHEN starts_with(lower({resource}), '{_AZURE}') THEN lower({resource}) ELSE {resource} END"


def is_usage(file: TableFile) -> bool:
    """Whether this table is hourly utilisation rather than a bill."""
    return {"ResourceId", "HourStart"} <= set(file.names) and any(name in file.names for name in (*PERCENTS, *COUNTS))


def stage(
    connection: duckdb.DuckDBPyConnection, files: Sequence[TableFile], *, store: Store, making: Path, now: datetime
) -> UsageManifest:
    """Merges these files with what is loaded into one new file.

    The newest value of each metric counts: one file may bring processors and another accelerators of the same hours.
    """
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS)
    connection.execute(f"CREATE TABLE used (part INTEGER, {columns})")
    before = store.usage()
    if before is not None:
        path = duck.text(str(store.folder / before.file.path))
        kept = f"SELECT -1 AS part, * REPLACE ({folded('resource')} AS resource) FROM read_parquet({path})"  # noqa: S608
        connection.execute(f"INSERT INTO used BY NAME {kept}")
    inputs = [_read(connection, file, number) for number, file in enumerate(files)]
    newest = ", ".join(f"arg_max({name}, part) AS {name}" for name in (*PERCENTS, *COUNTS))
    connection.execute(
        f"COPY (SELECT resource, hour, {newest} FROM used GROUP BY resource, hour "  # noqa: S608
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

    percents = [f"TRY_CAST(TRY_CAST({column(name)} AS DOUBLE) AS {PERCENT_TYPE})" for name in PERCENTS]
    counts = [f"TRY_CAST(TRY_CAST({column(name)} AS DOUBLE) AS BIGINT)" for name in COUNTS]
    try:
        prepare(connection, file)
        connection.execute(
            f"INSERT INTO used (part, resource, hour, {_MEASURED}) SELECT {number}, {folded(column('ResourceId'))}, "  # noqa: S608
            f"{read_time(column('HourStart'))}, {', '.join((*percents, *counts))} FROM {from_table(file)}"
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


def measured(lake: Lake, resource_ids: Iterable[str], *, start: datetime, end: datetime) -> Mapping[str, Utilisation]:
    """`utilisation` of what this lake holds, read once while neither bills nor utilisation are loaded."""
    wanted = tuple(sorted(set(resource_ids)))
    return _once(
        lake,
        ("measured", wanted, start, end),
        lambda: utilisation(lake.store, wanted, start=start, end=end),
        lambda found: 30 * len(found) + len(wanted),
    )


def _once(lake: Lake, key: tuple[Hashable, ...], make: Callable[[], Kept], weigh: Callable[[Kept], int]) -> Kept:
    """What `make` reads, kept until bills or utilisation are loaded; the key names all else that it depends on."""
    loaded = lake.store.usage()
    return lake.remembered((*key, loaded and (loaded.revision, loaded.file.sha256)), make, weigh)


def utilisation(store: Store, resource_ids: Iterable[str], *, start: datetime, end: datetime) -> dict[str, Utilisation]:
    """What was measured on these resources from `start` to before `end`; one without a row is absent.

    A resource that is billed by its ARN is found by the name at the ARN's end too, as monitoring knows it.
    """
    by_name = _names(resource_ids)
    found: dict[str, list[dict[str, Any]]] = {}
    days = expressions.machine_days(sorted(by_name), start=_text(start), end=_text(end))
    for row in _rows(store, days, azure=any(map(_is_azure, by_name))):
        for resource in by_name[row["resource"]]:
            found.setdefault(resource, []).append(row)
    return {resource: _over(resource, told) for resource, told in found.items()}


@dataclass(frozen=True)
class Highs:
    """How high each share of a resource rose, but for its few busiest hours, by the column's name: in per cent, absent
    where it was not measured; in how many hours each was; and the last hour whose CPU was.
    """

    percent: Mapping[str, Decimal]
    hours: Mapping[str, int]
    last_at: datetime | None


def highs(
    lake: Lake, resource_ids: Iterable[str], *, start: datetime, end: datetime, percentile: Decimal
) -> Mapping[str, Highs]:
    """The hours' values at this percentile (0 to 100), read once while no utilisation is loaded; a resource that was
    not measured is absent."""
    wanted = tuple(sorted(set(resource_ids)))

    def read() -> Mapping[str, Highs]:
        by_name = _names(wanted)
        asked = expressions.machine_highs(
            sorted(by_name), start=_text(start), end=_text(end), below=float(percentile / 100)
        )
        rows = _rows(lake.store, asked, azure=any(map(_is_azure, by_name)))
        return {resource: _highs(row) for row in rows for resource in by_name[row["resource"]]}

    key = ("highs", wanted, start, end, percentile)
    return _once(lake, key, read, lambda found: 20 * len(found) + len(wanted))


def _highs(row: Mapping[str, Any]) -> Highs:
    told = {name: Decimal(str(round(row[name], 4))) for name in PERCENTS if row[name] is not None}
    last = row["last"].replace(tzinfo=UTC) if row["last"] is not None else None
    return Highs(told, {name: int(row[f"{name}_hours"]) for name in PERCENTS}, last)


def hours(store: Store, resource_ids: Iterable[str], *, start: datetime, end: datetime) -> list[UsedHour]:
    """The same hour by hour, in the order of resources and hours; hours of which nothing is known are absent."""
    by_name = _names(resource_ids)
    asked = expressions.used_hours(sorted(by_name), start=_text(start), end=_text(end))
    rows = _rows(store, asked, azure=any(map(_is_azure, by_name)))
    measured = (*PERCENTS, *COUNTS)
    found = [
        UsedHour(resource, row["hour"].replace(tzinfo=UTC), **{name: row[name] for name in measured})
        for row in rows
        for resource in by_name[row["resource"]]
    ]
    return sorted(found, key=lambda one: (one.resource_id, one.hour))


def measured_hours(lake: Lake, resource_ids: Iterable[str], *, start: datetime, end: datetime) -> Sequence[UsedHour]:
    """`hours` of what this lake holds, read once while neither bills nor utilisation are loaded."""
    wanted = tuple(sorted(set(resource_ids)))

    def read() -> Sequence[UsedHour]:
        return tuple(hours(lake.store, wanted, start=start, end=end))

    return _once(lake, ("hours", wanted, start, end), read, lambda found: 16 * len(found) + len(wanted))


def _names(resource_ids: Iterable[str]) -> dict[str, list[str]]:
    """Under which names each of these resources may have been measured."""
    found: dict[str, list[str]] = {}
    for resource in sorted(set(resource_ids)):
        short = _short(resource) if resource.startswith("arn:") else resource
        for name in {resource.lower()} if _is_azure(resource) else {resource, short} - {""}:
            found.setdefault(name, []).append(resource)
    return found


def _short(arn: str) -> str:
    """The name at an ARN's end; a scaling group's may hold slashes itself."""
    group = arn.partition(GROUP_NAME)[2] if arn.startswith(GROUP_START) else ""
    return group or re.split(r"[/:]", arn)[-1]


def _is_azure(resource: str) -> bool:
    return resource.lower().startswith(_AZURE)


def _rows(store: Store, expression: Any, *, azure: bool) -> list[dict[str, Any]]:
    manifest = store.usage()
    if manifest is None:
        return []
    do = f"Bring {store.folder / manifest.file.path} back from a backup."
    with in_words("The utilisation that is loaded cannot be read.", do=do), duck.cursor() as connection:
        path = duck.text(str(store.folder / manifest.file.path))
        every = f"{_EVERY_COLUMN} UNION ALL BY NAME SELECT * FROM read_parquet({path})"  # noqa: S608
        if azure:
            # A file of an earlier version has ids as they came: one hour in two spellings is one hour.
            highest = ", ".join(f"max({name}) AS {name}" for name in (*PERCENTS, *COUNTS))
            every = f"SELECT {folded('resource')} AS resource, hour, {highest} FROM ({every}) GROUP BY 1, 2"  # noqa: S608
        connection.execute(f"CREATE TEMP VIEW usage AS SELECT * REPLACE (timezone('UTC', hour) AS hour) FROM ({every})")  # noqa: S608
        rows: list[dict[str, Any]] = connection.execute(expressions.to_sql(expression)).to_arrow_table().to_pylist()
        return rows


def _over(resource: str, days: list[dict[str, Any]]) -> Utilisation:
    network = [int(day["network_bytes"]) for day in days if day["network_bytes"] is not None]
    return Utilisation(
        resource_id=resource,
        metric_hours=sum(int(day["measured"] or 0) for day in days),
        gpu_active_percent=_mean(days, "gpu_active_pct"),
        gpu_memory_max_percent=_peak(days, "gpu_memory_pct"),
        encoder_active_percent=_mean(days, "gpu_encoder_pct"),
        cpu_max_percent=_peak(days, "cpu_max_pct"),
        network_mb_per_day=round(Decimal(max(network)) / BYTES_PER_MB, 4) if network else None,
        last_metric_at=_newest(days, "last"),
        memory_max_percent=_peak(days, "memory_pct"),
        invocations=_count(days, "invocations"),
        requests=_count(days, "requests"),
        tokens=_count(days, "tokens"),
        hours={name: sum(int(day[f"{name}_hours"]) for day in days) for name in (*PERCENTS, *COUNTS)},
        plain_hours=sum(int(day["plain"] or 0) for day in days),
        last_plain_at=_newest(days, "last_plain"),
        last_invocations_at=_newest(days, "last_invocations"),
    )


def _newest(days: list[dict[str, Any]], name: str) -> datetime | None:
    told = [day[name] for day in days if day[name] is not None]
    return max(told).replace(tzinfo=UTC) if told else None


def _count(days: list[dict[str, Any]], name: str) -> int | None:
    counted = [int(day[name]) for day in days if day[name] is not None]
    return sum(counted) if counted else None


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
