"""A SageMaker endpoint that nobody has called over the whole look-back, and whose machines are billed all the same.

An endpoint costs the same whether it answers or waits, so only counted calls tell. One whose calls were not counted is
no idle one: a monitoring that broke would otherwise delete the model that the bank decides credits with.
"""

import re
from decimal import Decimal

from lake.metered import Metered
from tools.rules.endpoint_names import unlike
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.measured import missing_metrics
from tools.rules.money import money

ENDPOINT = re.compile(r":endpoint/([A-Za-z0-9][A-Za-z0-9-]{0,62})$")
AWS = "AWS Compute Optimizer, idle SageMaker endpoints"
BEHIND = ("config_created_at", "config_variants", "models")
FORM = Form(
    number="14",
    name="idle_endpoint",
    title="SageMaker endpoint that nobody calls",
    evidence=(
        "calls (invocations), hour by hour, zeros included",
        "counted in most of the hours for which it was billed, the last of them recent",
        "hours billed on the last day",
        "its name borne by no other endpoint",
    ),
    fires="not more calls than the limit were counted over the whole look-back",
    limits=(
        Limit("most_invocations", "calls over the look-back, at most", AWS),
        Limit("least_metric_hours", "hours with metrics, at least", AWS),
        Limit("least_metric_share_percent", "% of the billed hours with metrics, at least", "ours: stricter than AWS"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
    ),
    saving="cost of the hours of its machines; its files and its configuration stay",
    risk="medium: what is called once a quarter, or stands by for another, looks idle too; it takes minutes to be back,"
    " and large GPUs may be scarce then",
    reversibility="reversible: it can be created again from its configuration",
    kind="delete_endpoint",
    undo="create_endpoint from the sealed configuration; tags are not brought back",
    drift=("name", "status", "config", *BEHIND, "machines", "created_at", "modified_at", "tags"),
    order=10,
)


def concerns(resource: Metered, look: Look) -> bool:
    """Whether it is an endpoint that was billed by the hour on the last day."""
    return (
        ENDPOINT.search(resource.resource_id) is not None
        and bool(resource.hours)
        and resource.last_day == look.last_day
    )


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on an endpoint whose calls were counted at all; None for anything else."""
    found, use = ENDPOINT.search(resource.resource_id), look.uses.get(resource.resource_id)
    if found is None or use is None or use.invocations is None or not concerns(resource, look):
        return None
    missing = unlike(resource, look)
    if missing:
        return Judgement(FORM, finding(FORM, missing=missing), "whose calls were counted is not known")
    limits, hours, days = look.limits.idle_endpoint, resource.hours, look.days_since(resource.hours)
    check = Check(
        "invocations", "calls counted", Decimal(use.invocations), Decimal(limits.most_invocations), "calls",
        strict=False,
    )  # fmt: skip
    # Several machines of one endpoint are billed for the same hour, and counted in once.
    billed = min(sum((meter.quantity for meter in hours), start=Decimal(0)), Decimal(days * 24))
    missing = missing_metrics(
        use.invocation_hours, use.last_invocations_at, billed=billed, limits=limits, now=look.now
    )  # fmt: skip
    made = money(hours, days=days, share=Decimal(1), hours_per_month=look.limits.hours_per_month)
    change = {"kind": FORM.kind, "account": resource.account, "region": resource.region, "endpoint": found[1]}
    counted = f"{use.invocations} calls" if use.invocations else "no call"
    machine = resource.instance_type or "a machine"
    said = f"{machine}, {counted} in {use.invocation_hours} hours that were counted"
    return Judgement(FORM, finding(FORM, check, missing=missing), said, made, change)
