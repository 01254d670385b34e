"""How figures are named for people: metrics, dimensions, and what a filter or a row is called in a label."""

from collections.abc import Mapping, Sequence

from lake.question import NONE, Metric
from tools.shown import shown, unpriced

METRICS: dict[Metric, str] = {
    Metric.EFFECTIVE: "Effective cost",
    Metric.BILLED: "Billed cost",
    Metric.LIST: "List cost",
    Metric.CONTRACTED: "Contracted cost",
    Metric.QUANTITY: "Quantity",
    Metric.TOKENS: "Tokens",
    Metric.GPU_HOURS: "GPU hours",
    Metric.COST_PER_MILLION_TOKENS: "Effective cost per million tokens",
    Metric.COST_PER_GPU_HOUR: "Effective cost per GPU hour",
}

# Names that say by themselves what they are; all others are led by their dimension: "team fraud".
_SPEAKING = frozenset({"provider", "service", "category", "resource", "day", "week", "month", "model"})
SPOKEN = {
    "use_case": "use case",
    "api_key": "key",
    "allocation_method": "allocated by",
    "allocation_rule": "allocation rule",
    "token_class": "tokens",
    "charge_category": "charges",
}
_SYNONYMS = {
    "teams": "team",
    "services": "service",
    "product": "service",
    "vendor": "provider",
    "cloud": "provider",
    "usecase": "use_case",
    "use case": "use_case",
    "use-case": "use_case",
    "instance": "resource",
    "machine": "resource",
    "resource_id": "resource",
    "subscription": "account",
    "env": "environment",
    "date": "day",
    "daily": "day",
    "monthly": "month",
    "weekly": "week",
    "token class": "token_class",
    "token_type": "token_class",
}


def dimension(name: str) -> str:
    """The dimension that `name` means; unknown names pass through, to be refused by the question."""
    plain = name.strip()
    if plain.startswith("tag:"):
        return plain
    lowered = plain.lower()
    return _SYNONYMS.get(lowered, _SYNONYMS.get(lowered.rstrip("s"), lowered))


def named(dimension_name: str, value: str) -> str:
    """`team fraud`, `Amazon EC2`, `use case claims`; the value is made fit to show."""
    if value == NONE:
        return f"without {SPOKEN.get(dimension_name, dimension_name)}"
    text = shown(value, keep_end=dimension_name == "resource")
    if dimension_name in _SPEAKING:
        return text
    return f"{SPOKEN.get(dimension_name, shown(dimension_name.removeprefix('tag:')))} {text}"


def label(metric: str, names: Mapping[str, str], *, where: Mapping[str, Sequence[str]], ai: bool | None) -> str:
    """`Effective cost of AI, team fraud, Amazon EC2`: what a figure is, with the filters that made it."""
    subject = {True: " of AI", False: " of everything but AI", None: ""}[ai]
    filters = [" or ".join(named(key, value) for value in values) for key, values in where.items() if key not in names]
    parts = [f"{metric}{subject}", *filters, *(named(key, value) for key, value in names.items())]
    return ", ".join(parts)


def heading(metric: str, *, where: Mapping[str, Sequence[str]], ai: bool | None, by: Sequence[str] = ()) -> str:
    """What stands above figures: their label without a name of its own, and what they are split by.

    No figure stands in it, so an amount in it is part of a name, which whoever can tag a machine wrote: it is left out,
    or a title with nothing below it would state it. Rows and labels show such names whole.
    """
    split = " by " + ", ".join(name.replace("_", " ") for name in by) if by else ""
    return unpriced(f"{label(metric, {}, where=where, ai=ai)}{split}")
