"""A SageMaker endpoint that runs more machines than its load needs.

What all machines do together stays the same when some of them go, and falls on those that are left: so the use of the
busiest one, in all but the busiest of the hours, is projected onto fewer, and only as far as the target allows. One
that nobody calls is left to the rule about idle endpoints, which saves the whole of it.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

from lake.errors import LakeError
from lake.machine_shapes import MachineShape
from lake.metered import Metered
from tools.detection.contributions import EXACT
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.idle_endpoint import concerns
from tools.rules.judged import EndpointHour, Judgement, Look, finding
from tools.rules.measured import missing_metrics
from tools.rules.money import money
from tools.rules.thresholds import OversizedEndpointThresholds

OURS = "ours"
FORM = Form(
    number="15",
    name="oversized_endpoint",
    title="SageMaker endpoint with more machines than its load needs",
    evidence=(
        "CPU of its busiest machine and, where its type has them, GPUs, hour by hour",
        "as many machines on every day of the look-back, all of one kind, by the hours billed",
        "how many cores and GPUs a machine of its type has",
        "its name borne by no other endpoint, and metrics of one variant",
    ),
    fires="fewer machines would run below the target in all but the busiest of its hours",
    limits=(
        Limit("target_percent", "% of CPU and GPUs after the removal, at most", "OptScale: q99 at most 80 %"),
        Limit("needed_in_percent", "% of the hours whose need is met", "OptScale: q99"),
        Limit("least_machines", "machines that always stay", "AWS: two or more, in two zones"),
        Limit("minimum_tag", "tag that says how many machines always stay", OURS),
        Limit("most_apart_percent", "% between a day's hours billed and whole machines, at most", OURS),
        Limit("least_metric_hours", "hours with metrics, at least", "AWS Compute Optimizer"),
        Limit("least_metric_share_percent", "% of the hours of the days billed with metrics, at least", OURS),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a person's vote costs more"),
    ),
    saving="cost of its machines' hours × machines that go ÷ machines that run",
    risk="medium: a rush that the look-back did not see meets fewer machines, and memory is not projected; adding"
    " machines takes minutes, and large GPUs may be scarce then",
    reversibility="reversible: its number of machines can be set back",
    kind="set_endpoint_count",
    undo="set_endpoint_count with the two numbers exchanged",
    drift=("name", "status", "config", "machines", "config_variants", "modified_at", "tags"),
    order=20,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on an endpoint of which anything was measured; None for anything else, and for an idle one."""
    use, told = look.uses.get(resource.resource_id), look.endpoint_hours.get(resource.resource_id, ())
    if not concerns(resource, look) or (use is None and not told):
        return None
    if use is not None and use.invocations is not None and use.invocations <= _idle(look):
        return None
    limits, days = look.limits.oversized_endpoint, look.days_since(resource.hours)
    running, least = _running(resource, limits), _least(resource, look)
    if running is not None and least is not None and running <= least:
        check = Check(
            "machines", "machines that run", Decimal(running), Decimal(least + 1), "machines", at_most=False
        )  # fmt: skip
        return Judgement(FORM, finding(FORM, check), f"{running} machines, and {least} always stay")
    shape = _shape(resource, look)
    used = [one for hour in told if shape is not None and (one := _used(hour, shape)) is not None]
    last = max((hour.hour for hour in told if shape is None or _used(hour, shape) is not None), default=None)
    counted = len(used) if shape is not None else len(told)
    missing = missing_metrics(counted, last, billed=Decimal(days * 24), limits=limits, now=look.now)
    missing += _doubts(resource, look, running, least, shape)
    if missing or running is None or least is None or not used:
        return Judgement(FORM, finding(FORM, missing=missing), "how many machines its load needs is not known")
    busiest = _busiest(used, limits)
    enough = max(_ceiling(EXACT.divide(busiest * running, limits.target_percent)), least)
    share = max(EXACT.divide(Decimal(running - enough), Decimal(running)), Decimal(0))
    made = money(resource.hours, days=days, share=share, hours_per_month=look.limits.hours_per_month)
    checks = (
        Check("machines", "machines that run", Decimal(running), Decimal(enough + 1), "machines", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    why = (
        f"{running} machines of {resource.instance_type} at {busiest:.0f} % in all but the busiest of {len(used)}"
        f" hours; {enough} would have done"
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region,
        "endpoint": resource.resource_id.rpartition("/")[2], "before": running, "after": enough,
    }  # fmt: skip
    return Judgement(FORM, finding(FORM, *checks), why, made, change if enough < running else None, share)


def _idle(look: Look) -> int:
    return look.limits.idle_endpoint.most_invocations


def _running(resource: Metered, limits: OversizedEndpointThresholds) -> int | None:
    """How many machines ran on every day, told by the hours billed; None where that is no one whole number."""
    if len(resource.hours) != 1:
        return None
    (meter,) = resource.hours
    machines = int(EXACT.divide(meter.most_quantity, Decimal(24)).to_integral_value())
    whole, apart = Decimal(machines * 24), Decimal(machines * 24) * limits.most_apart_percent / 100
    told = (meter.least_quantity, meter.most_quantity)
    return machines if machines and all(abs(one - whole) <= apart for one in told) else None


def _least(resource: Metered, look: Look) -> int | None:
    """How many always stay, by the limit or by its own tag; None where the tag says no number."""
    least, written = look.limits.oversized_endpoint.least_machines, look.endpoint_minimums.get(resource.resource_id)
    if written is None:
        return least
    return max(least, int(written)) if written.isascii() and written.isdigit() else None


def _shape(resource: Metered, look: Look) -> MachineShape | None:
    """SageMaker's types are EC2's of the same name."""
    try:
        return look.book.shape(resource.instance_type.removeprefix("ml."))
    except LakeError:
        return None


def _used(hour: EndpointHour, shape: MachineShape) -> Decimal | None:
    """The busier of CPU and GPUs, 0 to 100; None where one that the type has was not measured."""
    if hour.cpu_cores_percent is None or (shape.gpus > 0 and hour.gpu_cards_percent is None):
        return None
    cpu = EXACT.divide(hour.cpu_cores_percent, Decimal(shape.vcpus))
    return max(cpu, EXACT.divide(hour.gpu_cards_percent or Decimal(0), Decimal(shape.gpus))) if shape.gpus > 0 else cpu


def _busiest(used: Sequence[Decimal], limits: OversizedEndpointThresholds) -> Decimal:
    """The use that all but the busiest hours stay at or below."""
    return sorted(used)[max(_ceiling(limits.needed_in_percent * len(used) / 100), 1) - 1]


def _ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _doubts(
    resource: Metered, look: Look, running: int | None, least: int | None, shape: MachineShape | None
) -> tuple[str, ...]:
    """What else would have to be known, in words."""
    missing = []
    if resource.resource_id in look.namesakes:
        missing.append("metrics of this endpoint alone: others in another region or account bear its name")
    if running is None:
        missing.append("one number of machines of one kind that stood unchanged over the look-back")
    if least is None:
        missing.append(f"a whole number in its tag {look.limits.oversized_endpoint.minimum_tag}")
    if shape is None:
        missing.append(f"how many cores and GPUs {resource.instance_type or 'its type'} has")
    return tuple(missing)
