"""Idle GPU instance: a running G or P machine that nobody used over the whole look-back, by AWS's own five conditions.

Cost alone cannot tell: an idle machine and a busy one cost the same.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tools.rules.evidence import Check, Finding, Verdict
from tools.rules.form import Form, Limit
from tools.rules.machine import in_families
from tools.rules.machine_thresholds import IdleGpuThresholds
from tools.rules.measured import least_hours, missing_metrics

RULE = "idle_gpu_instance"
AWS = "AWS Compute Optimizer, idle G and P instances"
FORM = Form(
    number="1",
    name=RULE,
    title="GPU machine that nobody uses",
    evidence=(
        "GPU and video encoder activity, GPU memory, CPU and network, hour by hour",
        "metrics for most of the billed hours, the last of them recent",
        "hours billed on the last day",
    ),
    fires="all five metrics stay within their limits over the whole look-back",
    limits=(
        Limit("gpu_active_percent", "% of the time, less than", AWS),
        Limit("encoder_active_percent", "% of the time, at most", AWS),
        Limit("gpu_memory_percent", "% at its highest, less than", AWS),
        Limit("cpu_percent", "% at its highest, less than", AWS),
        Limit("network_mb_per_day", "MB on its busiest day, less than", AWS),
        Limit("families", "families of instance types, by their letters", AWS),
        Limit("least_metric_hours", "hours with metrics, at least", AWS),
        Limit("least_metric_share_percent", "% of the billed hours with metrics, at least", "ours: stricter than AWS"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
    ),
    saving="effective rate of the hours that no commitment covers × their share of a month; disks stay",
    risk="medium: instance store and public address are lost, and large GPUs may be scarce when it is to start again",
    reversibility="reversible: it can be started again",
    kind="stop_instance",
    undo="start_instance",
    drift=("instance_id", "state", "type", "launched_at", "scaling_group", "stop_protection", "tags", "disks"),
    order=10,
)


@dataclass(frozen=True)
class MachineUse:
    """What was measured on one machine over the look-back; None is "not measured". Percentages are 0..100."""

    metric_hours: int = 0
    billed_hours: Decimal | None = None
    gpu_active_percent: Decimal | None = None
    gpu_memory_max_percent: Decimal | None = None
    encoder_active_percent: Decimal | None = None
    cpu_max_percent: Decimal | None = None
    network_mb_per_day: Decimal | None = None
    last_metric_at: datetime | None = None


def is_gpu_family(instance_type: str, thresholds: IdleGpuThresholds) -> bool:
    """Whether `g5.12xlarge` belongs to a family that the rule knows (letters before the generation)."""
    return in_families(instance_type, thresholds.families)


def judge(use: MachineUse, *, now: datetime, thresholds: IdleGpuThresholds) -> Finding:
    """The verdict: one broken condition is *in use*; otherwise anything unmeasured is *unknown*; all five is *idle*."""
    conditions, billed = _conditions(use, thresholds), use.billed_hours or Decimal(0)
    coverage = Check(
        name="metric_hours",
        label="hours with metrics",
        measured=Decimal(use.metric_hours),
        limit=least_hours(billed, thresholds),
        unit="hours",
        at_most=False,
    )
    missing = [check.label for check in conditions if check.measured is None]
    missing += missing_metrics(use.metric_hours, use.last_metric_at, billed=billed, limits=thresholds, now=now)
    return Finding(RULE, _verdict(conditions, missing), (*conditions, coverage), tuple(missing))


def _verdict(conditions: tuple[Check, ...], missing: list[str]) -> Verdict:
    if any(check.holds is False for check in conditions):
        return Verdict.IN_USE
    return Verdict.UNKNOWN if missing else Verdict.IDLE


def _conditions(use: MachineUse, limits: IdleGpuThresholds) -> tuple[Check, ...]:
    return (
        Check("gpu_active", "GPU active, share of time", use.gpu_active_percent, limits.gpu_active_percent, "%"),
        Check("gpu_memory", "GPU memory, highest", use.gpu_memory_max_percent, limits.gpu_memory_percent, "%"),
        Check(
            "encoder",
            "video encoder active, share of time",
            use.encoder_active_percent,
            limits.encoder_active_percent,
            "%",
            strict=False,
        ),
        Check("cpu", "CPU, highest", use.cpu_max_percent, limits.cpu_percent, "%"),
        Check("network", "network a day, highest", use.network_mb_per_day, limits.network_mb_per_day, "MB"),
    )
