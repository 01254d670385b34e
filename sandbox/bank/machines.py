"""The EC2 part of the bill, one row per instance and day, and the list that the sandbox's EC2 is seeded from."""

from datetime import UTC, datetime, time
from typing import Any

import numpy as np

from sandbox.bank.calendar import Calendar, Floats
from sandbox.bank.commitments import covered_by_savings_plan
from sandbox.bank.fleet import HARDWARE, MACHINES, Machine, instance_id, launch_day, state
from sandbox.bank.line import Book, Line, usage
from sandbox.bank.organisation import ACCOUNTS, AWS

EC2 = ("Amazon Elastic Compute Cloud", "Compute", "Virtual Machines")
EBS = ("Amazon Elastic Block Store", "Storage", "Block Storage")
STEP = 100  # millionths of an hour: EC2 bills by the second, and 24 hours must stay 24


def add_machines(book: Book) -> None:
    """Hours of every instance, and the root and data volumes that go on costing when one is stopped."""
    for machine in MACHINES:
        line = machine_line(machine, book.calendar)
        if machine.covered:
            line = covered_by_savings_plan(line)
        book.add(line, hours(machine, book.calendar), step=STEP)
        book.add(_volume_line(machine, line), _volume_size(machine, book.calendar), step=1000)


def machine_line(machine: Machine, calendar: Calendar) -> Line:
    """The bill's line of one GPU machine, a row a day."""
    hardware = HARDWARE[machine.type]
    details: dict[str, str | int] = {
        "InstanceType": machine.type, "InstanceSeries": machine.family, "CoreCount": hardware.vcpus,
        "MemorySize": hardware.memory, "OperatingSystem": "Linux",
    }  # fmt: skip
    if hardware.gpus:
        details["GpuCount"] = hardware.gpus
    return usage(
        AWS,
        ACCOUNTS[machine.account],
        key=f"ec2/{machine.name}",
        service=EC2,
        meter=f"{machine.type} Linux on-demand",
        unit="Hours",
        price=hardware.price,
        region=machine.region,
        zone=zone(machine),
        resource_id=instance_id(machine, calendar.seed),
        resource_name=machine.name,
        resource_type="Instance",
        tags=machine.tags(),
        workload=machine.workload,
        details=details,
        description=f"${hardware.price} per On Demand Linux {machine.type} Instance Hour",
    )


def zone(machine: Machine) -> str:
    """The machine's availability zone."""
    return f"{machine.region}{'abc'[sum(machine.name.encode()) % 3]}"


def hours(machine: Machine, calendar: Calendar) -> Floats:
    """Running hours of each day: 24, office hours, nights, or as long as the day's training jobs take."""
    length = calendar.length
    rng_key = f"hours/{machine.name}"
    if machine.runs == "always":
        values = np.full(length, 24.0)
    elif machine.runs == "office":
        values = np.where(calendar.weekday < 5, 11.2 * calendar.noise(rng_key, 0.05), 0.0)
    elif machine.runs == "night":
        values = 9.0 * calendar.shape("night") * calendar.noise(rng_key, 0.08)
    else:
        season = 0.5 if machine.use_case == "treasury-forecasting" else 0.08
        values = 17.0 * calendar.shape("training", earnings=season) * calendar.noise(rng_key, 0.1)
        values = values * np.sqrt(calendar.growth(0.3))
    values = np.minimum(values, 24.0)
    day = np.arange(length)
    started = calendar.index(launch_day(machine, calendar.until))
    values = np.where(day < started, 0.0, np.where(day == started, values * 0.4, values))
    if machine.stopped_since:
        values = np.where(day > length - 1 - machine.stopped_since, 0.0, values)
    return values


def _volume_line(machine: Machine, line: Line) -> Line:
    return usage(
        AWS,
        line.account,
        key=f"ebs/{machine.name}",
        service=EBS,
        meter="gp3 storage",
        unit="GB-Months",
        price="0.08",
        region=machine.region,
        zone=line.zone,
        resource_id=f"vol-0{line.resource_id[-16:][::-1]}",
        resource_name=f"{machine.name}-data",
        resource_type="Volume",
        tags=machine.tags(),
        details={"DiskType": "SSD"},
    )


def _volume_size(machine: Machine, calendar: Calendar) -> Floats:
    gigabytes = 200.0 + 100.0 * HARDWARE[machine.type].gpus + 6.0 * HARDWARE[machine.type].vcpus
    started = calendar.index(launch_day(machine, calendar.until))
    return np.where(np.arange(calendar.length) >= started, gigabytes, 0.0) / calendar.month_length


def machine_list(calendar: Calendar) -> list[dict[str, Any]]:
    """The fleet as the sandbox's EC2 is to know it, as of the end of the last billed day."""
    rows = []
    for machine in MACHINES:
        launched = datetime.combine(launch_day(machine, calendar.until), time(14, 24), tzinfo=UTC)
        tags = machine.tags()
        if machine.tagged:
            tags = {"Name": machine.name, **tags}
        rows.append(
            {
                "instance_id": instance_id(machine, calendar.seed),
                "name": machine.name if machine.tagged else "",
                "instance_type": machine.type,
                "region": machine.region,
                "zone": zone(machine),
                "account": ACCOUNTS[machine.account].id,
                "account_name": ACCOUNTS[machine.account].name,
                "gpus": machine.gpus,
                "tags": tags,
                "state": state(machine),
                "launch_time": launched.isoformat().replace("+00:00", "Z"),
            }
        )
    return rows
