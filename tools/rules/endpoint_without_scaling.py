"""A SageMaker endpoint whose quiet hours need far fewer machines than its busy ones, and whose number never changes.

AWS can follow one measure that every endpoint has: calls for each machine. How many calls a machine bears is told by
the hours in which it worked: calls of the hour over the use that they made. From that follows how many machines each
hour would have had; and where the load would not have followed the calls, nothing is proposed. Where fewer machines
would do at all hours, that is the rule of too many machines', and comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from lake.metered import Metered
from tools.detection.contributions import EXACT
from tools.rules import oversized_endpoint
from tools.rules.endpoint_machines import always, at_percent, ceiling, running, shape_of, worked
from tools.rules.evidence import Check, Verdict
from tools.rules.form import Form, Limit
from tools.rules.judged import EndpointHour, Judgement, Look, finding
from tools.rules.measured import missing_metrics
from tools.rules.money import money
from tools.rules.serving_thresholds import EndpointScalingThresholds

OURS, MINUTES = "ours", 60
SAFETY = "AWS: a safety factor of 0.5 to begin with, for SageMakerVariantInvocationsPerInstance"
FORM = Form(
    number="17",
    name="endpoint_without_scaling",
    title="SageMaker endpoint with a fixed number of machines and quiet hours",
    evidence=(
        "all that rule 15 asks for, by which not fewer machines would do at all hours",
        "calls (invocations) hour by hour, zeros included",
    ),
    fires="its quiet hours have far fewer calls than its busy ones, its load follows its calls, and scaling between the"
    " machines that always stay and those that run today would save enough",
    limits=(
        Limit("quiet_percent", "% of the hours that count as quiet", "ours: p5"),
        Limit("busy_percent", "% of the hours that all but busy ones stay below", "ours: p95"),
        Limit("most_quiet_share_percent", "% that a quiet hour has of a busy one's calls, below", OURS),
        Limit("target_percent", "% of CPU and GPUs at which its machines are to run", SAFETY),
        Limit("loaded_percent", "% of a busy hour's calls from which an hour tells what a machine bears", OURS),
        Limit("most_percent", "% of CPU and GPUs that the hours would have had, at most", "OptScale: q99 at most 80 %"),
        Limit("needed_in_percent", "% of the hours that must stay below that", "OptScale: q99"),
        Limit("least_metric_hours", "hours with calls and metrics, at least", "AWS Compute Optimizer"),
        Limit("least_metric_share_percent", "% of the hours of the days billed with both, at least", OURS),
        Limit("freshest_metric_hours", "hours since the last of them, at most", "AWS's last day, and one of delivery"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a person's vote costs more"),
    ),
    saving="cost of its machines' hours × machine hours that its calls would not have asked for ÷ all machine hours",
    risk="medium: a rush meets the machines of the quiet hours, and more of them take minutes; memory is not looked at",
    reversibility="reversible: the scaling can be ended and the number set back",
    kind="set_endpoint_scaling",
    undo="end_endpoint_scaling, which sets the number back besides",
    drift=("name", "status", "config", "config_variants", "machines", "scaling", "modified_at", "tags"),
    order=30,
)

Hours = Sequence[tuple[EndpointHour, Decimal]]


@dataclass(frozen=True)
class Plan:
    """How its hours would have been scaled. `calls` are those a minute that each machine is to have; shares are 0 to 1;
    `load` is the use that all but the busiest hours would have had, 0 to 100.
    """

    quiet_share: Decimal
    calls: Decimal
    load: Decimal
    spared: Decimal


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on an endpoint that needs its machines at some hour; None for anything else, and where the rule of
    too many machines fires or says itself what is missing."""
    first = oversized_endpoint.judge(resource, look)
    runs, least = running(resource, look.limits.oversized_endpoint), always(resource, look)
    if first is None or first.finding.verdict != Verdict.FINE or runs is None or least is None:
        return None
    if runs <= least:
        return None
    limits, days = look.limits.endpoint_without_scaling, look.days_since(resource.hours)
    told = worked(look.endpoint_hours.get(resource.resource_id, ()), shape_of(resource, look)).hours
    counted = [(hour, used) for hour, used in told if hour.calls is not None]
    last = max((hour.hour for hour, _ in counted), default=None)
    missing = missing_metrics(len(counted), last, billed=Decimal(days * 24), limits=limits, now=look.now)
    if missing:
        missing = tuple(f"of its calls: {one}" for one in missing)
        return Judgement(FORM, finding(FORM, missing=missing), "how its calls rise and fall is not known")
    plan = planned(counted, runs, least, limits)
    made = money(resource.hours, days=days, share=plan.spared, hours_per_month=look.limits.hours_per_month)
    checks = (
        Check(
            "quiet", "calls of a quiet hour, of a busy one's", plan.quiet_share * 100, limits.most_quiet_share_percent,
            "%",
        ),
        Check("calls", "calls a minute for each machine", plan.calls, Decimal(1), "calls", at_most=False),
        Check("load", "load when scaled by calls", round(plan.load, 2), limits.most_percent, "%", strict=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )  # fmt: skip
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region,
        "endpoint": resource.resource_id.rpartition("/")[2], "least": least, "most": runs, "calls": int(plan.calls),
    }  # fmt: skip
    why = (
        f"always {runs} machines of {resource.instance_type}, though quiet hours have {plan.quiet_share * 100:.0f} % of"
        f" a busy one's calls; {least} to {runs} at {plan.calls} calls a minute each would have spared"
        f" {plan.spared * 100:.0f} % of {len(counted)} hours' machines"
    )
    fires = all(check.holds for check in checks)
    return Judgement(FORM, finding(FORM, *checks), why, made, change if fires else None, plan.spared)


def planned(told: Hours, runs: int, least: int, limits: EndpointScalingThresholds) -> Plan:
    """Reckoned from hours of which calls and use were measured, oldest first or not."""
    calls = [Decimal(hour.calls or 0) for hour, _ in told]
    quiet, busy = at_percent(calls, limits.quiet_percent), at_percent(calls, limits.busy_percent)
    each = _bears(told, busy, runs, limits)
    if not busy or each < 1:
        return Plan(EXACT.divide(quiet, busy) if busy else Decimal(1), each, Decimal(0), Decimal(0))
    needs = [min(max(ceiling(EXACT.divide(one, each * MINUTES)), least), runs) for one in calls]
    loads = [EXACT.divide(used * runs, Decimal(need)) for (_, used), need in zip(told, needs, strict=True)]
    spared = EXACT.divide(Decimal(sum(runs - need for need in needs)), Decimal(runs * len(needs)))
    return Plan(EXACT.divide(quiet, busy), each, at_percent(loads, limits.needed_in_percent), spared)


def _bears(told: Hours, busy: Decimal, runs: int, limits: EndpointScalingThresholds) -> Decimal:
    """How many calls a minute one machine bears at the target, in all but the heaviest of the hours that work.

    The busiest machine's use over the calls of the average one: a number that is rather too low than too high.
    """
    from_calls = busy * limits.loaded_percent / 100
    rates = [
        EXACT.divide(Decimal(hour.calls or 0), used * runs * MINUTES)
        for hour, used in told
        if used > 0 and (hour.calls or 0) >= max(from_calls, Decimal(1))
    ]
    if not rates:
        return Decimal(0)
    bears = at_percent(rates, limits.quiet_percent) * limits.target_percent
    return bears.to_integral_value(ROUND_FLOOR)
