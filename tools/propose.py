"""Asks people for a change: the model names a resource, the tool looks up everything else and stores a draft.

No amount, account or reason of a model's reaches a proposal. What is stored is the typed change and what was measured,
judged anew here and now; a machine that is not proven idle is not proposed to be stopped.
"""

import difflib
import re
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from approvals.changes.instance import StartInstance, StopInstance
from lake.errors import LakeError
from lake.machines import Machine, machines
from lake.period import Period, add_months
from lake.question import UNTAGGED
from tools.asked import problem_of
from tools.desk import Desk, Wanted, failed
from tools.periods import spoken
from tools.result import Problem, ToolResult, display
from tools.rules.evidence import Verdict
from tools.rules.idle_gpu import RULE
from tools.rules.saving import yearly_cost
from tools.savings import Judged, Survey, ec2_id, names_of, put_evidence, put_saving, survey
from tools.sheet import Sheet
from tools.shown import shown

TOOL = "propose_change"
KINDS = ("stop_instance", "start_instance")
_ADDRESS = re.compile(r"\{?q\d+\.[rt]\d+")


class CannotProposeError(Exception):
    """Nothing can be proposed for this target; carries the problem that becomes the result."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def propose_change(desk: Desk, *, target: str, kind: str = "stop_instance") -> ToolResult:
    """A draft of `kind` for the machine that `target` names: a row of a result (`q2.r1`), an instance id or a name."""
    try:
        if kind not in KINDS:
            raise CannotProposeError(_UNKNOWN_KIND)
        wanted = _resource(desk, target)
        return _stop(desk, wanted) if kind == "stop_instance" else _start(desk, wanted)
    except CannotProposeError as error:
        return failed(desk, TOOL, error.problem)
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def _resource(desk: Desk, target: str) -> str:
    """The resource id or name that `target` means; an address is looked up in this thread's results."""
    if not _ADDRESS.match(target.strip()):
        return target.strip()
    row = desk.row(target)
    if row is None or "resource" not in row.names:
        raise CannotProposeError(
            Problem(
                what=f"'{shown(target)}' names no machine.",
                why="A change is for a machine of a list of savings, or for an instance id.",
                do="Look for savings first and name a row of that result.",
            )
        )
    return row.names["resource"]


def _stop(desk: Desk, wanted: str) -> ToolResult:
    seen = survey(desk)
    one = _judged(seen, wanted)
    if one.verdict != Verdict.IDLE:
        return _refused(desk, one, seen)
    change = _typed(StopInstance, one.machine)
    return _draft(desk, change, one, seen)


def _refused(desk: Desk, one: Judged, seen: Survey) -> ToolResult:
    """A machine that is not proven idle: the refusal, with what was measured as figures."""
    sheet = Sheet(desk, TOOL)
    problem = _not_idle(one)
    put_evidence(sheet, sheet.row(names_of(one.machine), texts={"verdict": str(one.verdict)}), one, seen.period)
    return sheet.done(title=problem.what, columns=(), query=seen.query, snapshots=seen.snapshots, error=problem)


def _judged(seen: Survey, wanted: str) -> Judged:
    found = [one for one in seen.judged if _means(one.machine, wanted)]
    if len(found) == 1:
        return found[0]
    if len(found) > 1:
        raise CannotProposeError(_ambiguous(wanted, [one.machine for one in found]))
    if any(_means(machine, wanted) for machine in seen.stopped):
        raise CannotProposeError(
            Problem(
                what=f"{shown(wanted)} is not running.",
                why=f"The bill has no hours of it on the last day of {spoken(seen.period)}.",
                do="There is nothing to stop; its disks may still cost.",
            )
        )
    raise CannotProposeError(_absent(wanted, [one.machine for one in seen.judged]))


def _start(desk: Desk, wanted: str) -> ToolResult:
    """Starting is the way back: any EC2 machine that the bill knows of the last year; its past rate is the amount."""
    last = desk.lake.latest_period()
    year = Period(add_months(last.start, -12), last.end)
    billed = machines(desk.lake, year, teams_seen=desk.scope)
    known = [one for one in billed.found if ec2_id(one)]
    found = [one for one in known if _means(one, wanted)]
    if len(found) != 1:
        raise CannotProposeError(_ambiguous(wanted, found) if found else _absent(wanted, known))
    machine = found[0]
    change = _typed(StartInstance, machine)
    sheet = Sheet(desk, TOOL)
    row = sheet.row(names_of(machine), texts={"kind": change.kind, "change": change.title()})
    amount = yearly_cost(machine.effective, machine.hours, hours_per_month=desk.thresholds.hours_per_month)
    said = f"Effective cost a year of {shown(machine.name or machine.resource_id)} when it runs all the time"
    rate = f"at the rate of {spoken(year)}"
    sheet.put(row, "annual_cost", amount, label=said, unit=machine.currency, period=rate)
    evidence = _evidence(machine, sheet, window=spoken(year), amount=amount, yearly=None, query=billed.query)
    return _ask(desk, sheet, change, machine, evidence, snapshots=tuple(billed.snapshots))


def _draft(desk: Desk, change: StopInstance | StartInstance, one: Judged, seen: Survey) -> ToolResult:
    sheet = Sheet(desk, TOOL)
    row = sheet.row(names_of(one.machine), texts={"kind": change.kind, "change": change.title()})
    put_saving(sheet, row, one, seen.period)
    put_evidence(sheet, row, one, seen.period)
    evidence = _evidence(
        one.machine,
        sheet,
        window=spoken(seen.period),
        amount=one.saving.annual_cost if one.saving else None,
        yearly=one.saving.per_year if one.saving else None,
        query=seen.query,
    )
    evidence["rule"] = RULE
    evidence["checks"] = [
        {"name": check.name, "label": check.label, "measured": str(check.measured), "condition": check.condition}
        for check in one.finding.checks
    ]
    evidence["snapshots"] = list(seen.snapshots)
    return _ask(desk, sheet, change, one.machine, evidence, snapshots=seen.snapshots)


def _evidence(
    machine: Machine, sheet: Sheet, *, window: str, amount: Decimal | None, yearly: Decimal | None, query: str
) -> dict[str, Any]:
    """What was measured and computed, as JSON values; names are made fit to show, since a card will show them."""
    return {
        "amount": None if amount is None else format(amount, "f"),
        "currency": machine.currency,
        "saving": None if yearly is None else format(yearly, "f"),
        "environment": None if machine.environment == UNTAGGED else shown(machine.environment),
        "team": None if machine.team == UNTAGGED else shown(machine.team),
        "resource_name": shown(machine.name),
        "instance_type": shown(machine.instance_type),
        "window": window,
        "figures": [figure.model_dump(mode="json") for figure in sheet.figures],
        "query": query,
    }


def _ask(
    desk: Desk,
    sheet: Sheet,
    change: StopInstance | StartInstance,
    machine: Machine,
    evidence: dict[str, Any],
    *,
    snapshots: tuple[str, ...],
) -> ToolResult:
    label = shown(machine.name or machine.resource_id)
    receipt = desk.propose(Wanted(change.model_dump(mode="json"), evidence, label))
    if not receipt.accepted or receipt.proposal_id is None:
        return failed(
            desk,
            TOOL,
            Problem(
                what=f"No proposal was made for {label}.",
                why=shown(receipt.reason, 300),
                do="Ask again when that has changed, or about another machine.",
            ),
        )
    sheet.notes.append("A draft only: the worker reads the machine's state next, then people decide.")
    if receipt.reason:
        sheet.notes.append(shown(receipt.reason, 300))
    return sheet.done(
        title=f"{change.title()}: asked as {receipt.proposal_id}",
        columns=("name", "resource", "change", "per_month", "annual_cost"),
        query=str(evidence["query"]),
        snapshots=snapshots,
        proposals=(receipt.proposal_id,),
    )


def _typed(kind: type[StopInstance] | type[StartInstance], machine: Machine) -> StopInstance | StartInstance:
    try:
        return kind(account=machine.account, region=machine.region, instance_id=ec2_id(machine))
    except ValidationError:
        raise CannotProposeError(
            Problem(
                what=f"{shown(machine.resource_id)} cannot be addressed.",
                why="The bill does not name its account and region as AWS writes them.",
                do="Load a bill that carries SubAccountId and RegionId.",
            )
        ) from None


def _means(machine: Machine, wanted: str) -> bool:
    folded = wanted.casefold()
    names = (machine.resource_id, ec2_id(machine), machine.name, shown(machine.resource_id), shown(machine.name))
    return any(name and name != "(none)" and name.casefold() == folded for name in names)


def _not_idle(one: Judged) -> Problem:
    who = shown(one.machine.name or one.machine.resource_id)
    if one.verdict == Verdict.UNKNOWN:
        return Problem(
            what=f"Whether {who} is idle is unknown.",
            why=f"Missing: {'; '.join(one.finding.missing)}. Without it nothing is proposed.",
            do="Bring its metrics in ('spendgate ingest' reads hourly utilisation), or ask its owner.",
        )
    broken = [check for check in one.finding.checks if check.holds is False and check.at_most and check.measured]
    measured = [(check, display(check.measured or Decimal(0), check.unit)) for check in broken]
    seen = "; ".join(f"{check.label} {value}, idle is {check.condition}" for check, value in measured)
    return Problem(what=f"{who} is in use.", why=f"Measured: {seen}.", do="Choose a machine of the list of savings.")


def _ambiguous(wanted: str, found: list[Machine]) -> Problem:
    return Problem(
        what=f"'{shown(wanted)}' names {len(found)} machines.",
        why="A change is for exactly one.",
        do="Name one by its instance id.",
        candidates=tuple(shown(machine.resource_id) for machine in found[:10]),
    )


def _absent(wanted: str, known: list[Machine]) -> Problem:
    names = {name.casefold(): name for one in known for name in (one.name, one.resource_id) if name}
    close = difflib.get_close_matches(wanted.casefold(), list(names), n=3, cutoff=0.5)
    return Problem(
        what=f"No machine that you may see is named '{shown(wanted)}'.",
        why="The bill has no hours of such a machine, so there is no evidence.",
        do="Name a machine of the list of savings, or the exact instance id.",
        candidates=tuple(shown(names[one]) for one in close),
    )


_UNKNOWN_KIND = Problem(
    what="That kind of change does not exist.",
    why="Machines can be stopped and started, and nothing else yet.",
    do=f"Use one of: {', '.join(KINDS)}.",
    candidates=KINDS,
)
