"""The rule about access keys, run over every key of the lists that the lake holds and the speaker may see.

A key stands on no bill: it is told beside what is billed, and no sum holds it.
"""

from datetime import timedelta
from decimal import Decimal

from lake.access_keys import AccessKey, KeyList, kept
from lake.metered import Meter, Metered, MonthOfMeter
from lake.period import Period
from lake.question import EVERY_TEAM, NONE, UNTAGGED
from tools.desk import Desk
from tools.opportunity import Opportunity
from tools.rules import unused_key


def judged_access_keys(desk: Desk) -> tuple[Opportunity, ...]:
    """What the rule says of each key; LakeError for a list that cannot be read."""
    day = desk.today
    period = Period(day - timedelta(days=desk.thresholds.look_back_days), day)
    return tuple(
        Opportunity(_resource(key, listed, period), said, period)
        for listed in kept(desk.lake.store.folder)
        for key in listed.keys
        if EVERY_TEAM in desk.scope or key.team in desk.scope
        if (said := unused_key.judge(key, listed, desk.thresholds, now=desk.now)) is not None
    )


def _resource(key: AccessKey, listed: KeyList, period: Period) -> Metered:
    """The key as lists and cards name a resource; its meter counts nothing, since nothing is billed."""
    last, none = period.end - timedelta(days=1), Decimal(0)
    meter = Meter(
        name="not billed", unit="keys", months=(MonthOfMeter(last.replace(day=1), none, 1),), list_cost=None,
        effective=none, uncovered=none, least_day=none, most_day=none, least_quantity=none, most_quantity=none,
        first_day=period.start, last_day=last,
    )  # fmt: skip
    return Metered(
        resource_id=f"arn:aws:iam::{listed.account}:access-key/{key.key_id}", name=key.user, provider="AWS",
        service="IAM", account=listed.account, region=NONE, team=key.team or UNTAGGED, use_case=NONE,
        environment=key.environment or UNTAGGED, currency="USD", details="", instance_type="", meters=(meter,),
    )  # fmt: skip
