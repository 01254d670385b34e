"""A machine for development that runs through nights and weekends, in which nobody uses it.

It is used by day, or it would be for the rule of idle machines. The change has AWS stop it every evening, for some
months: whoever wants it starts it in the morning, so that weekends and holidays need no list. Without a role that AWS
may take on for it (`scheduler_role`) the finding is advice, and tells the schedule that people may set up themselves.
A machine that bears a tag against it, or belongs to a scaling group, is left alone.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from approvals.changes.stop_schedule import opted_out
from lake.metered import Metered
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, MachineHour, finding
from tools.rules.machine import INSTANCE, has_accelerator
from tools.rules.machine_thresholds import OffHoursThresholds
from tools.rules.measured import missing_metrics
from tools.rules.money import money
from tools.rules.office_hours import HOURS_A_WEEK

DEVELOPMENT = frozenset({"development", "develop", "dev", "test", "testing", "sandbox", "qa"})
SCALE = "OptScale, idle hours of a power schedule"
FORM = Form(
    number="5",
    name="off_hours",
    title="Machine for development that runs unused through nights and weekends",
    evidence=(
        "its environment, from its tags",
        "CPU and network, hour by hour, and of a machine with GPUs what these did",
        "hours billed on every day of the look-back",
        "working hours, time zone and days, in `savings.toml`; holidays in `calendar.csv`",
    ),
    fires="it was billed nearly all hours of every day, was used in working hours, and in no hour outside them;"
    " holidays count as outside",
    limits=(
        Limit("working_hours", "in which it is wanted, whole hours", "ours"),
        Limit("working_days", "of the week", "ours"),
        Limit("time_zone", "of the working hours", "yours"),
        Limit("cpu_percent", "% at its highest in an hour, less than", SCALE),
        Limit("network_mb_per_hour", "MB in an hour, less than", f"{SCALE}: 1,000 bytes a second"),
        Limit("gpu_active_percent", "% of an hour, less than", "AWS Compute Optimizer, idle G and P instances"),
        Limit("most_busy_hours", "hours outside working hours in which it was used, at most", "ours"),
        Limit("least_hours_per_day", "hours billed on its shortest day", "ours: as of notebooks"),
        Limit("scheduler_role", "name of the IAM role by which AWS may stop machines; without it advice only", "yours"),
        Limit("schedule_days", "days for which a schedule is made", "ours: a quarter, then people vote anew"),
        Limit("opt_out_tags", "tags that leave a machine alone, whatever their value but no", "ours"),
        Limit("least_metric_hours", "hours with metrics, at least", "AWS Compute Optimizer, idle EC2 instances"),
        Limit("least_metric_share_percent", "% of the billed hours with metrics, at least", "ours"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a schedule is not worth its keep"),
    ),
    saving="cost of its hours × the hours outside working hours (168 - working hours) a week, if somebody starts it on"
    " every working morning; holidays save more",
    risk="low: disks are kept; what runs at night once a month is not seen in a fortnight, and AWS stops the machine"
    " whatever runs, also in a freeze",
    reversibility="reversible: the schedule can be deleted",
    kind="schedule_stop",
    undo="unschedule_stop; a machine that is stopped then is started by whoever wants it",
    drift=("schedule", "instance_id", "type", "lifecycle", "root_device", "scaling_group", "stop_protection", "tags",
           "disks"),
    order=15,
    otherwise="Name a role in savings.toml (scheduler_role), or set the schedule up yourself.",
)  # fmt: skip


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a machine for development that was measured at all and is used; None for anything else."""
    told = look.machine_hours.get(resource.resource_id, ())
    tags = look.tags.get(resource.resource_id, {})
    limits, hours = look.limits.off_hours, resource.hours
    runs = INSTANCE.search(resource.resource_id) and hours and resource.last_day == look.last_day
    if not runs or resource.environment.lower() not in DEVELOPMENT or not told or look.group_tag in tags:
        return None
    opted = opted_out(tags, limits.opt_out_tags)
    if opted is not None:
        check = Check("opted_out", "tag that leaves it alone", Decimal(1), Decimal(1), "")
        return Judgement(FORM, finding(FORM, check), f"its tag {opted} says that it is to run")
    gpus = has_accelerator(resource.instance_type, look)
    office, days = limits.office(), look.days_since(hours)
    whole = [one for one in told if _measured(one, gpus=gpus)]
    busy = [one for one in whole if _used(one, limits, gpus=gpus)]
    outside = sum(not office.wanted(one.hour, look.holidays) for one in busy)
    if whole and not busy:
        return None  # idle by day too: the rule of idle machines says more
    billed = sum((meter.quantity for meter in hours), start=Decimal(0))
    least = min(meter.least_quantity for meter in hours) if max(one.days for one in hours) >= look.days else Decimal(0)
    share = 1 - Decimal(office.a_week) / HOURS_A_WEEK
    made = money(hours, days=days, share=share, hours_per_month=look.limits.hours_per_month)
    checks = (
        Check("shortest_day", "hours on its shortest day", least, limits.least_hours_per_day, "hours", at_most=False),
        Check("busy_outside", "hours used outside working hours", Decimal(outside), Decimal(limits.most_busy_hours),
              "hours", strict=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )  # fmt: skip
    last = max((one.hour for one in whole), default=None)
    missing = missing_metrics(len(whole), last, billed=billed, limits=limits, now=look.now)
    if not resource.instance_type:
        missing += ("its type: what GPUs do shows in neither CPU nor network",)
    why = f"used in {len(busy)} hours, {outside} of them outside working hours; {office.schedule()}"
    return Judgement(FORM, finding(FORM, *checks, missing=missing), why, made, _change(resource, look), share)


def _change(resource: Metered, look: Look) -> dict[str, Any] | None:
    """The schedule that stops it at the end of working hours; None where no role is named that might."""
    limits, found = look.limits.off_hours, INSTANCE.search(resource.resource_id)
    if not limits.scheduler_role or found is None:
        return None
    return {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "instance_id": found[1],
        "hour": limits.office().end.hour, "zone": limits.time_zone, "role": limits.scheduler_role,
        "until": (look.last_day + timedelta(days=limits.schedule_days)).isoformat(),
        "opt_out_tags": limits.opt_out_tags,
    }  # fmt: skip


def _measured(one: MachineHour, *, gpus: bool) -> bool:
    return one.cpu_percent is not None and one.network_mb is not None and (not gpus or one.gpu_percent is not None)


def _used(one: MachineHour, limits: OffHoursThresholds, *, gpus: bool) -> bool:
    told: Sequence[tuple[Decimal | None, Decimal]] = (
        (one.cpu_percent, limits.cpu_percent),
        (one.network_mb, limits.network_mb_per_hour),
        *(((one.gpu_percent, limits.gpu_active_percent),) if gpus else ()),
    )
    return any(value is not None and value >= limit for value, limit in told)
