"""What would happen to the bill if one machine were stopped, or had another type: the same arithmetic, and no proposal.

Nothing is asked of people here. What is told is what the machine cost lately and what it would cost, never a promise
that it can be done: whether the type fits is looked at only when somebody proposes it.
"""

from decimal import Decimal

from lake.errors import LakeError
from lake.machines import Machine, machines
from lake.period import Period
from tools.asked import problem_of
from tools.desk import Desk, failed
from tools.detection.contributions import EXACT
from tools.periods import spoken
from tools.result import Problem, ToolResult
from tools.rules.saving import saving
from tools.savings import cost_of, ec2_id, look_back, names_of
from tools.sheet import Sheet
from tools.shown import shown

TOOL = "simulate_change"
_PLACES = Decimal("0.000001")


def simulate_change(desk: Desk, *, target: str, to_type: str = "") -> ToolResult:
    """What a month costs now and would cost: with the machine stopped, or as `to_type` if one is named."""
    try:
        period = look_back(desk)
        row = desk.row(target)
        wanted = row.names.get("resource", target) if row is not None else target.strip()
        billed = machines(desk.lake, period, teams_seen=desk.scope)
        found = [one for one in billed.found if ec2_id(one) and _is(one, wanted)]
        if len(found) != 1:
            return failed(desk, TOOL, _not_one(wanted, found))
        return _told(desk, found[0], to_type.strip(), period, query=billed.query, snapshots=tuple(billed.snapshots))
    except LakeError as error:
        return failed(desk, TOOL, problem_of(error))


def _told(
    desk: Desk, machine: Machine, to_type: str, period: Period, *, query: str, snapshots: tuple[str, ...]
) -> ToolResult:
    hours = desk.thresholds.hours_per_month
    made = saving(cost_of(machine, period), hours_per_month=hours)
    share = _ratio(desk, machine, to_type) if to_type else Decimal(0)
    if made is None:
        return failed(desk, TOOL, _not_one(machine.resource_id, []))
    sheet, who = Sheet(desk, TOOL), shown(machine.name or machine.resource_id)
    rate = f"at the rate of {spoken(period)}"
    row = sheet.row(names_of(machine), texts={"what": f"as {shown(to_type)}" if to_type else "stopped"})
    now = EXACT.quantize(EXACT.divide(made.annual_cost, Decimal(12)), _PLACES)
    # What a commitment covers is paid whatever the machine is.
    less = EXACT.quantize(EXACT.multiply(made.per_month, 1 - share), _PLACES)
    for column, value, said in (
        ("now", now, f"Effective cost of {who} a month now"),
        ("then", now - less, f"Effective cost of {who} a month then, commitments paid all the same"),
        ("difference", -less, f"Change a month for {who}"),
    ):
        sheet.put(row, column, value, label=said, unit=machine.currency, period=rate, signed=column == "difference")
    sheet.notes.extend(_notes(desk, machine, to_type))
    title = f"If {who} {'had the type ' + shown(to_type) if to_type else 'were stopped'}"
    return sheet.done(title=title, columns=("name", "now", "then", "difference"), query=query, snapshots=snapshots)


def _ratio(desk: Desk, machine: Machine, to_type: str) -> Decimal:
    """The price of the other type over that of the present one; NotInBook says which of them no list prices."""
    own = desk.prices.price(machine.instance_type, machine.region)
    other = desk.prices.price(to_type, machine.region)
    return EXACT.divide(other.per_hour, own.per_hour)


def _notes(desk: Desk, machine: Machine, to_type: str) -> list[str]:
    if not to_type:
        return ["Its disks and addresses stay and cost the same; they are not counted here."]
    own, other = desk.prices.shape(machine.instance_type), desk.prices.shape(to_type)
    lacks = [
        name
        for name, before, after in (
            ("processors", own.vcpus, other.vcpus),
            ("memory", own.memory_gib, other.memory_gib),
            ("GPUs", own.gpus, other.gpus),
            ("GPU memory", own.gpu_memory_gib, other.gpu_memory_gib),
        )
        if after < before
    ]
    notes = [f"By on-demand prices of the price book of {desk.prices.dated.isoformat()}, for Linux."]
    if lacks:
        notes.append(f"It would have less {', '.join(lacks)} than now: whether that is enough, only its use can tell.")
    if not set(own.architectures) & set(other.architectures):
        notes.append("It is of another processor architecture: its programs would have to be built anew.")
    return notes


def _is(machine: Machine, wanted: str) -> bool:
    names = (machine.resource_id, ec2_id(machine), machine.name)
    return any(name and name.casefold() == wanted.casefold() for name in names)


def _not_one(wanted: str, found: list[Machine]) -> Problem:
    return Problem(
        what=f"'{shown(wanted)}' names {len(found) or 'no'} machine{'s' if len(found) > 1 else ''} that you may see.",
        why="What would happen is reckoned from one machine's own hours on the bill.",
        do="Name one by its exact instance id or name.",
        candidates=tuple(shown(machine.resource_id) for machine in found[:10]),
    )
