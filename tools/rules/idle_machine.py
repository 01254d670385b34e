"""A machine without GPUs that nobody uses: neither its processors nor its network did anything over the look-back.

AWS's own two conditions. A machine of which nothing at all was measured is not judged but counted, since a bill with a
thousand such machines would otherwise be a thousand rows that say the same.
"""

from decimal import Decimal

from lake.metered import Metered
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.machine import INSTANCE, has_accelerator
from tools.rules.measured import missing_metrics
from tools.rules.money import money

AWS = "AWS Compute Optimizer, idle EC2 instances"
FORM = Form(
    number="1b",
    name="idle_machine",
    title="Machine without GPUs that nobody uses",
    evidence=(
        "CPU and network, hour by hour",
        "both for most of the billed hours, the last of them recent",
        "hours billed on the last day",
        "its type, told by the meter of its hours",
    ),
    fires="the highest CPU and the busiest day's network stay below their limits over the whole look-back",
    limits=(
        Limit("cpu_percent", "% at its highest, less than", AWS),
        Limit("network_mb_per_day", "MB on its busiest day, less than", AWS),
        Limit("least_metric_hours", "hours with metrics, at least", AWS),
        Limit("least_metric_share_percent", "% of the billed hours with metrics, at least", "ours: stricter than AWS"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
        Limit("accelerator_families", "families with accelerators, left out beside those with GPUs", "AWS's own lists"),
    ),
    saving="cost of its hours; disks and addresses stay and are not counted",
    risk="medium: what waits for rare work (a standby, a licence server) looks idle too",
    reversibility="reversible: it can be started again",
    kind="stop_instance",
    undo="start_instance",
    drift=("instance_id", "state", "type", "launched_at", "scaling_group", "stop_protection", "tags", "disks"),
    order=10,
)


def concerns(resource: Metered, look: Look) -> bool:
    """Whether it is a machine that ran on the last day, and of which no GPU or other accelerator is known."""
    machine = bool(INSTANCE.search(resource.resource_id)) and bool(resource.hours)
    return machine and resource.last_day == look.last_day and not has_accelerator(resource.instance_type, look)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a machine of which anything was measured; None for anything else."""
    use = look.uses.get(resource.resource_id)
    if use is None or not concerns(resource, look):
        return None
    limits = look.limits.idle_machine
    hours, days = resource.hours, look.days_since(resource.hours)
    billed = sum((meter.quantity for meter in hours), start=Decimal(0))
    checks = (
        Check("cpu", "CPU, highest", use.cpu_max_percent, limits.cpu_percent, "%"),
        Check("network", "network a day, highest", use.network_mb_per_day, limits.network_mb_per_day, "MB"),
    )
    missing = missing_metrics(use.metric_hours, use.last_metric_at, billed=billed, limits=limits, now=look.now)
    if not resource.instance_type:
        missing += ("its type: one with GPUs would look as idle by CPU and network",)
    said = finding(FORM, *checks, missing=missing)
    made = money(hours, days=days, share=Decimal(1), hours_per_month=look.limits.hours_per_month)
    found = INSTANCE.search(resource.resource_id)
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region,
        "instance_id": found[1] if found else "",
    }  # fmt: skip
    cpu = "unknown" if use.cpu_max_percent is None else f"{use.cpu_max_percent.normalize():f} %"
    return Judgement(
        FORM, said, f"{resource.instance_type or 'a machine'}, CPU at most {cpu} on {days} days", made, change
    )
