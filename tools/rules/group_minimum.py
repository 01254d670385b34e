"""A scaling group whose minimum holds more machines than its quietest hours need.

Above its minimum a group follows its load by itself, so only the hours at the minimum are looked at: what they would
have needed to run at the CPU that groups are meant to run at. Nothing but the minimum is changed; it is the group's own
policy that takes machines away, and brings them back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from lake.metered import Metered
from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import GroupHour, Judgement, Look, finding
from tools.rules.machine import has_accelerator
from tools.rules.machine_thresholds import GroupMinimumThresholds
from tools.rules.measured import missing_metrics
from tools.rules.money import money

GROUP = re.compile(r":autoScalingGroupName/(.+)$")
AWS = "AWS's own example of a policy that holds a group's CPU"
FORM = Form(
    number="6",
    name="group_minimum",
    title="Scaling group whose minimum is higher than its quiet hours need",
    evidence=(
        "the group's minimum, its machines in service and their mean CPU, hour by hour",
        "a minimum that stood unchanged over the look-back",
        "hours of machines of one kind, by the group's tag on the bill, as many as were counted in service",
    ),
    fires="its minimum is higher than what all but the busiest of the hours at the minimum needed, and some to spare",
    limits=(
        Limit("target_cpu_percent", "% of CPU at which its machines may run", AWS),
        Limit("needed_in_percent", "% of the hours at the minimum whose need is met", "ours: p95"),
        Limit("spare_machines", "machines more than were needed", "ours: one may fail"),
        Limit("least_machines", "machines that always stay", "ours: one in each of two zones"),
        Limit("least_metric_hours", "hours with metrics, at least", "ours, as AWS asks for machines"),
        Limit("least_metric_share_percent", "% of the hours of the days billed with metrics, at least", "ours"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
        Limit("most_apart_percent", "% between the machine hours billed and those counted, at most", "ours"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a person's vote costs more"),
    ),
    saving="cost of its machines' hours × machine hours at the minimum that neither the need nor the new minimum keeps"
    " ÷ all machine hours counted",
    risk="medium: a minimum that is held for a sudden rush or a failover looks too high too, and new machines take"
    " minutes to be there; load that CPU does not show (memory, connections) is not seen",
    reversibility="reversible: the minimum can be raised again, and the group starts what it lacks at once",
    kind="set_group_minimum",
    undo="set_group_minimum with the minimums exchanged",
    drift=("name", "min", "max", "status", "created_at", "launches", "policies", "suspended", "scheduled", "tags"),
    order=20,
)


@dataclass(frozen=True)
class Need:
    """What the hours at the minimum tell: the minimum now, what would have done, and which share of the machine hours
    counted that would have spared (0 to 1).
    """

    minimum: int
    enough: int
    share: Decimal
    hours: int


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a scaling group whose machines were billed on the last day; None for anything else."""
    found = GROUP.search(resource.resource_id)
    if found is None or not resource.hours or resource.last_day != look.last_day:
        return None
    limits, days = look.limits.group_minimum, look.days_since(resource.hours)
    told = look.groups.get(resource.resource_id, ())
    whole = [one for one in told if None not in (one.cpu_percent, one.minimum, one.in_service)]
    last = max((one.hour for one in whole), default=None)
    missing = missing_metrics(len(whole), last, billed=Decimal(days * 24), limits=limits, now=look.now)
    missing += _doubts(resource, whole, days, look)
    if missing or not whole:
        return Judgement(FORM, finding(FORM, missing=missing), "what its quiet hours need is not known")
    need = needed(whole, limits)
    made = money(resource.hours, days=days, share=need.share, hours_per_month=look.limits.hours_per_month)
    checks = (
        Check("minimum", "its minimum", Decimal(need.minimum), Decimal(need.enough + 1), "machines", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "group": found[1],
        "before": need.minimum, "after": need.enough,
    }  # fmt: skip
    why = f"a minimum of {need.minimum}; {need.enough} would have done in {need.hours} hours at the minimum"
    return Judgement(FORM, finding(FORM, *checks), why, made, change, need.share)


def needed(told: Sequence[GroupHour], limits: GroupMinimumThresholds) -> Need:
    """Reckoned from hours of which everything was measured, oldest first or not."""
    minimum = max(told, key=lambda one: one.hour).minimum or 0
    at_minimum = [one for one in told if 0 < (one.in_service or 0) <= minimum]
    needs = sorted(_need(one, limits) for one in at_minimum)
    rank = (limits.needed_in_percent * len(needs) / 100).to_integral_value(ROUND_CEILING)
    busiest = needs[max(int(rank), 1) - 1] if needs else minimum
    enough = max(busiest + limits.spare_machines, limits.least_machines)
    spared = sum(max((one.in_service or 0) - max(_need(one, limits), enough), 0) for one in at_minimum)
    ran = sum(one.in_service or 0 for one in told)
    share = EXACT.divide(Decimal(spared), Decimal(ran)) if ran else Decimal(0)
    return Need(minimum, enough, share, len(at_minimum))


def _need(one: GroupHour, limits: GroupMinimumThresholds) -> int:
    """How many machines would have done the hour's work at the CPU that the limits name."""
    work = (one.cpu_percent or Decimal(0)) * (one.in_service or 0)
    return int(EXACT.divide(work, limits.target_cpu_percent).to_integral_value(ROUND_CEILING))


def _doubts(resource: Metered, told: Sequence[GroupHour], days: int, look: Look) -> tuple[str, ...]:
    """What else would have to be known, in words."""
    missing: list[str] = []
    if resource.resource_id in look.namesakes:
        missing.append("metrics of this group alone: others in another region or account bear its name")
    if not resource.instance_type or has_accelerator(resource.instance_type, look):
        missing.append("machines of one known type without GPUs: CPU tells nothing of what GPUs do")
    elif len({meter.name for meter in resource.hours}) > 1:
        missing.append("machines of one kind: others count and cost differently")
    if len({one.minimum for one in told}) > 1:
        missing.append("a minimum that stood unchanged over the look-back")
    counted = Decimal(sum(one.in_service or 0 for one in told))
    if counted:
        # Hours that were not measured are taken to be like the others: the share of them is bounded above.
        expected = EXACT.divide(counted * days * 24, Decimal(len(told)))
        billed = add(meter.quantity for meter in resource.hours)
        if abs(billed - expected) * 100 > expected * look.limits.group_minimum.most_apart_percent:
            missing.append(
                f"as many machine hours on the bill as were counted (billed {billed:.0f}, counted {expected:.0f})"
            )
    return tuple(missing)
