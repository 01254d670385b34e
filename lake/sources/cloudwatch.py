"""Hourly usage from CloudWatch: which resources are measured, and their metrics hour by hour, page by page.

Each answer is kept on disk as it arrives, so that a pull that was cut off goes on behind the last one. An hour for
which CloudWatch has no value is not known: it is never written down as zero, also where a service sends nothing while
nothing happens.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from lake import progress
from lake.errors import LakeError
from lake.sources.aws_client import told
from lake.sources.cloudwatch_metrics import MEASURES, ONE_SERIES, Source, Stat, resource_of
from lake.store import write_durably

PERIOD_SECONDS = 3600
MOST_QUERIES = 500
MOST_VALUES = 100_800
"""Both are CloudWatch's limits of one GetMetricData request."""
MOST_PAGES = 10_000

Values = dict[datetime, Decimal]


@dataclass(frozen=True)
class Series:
    """One metric of one resource, as CloudWatch keeps it."""

    source: Source
    resource: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Measured:
    """The hours of each series, and how many series CloudWatch could not read: their hours are not known."""

    values: Mapping[Series, Values]
    unreadable: int


@dataclass(frozen=True)
class CloudWatch:
    """One account and region. `client` is boto3's for CloudWatch."""

    client: Any

    def series(self) -> list[Series]:
        """Everything that is measured here and known to `cloudwatch_metrics`, in a fixed order."""
        found: set[Series] = set()
        for source in sorted({source for measure in MEASURES for source in measure.sources}, key=str):
            with told(f"The list of {source.namespace} metrics could not be read."):
                pages = self.client.get_paginator("list_metrics").paginate(
                    Namespace=source.namespace, MetricName=source.metric
                )
                for page in pages:
                    found |= {made for metric in page["Metrics"] if (made := _series(source, metric["Dimensions"]))}
        return sorted(found, key=lambda one: (one.source.namespace, one.source.metric, one.resource, one.dimensions))

    def read(self, series: Sequence[Series], *, start: datetime, end: datetime, folder: Path) -> Measured:
        """The hours from `start` to before `end`; answers of an earlier, unfinished read are used if it asked the same.

        `folder` keeps the answers while the read is under way; the caller removes it when all is loaded.
        """
        hours = max(1, int((end - start).total_seconds()) // PERIOD_SECONDS)
        size = max(1, min(MOST_QUERIES, MOST_VALUES // hours))
        batches = [series[first : first + size] for first in range(0, len(series), size)]
        _begin(folder, series, start, end)
        values: dict[Series, Values] = {}
        unreadable = 0
        for number, batch in enumerate(batches):
            progress.tell(progress.Step("reading metrics", number, len(batches), sum(map(len, values.values()))))
            for page in self._pages(batch, start, end, folder / f"{number:04}"):
                unreadable += len(page["unreadable"])
                for index, points in page["values"].items():
                    held = values.setdefault(batch[int(index)], {})
                    held |= {datetime.fromisoformat(hour): Decimal(value) for hour, value in points.items()}
        return Measured(values, unreadable)

    def _pages(self, batch: Sequence[Series], start: datetime, end: datetime, folder: Path) -> Iterator[dict[str, Any]]:
        folder.mkdir(exist_ok=True)
        token: str | None = None
        for number in range(MOST_PAGES):
            path = folder / f"{number:05}.json"
            page = _kept(path)
            if page is None:
                page = self._page(batch, start, end, token)
                write_durably(path, json.dumps(page).encode())
            yield page
            if page["next"] is None or page["next"] == token:
                return
            token = page["next"]
        raise LakeError(
            "CloudWatch's answer does not end.", why="Page follows page.", do="Pull again later; nothing was changed."
        )

    def _page(self, batch: Sequence[Series], start: datetime, end: datetime, token: str | None) -> dict[str, Any]:
        asked = {
            "StartTime": start,
            "EndTime": end,
            "ScanBy": "TimestampAscending",
            "MetricDataQueries": [_query(number, one) for number, one in enumerate(batch)],
        }
        with told("CloudWatch's metrics could not be read."):
            answer = self.client.get_metric_data(**asked, **({"NextToken": token} if token else {}))
        values: dict[str, dict[str, str]] = {}
        unreadable = []
        for result in answer["MetricDataResults"]:
            index = result["Id"].removeprefix("q")
            if result.get("StatusCode") in ("InternalError", "Forbidden"):
                unreadable.append(index)
                continue
            points = zip(result["Timestamps"], result["Values"], strict=True)
            values[index] = {moment.astimezone(UTC).isoformat(): repr(value) for moment, value in points}
        return {"values": values, "unreadable": unreadable, "next": answer.get("NextToken")}


def rows(measured: Measured) -> Iterator[dict[str, str]]:
    """One row a resource and hour, with the columns that were measured, as `lake.usage` reads them."""
    parts: dict[tuple[Source, str], list[Values]] = {}
    for one, held in measured.values.items():
        parts.setdefault((one.source, one.resource), []).append(held)
    by_resource = {
        key: _together(mine, key[0].stat)
        for key, mine in parts.items()
        if len(mine) == 1 or key[0].namespace not in ONE_SERIES
    }
    found: dict[tuple[str, datetime], dict[str, str]] = {}
    for measure in MEASURES:
        for resource in sorted({name for source, name in by_resource if source == measure.sources[0]}):
            told_by = [by_resource.get((source, resource), {}) for source in measure.sources]
            for hour in set.intersection(*(set(held) for held in told_by)):
                numbers = [held[hour] for held in told_by]
                value = _share(*numbers) if measure.whole else sum(numbers, Decimal())
                if value is not None:
                    found.setdefault((resource, hour), {})[measure.column] = format(value, "f")
    for (resource, hour), columns in sorted(found.items()):
        yield {"ResourceId": resource, "HourStart": hour.isoformat(), **columns}


def _together(series: Sequence[Values], stat: Stat) -> Values:
    """Several series of one resource (variants of an endpoint, accelerators of a machine) as one."""
    found: dict[datetime, list[Decimal]] = {}
    for held in series:
        for hour, value in held.items():
            found.setdefault(hour, []).append(value)
    if stat == Stat.SUM:
        return {hour: sum(values, Decimal()) for hour, values in found.items()}
    if stat == Stat.MAXIMUM:
        return {hour: max(values) for hour, values in found.items()}
    return {hour: sum(values, Decimal()) / len(values) for hour, values in found.items()}


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return part * 100 / whole if whole else None


def _series(source: Source, dimensions: Sequence[Mapping[str, str]]) -> Series | None:
    named = {one["Name"]: one["Value"] for one in dimensions}
    resource = resource_of(source, named)
    return Series(source, resource, tuple(sorted(named.items()))) if resource else None


def _query(number: int, series: Series) -> dict[str, Any]:
    metric = {
        "Namespace": series.source.namespace,
        "MetricName": series.source.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
    }
    return {
        "Id": f"q{number}",
        "MetricStat": {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": series.source.stat.value},
    }


def _begin(folder: Path, series: Sequence[Series], start: datetime, end: datetime) -> None:
    """Throws kept answers away that were to another question."""
    asked = [[str(one.source), list(one.dimensions)] for one in series]
    digest = sha256(json.dumps([asked, start.isoformat(), end.isoformat()]).encode()).hexdigest()
    plan = folder / "plan.json"
    if _kept(plan) != {"digest": digest}:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        write_durably(plan, json.dumps({"digest": digest}).encode())


def _kept(path: Path) -> dict[str, Any] | None:
    """An answer of an earlier run; one that a power failure damaged is as good as none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
