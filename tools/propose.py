"""Asks people for a change: the model names a resource, the tool looks up everything else and stores a draft.

No amount, account or reason of a model's reaches a proposal. What is stored is the typed change and what was measured,
judged anew here and now; a machine that is not proven idle is not proposed to be stopped.
"""

import difflib
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from approvals.changes.change import AnyChange, parse_change
from approvals.changes.instance import StartInstance, StopInstance
from approvals.errors import GateError
from lake.errors import LakeError
from lake.machines import Machine, machines
from lake.metered import Metered
from lake.period import Period, add_months
from lake.question import UNTAGGED
from tools.asked import problem_of
from tools.bill_rules import Judged as BillJudged
from tools.bill_rules import judged
from tools.desk import Desk, Wanted, failed
from tools.opportunity import Opportunity
from tools.periods import spoken
from tools.result import Problem, ToolResult, display
from tools.rules import long_stopped
from tools.rules.catalogue import FORMS
from tools.rules.evidence import Finding, Verdict
from tools.rules.idle_gpu import RULE
from tools.rules.saving import yearly_cost
from tools.savings import Judged, Survey, ec2_id, names_of, put_evidence, put_saving, survey
from tools.savings_rows import called, put_opportunity
from tools.sheet import Sheet
from tools.shown import shown

TOOL = "propose_change"
BY_RULE = tuple(dict.fromkeys(form.kind for form in FORMS if form.kind))
KINDS = ("start_instance", *BY_RULE)
_ADDRESS = re.compile(r"\{?q\d+\.[rt]\d+")
_ID = re.compile(r"(?:[a-z]+-)+[0-9a-f]{8,17}")
"""What EC2 calls a resource: never a name, since anybody who can tag may name one machine by the id of another."""


class CannotProposeError(Exception):
    """Nothing can be proposed for this target; carries the problem that becomes the result."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def propose_change(desk: Desk, *, target: str, kind: str = "") -> ToolResult:
    """A draft for the resource that `target` names: a row of a result (`q2.r1`), an id or a name.

    Without a `kind` it is what the rule about that resource leads to; of a machine, to stop it.
    """
    try:
        if kind not in ("", *KINDS):
            raise CannotProposeError(_UNKNOWN_KIND)
        wanted = _resource(desk, target)
        if kind == "start_instance":
            return _start(desk, wanted)
        billed = judged(desk) if kind in ("", *BY_RULE) else None
        named = _named(billed.found, wanted) if billed else []
        if billed is None or (not named and kind in ("", "stop_instance")):
            return _stop(desk, wanted)
        running = [one for one in named if one.judged.form is not long_stopped.FORM]
        if any(one.resource.instance_type for one in running) and _is_gpus(desk, wanted, kind, running):
            return _stop(desk, wanted)  # of two rules about one machine the one that stops it goes first
        return _by_rule(desk, wanted, kind, named, billed)
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


def _is_gpus(desk: Desk, wanted: str, kind: str, named: list[Opportunity]) -> bool:
    """Whether a machine is for the rule of GPU machines: it is to be stopped, and no rule of the bill says to."""
    if kind not in ("", "stop_instance"):
        return False
    saving = [one for one in named if one.verdict.saves and kind in ("", one.judged.form.kind)]
    if any(one.judged.form.kind == "stop_instance" for one in named):
        return False
    idle = any(one.verdict == Verdict.IDLE and _means(one.machine, wanted) for one in survey(desk).judged)
    return idle or not saving


def _by_rule(desk: Desk, wanted: str, kind: str, named: list[Opportunity], billed: BillJudged) -> ToolResult:
    """What a rule of the bill leads to; of two rules about one resource the first in their order."""
    fitting = [one for one in named if kind in ("", one.judged.form.kind)]
    saving = sorted((one for one in fitting if one.verdict.saves), key=lambda one: one.judged.form.order)
    if not saving or len({one.resource.resource_id for one in saving}) > 1:
        raise CannotProposeError(_no_saving(wanted, fitting, [one.resource.resource_id for one in saving]))
    one = saving[0]
    if one.judged.change is None:
        raise CannotProposeError(_by_people(one))
    money, form = one.judged.money, one.judged.form
    # What stops if it would go on is no saving of the bill: on a card and in every sum of proposals it would be one.
    yearly = None if money is None or form.estimate else money.per_year or None
    try:
        change = parse_change(one.judged.change)
    except GateError:
        raise CannotProposeError(_unaddressed(one.resource.resource_id)) from None
    sheet = Sheet(desk, TOOL)
    row = put_opportunity(sheet, one)
    row.texts.update(kind=change.kind, change=change.title())
    evidence = _evidence(
        one.resource,
        sheet,
        window=spoken(one.period),
        amount=money.annual_cost if money else None,
        yearly=yearly,
        query=billed.query,
    )
    evidence["rule"] = form.name
    evidence["checks"] = _checks(one.judged.finding)
    evidence["snapshots"] = list(billed.snapshots)
    return _ask(desk, sheet, change, called(one.resource), evidence, snapshots=billed.snapshots)


def _checks(finding: Finding) -> list[dict[str, str]]:
    return [
        {"name": check.name, "label": check.label, "measured": str(check.measured), "condition": check.condition}
        for check in finding.checks
    ]


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
    return _ask(desk, sheet, change, _called(machine), evidence, snapshots=tuple(billed.snapshots))


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
    evidence["checks"] = _checks(one.finding)
    evidence["snapshots"] = list(seen.snapshots)
    return _ask(desk, sheet, change, _called(one.machine), evidence, snapshots=seen.snapshots)


def _called(machine: Machine) -> str:
    return shown(machine.name or machine.resource_id)


def _evidence(
    resource: Machine | Metered,
    sheet: Sheet,
    *,
    window: str,
    amount: Decimal | None,
    yearly: Decimal | None,
    query: str,
) -> dict[str, Any]:
    """What was measured and computed, as JSON values; names are made fit to show, since a card will show them."""
    return {
        "amount": None if amount is None else format(amount, "f"),
        "currency": resource.currency,
        "saving": None if yearly is None else format(yearly, "f"),
        "environment": None if resource.environment == UNTAGGED else shown(resource.environment),
        "team": None if resource.team == UNTAGGED else shown(resource.team),
        "resource_name": shown(resource.name),
        "instance_type": shown(resource.instance_type) if isinstance(resource, Machine) else "",
        "window": window,
        "figures": [figure.model_dump(mode="json") for figure in sheet.figures],
        "query": query,
    }


def _ask(
    desk: Desk,
    sheet: Sheet,
    change: AnyChange,
    label: str,
    evidence: dict[str, Any],
    *,
    snapshots: tuple[str, ...],
) -> ToolResult:
    receipt = desk.propose(Wanted(change.model_dump(mode="json"), evidence, label))
    if not receipt.accepted or receipt.proposal_id is None:
        return failed(
            desk,
            TOOL,
            Problem(
                what=f"No proposal was made for {label}.",
                why=shown(receipt.reason, 300),
                do="Ask again when that has changed, or about another resource.",
            ),
        )
    what = "machine" if isinstance(change, StopInstance | StartInstance) else "resource"
    sheet.notes.append(f"A draft only: the worker reads the {what}'s state next, then people decide.")
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
        raise CannotProposeError(_unaddressed(machine.resource_id)) from None


def _means(machine: Machine, wanted: str) -> bool:
    given = () if _ID.fullmatch(wanted) else (machine.name, shown(machine.name))
    names = (machine.resource_id, ec2_id(machine), shown(machine.resource_id), *given)
    return any(name and name != "(none)" and name.casefold() == wanted.casefold() for name in names)


def _named(found: Iterable[Opportunity], wanted: str) -> list[Opportunity]:
    """Those that `wanted` names: by their id, and only where no id is meant by the name that somebody gave them."""
    folded, by_id, by_name = wanted.casefold(), [], []
    for one in found:
        name, given = one.resource.resource_id, one.resource.name
        if folded and folded in {each.casefold() for each in (name, name.rpartition("/")[2], shown(name))}:
            by_id.append(one)
        elif given.strip() and folded in {given.casefold(), shown(given).casefold()}:
            by_name.append(one)
    return by_id or by_name


def _by_people(one: Opportunity) -> Problem:
    where = "the model is called" if one.resource.model else "it is run"
    return Problem(
        what=f"No change of Spendgate's does this for {called(one.resource)}.",
        why=f"People carry out what this rule finds: {one.judged.why}.",
        do=one.judged.form.otherwise or f"Change it where {where}; what that saves shows on the bill.",
    )


def _unaddressed(resource_id: str) -> Problem:
    return Problem(
        what=f"{shown(resource_id)} cannot be addressed.",
        why="The bill does not name its account and region as AWS writes them.",
        do="Load a bill that carries SubAccountId and RegionId.",
    )


def _no_saving(wanted: str, found: list[Opportunity], several: list[str]) -> Problem:
    """Why nothing is proposed for a resource that rules know: several of the name, unknown, or nothing to save."""
    if several:
        return Problem(
            what=f"'{shown(wanted)}' names {len(set(several))} resources.",
            why="A change is for exactly one.",
            do="Name one by its id.",
            candidates=tuple(shown(one) for one in sorted(set(several))[:10]),
        )
    missing = "; ".join(dict.fromkeys(text for one in found for text in one.judged.finding.missing))
    if missing:
        return Problem(
            what=f"Whether something can be saved on {shown(wanted)} is unknown.",
            why=f"Missing: {missing}. Without it nothing is proposed.",
            do="Bring that in, or ask the resource's owner.",
        )
    said = "; ".join(dict.fromkeys(one.judged.why for one in found))
    return Problem(
        what=f"No rule finds a saving of this kind on {shown(wanted)}.",
        why=f"What the bill shows: {said}." if said else "The bill has nothing of it that such a rule is about.",
        do="Choose a row of the list of savings.",
    )


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
    why="Only what a rule of savings leads to can be asked for, and starting a machine again.",
    do=f"Use one of: {', '.join(KINDS)}. Another one a person writes down: spendgate proposals new.",
    candidates=KINDS,
)
