"""A SageMaker endpoint that runs more machines than its load needs.

What all machines do together stays the same when some of them go, and falls on those that are left: so the use of the
busiest one, in all but the busiest of the hours, is projected onto fewer, and only as far as the target allows. One
that nobody calls is left to the rule about idle endpoints, which saves the whole of it.
"""

from decimal import Decimal

from lake.metered import Metered
from tools.detection.contributions import EXACT
from tools.rules.endpoint_machines import (
    always,
    at_percent,
    doubts,
    enough_always,
    running,
    shape_of,
    worked,
)
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.idle_endpoint import concerns
from tools.rules.judged import Judgement, Look, finding
from tools.rules.measured import missing_metrics
from tools.rules.money import money

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
    runs, least = running(resource, limits), always(resource, look)
    if runs is not None and least is not None and runs <= least:
        check = Check("machines", "machines that run", Decimal(runs), Decimal(least + 1), "machines", at_most=False)
        return Judgement(FORM, finding(FORM, check), f"{runs} machines, and {least} always stay")
    shape = shape_of(resource, look)
    work = worked(told, shape)
    last = work.last_at if shape is not None else max((hour.hour for hour in told), default=None)
    counted = len(work.hours) if shape is not None else len(told)
    missing = missing_metrics(counted, last, billed=Decimal(days * 24), limits=limits, now=look.now)
    missing += doubts(resource, look, runs, least, shape)
    if missing or runs is None or least is None or not work.hours:
        return Judgement(FORM, finding(FORM, missing=missing), "how many machines its load needs is not known")
    enough = enough_always(work.used, runs, least, limits)
    share = max(EXACT.divide(Decimal(runs - enough), Decimal(runs)), Decimal(0))
    made = money(resource.hours, days=days, share=share, hours_per_month=look.limits.hours_per_month)
    checks = (
        Check("machines", "machines that run", Decimal(runs), Decimal(enough + 1), "machines", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    why = (
        f"{runs} machines of {resource.instance_type} at {at_percent(work.used, limits.needed_in_percent):.0f} % in all"
        f" but the busiest of {len(work.hours)}"
        f" hours; {enough} would have done"
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region,
        "endpoint": resource.resource_id.rpartition("/")[2], "before": runs, "after": enough,
    }  # fmt: skip
    return Judgement(FORM, finding(FORM, *checks), why, made, change if enough < runs else None, share)


def _idle(look: Look) -> int:
    return look.limits.idle_endpoint.most_invocations
