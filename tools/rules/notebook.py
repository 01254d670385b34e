"""A SageMaker notebook that runs around the clock, nights and weekends too.

Its bill shows it: 24 hours on every single day. Nobody works at a notebook then; what may run through the night is a
job, which is why a person who owns it decides, and why production is left alone.
"""

import re
from decimal import Decimal

from lake.metered import Metered
from lake.question import UNTAGGED
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.money import money

NOTEBOOK = re.compile(r":notebook-instance/([A-Za-z0-9][A-Za-z0-9-]{0,62})$")
FORM = Form(
    number="18",
    name="notebook_left_on",
    title="SageMaker notebook that is never switched off",
    evidence=("hours billed on every day of the look-back", "the environment, from its tags"),
    fires="it was billed nearly all hours of every day of the look-back, and is not tagged as production",
    limits=(
        Limit("least_hours_per_day", "hours on its shortest day", "ours: office hours end"),
        Limit("working_hours_per_week", "hours a week in which it may be wanted", "ours: ten hours on five days"),
    ),
    saving="effective rate of its hours × the hours outside working time (168 - working hours) a week",
    risk="low: the disk is kept; what lies outside the home folder of the notebook is lost, running jobs end",
    reversibility="reversible: it can be started again",
    kind="stop_notebook",
    undo="start_notebook",
    drift=("name", "status", "instance_type", "tags"),
    order=10,
)
PRODUCTION = frozenset({"production", "prod", "prd", "live"})


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a notebook that runs on the last day; None for anything else."""
    found = NOTEBOOK.search(resource.resource_id)
    hours = resource.hours
    if found is None or not hours or resource.last_day != look.last_day:
        return None
    limits = look.limits.notebook
    if resource.environment.lower() in PRODUCTION:
        why = "tagged as production: left alone"
        return Judgement(FORM, finding(FORM, Check("production", "tagged as production", Decimal(1), Decimal(1), "")),
                         why)  # fmt: skip
    untagged = ("an environment tag",) if resource.environment in ("", UNTAGGED) else ()
    days = max(meter.days for meter in hours)
    least = min(meter.least_quantity for meter in hours) if days >= look.days else Decimal(0)
    check = Check(
        "shortest_day", "hours on its shortest day", least, limits.least_hours_per_day, "hours", at_most=False
    )
    share = 1 - limits.working_hours_per_week / 168
    made = money(hours, days=look.days_since(hours), share=share, hours_per_month=look.limits.hours_per_month)
    change = {"kind": FORM.kind, "account": resource.account, "region": resource.region, "notebook": found[1]}
    return Judgement(
        FORM,
        finding(FORM, check, missing=untagged),
        f"billed at least {least.normalize():f} hours every day",
        made,
        change,
        share,
    )
