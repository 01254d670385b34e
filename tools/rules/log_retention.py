"""A log group that keeps its lines for longer than anybody reads them.

No bill tells how long lines are kept, but it tells how much arrives and how much lies there: what lies there divided by
what arrives in a day is how many days it holds. Deleted lines do not come back, so what an auditor may ask for is left
alone, and the shipped limit is a year.
"""

import re
from decimal import Decimal

from approvals.changes.kept import KEPT_NAMES, kept_by_name
from lake.metered import Metered
from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.money import money

LOG_GROUP = re.compile(r":log-group:([A-Za-z0-9_/.#-]{1,512})$")
_STORED = re.compile(r"timedstorage|archived|logs stored", re.IGNORECASE)
_ARRIVED = re.compile(r"dataprocessing|ingest", re.IGNORECASE)
AWS = "Amazon CloudWatch price list: stored lines are billed compressed, at 0.15 of what arrived"
FORM = Form(
    number="33",
    name="log_retention",
    title="Log group that keeps its lines longer than they are wanted",
    evidence=(
        "gigabytes stored and gigabytes that arrived, each on every day of the look-back",
        "its name, which tells an auditor's logs",
    ),
    fires="it holds more days than the limit, and its name says nothing of audit or security",
    limits=(
        Limit("keep_days", "days for which lines are to be kept, one that CloudWatch offers", "ours: a year"),
        Limit("stored_percent", "% of a line's size for which it is billed", AWS),
        Limit(
            "kept_names",
            "parts of names of log groups that are left alone, beside the shipped ones",
            "ours: what an auditor asks for",
        ),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it two people's votes cost more"),
    ),
    saving="cost of its storage × (1 - days to be kept ÷ days that it holds); what arrives costs the same",
    risk="high: what is deleted is gone, whoever asks for it later",
    reversibility="irreversible: lines that are deleted do not come back",
    kind="set_log_retention",
    undo="none; the setting can be taken back, the lines cannot",
    drift=("name", "retention_days", "created_at", "tags"),
    order=10,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a log group that is billed for storage on the last day; None for anything else."""
    found = LOG_GROUP.search(resource.resource_id)
    stored = tuple(meter for meter in resource.meters if _STORED.search(meter.name))
    if found is None or not stored or resource.last_day != look.last_day:
        return None
    limits = look.limits.log_retention
    kept = kept_by_name(found[1], (*KEPT_NAMES, *limits.kept_names))
    if kept is not None:
        why = f"its name says {kept}: left alone"
        return Judgement(FORM, finding(FORM, Check("kept", "name of what is kept", Decimal(1), Decimal(1), "")), why)
    arrived = [meter for meter in resource.meters if _ARRIVED.search(meter.name)]
    days = look.days_since(stored)
    daily = EXACT.divide(add(meter.quantity for meter in arrived), Decimal(days))
    growth = EXACT.multiply(daily, limits.stored_percent / 100)
    if growth <= 0:
        missing = ("what arrives in it: without that nobody knows how old its lines are",)
        return Judgement(FORM, finding(FORM, missing=missing), "nothing arrived in it that the bill tells of")
    held = EXACT.divide(add(meter.held for meter in stored), growth)
    share = max(1 - EXACT.divide(Decimal(limits.keep_days), held), Decimal(0)) if held > 0 else Decimal(0)
    made = money(stored, days=days, share=share, hours_per_month=look.limits.hours_per_month, priced_by_bill=False)
    checks = (
        Check("held_days", "days that it holds", round(held, 1), Decimal(limits.keep_days), "days", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region, "log_group": found[1],
        "days": limits.keep_days,
    }  # fmt: skip
    why = f"it holds what arrives in about {held:.0f} days"
    return Judgement(FORM, finding(FORM, *checks), why, made, change, share)
