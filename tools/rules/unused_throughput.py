"""Provisioned throughput of Amazon Bedrock that nobody calls: model units that are paid by the hour all the same.

What was bought for a term is paid until the term ends, whoever calls it; no bill tells when that is. So it is never
called waste here: it is told with what is missing, so that somebody sees to it that it is not bought again.
"""

import re
from decimal import Decimal

from lake.metered import Metered
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.measured import missing_metrics
from tools.rules.money import money

THROUGHPUT = re.compile(r":provisioned-model/([a-z0-9]{12})$")
TERM = re.compile(r"month|year|(?<!no)(?<!no[ _-])commit", re.IGNORECASE)
"""how the meter of a throughput says that it was bought for a term"""
OURS = "ours, as AWS judges idle SageMaker endpoints"
FORM = Form(
    number="29",
    name="unused_throughput",
    title="Bedrock provisioned throughput that nobody calls",
    evidence=(
        "calls (invocations) of it, hour by hour, zeros included",
        "counted in most of the hours for which it was billed, the last of them recent",
        "hours billed on the last day, by a meter that names no term",
    ),
    fires="not more calls than the limit were counted over the whole look-back, and it was bought for no term",
    limits=(
        Limit("most_invocations", "calls over the look-back, at most", OURS),
        Limit("least_metric_hours", "hours with metrics, at least", OURS),
        Limit("least_metric_share_percent", "% of the billed hours with metrics, at least", "ours"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
    ),
    saving="cost of the hours of its model units",
    risk="high: what is called once a quarter looks unused too; one bought again has another id that every caller must"
    " be told, costs what it costs then, and may not be had",
    reversibility="irreversible: the same one cannot be had again",
    kind="delete_throughput",
    undo="none",
    drift=("name", "status", "model", "units", "units_wanted", "commitment", "committed_until", "created_at",
           "modified_at", "tags"),
    order=10,
)  # fmt: skip


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a throughput that was billed by the hour on the last day; None for anything else."""
    found, hours = THROUGHPUT.search(resource.resource_id), resource.hours
    if found is None or not hours or resource.last_day != look.last_day:
        return None
    use, limits, days = look.uses.get(resource.resource_id), look.limits.unused_throughput, look.days_since(hours)
    calls = None if use is None or use.invocations is None else Decimal(use.invocations)
    check = Check("invocations", "calls counted", calls, Decimal(limits.most_invocations), "calls", strict=False)
    missing: tuple[str, ...] = ()
    if use is not None and calls is not None:
        # Several model units are billed for the same hour, and counted in once.
        billed = min(sum((meter.quantity for meter in hours), start=Decimal(0)), Decimal(days * 24))
        missing = missing_metrics(
            use.invocation_hours, use.last_invocations_at, billed=billed, limits=limits, now=look.now
        )
    term = next((meter.name for meter in hours if TERM.search(meter.name)), None)
    if term is not None:
        missing += (f"the end of the term that it was bought for ({term}): until then nothing is saved",)
    made = money(hours, days=days, share=Decimal(1), hours_per_month=look.limits.hours_per_month)
    change = {"kind": FORM.kind, "account": resource.account, "region": resource.region, "throughput": found[1]}
    if use is None or calls is None:
        said = "its calls were not counted"
    else:
        said = f"{calls or 'no'} calls in {use.invocation_hours} hours that were counted"
    return Judgement(FORM, finding(FORM, check, missing=missing), said, made, change)
