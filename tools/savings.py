"""What could be saved: idle GPU machines, each with the evidence for every condition, and what is not known.

Only utilisation says that a machine is idle. One without metrics is listed as unknown, with what is missing, and
counts in no saving.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from lake.errors import LakeError
from lake.machines import Machine, machines
from lake.period import Period
from lake.question import Question
from lake.usage import Utilisation, utilisation
from tools.asked import NotUnderstoodError, Where, filters, problem_of, scope_notes
from tools.desk import Desk, failed
from tools.detection.contributions import add
from tools.periods import spoken, spoken_day
from tools.result import Problem, Row, ToolResult
from tools.rules.evidence import Finding, Verdict
from tools.rules.idle_gpu import MachineUse, is_gpu_family, judge
from tools.rules.saving import MachineCost, Saving, saving
from tools.sheet import Sheet
from tools.shown import shown
from tools.spend import provenance

TOOL = "find_savings"
MOST = 10
FILTERS = ("team", "use_case", "environment", "account", "region", "resource", "provider")


@dataclass(frozen=True)
class Judged:
    """One running GPU machine with what its metrics say and what stopping it would save."""

    machine: Machine
    finding: Finding
    saving: Saving | None

    @property
    def verdict(self) -> Verdict:
        return self.finding.verdict


@dataclass(frozen=True)
class Survey:
    """All GPU machines of the look-back: the running ones judged, how many had stopped, and where it was read."""

    period: Period
    judged: tuple[Judged, ...]
    stopped: tuple[Machine, ...]
    query: str
    snapshots: tuple[str, ...]

    def of(self, verdict: Verdict) -> list[Judged]:
        """Those with this verdict, largest saving first."""
        mine = [one for one in self.judged if one.verdict == verdict]
        return sorted(mine, key=lambda one: (-(one.saving.per_month if one.saving else 0), one.machine.resource_id))


def find_savings(desk: Desk, *, where: Where | None = None, top: int | None = None) -> ToolResult:
    """Idle GPU machines with their saving a month, then machines whose use is unknown, with what is missing."""
    try:
        seen = survey(desk)
        chosen = _chosen(seen, filters(where or {}))
        return _answer(desk, chosen, top=min(max(top or MOST, 1), 100))
    except NotUnderstoodError as error:
        return failed(desk, TOOL, error.problem)
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def survey(desk: Desk) -> Survey:
    """Every GPU machine that the speaker may see, judged over the last days that the bill of machines reaches."""
    limits = desk.thresholds
    period = _look_back(desk)
    billed = machines(desk.lake, period, teams_seen=desk.scope)
    gpu = [one for one in billed.found if ec2_id(one) and is_gpu_family(one.instance_type, limits)]
    # Without hours on the last day it is stopped or gone, and there is nothing left to stop.
    running = [one for one in gpu if one.last_day == period.end - timedelta(days=1)]
    used = utilisation(
        desk.lake.store, [one.resource_id for one in running], start=_midnight(period.start), end=_midnight(period.end)
    )
    judged = tuple(_judged(desk, one, used.get(one.resource_id), period) for one in running)
    stopped = tuple(one for one in gpu if one not in running)
    return Survey(period, judged, stopped, billed.query, tuple(billed.snapshots))


def ec2_id(machine: Machine) -> str:
    """The EC2 instance id in the bill's resource id (which may be an ARN); empty if it is no EC2 instance."""
    found = re.search(r"(?:^|/)(i-[0-9a-z]{8,17})$", machine.resource_id)
    return found[1] if found else ""


def _look_back(desk: Desk) -> Period:
    """The rule's days up to the last day that bills hours of EC2 machines: other sources may reach further."""
    days = timedelta(days=desk.thresholds.look_back_days)
    reach = desk.lake.latest_period()  # raises, with what to do, when the lake is empty
    wide = machines(desk.lake, Period(reach.start - days, reach.end), teams_seen=desk.scope)
    end = max((one.last_day for one in wide.found if ec2_id(one)), default=desk.today) + timedelta(days=1)
    return Period(end - days, end)


def _judged(desk: Desk, machine: Machine, measured: Utilisation | None, period: Period) -> Judged:
    use = MachineUse(billed_hours=machine.hours)
    if measured is not None:
        known = {name: getattr(measured, name) for name in MachineUse.__dataclass_fields__ if hasattr(measured, name)}
        use = replace(use, **known)
    finding = judge(use, now=desk.now, thresholds=desk.thresholds)
    made = saving(cost_of(machine, period), hours_per_month=desk.thresholds.hours_per_month)
    return Judged(machine, finding, made)


def cost_of(machine: Machine, period: Period) -> MachineCost:
    """What the rule of the saving needs; a machine that began within the period is judged from its first day."""
    days = (period.end - max(machine.first_day, period.start)).days
    return MachineCost(
        hours=machine.hours,
        uncovered_hours=machine.uncovered_hours,
        effective=machine.effective,
        uncovered_effective=machine.uncovered_effective,
        span_hours=Decimal(days * 24),
    )


def names_of(machine: Machine) -> dict[str, str]:
    """The machine's names as a row carries them."""
    names = {
        "resource": machine.resource_id,
        "name": machine.name,
        "instance_type": machine.instance_type,
        "team": machine.team,
        "use_case": machine.use_case,
        "environment": machine.environment,
        "account": machine.account,
        "region": machine.region,
    }
    return {key: value for key, value in names.items() if value}


def put_evidence(sheet: Sheet, row: Row, one: Judged, period: Period) -> None:
    """A figure for each condition that was measured, labelled with its limit."""
    who = shown(one.machine.name or one.machine.resource_id)
    days = spoken(period)
    for check in one.finding.checks:
        if check.measured is not None:
            said = f"{who}: {check.label} (idle if {check.condition})" if check.at_most else f"{who}: {check.label}"
            sheet.put(row, check.name, check.measured, label=said, unit=check.unit, period=days)


def put_saving(sheet: Sheet, row: Row, one: Judged, period: Period) -> None:
    """What stopping saves, a month and a year, and what the machine costs a year (the amount that policy goes by)."""
    if one.saving is None:
        return
    who, currency = shown(one.machine.name or one.machine.resource_id), one.machine.currency
    rate = f"at the rate of {spoken(period)}"
    made = one.saving
    sheet.put(row, "per_month", made.per_month, label=f"Saving a month by stopping {who}", unit=currency, period=rate)
    sheet.put(row, "per_year", made.per_year, label=f"Saving a year by stopping {who}", unit=currency, period=rate)
    sheet.put(row, "annual_cost", made.annual_cost, label=f"Effective cost of {who} a year", unit=currency, period=rate)
    sheet.put(
        row, "hourly_rate", made.hourly_rate, label=f"Effective rate of {who} an hour", unit=currency, period=rate
    )
    sheet.put(row, "hours_per_month", made.hours_per_month, label=f"Uncovered hours of {who} a month", unit="hours",
              period=rate)  # fmt: skip


def _answer(desk: Desk, seen: Survey, *, top: int) -> ToolResult:
    sheet = Sheet(desk, TOOL)
    idle, unknown = seen.of(Verdict.IDLE), seen.of(Verdict.UNKNOWN)
    for one in [*idle[:top], *unknown[:top]]:
        texts = {"verdict": str(one.verdict)}
        if one.verdict == Verdict.UNKNOWN:
            texts["missing"] = "; ".join(one.finding.missing)
        row = sheet.row(names_of(one.machine), texts=texts)
        if one.verdict == Verdict.IDLE:
            put_saving(sheet, row, one, seen.period)
        put_evidence(sheet, row, one, seen.period)
    _totals(sheet, idle, seen.period)
    _note_proposals(sheet, desk, [*idle[:top], *unknown[:top]], seen.period)
    _note(sheet, desk, seen, left=max(len(idle) - top, 0) + max(len(unknown) - top, 0))
    return sheet.done(
        title=f"{len(idle)} idle and {len(unknown)} unknown of {len(seen.judged)} running GPU machines",
        columns=("name", "resource", "instance_type", "team", "environment", "verdict", "per_month", "missing"),
        **{**provenance(_behind(desk, seen)), "query": seen.query, "snapshots": seen.snapshots},
    )


def _behind(desk: Desk, seen: Survey) -> Any:
    """The lake's account of how complete these days are."""
    where: dict[str, tuple[str, ...]] = {"category": ("Compute",)} if seen.judged or seen.stopped else {}
    return desk.lake.ask(Question(period=seen.period, where=where, teams_seen=desk.scope))


def _note_proposals(sheet: Sheet, desk: Desk, listed: Sequence[Judged], period: Period) -> None:
    """Which of these machines people decide about, or did since the last day that was read: the bill lags behind."""
    machines_listed = {ec2_id(one.machine): shown(one.machine.name or one.machine.resource_id) for one in listed}
    for line in desk.proposals("") if listed else ():
        if line.instance in machines_listed and (line.open or line.changed >= period.end):
            who = machines_listed[line.instance]
            state = line.words.rstrip(".")
            sheet.notes.append(f"Of {who} there is a proposal, {line.id}, since {spoken_day(line.changed)}: {state}.")


def _totals(sheet: Sheet, idle: list[Judged], period: Period) -> None:
    rate = f"at the rates of {spoken(period)}"
    for currency in sorted({one.machine.currency for one in idle}):
        made = [one.saving for one in idle if one.machine.currency == currency and one.saving]
        row = sheet.row({}, total=True)
        for column, said in (("per_month", "a month"), ("per_year", "a year")):
            value = add(getattr(one, column) for one in made)
            said = f"Saving {said} by stopping all {len(made)} idle machines"
            sheet.put(row, column, value, label=said, unit=currency, period=rate)


def _note(sheet: Sheet, desk: Desk, seen: Survey, *, left: int) -> None:
    limits = desk.thresholds
    sheet.notes.extend(scope_notes(desk, None)[1:])
    if not seen.judged and not seen.stopped:
        sheet.notes.append("The bill has no GPU machines of the families that the rule knows: no data, not no saving.")
    used = len(seen.of(Verdict.IN_USE))
    sheet.notes.append(
        f"Idle by {limits.source}: all conditions over {limits.look_back_days} days to "
        f"{spoken(seen.period).split(' to ')[-1]}. {used} in use; {len(seen.stopped)} already stopped, not counted."
    )
    sheet.notes.append(
        f"Saving = effective rate of hours that no commitment covers × their share of {limits.hours_per_month} hours a "
        "month; disks stay and are not counted."
    )
    if seen.judged:
        last = spoken_day(seen.period.end - timedelta(days=1))
        sheet.notes.append(
            f"The bill and the metrics were read to {last}: a machine stopped after that still stands here."
        )
    if left:
        sheet.notes.append(f"{left} more machines are not listed.")


def _chosen(seen: Survey, where: dict[str, tuple[str, ...]]) -> Survey:
    """The survey's machines that these filters name; an unknown name is refused with the closest."""
    for name in where:
        if name not in FILTERS:
            raise NotUnderstoodError(
                Problem(
                    what=f"Machines cannot be filtered by '{shown(name)}'.",
                    why="A machine has few names in the bill.",
                    do=f"Filter by one of: {', '.join(FILTERS)}.",
                    candidates=FILTERS,
                )
            )
    kept: tuple[Judged, ...] = seen.judged
    stopped = seen.stopped
    for name, wanted in where.items():
        known = {value for one in (*seen.judged,) for value in _values(one.machine, name)}
        known |= {value for one in seen.stopped for value in _values(one, name)}
        accepted = {_known(name, value, known) for value in wanted}
        kept = tuple(one for one in kept if accepted & _values(one.machine, name))
        stopped = tuple(one for one in stopped if accepted & _values(one, name))
    return Survey(seen.period, kept, stopped, seen.query, seen.snapshots)


def _values(machine: Machine, name: str) -> set[str]:
    if name == "resource":
        return {value for value in (machine.resource_id, machine.name) if value}
    return {str(getattr(machine, name))}


def _known(name: str, value: str, known: set[str]) -> str:
    folded = {one.casefold(): one for one in known}
    if value.casefold() in folded:
        return folded[value.casefold()]
    close = difflib.get_close_matches(value.casefold(), list(folded), n=3, cutoff=0.4)
    near = tuple(shown(folded[one]) for one in close)
    raise NotUnderstoodError(
        Problem(
            what=f"No GPU machine has the {name.replace('_', ' ')} '{shown(value)}'.",
            why=f"The closest: {', '.join(near)}." if near else "No name of a GPU machine is close to it.",
            do="Ask with a name that the bill carries.",
            candidates=near,
        )
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
