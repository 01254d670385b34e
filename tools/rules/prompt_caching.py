"""New input of a language model that begins alike in request after request, and is paid in full each time.

How much of the input repeats no bill tells, only how many tokens were new and how many came from a cache. So the rule
speaks only of uses for which somebody measured it, and reckons with the first request of each row paying the write.
"""

from decimal import Decimal

from lake.metered import Metered
from lake.tokens import TokenClass
from tools.detection.contributions import EXACT, add
from tools.rules.evidence import Check
from tools.rules.form import Form, Limit
from tools.rules.judged import Judgement, Look, finding
from tools.rules.money import money

NEW, READ, WRITE = TokenClass.INPUT_UNCACHED, TokenClass.INPUT_CACHE_READ, TokenClass.INPUT_CACHE_WRITE_5M
FORM = Form(
    number="23",
    name="prompt_caching",
    title="Input of a language model that repeats, and is paid as new each time",
    evidence=(
        "new input tokens, with their cost, on the bill",
        "how much of them repeats, and how often within the cache's time, measured and named in `repeated`",
        "prices of the model for what is read from a cache, from the price list of models",
    ),
    fires="the use is named in `repeated`, and reading that from a cache would cost less than sending it anew",
    limits=(
        Limit("repeated", "uses as `USE CASE: MODEL = PERCENT of new input, COUNT requests`, as measured", "yours"),
        Limit("least_percent", "% cheaper, at least", "ours: below it a release costs more"),
        Limit("least_per_month", "of the bill's currency a month", "ours: below it a release costs more"),
    ),
    saving="cost of new input × its repeating share × (1 - (write + read × (count - 1)) ÷ (count × price of new"
    " input)); a model without a price of its own for writing is written to at the price of new input",
    risk="low: answers stay as they are; what repeats must come first in every request",
    reversibility="reversible: the cache can be left out again",
    kind="",
    undo="sending the requests without marks for the cache again",
    drift=(),
    order=40,
)


def judge(resource: Metered, look: Look) -> Judgement | None:
    """The verdict on a use of a model whose repeating input the home names; None for any other."""
    limits = look.limits.prompt_caching
    told = limits.uses().get((resource.use_case.casefold(), resource.model.casefold()))
    if told is None or not resource.model:
        return None
    repeats, count = told
    prices = [look.model_prices.get((resource.provider, resource.model, name)) for name in (NEW, READ, WRITE)]
    new, read = prices[0] or None, prices[1]  # a list that gives new input away says nothing of what it costs
    write = new if prices[2] is None else prices[2]
    lacks = tuple(
        f"a price of {resource.model} for {name} tokens" for name, one in ((NEW, new), (READ, read)) if one is None
    )
    share = Decimal(0)
    if new is not None and read is not None and write is not None:
        cached = EXACT.divide(write + read * (count - 1), new * count)
        share = EXACT.multiply(_new_share(resource), repeats / 100 * (1 - cached))
    made = money(
        resource.meters, days=look.days_since(resource.meters), share=max(share, Decimal(0)),
        hours_per_month=look.limits.hours_per_month, priced_by_bill=False,
    )  # fmt: skip
    checks = (
        Check("cheaper", "cheaper by", share * 100, limits.least_percent, "%", at_most=False),
        Check("worth", "saving a month", made.cash, limits.least_per_month, resource.currency, at_most=False),
    )
    why = (
        f"{resource.model} for {resource.use_case}: {repeats} % of its new input repeats within {count} requests,"
        f" and {_hit_rate(resource):.0f} % of its input comes from a cache"
    )
    said = finding(FORM, missing=lacks) if lacks else finding(FORM, *checks)
    return Judgement(FORM, said, why, made, None, max(share, Decimal(0)))


def _new_share(resource: Metered) -> Decimal:
    """Which share of the use's cost is new input."""
    whole = add(meter.effective for meter in resource.meters)
    new = add(meter.effective for meter in resource.meters if meter.name == NEW)
    return EXACT.divide(new, whole) if whole > 0 else Decimal(0)


def _hit_rate(resource: Metered) -> Decimal:
    """The KPI: tokens read from a cache ÷ all tokens of the input, in percent."""
    counted = {meter.name: meter.quantity for meter in resource.meters if meter.name.startswith("input_")}
    whole = add(counted.values())
    return EXACT.divide(counted.get(READ, Decimal(0)) * 100, whole) if whole > 0 else Decimal(0)
