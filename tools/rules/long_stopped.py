"""A machine that has been stopped for weeks: it costs nothing itself, its disks cost what they always did.

The bill does not name the machine any more, so a list of what stands in EC2 says which disks are its own and since when
it is stopped. Before it goes an image is made of it, which costs money too: what the saving is told without. A public
address that it holds is freed and goes on costing until somebody releases it, which is another rule's matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from lake.inventory import Inventory, ListedMachine
from lake.labels import labels_of
from lake.metered import HOUR_UNITS, Meter, Metered
from lake.question import EVERY_TEAM, NONE, UNTAGGED
from tools.detection.contributions import ZERO
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.listed import days_between, kept_by, left_alone, snapshot_cost, too_old
from tools.rules.money import money
from tools.rules.old_disk import PRICES
from tools.shown import quoted

GROUP_TAG = "aws:autoscaling:groupName"
OURS = "ours"
FORM = Form(
    number="4",
    name="long_stopped_machine",
    title="Machine that has been stopped for weeks",
    evidence=(
        "a list of what stands in its account and region that is not old, with the time at which it was stopped",
        "the cost of each disk that goes with it, on every day of the look-back",
        "what a GB-month of gp3 or gp2 costs there, from this bill",
    ),
    fires="it has been stopped for as long as the limit says and nothing says to keep it: no tag, no protection against"
    " termination, no scaling group, no spot request, no product code, no root disk in the host",
    limits=(
        Limit("least_days", "days stopped, at least", "AWS Trusted Advisor: EC2 instances stopped for 30 days"),
        Limit("freshest_hours", "hours since the last list, at most", "ours: an old list tells of no now"),
        Limit("keep_tags", "tags, by key or value, that keep it", OURS),
        Limit("snapshot_price_percent", "% of gp3's GB-month for one of a snapshot", PRICES),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it two people's votes cost more"),
    ),
    saving="cost of the disks that go with it - what its image costs at most, as if every block of them were written",
    risk="high: whoever needs it again starts another machine from the image, with another id and other addresses",
    reversibility="irreversible: the machine is gone, and another one can be started from its image",
    kind="terminate_instance",
    undo="none; people start a new machine from the image",
    drift=("instance_id", "state", "disks", "disks_that_stay", "termination_protection", "image", "tags"),
    order=5,
)


@dataclass(frozen=True)
class Stopped:
    """A stopped machine of a list with its disks on the bill, and how many of those that go with it are not there.

    `resource` bears the machine's id and names, its meters are those of the disks that go.
    """

    machine: ListedMachine
    listed: Inventory
    resource: Metered
    disks: tuple[Metered, ...]
    unbilled: int


def stopped_machines(
    inventories: Iterable[Inventory], billed: Iterable[Metered], *, teams_seen: tuple[str, ...] = (EVERY_TEAM,)
) -> tuple[Stopped, ...]:
    """Every stopped machine that has a disk on the bill; whose machine it is the disks tell.

    Who sees only some teams (`teams_seen`) is told of a machine only with all its disks, those that stay as well, and
    where its own tags name none of the others: a disk that was lent shows nobody the machine that it is attached to.
    """
    disks = {one.resource_id.rpartition("/")[2]: one for one in billed}
    everybody = EVERY_TEAM in teams_seen
    told = []
    for listed in inventories:
        for machine in listed.machines:
            going = [one.volume_id for one in machine.disks if one.goes]
            mine = tuple(
                disks[name] for name in going if name in disks and disks[name].account == listed.account
            )  # fmt: skip
            if not (everybody or _whole(machine, listed, disks, teams_seen)):
                continue
            if machine.state == "stopped" and mine:
                hours = disks[machine.instance_id].hours if machine.instance_id in disks else ()
                resource = _resource(machine, mine, hours)
                told.append(Stopped(machine, listed, resource, mine, len(going) - len(mine)))
    return tuple(told)


def _whole(
    machine: ListedMachine, listed: Inventory, disks: Mapping[str, Metered], teams_seen: tuple[str, ...]
) -> bool:
    """Whether all of it is of teams that are seen, as far as anything names one."""
    named = labels_of(machine.tags).get("x_team")
    own = named is None or named in teams_seen
    return own and all(
        one.volume_id in disks and disks[one.volume_id].account == listed.account for one in machine.disks
    )


def _resource(machine: ListedMachine, disks: tuple[Metered, ...], hours: tuple[Meter, ...]) -> Metered:
    first = disks[0]
    return replace(
        first,
        resource_id=machine.instance_id,
        name=machine.tags.get("Name", first.name),
        instance_type=machine.instance_type,
        details="",
        team=first.team if {one.team for one in disks} == {first.team} else UNTAGGED,
        use_case=first.use_case if {one.use_case for one in disks} == {first.use_case} else NONE,
        meters=(*(meter for one in disks for meter in one.meters), *hours),
    )


def judge(stopped: Stopped, look: Look) -> Judgement | None:
    """The verdict on a stopped machine."""
    machine, limits, resource = stopped.machine, look.limits.long_stopped, stopped.resource
    reasons = _reasons(machine, limits.keep_tags)
    if reasons:
        return Judgement(FORM, finding(FORM, left_alone(len(reasons))), "; ".join(reasons))
    least = Decimal(limits.least_days)
    days = None if machine.stopped_at is None else days_between(machine.stopped_at, stopped.listed.loaded_at)
    long = Check("stopped_days", "days stopped", days, least, "days", at_most=False)
    if machine.stopped_at is None:
        return Judgement(FORM, finding(FORM, long), "it is stopped, and EC2 tells no time since when")
    why = f"stopped since {machine.stopped_at:%Y-%m-%d}"
    if long.holds is False:
        return Judgement(FORM, finding(FORM, long), why)
    copy = snapshot_cost(sum(_sizes(stopped).values()), resource, look, limits.snapshot_price_percent)
    missing = _missing(stopped, copy, look)
    if missing or copy is None:
        return Judgement(FORM, finding(FORM, missing=missing), why)
    meters = tuple(one for one in resource.meters if one.unit.lower() not in HOUR_UNITS)
    hours = look.limits.hours_per_month
    whole = money(meters, days=look.days, share=Decimal(1), hours_per_month=hours)
    made = money(meters, days=look.days, share=Decimal(1), less=copy, hours_per_month=hours, priced_by_bill=False)
    made = replace(made, high=whole.high)  # blocks that were never written are in no snapshot
    worth = Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False)
    staying = len(machine.disks) - len(stopped.disks)
    said = (
        f"{why}; its disks cost {whole.cash:.2f} {resource.currency} a month and its image up to {copy:.2f}"
        + (f"; {staying} of its disks stay and go on costing" if staying else "")
    )  # fmt: skip
    also = tuple(one.resource_id for one in stopped.disks)
    return Judgement(FORM, finding(FORM, long, worth), said, made, _change(stopped), also=also)


def _sizes(stopped: Stopped) -> dict[str, int]:
    """GiB of every disk that is attached: an image holds those that do not go with the machine, too."""
    known, disks = stopped.listed.disk, stopped.machine.disks
    return {one.volume_id: known[one.volume_id].size_gib for one in disks if one.volume_id in known}


def _change(stopped: Stopped) -> dict[str, str]:
    name = stopped.machine.instance_id
    return {
        "kind": FORM.kind, "account": stopped.listed.account, "region": stopped.listed.region, "instance_id": name,
        "image_name": f"spendgate-{name}-{stopped.listed.loaded_at:%Y-%m-%d}",
    }  # fmt: skip


def _reasons(machine: ListedMachine, keep_tags: tuple[str, ...]) -> list[str]:
    """Why it is to be left alone, in words."""
    told = {
        "EC2 is told to refuse its termination": machine.protected is True,
        f"it belongs to the scaling group {quoted(machine.tags.get(GROUP_TAG, ''))}": GROUP_TAG in machine.tags,
        f"it is a {quoted(machine.lifecycle)} machine": bool(machine.lifecycle),
        "its root disk is in the host, and no image holds that": machine.root != "ebs",
        f"it bears the product code {', '.join(map(quoted, machine.product_codes))}": bool(machine.product_codes),
    }
    kept = kept_by(machine.tags, keep_tags)
    return [words for words, so in told.items() if so] + ([kept] if kept else [])


def _missing(stopped: Stopped, copy: Decimal | None, look: Look) -> tuple[str, ...]:
    missing = list(too_old(stopped.listed, look, look.limits.long_stopped.freshest_hours))
    if stopped.machine.protected is None:
        missing.append("whether EC2 is told to refuse its termination")
    if stopped.unbilled:
        missing.append(f"the cost of {stopped.unbilled} more of its disks")
    if len(_sizes(stopped)) < len(stopped.machine.disks):
        missing.append("the size of each of its disks")
    if any(max(meter.days for meter in one.meters) < look.days for one in stopped.disks):
        missing.append("a bill of its disks on every day of the look-back")
    if any(one.currency != stopped.resource.currency or one.region != stopped.listed.region for one in stopped.disks):
        missing.append("a bill of its disks in one currency and in its region")
    if any(meter.quantity > ZERO for meter in stopped.resource.hours):
        missing.append("a list of after its last hours on the bill: by the bill it ran within the look-back")
    if copy is None:
        missing.append("what a GB-month of gp3 or gp2 costs there")
    return tuple(missing)
