"""What could be saved: idle GPU machines by what was measured, and what the bill's own meters show, with the evidence.

Only utilisation says that a machine is idle. One without metrics is listed as unknown, with what is missing, and
counts in no saving.
"""

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
from lake.usage import Utilisation, measured
from tools.asked import NotUnderstoodError, Where, filters, problem_of, scope_notes
from tools.bill_rules import Judged as BillJudged
from tools.bill_rules import judged
from tools.desk import Desk, failed
from tools.detection.contributions import add
from tools.opportunity import Opportunity
from tools.periods import spoken, spoken_day
from tools.result import Row, ToolResult
from tools.rules import idle_endpoint, idle_machine, unattached_disk
from tools.rules.evidence import Finding, Verdict
from tools.rules.idle_gpu import FORM, RULE, MachineUse, is_gpu_family, judge
from tools.rules.portfolio import Part, booked
from tools.rules.saving import MONTHS_PER_YEAR, MachineCost, Saving, saving
from tools.savings_filters import accept, fits
from tools.savings_rows import ESTIMATE_NOTE, MONEY_NOTE, part_of, put_opportunity
from tools.sheet import Sheet
from tools.shown import shown
from tools.spend import provenance

TOOL = "find_savings"
MOST = 10


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


def find_savings(
    desk: Desk, *, where: Where | None = None, top: int | None = None, minimum: Decimal | None = None
) -> ToolResult:
    """What could be saved a month, largest first; then what cannot be judged, with what is missing.

    `minimum` leaves out what saves less a month, in the bill's currency.
    """
    try:
        wanted = filters(where or {})
        seen, billed = survey(desk), judged(desk)
        chosen, others = _chosen(seen, billed, wanted)
        if minimum is not None:
            chosen, others = _worth(chosen, others, minimum)
        return _answer(desk, chosen, others, top=min(max(top or MOST, 1), 100))
    except NotUnderstoodError as error:
        return failed(desk, TOOL, error.problem)
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def survey(desk: Desk) -> Survey:
    """Every GPU machine that the speaker may see, judged over the last days that the bill of machines reaches."""
    limits = desk.thresholds.idle_gpu
    period = look_back(desk)
    billed = machines(desk.lake, period, teams_seen=desk.scope)
    gpu = [one for one in billed.found if ec2_id(one) and is_gpu_family(one.instance_type, limits)]
    # Without hours on the last day it is stopped or gone, and there is nothing left to stop.
    running = [one for one in gpu if one.last_day == period.end - timedelta(days=1)]
    used = measured(
        desk.lake, [one.resource_id for one in running], start=_midnight(period.start), end=_midnight(period.end)
    )
    judged = tuple(_judged(desk, one, used.get(one.resource_id), period) for one in running)
    stopped = tuple(one for one in gpu if one not in running)
    return Survey(period, judged, stopped, billed.query, tuple(billed.snapshots))


def ec2_id(machine: Machine) -> str:
    """The EC2 instance id in the bill's resource id (which may be an ARN); empty if it is no EC2 instance."""
    found = re.search(r"(?:^|/)(i-[0-9a-z]{8,17})$", machine.resource_id)
    return found[1] if found else ""


def look_back(desk: Desk) -> Period:
    """The rule's days up to the last day that bills hours of EC2 machines: other sources may reach further."""
    days = timedelta(days=desk.thresholds.look_back_days)
    reach = desk.lake.latest_period()  # raises, with what to do, when the lake is empty
    wide = machines(desk.lake, Period(reach.start - days, reach.end), teams_seen=desk.scope)
    end = max((one.last_day for one in wide.found if ec2_id(one)), default=desk.today) + timedelta(days=1)
    return Period(end - days, end)


def _judged(desk: Desk, machine: Machine, told: Utilisation | None, period: Period) -> Judged:
    use = MachineUse(billed_hours=machine.hours)
    if told is not None:
        known = {name: getattr(told, name) for name in MachineUse.__dataclass_fields__ if hasattr(told, name)}
        use = replace(use, **known)
    finding = judge(use, now=desk.now, thresholds=desk.thresholds.idle_gpu)
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


def _chosen(seen: Survey, billed: BillJudged, wanted: dict[str, tuple[str, ...]]) -> tuple[Survey, BillJudged]:
    machines_known = [one.machine for one in seen.judged] + list(seen.stopped)
    accepted = accept(wanted, [*machines_known, *(one.resource for one in billed.found), *billed.unmeasured,
                               *billed.uncounted, *billed.unlisted])  # fmt: skip
    kept = tuple(one for one in seen.judged if fits(one.machine, FORM, accepted))
    stopped = tuple(one for one in seen.stopped if fits(one, FORM, accepted))
    others = tuple(one for one in billed.found if fits(one.resource, one.judged.form, accepted))
    unmeasured = tuple(one for one in billed.unmeasured if fits(one, idle_machine.FORM, accepted))
    uncounted = tuple(one for one in billed.uncounted if fits(one, idle_endpoint.FORM, accepted))
    unlisted = tuple(one for one in billed.unlisted if fits(one, unattached_disk.FORM, accepted))
    chosen = replace(billed, found=others, unmeasured=unmeasured, uncounted=uncounted, unlisted=unlisted)
    return replace(seen, judged=kept, stopped=stopped), chosen


def _worth(seen: Survey, billed: BillJudged, least: Decimal) -> tuple[Survey, BillJudged]:
    """Without what saves less than this a month; what is unknown stays, since nobody knows what it would save."""
    kept = tuple(
        one
        for one in seen.judged
        if not one.verdict.saves or (one.saving is not None and one.saving.per_month >= least)
    )
    others = tuple(one for one in billed.found if not one.verdict.saves or one.cash >= least)
    return replace(seen, judged=kept), replace(billed, found=others)


def _answer(desk: Desk, seen: Survey, billed: BillJudged, *, top: int) -> ToolResult:
    sheet = Sheet(desk, TOOL)
    idle, unknown = seen.of(Verdict.IDLE), seen.of(Verdict.UNKNOWN)
    others, doubtful = billed.saving(), billed.unknown()
    for one in [*idle[:top], *unknown[:top]]:
        texts = {"verdict": str(one.verdict), "rule": RULE}
        if one.verdict == Verdict.UNKNOWN:
            texts["missing"] = "; ".join(one.finding.missing)
        row = sheet.row(names_of(one.machine), texts=texts)
        if one.verdict == Verdict.IDLE:
            put_saving(sheet, row, one, seen.period)
        put_evidence(sheet, row, one, seen.period)
    for other in [*others[:top], *doubtful[:top]]:
        put_opportunity(sheet, other)
    _totals(sheet, idle, [one for one in others if one.cash > 0 and not one.judged.form.estimate], seen.period)
    _note_proposals(sheet, desk, [*idle[:top], *unknown[:top]], seen.period)
    left = sum(max(len(listed) - top, 0) for listed in (idle, unknown, others, doubtful))
    _note(sheet, desk, seen, left=left)
    if others or doubtful:
        sheet.notes.append(MONEY_NOTE)
    if any(one.judged.form.estimate for one in (*others, *doubtful)):
        sheet.notes.append(ESTIMATE_NOTE)
    if billed.unmeasured:
        sheet.notes.append(
            f"{len(billed.unmeasured)} running machines without GPUs have no metrics: whether they are idle is unknown."
        )
    if billed.uses and not desk.thresholds.cheaper_model.evaluated:
        sheet.notes.append("A cheaper model is looked for only where savings.toml says that it was evaluated: nowhere.")
    if billed.uses and not desk.thresholds.prompt_caching.repeated:
        sheet.notes.append("Input that repeats is looked for only where savings.toml says how much does: nowhere.")
    if billed.uncounted:
        count = len(billed.uncounted)
        sheet.notes.append(f"Calls of {count} running endpoints were not counted: whether they are idle is unknown.")
    if billed.unlisted:
        sheet.notes.append(
            f"Whether {len(billed.unlisted)} disks and snapshots are needed is unknown: nobody listed what stands in"
            " their account and region (spendgate usage inventory)."
        )
    more = f"; {len(others)} other savings and {len(doubtful)} unknown" if others or doubtful else ""
    return sheet.done(
        title=f"{len(idle)} idle and {len(unknown)} unknown of {len(seen.judged)} running GPU machines{more}",
        columns=("name", "resource", "instance_type", "team", "environment", "verdict", "per_month", "missing"),
        **{**provenance(_behind(desk, seen)), **_read(seen, billed)},
    )


def _read(seen: Survey, billed: BillJudged) -> dict[str, Any]:
    """Where the figures come from: the GPU machines' query, and that of the other rules where they found anything."""
    if not billed.found:
        return {"query": seen.query, "snapshots": seen.snapshots}
    queries = ";\n".join(query for query in (seen.query, billed.query) if query)
    return {"query": queries, "snapshots": tuple(dict.fromkeys((*seen.snapshots, *billed.snapshots)))}


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


def _totals(sheet: Sheet, idle: list[Judged], others: list[Opportunity], period: Period) -> None:
    rate = f"at the rates of {spoken(period)}"
    for currency in sorted({one.machine.currency for one in idle} | {one.resource.currency for one in others}):
        made = [one.saving for one in idle if one.machine.currency == currency and one.saving]
        row = sheet.row({}, total=True)
        stopping = [
            Part(one.machine.resource_id, FORM.order, one.saving.per_month, Decimal(1))
            for one in idle
            if one.machine.currency == currency and one.saving
        ]
        rest = [part_of(one) for one in others if one.resource.currency == currency]
        month = add(booked([*stopping, *rest]))
        year = add([month] * MONTHS_PER_YEAR)
        for column, said, value in (("per_month", "a month", month), ("per_year", "a year", year)):
            said = (
                f"Saving {said} by stopping all {len(made)} idle machines"
                if not rest
                else (f"Saving {said} of all {len(stopping) + len(rest)} savings, one after the other")
            )
            sheet.put(row, column, value, label=said, unit=currency, period=rate)


def _note(sheet: Sheet, desk: Desk, seen: Survey, *, left: int) -> None:
    limits = desk.thresholds.idle_gpu
    sheet.notes.extend(scope_notes(desk, None)[1:])
    if not seen.judged and not seen.stopped:
        sheet.notes.append("The bill has no GPU machines of the families that the rule knows: no data, not no saving.")
    used = len(seen.of(Verdict.IN_USE))
    sheet.notes.append(
        f"Idle by {limits.source}: all conditions over {desk.thresholds.look_back_days} days to "
        f"{spoken(seen.period).split(' to ')[-1]}. {used} in use; {len(seen.stopped)} already stopped, not counted."
    )
    sheet.notes.append(
        f"Saving = effective rate of hours that no commitment covers × their share of "
        f"{desk.thresholds.hours_per_month} hours a month; disks stay and are not counted."
    )
    if seen.judged:
        last = spoken_day(seen.period.end - timedelta(days=1))
        sheet.notes.append(
            f"The bill and the metrics were read to {last}: a machine stopped after that still stands here."
        )
    if left:
        sheet.notes.append(f"{left} more are not listed.")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
