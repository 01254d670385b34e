"""The rules about keys of gateways, run over every key that the speaker may see.

What a gateway tells is an estimate beside the bill, so what is found here stands in the list of savings and in none of
its totals.
"""

from datetime import timedelta
from decimal import Decimal

from lake import hourly
from lake.gateway_keys import of_keys
from lake.key_hours import KeyHours
from lake.metered import Metered
from lake.period import Period
from lake.question import NONE, UNTAGGED
from tools.desk import Desk
from tools.metered_days import meter_of_days
from tools.opportunity import Opportunity
from tools.rules.catalogue import GATEWAY_RULES

SEVERAL = "(several)"


def judged_keys(desk: Desk) -> tuple[Opportunity, ...]:
    """What the rules say of each key. Raises LakeError for a gateway's log that cannot be read."""
    limits = desk.thresholds
    hours = limits.look_back_days * 24
    found = []
    for use in of_keys(desk.lake, now=desk.now, hours=hours, teams_seen=desk.scope):
        period = Period(
            hourly.moment_of(use.end - hours).date(), hourly.moment_of(use.end - 1).date() + timedelta(days=1)
        )
        told = [said for rule in GATEWAY_RULES if (said := rule(use, limits, now=desk.now)) is not None]
        resource = _resource(use, period) if told else None
        found += [Opportunity(resource, said, period) for said in told if resource is not None]
    return tuple(found)


def key_id(source: str, key: str) -> str:
    """How a key of a gateway is named as a resource."""
    return f"{source}:key/{key}"


def _resource(use: KeyHours, period: Period) -> Metered:
    """The key as lists and cards name a resource."""
    team = next(iter(use.teams)) if len(use.teams) == 1 else SEVERAL if use.teams else UNTAGGED
    by_day: dict[int, Decimal] = {}
    for hour, cost in use.costs.items():
        by_day[hour // 24] = by_day.get(hour // 24, Decimal(0)) + cost
    meter = meter_of_days("estimated cost", by_day, period, unit=use.currency)
    return Metered(
        resource_id=key_id(use.source, use.key), name=f"key {use.key[:12]}", provider="LiteLLM", service="gateway",
        account=use.source, region=NONE, team=team, use_case=NONE, environment=UNTAGGED, currency=use.currency,
        details="", instance_type="", meters=(meter,),
    )  # fmt: skip
