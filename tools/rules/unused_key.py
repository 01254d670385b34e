"""An access key of IAM that nobody has used for months: it costs nothing, and whoever finds it has what it may do.

Disabling it saves no money and is told as no saving: what goes away is a risk.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from lake.access_keys import AccessKey, KeyList
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, finding
from tools.rules.money import Confidence, Money
from tools.rules.thresholds import SavingsThresholds

NOTHING = Decimal(0)
FORM = Form(
    number="27",
    name="unused_access_key",
    title="Access key of IAM that nobody uses",
    evidence=("the account's keys, since when they are there and when each was last used, listed not long ago",),
    fires="it is active, and neither was made nor used within the limit",
    limits=(
        Limit("unused_days", "days without use, at least", "CIS asks for 45; ours, as OptScale has it for users"),
        Limit("freshest_hours", "hours since the keys were listed, at most", "ours: an old list tells of no now"),
    ),
    saving="none: a key costs nothing; a risk goes away",
    risk="medium: what runs once a quarter or a year is refused until the key is enabled again",
    reversibility="reversible: the key can be enabled again, and nothing is deleted",
    kind="disable_access_key",
    undo="enable_access_key",
    drift=("user", "key_id", "status", "created_at", "last_used_at", "tags"),
    order=10,
)


def judge(key: AccessKey, listed: KeyList, limits: SavingsThresholds, *, now: datetime) -> Judgement | None:
    """The verdict on a key; None for one that is disabled already."""
    if not key.active:
        return None
    mine = limits.unused_key
    last = max(key.created_at, key.last_used_at or key.created_at)
    days = Decimal((now - last).days)
    used = f"last used on {key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never used"
    why = f"{used}, made on {key.created_at:%Y-%m-%d}"
    if days < mine.unused_days:
        check = Check("unused_days", "days without use", days, Decimal(mine.unused_days), "days", at_most=False)
        return Judgement(FORM, finding(FORM, check), why)
    if now - listed.loaded_at > timedelta(hours=mine.freshest_hours):
        lacks = f"a list of keys of the last {mine.freshest_hours} hours (the last: {listed.loaded_at:%Y-%m-%d %H:%M})"
        return Judgement(FORM, finding(FORM, missing=(lacks,)), why)
    check = Check("unused_days", "days without use", days, Decimal(mine.unused_days), "days", at_most=False)
    change = {"kind": FORM.kind, "account": listed.account, "user": key.user, "key_id": key.key_id}
    return Judgement(FORM, finding(FORM, check), why, _no_money(), change)


def _no_money() -> Money:
    return Money(
        list_price=None, effective=NOTHING, cash=NOTHING, low=NOTHING, high=NOTHING, confidence=Confidence.HIGH,
        annual_cost=NOTHING,
    )  # fmt: skip
