"""Hourly utilisation of the GPU machines for the last five weeks, as a monitoring agent would have sent it.

A machine that never had an agent has no row at all: without a metric nobody may call it idle.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.bank.calendar import Calendar, Days
from sandbox.bank.fleet import AGENT_DIED, GPU_MACHINES, Machine, instance_id
from sandbox.bank.machines import hours

DAYS = 35
# (low, high) of CPU max %, GPU active %, GPU memory %, and network bytes an hour.
Ranges = tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]
BUSY: dict[str, Ranges] = {
    "serving": ((18, 58), (14, 46), (58, 81), (2e8, 3e9)),
    "training": ((26, 74), (66, 98), (71, 95), (4e8, 9e9)),
    "gpu-bound": ((1.8, 4.4), (61, 97), (70, 89), (5e4, 1.4e5)),
    "standby": ((0.8, 3.1), (0, 0), (60.4, 61.2), (6e4, 1.5e5)),
}
BUSY_MEMORY, STILL_MEMORY = 62.0, 9.0
"""Per cent of main memory that is taken at least: a machine with GPUs reads what they work on through it."""
STILL: Ranges = ((0.4, 2.9), (0, 0), (0.3, 1.3), (3e4, 1.1e5))


def utilisation(calendar: Calendar) -> Any:
    """One row per machine and running hour, ordered by machine and hour."""
    tables = [_of_machine(machine, calendar) for machine in GPU_MACHINES]
    return pa.concat_tables([table for table in tables if table is not None])


def _of_machine(machine: Machine, calendar: Calendar) -> Any:
    if machine.busy == "no-agent":
        return None
    running = _running(machine, calendar)
    count = len(running)
    rng = calendar.rng(f"utilisation/{machine.name}")
    hour_of_day = np.arange(count) % 24
    day = np.arange(count) // 24
    still = _still(machine, day, calendar)
    sways = machine.busy == "serving"
    tide = 0.5 + 0.5 * np.sin((hour_of_day - 9) / 24 * 2 * np.pi) if sways else np.full(count, 0.5)
    busy = BUSY.get(machine.busy, BUSY["training"])
    values = []
    for wide, narrow in zip(busy, STILL, strict=True):
        drawn = rng.random(count)
        loaded = wide[0] + (wide[1] - wide[0]) * (0.55 * drawn + 0.45 * tide)
        values.append(np.where(still, narrow[0] + (narrow[1] - narrow[0]) * drawn, loaded))
    cpu, gpu, memory, network = values
    films = machine.name.startswith("claims-vision")
    encoder = np.where(still, 0.0, 6 + 22 * rng.random(count)) * films
    start = datetime.combine(calendar.until - timedelta(days=DAYS - 1), time(0), tzinfo=UTC)
    moments = int(start.timestamp()) * 1_000_000 + np.arange(count, dtype=np.int64) * 3_600_000_000
    columns = {
        "HourStart": pa.array(moments, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        "cpu_max_pct": pa.array(np.round(cpu, 2)),
        "gpu_active_pct": pa.array(np.round(gpu, 2)),
        "gpu_encoder_pct": pa.array(np.round(encoder, 2)),
        "gpu_memory_pct": pa.array(np.round(memory, 2)),
        "network_bytes": pa.array(np.rint(network).astype(np.int64)),
    }
    taken = np.where(still, STILL_MEMORY, BUSY_MEMORY) + np.where(still, 4, 20) * rng.random(count)
    columns["memory_pct"] = pa.array(np.round(taken, 2))
    ids = pa.array([instance_id(machine, calendar.seed)] * count, pa.string())
    return pa.table({"ResourceId": ids, **columns}).filter(pa.array(running))


def _running(machine: Machine, calendar: Calendar) -> Any:
    """Whether the machine ran in each hour of the window; a part of an hour counts, as it does for an agent."""
    daily = hours(machine, calendar)[-DAYS:]
    opened = {"office": 7, "jobs": 0}.get(machine.runs, 0)
    hour = np.arange(24)[None, :]
    running = ((hour >= opened) & (hour < opened + daily[:, None])).ravel()
    if machine.busy == "agent-died":
        running[-AGENT_DIED * 24 :] = False
    return running


def _still(machine: Machine, day: Days, calendar: Calendar) -> NDArray[np.bool_]:
    if machine.quiet_since:
        return np.asarray(day >= DAYS - 1 - machine.quiet_since)
    if machine.busy == "mondays":
        return np.asarray(calendar.weekday[-DAYS:][day] != 0)
    return np.full(len(day), machine.busy == "agent-died")
