"""What the rules about endpoints' machines need beside the bill: their hours, namesakes and minimums."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal

from lake.metered import Metered
from lake.period import Period
from lake.resources import resources, tags_of
from lake.usage import measured_hours
from tools.desk import Desk
from tools.detection.contributions import EXACT
from tools.namesakes import namesakes
from tools.rules.idle_endpoint import ENDPOINT
from tools.rules.judged import EndpointHour, Look


def with_endpoints(desk: Desk, look: Look, found: Iterable[Metered], period: Period) -> Look:
    """The look with all that is known of these endpoints; without endpoints nothing is read."""
    ids = [one.resource_id for one in found if ENDPOINT.search(one.resource_id)]
    if not ids:
        return look
    tag = look.limits.oversized_endpoint.minimum_tag
    borne = tags_of(desk.lake, period, (tag,), ids=ENDPOINT.pattern, teams_seen=desk.scope) if tag else {}
    return replace(
        look,
        endpoint_hours=_hours(desk, ids, period),
        hosting_prices=_prices(found),
        endpoint_minimums={name: told[tag] for name, told in borne.items() if tag in told},
        namesakes=look.namesakes | _namesakes(desk, ids, period),
    )


def _hours(desk: Desk, ids: list[str], period: Period) -> dict[str, tuple[EndpointHour, ...]]:
    start, end = (datetime.combine(day, time(), UTC) for day in (period.start, period.end))
    told: dict[str, list[EndpointHour]] = {}
    for one in measured_hours(desk.lake, ids, start=start, end=end):
        hour = EndpointHour(
            one.hour, one.cpu_cores_pct, one.gpu_cards_pct, one.invocations, one.memory_pct, one.gpu_memory_cards_pct
        )  # fmt: skip
        if hour.worked:
            told.setdefault(one.resource_id, []).append(hour)
    return {name: tuple(listed) for name, listed in told.items()}


def _prices(found: Iterable[Metered]) -> dict[tuple[str, str, str], Decimal]:
    """What an hour of each type costs at list price in each region, as this bill shows it of other endpoints."""
    prices: dict[tuple[str, str, str], Decimal] = {}
    for one in found:
        (meter, *more) = one.hours or (None,)
        if (
            meter is None
            or more
            or not ENDPOINT.search(one.resource_id)
            or not meter.list_cost
            or not one.instance_type
        ):
            continue
        price, key = EXACT.divide(meter.list_cost, meter.quantity), (one.currency, one.region, one.instance_type)
        prices[key] = max(price, prices.get(key, price))
    return prices


def _namesakes(desk: Desk, ids: list[str], period: Period) -> frozenset[str]:
    """Those whose name another endpoint bears, whoever may see that one: CloudWatch tells them by their names alone."""
    every = resources(desk.lake, period, ids=ENDPOINT.pattern).found
    return namesakes(ids, (one.resource_id for one in every), _name_of)


def _name_of(endpoint: str) -> str:
    return endpoint.rpartition("/")[2].lower()
