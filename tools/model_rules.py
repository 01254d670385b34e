"""The rules about language models, run over every use of one that the speaker may see.

Their days are those that the bills of tokens reach, which are other bills than those of machines.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from lake.metered import Metered
from lake.period import Period
from lake.prices import Terms, price
from lake.resources import models, models_last_billed
from lake.tokens import MILLIONTH, TokenClass
from tools.desk import Desk
from tools.detection.contributions import EXACT
from tools.opportunity import Opportunity
from tools.rules import prompt_caching
from tools.rules.catalogue import MODEL_RULES
from tools.rules.judged import Look

BOOKS = {"OpenAI": "openai", "Anthropic": "anthropic", "Microsoft": "azure", "AWS": "aws", "Google Cloud": "google"}
"""What the price list of models calls a provider; one that is not here has no prices."""

_Wanted = set[tuple[str, str, str]]


@dataclass(frozen=True)
class JudgedModels:
    """What the rules say of the uses of models, how many there are, and where they were read."""

    found: tuple[Opportunity, ...] = ()
    uses: int = 0
    query: str = ""
    snapshots: tuple[str, ...] = ()


def judged_models(desk: Desk) -> JudgedModels:
    """Every use of a model that a rule is about, over the last days for which tokens were billed."""
    limits = desk.thresholds
    days = timedelta(days=limits.look_back_days)
    reach = desk.lake.latest_period()  # raises, with what to do, when the lake is empty
    last = models_last_billed(desk.lake, Period(reach.start - days, reach.end), teams_seen=desk.scope)
    if last is None:
        return JudgedModels()
    period = Period(last + timedelta(days=1) - days, last + timedelta(days=1))
    read = models(desk.lake, period, teams_seen=desk.scope)
    routes = limits.cheaper_model.routes()
    others = {
        (one.provider, routes[key], meter.name)
        for one in read.found
        if (key := (one.use_case.casefold(), one.model.casefold())) in routes
        for meter in one.meters
    }
    cached = limits.prompt_caching.uses()
    others |= {
        (one.provider, one.model, name)
        for one in read.found
        if (one.use_case.casefold(), one.model.casefold()) in cached
        for name in (prompt_caching.NEW, prompt_caching.READ, prompt_caching.WRITE)
    }
    look = Look(
        days=limits.look_back_days, last_day=last, now=desk.now, limits=limits, book=desk.prices,
        model_prices=_prices(others, last, batch=None), batch_prices=_prices(_own(read.found), last, batch=True),
    )  # fmt: skip
    found = [
        Opportunity(one, said, period)
        for one in read.found
        for rule in MODEL_RULES
        if (said := rule(one, look)) is not None
    ]
    return JudgedModels(tuple(found), len(read.found), read.query, tuple(read.snapshots))


def _own(found: Iterable[Metered]) -> _Wanted:
    return {(one.provider, one.model, meter.name) for one in found for meter in one.meters}


def _prices(wanted: _Wanted, at: date, *, batch: bool | None) -> dict[tuple[str, str, str], Decimal]:
    """US dollars a token by the published list; what it does not price in these terms is left out."""
    moment = datetime.combine(at, time(), UTC)
    found: dict[tuple[str, str, str], Decimal] = {}
    for provider, model, name in sorted(wanted):
        if provider not in BOOKS or name not in set(TokenClass):
            continue
        told = price(BOOKS[provider], model, TokenClass(name), at=moment, terms=Terms(batch=batch))
        if told is not None and not any("no price of" in doubt for doubt in told.doubts):
            found[provider, model, name] = EXACT.multiply(told.per_million, MILLIONTH)
    return found
