"""The truth about a bank, beside its bill: what was planted, what is idle, and what changed in the ordinary way.

Ordinary changes are listed too, since a detector that reports a machine's launch is right, and one that is graded
against the planted events alone would be called wrong.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.bank.calendar import Calendar, next_month
from sandbox.bank.commitments import CREDIT_MONTHS, reservation_day
from sandbox.bank.events import Event, dollars
from sandbox.bank.fleet import AGENT_DIED, GPU_MACHINES, MACHINES, Machine, instance_id, launch_day
from sandbox.bank.line import Book
from sandbox.bank.organisation import BANK


def truth(book: Book, events: list[Event]) -> dict[str, Any]:
    """What a grader needs to know; decimals as strings, days as ISO dates, the last day included."""
    calendar = book.calendar
    return {
        "bank": BANK,
        "seed": calendar.seed,
        "first_day": calendar.first.isoformat(),
        "last_day": calendar.until.isoformat(),
        "currency": "USD",
        "events": [event.as_json() for event in events],
        "ordinary_changes": _ordinary_changes(book),
        **idle_truth(book),
    }


def _ordinary_changes(book: Book) -> list[dict[str, Any]]:
    """Machines launched or stopped inside the bill, a commitment bought, a credit that ran out: causes, not faults."""
    calendar = book.calendar
    changes: list[dict[str, Any]] = []
    for machine in MACHINES:
        told = {"resource": instance_id(machine, calendar.seed), "name": machine.name, "team": machine.owning_team}
        if launch_day(machine, calendar.until) >= calendar.first:
            changes.append({"day": launch_day(machine, calendar.until), "what": "machine launched", **told})
        if machine.stopped_since:
            changes.append(
                {"day": calendar.until - timedelta(days=machine.stopped_since - 1), "what": "machine stopped", **told}
            )
    changes.append({"day": reservation_day(calendar), "what": "reservation bought: billed once, effective cost falls"})
    closed = [month for month in calendar.month_starts if next_month(month) <= calendar.until]
    if len(closed) > CREDIT_MONTHS:
        changes.append({"day": closed[CREDIT_MONTHS], "what": "migration credit ended"})
    changes.sort(key=lambda change: change["day"])
    return [{**change, "day": _iso(change["day"])} for change in changes]


def _iso(day: date) -> str:
    return day.isoformat()


DECOYS = {
    "gpu-bound": "CPU and network are nearly still, but the GPUs work all day",
    "mondays": "works every Monday, so more than 1 % of the fortnight",
    "standby": "a loaded model keeps GPU memory in use",
}


def idle_truth(book: Book) -> dict[str, Any]:
    """Which GPU machines are idle, which only look so, and which cannot be judged."""
    calendar = book.calendar
    costs = {line.resource_id: row for line, row in zip(book.lines, book.effective(), strict=True) if line.resource_id}
    idle, decoys, unknown = [], [], []
    for machine in GPU_MACHINES:
        entry: dict[str, Any] = {"instance_id": instance_id(machine, calendar.seed), "name": machine.name,
                                 "instance_type": machine.type, "environment": machine.environment,
                                 "team": machine.owning_team if machine.tagged else None}  # fmt: skip
        daily = dollars(int(costs[entry["instance_id"]][-14:].sum()) // 14)
        entry["daily_effective_cost"] = str(daily)
        if machine.quiet_since:
            entry["idle_since"] = (calendar.until - timedelta(days=machine.quiet_since)).isoformat()
            idle.append({**entry, "monthly_effective_cost": str(daily / 24 * 730)})
        elif machine.busy in DECOYS:
            decoys.append({**entry, "why": DECOYS[machine.busy]})
        elif machine.busy in ("no-agent", "agent-died"):
            unknown.append({**entry, "why": _why_unknown(machine, calendar)})
    idle.sort(key=lambda entry: -Decimal(entry["monthly_effective_cost"]))
    return {"idle": idle, "decoys": decoys, "unknown": unknown}


def _why_unknown(machine: Machine, calendar: Calendar) -> str:
    if machine.busy == "no-agent":
        return "no utilisation metric was ever sent"
    return f"its metrics end on {(calendar.until - timedelta(days=AGENT_DIED)).isoformat()}"
