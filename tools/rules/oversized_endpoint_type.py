"""A SageMaker endpoint whose load would fit a smaller size of its machines' own family.

Projected as for machines, by what 99 % of the hours stayed within, of the busiest machine. Fewer machines change what
each has to bear: so the rule of too many machines goes first, and where that fires this one says nothing. A price says
besides that SageMaker offers the size at all; it is the price book's, or what this very bill shows of other endpoints.
"""

from collections.abc import Sequence
from decimal import Decimal

from lake.machine_shapes import MachineShape
from lake.metered import Metered
from tools.detection.contributions import EXACT
from tools.rules import oversized_endpoint
from tools.rules.endpoint_machines import at_percent, shape_of
from tools.rules.endpoint_names import unlike
from tools.rules.evidence import Check, Verdict
from tools.rules.form import Form, Limit
from tools.rules.judged import EndpointHour, Judgement, Load, Look, finding
from tools.rules.measured import missing_metrics
from tools.rules.money import money
from tools.rules.projected import broken, checks, parts
from tools.rules.rightsize import BURSTABLE, OPTSCALE

FORM = Form(
    number="16",
    name="oversized_endpoint_type",
    title="SageMaker endpoint whose load a smaller size of its machines would hold",
    evidence=(
        "CPU and main memory of its busiest machine hour by hour, of a type with GPUs their activity and memory too",
        "by rule 15 not fewer machines of its own type would do",
        "shapes of its type and of smaller ones; prices in the price book, or on this bill for other endpoints",
        "its name borne by no other endpoint, and metrics of one variant",
    ),
    fires="a smaller size of the same family costs less in its region, and would hold all that was measured with"
    " headroom",
    limits=(
        Limit("percentile", "% of the hours whose load must fit, at least", OPTSCALE),
        Limit("most_percent", "% of the smaller size that the load takes, at most", OPTSCALE),
        Limit("least_metric_hours", "hours with metrics, at least", "AWS Compute Optimizer"),
        Limit("least_metric_share_percent", "% of the hours of the days billed with metrics, at least", "ours"),
        Limit("freshest_metric_hours", "hours since the last metric, at most", "AWS's last day, and one of delivery"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a person's vote costs more"),
        Limit("least_percent", "% cheaper, at least", "ours: below it the next growth takes it back"),
    ),
    saving="cost of its machines' hours × (1 - price of the smaller size ÷ price of its own)",
    risk="medium: a rush that the look-back did not see meets smaller machines, and answers may take longer",
    reversibility="reversible: it can be updated back to its old configuration, which stays",
    kind="set_endpoint_type",
    undo="restore_endpoint_type, by the sealed configuration",
    drift=(
        "name", "status", "config", "config_created_at", "config_variants", "models", "machines", "next_config",
        "modified_at", "tags",
    ),
    order=25,
)  # fmt: skip


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on an endpoint that does not run too many machines; None for anything else, where nothing was
    measured, and where no smaller size could hold what was."""
    first, own = oversized_endpoint.judge(resource, look), shape_of(resource, look)
    if first is None or first.finding.verdict != Verdict.FINE or own is None:
        return None
    told = look.endpoint_hours.get(resource.resource_id, ())
    if not told:
        return None  # nothing was measured of how hard it works
    limits = look.limits.oversized_endpoint_type
    load = _load(told, own, limits.percentile)
    smaller = _smaller(own, look)
    lacks = _lacks(resource, own, load, look)
    if not smaller or (lacks and all(broken(own, shape, load, limits) for shape in smaller)):
        return None
    if lacks:
        return Judgement(FORM, finding(FORM, missing=lacks), "; ".join(lacks))
    fits = next((shape for shape in smaller if not broken(own, shape, load, limits)), None)
    if fits is None:
        nearest = smaller[-1]
        failed = checks(own, nearest, load, limits)
        return Judgement(FORM, finding(FORM, *failed), f"ml.{nearest.instance_type} would not hold its load")
    unpriced = [one for one in (own, fits) if _price(one, resource, look) is None]
    if unpriced:
        lacks = tuple(f"a price of ml.{one.instance_type} in {resource.region}" for one in unpriced)
        return Judgement(FORM, finding(FORM, missing=lacks), "; ".join(lacks))
    return _saving(resource, look, own, load, fits)


def _load(told: Sequence[EndpointHour], own: MachineShape, percentile: Decimal) -> Load:
    """What so many % of the hours stayed within, of all cores and all GPUs of the busiest machine."""
    cards = own.gpus or Decimal(1)
    of_cores = [
        EXACT.divide(one.cpu_cores_percent, Decimal(own.vcpus)) for one in told if one.cpu_cores_percent is not None
    ]
    memory = [one.memory_percent for one in told if one.memory_percent is not None]
    of_cards = [EXACT.divide(one.gpu_cards_percent, cards) for one in told if one.gpu_cards_percent is not None]
    held = [
        EXACT.divide(one.gpu_memory_cards_percent, cards) for one in told if one.gpu_memory_cards_percent is not None
    ]  # fmt: skip
    counted = [values for values in (of_cores, memory, *((of_cards, held) if own.gpus else ())) if values]

    def highest(values: list[Decimal]) -> Decimal | None:
        return at_percent(values, percentile) if values else None

    return Load(
        highest(of_cores), highest(memory), highest(of_cards), highest(held),
        hours=min(map(len, counted), default=0), last_at=max((one.hour for one in told), default=None),
    )  # fmt: skip


def _smaller(own: MachineShape, look: Look) -> list[MachineShape]:
    """Sizes of its family with fewer processors and the same GPUs, the smallest first."""
    alike = [
        one
        for one in look.book.family(own.family)
        if one.vcpus < own.vcpus and one.gpu == own.gpu and set(one.architectures) & set(own.architectures)
    ]
    return sorted(alike, key=lambda one: (one.vcpus, one.memory_gib, one.instance_type))


def _lacks(resource: Metered, own: MachineShape, load: Load, look: Look) -> tuple[str, ...]:
    days = look.days_since(resource.hours)
    lacks = [part.label for part in parts(own, own, load) if part.used is None]
    lacks += missing_metrics(
        load.hours, load.last_at, billed=Decimal(days * 24), limits=look.limits.oversized_endpoint_type, now=look.now
    )
    if BURSTABLE.search(own.family):
        lacks.append("how its CPU credits are used, of which each size has its own")
    return (*lacks, *unlike(resource, look))


def _price(shape: MachineShape, resource: Metered, look: Look) -> Decimal | None:
    """What an hour costs at list price; the book's before the bill's, in the bill's own currency."""
    kind = f"ml.{shape.instance_type}"
    known = look.book.prices.get((kind, resource.region))
    if known is not None and known.currency == resource.currency:
        return known.per_hour
    return look.hosting_prices.get((resource.currency, resource.region, kind))


def _saving(resource: Metered, look: Look, own: MachineShape, load: Load, fits: MachineShape) -> Judgement:
    limits = look.limits.oversized_endpoint_type
    price, theirs = _price(own, resource, look) or Decimal(1), _price(fits, resource, look) or Decimal(1)
    share = max(1 - EXACT.divide(theirs, price), Decimal(0))
    made = money(
        resource.hours, days=look.days_since(resource.hours), share=share,
        hours_per_month=look.limits.hours_per_month, priced_by_bill=False,
    )  # fmt: skip
    told = ", ".join(f"{part.label} {part.projected} %" for part in parts(own, fits, load))
    said = finding(
        FORM,
        *checks(own, fits, load, limits),
        Check("cheaper", "cheaper", round(share * 100, 2), limits.least_percent, "%", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    change = {
        "kind": FORM.kind, "account": resource.account, "region": resource.region,
        "endpoint": resource.resource_id.rpartition("/")[2], "before": resource.instance_type,
        "after": f"ml.{fits.instance_type}",
    }  # fmt: skip
    why = f"ml.{fits.instance_type} would hold its load: {told} of it"
    return Judgement(FORM, said, why, made, change if said.verdict.saves else None, share)
