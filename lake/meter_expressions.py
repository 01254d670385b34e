"""What single resources and uses of models were billed, meter by meter, as Ibis expressions.

Beside `expressions.py`, whose rules hold here too: money is only summed, and no amount is written into an expression.
"""

from collections.abc import Callable, Sequence
from typing import Any

import ibis.expr.types as ir

from lake import expressions
from lake.columns import tag_column
from lake.metered import HOUR_UNITS
from lake.question import Question

GROUP_TAG = "aws:autoscaling:groupName"
"""the tag that AWS puts on every machine of a scaling group; bills carry it once it is activated for them"""
GROUP_START, GROUP_NAME = "arn:aws:autoscaling:", ":autoScalingGroupName/"
MACHINE_ID = "(^|/)i-[0-9a-f]{8,17}$"


def of_resources(charges: ir.Table, question: Question, ids: str) -> ir.Table:
    """The usage in scope of the resources whose ids match this regular expression."""
    kept = expressions.in_scope(charges, question)
    return kept.filter(
        *expressions.of_use(kept, question),
        kept.ResourceId.notnull(),
        kept.ResourceId.re_search(ids),
    )


def last_day(charges: ir.Table, question: Question, ids: str) -> ir.Table:
    """The last day on which any of these resources was billed."""
    return of_resources(charges, question, ids).agg(last_day=lambda kept: kept.x_day.max())


def resource_days(charges: ir.Table, question: Question, resources: Sequence[str]) -> ir.Table:
    """What each of these resources cost on each day by each source, and how much of that no commitment covers."""
    kept = expressions.in_scope(charges, question)
    kept = kept.filter(*expressions.of_use(kept, question), kept.ResourceId.isin(list(resources)))
    return _days(kept, lambda kept: kept.ResourceId)


def _days(kept: ir.Table, named: Callable[[ir.Table], Any]) -> ir.Table:
    bare = kept.CommitmentDiscountId.isnull()
    found = kept.group_by(
        resource_id=named(kept), currency=kept.BillingCurrency, day=kept.x_day, source=kept.x_source
    ).agg(effective=kept.EffectiveCost.sum(), uncovered=kept.EffectiveCost.sum(where=bare))
    return found.order_by(["resource_id", "currency", "day", "source"])


def resource_meters(charges: ir.Table, question: Question, ids: str) -> ir.Table:
    """What each resource of these ids was billed by meter and month, with its least and most costly day."""
    kept = of_resources(charges, question, ids)
    named = {"resource_id": kept.ResourceId, "meter": kept.SkuMeter.fill_null(kept.ChargeDescription)}
    told = {"name": kept.ResourceName}
    return _meters(kept, **named, unit=kept.PricingUnit, counted=kept.PricingQuantity, told=told)


def resource_tags(charges: ir.Table, question: Question, ids: str, keys: Sequence[str]) -> ir.Table:
    """The values of these tags on each resource whose id matches; empty where it bears none of that key."""
    kept = of_resources(charges, question, ids)
    told = {f"tag{at}": kept[tag_column(key)].max().fill_null("") for at, key in enumerate(keys)}
    return kept.group_by(resource_id=kept.ResourceId).agg(**told).order_by("resource_id")


def group_meters(charges: ir.Table, question: Question) -> ir.Table:
    """What the machines of each scaling group were billed for their hours, by meter and month.

    A bill knows a group only by the tag that AWS puts on its machines; the id is made of what tells the group from
    others, in the form of its ARN without the part that no bill holds.
    """
    kept = _of_groups(charges, question)
    return _meters(
        kept,
        resource_id=_group_id(kept),
        meter=kept.SkuMeter.fill_null(kept.ChargeDescription),
        unit=kept.PricingUnit,
        counted=kept.PricingQuantity,
        told={"name": kept[tag_column(GROUP_TAG)]},
    )


def group_days(charges: ir.Table, question: Question, groups: Sequence[str]) -> ir.Table:
    """What the machines of each of these groups cost on each day by each source."""
    kept = _of_groups(charges, question)
    return _days(kept.filter(_group_id(kept).isin(list(groups))), _group_id)


def _of_groups(charges: ir.Table, question: Question) -> ir.Table:
    """The hours in scope of machines that belong to a scaling group."""
    kept = expressions.in_scope(charges, question)
    group = kept[tag_column(GROUP_TAG)]
    return kept.filter(
        *expressions.of_use(kept, question),
        group.notnull(),
        group != "",
        kept.ResourceId.re_search(MACHINE_ID),
        kept.PricingUnit.lower().isin(HOUR_UNITS),
    )


def _group_id(kept: ir.Table) -> Any:
    place = kept.RegionId.fill_null("") + ":" + kept.SubAccountId.fill_null("")
    return GROUP_START + place + GROUP_NAME + kept[tag_column(GROUP_TAG)]


def of_models(charges: ir.Table, question: Question) -> ir.Table:
    """The usage in scope of language models that was paid by the token and not at a price for batches."""
    kept = expressions.in_scope(charges, question)
    batch = (kept.x_is_batch.fill_null("false").lower() == "true") | (kept.x_service_tier.fill_null("") == "batch")
    return kept.filter(
        *expressions.of_use(kept, question),
        kept.x_model.notnull(),
        kept.x_token_class.notnull(),
        kept.ConsumedQuantity.notnull(),
        ~batch,
    )


def last_day_of_models(charges: ir.Table, question: Question) -> ir.Table:
    """The last day on which any of that usage was billed."""
    return of_models(charges, question).agg(last_day=lambda kept: kept.x_day.max())


def model_meters(charges: ir.Table, question: Question) -> ir.Table:
    """What each use of a model was billed by class of tokens and month: one account's, for one use case, environment
    and workload."""
    kept = of_models(charges, question)
    parts = ("provider", "account", "use_case", "environment", "workload", "model")
    use = expressions.dimension(kept, parts[0])
    for name in parts[1:]:
        use = use + "/" + expressions.dimension(kept, name)
    told = {"name": kept.x_model, "model": kept.x_model, "workload": kept.x_workload}
    return _meters(
        kept,
        resource_id=use,
        meter=kept.x_token_class,
        unit=kept.ConsumedUnit,
        counted=kept.ConsumedQuantity,
        told=told,
    )


def _meters(
    kept: ir.Table, *, resource_id: Any, meter: Any, unit: Any, counted: Any, told: dict[str, Any]
) -> ir.Table:  # fmt: skip
    """The charges by resource, meter and month, with the least and most of a day; `told` are texts of our own."""
    bare = kept.CommitmentDiscountId.isnull()
    texts = {
        **{name: value.max() for name, value in told.items()},
        **expressions.about(kept),
        "service": kept.ServiceName.max(),
    }
    days = kept.group_by(
        resource_id=resource_id,
        currency=kept.BillingCurrency,
        meter=meter,
        unit=unit,
        day=kept.x_day,
    ).agg(
        **texts,
        counted=counted.sum(),
        list_of_day=kept.ListCost.sum(),
        unlisted_of_day=kept.ListCost.isnull().sum(),
        effective_of_day=kept.EffectiveCost.sum(),
        uncovered_of_day=kept.EffectiveCost.sum(where=bare),
    )
    found = days.group_by(
        resource_id=days.resource_id,
        currency=days.currency,
        meter=days.meter,
        unit=days.unit,
        month=days.day.strftime("%Y-%m"),
    ).agg(
        **{name: days[name].max() for name in texts},
        quantity=days.counted.sum(),
        days=days.day.nunique(),
        list_cost=days.list_of_day.sum(),
        unlisted=days.unlisted_of_day.sum(),
        effective=days.effective_of_day.sum(),
        uncovered=days.uncovered_of_day.sum(),
        least_day=days.effective_of_day.min(),
        most_day=days.effective_of_day.max(),
        least_quantity=days.counted.min(),
        most_quantity=days.counted.max(),
        first_day=days.day.min(),
        last_day=days.day.max(),
    )
    return found.order_by(["resource_id", "currency", "meter", "unit", "month"])
