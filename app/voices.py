"""The voices of this installation: the configured models, then the offline one; and what they may cost in a month."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from agent.model import openai_model
from agent.offline import OfflineModel
from agent.voices import Voice
from app.database import reading
from app.model_settings import ModelSettings
from app.turns import TokenUse
from lake.engine import Lake
from lake.errors import LakeError

NAMED = ("team", "use_case", "model", "service", "provider", "environment", "account", "region")
OFFLINE = "offline"


def voices(settings: ModelSettings, lake: Lake) -> tuple[Voice, ...]:
    """Who may answer, in order: the model, its fallback at the same server, the offline model that knows the lake."""
    offline = Voice(OFFLINE, OfflineModel(vocabulary=lambda teams: names_in(lake, teams)))
    key = settings.api_key
    if not key:
        return (offline,)
    wanted = [(settings.name, settings.price)]
    if settings.fallback and settings.fallback != settings.name:
        wanted.append((settings.fallback, settings.fallback_price))
    chats = [
        Voice(name, openai_model(key=key, model=name, base_url=settings.base_url), price) for name, price in wanted
    ]
    return (*chats, offline)


def names_in(lake: Lake, teams: tuple[str, ...]) -> dict[str, list[str]]:
    """The names by dimension that somebody who sees these teams may read."""
    try:
        return {name: lake.values(name, teams_seen=teams) for name in NAMED}
    except LakeError:
        return {}  # no bill yet: the tools say so in words, which no name would change


def monthly_budget(engine: Engine, settings: ModelSettings) -> Callable[[], str]:
    """Says why no model that costs may be asked now; an empty text while the month's budget is not spent.

    It is read before each call, so what is out when the budget ends is paid still: one call for each turn at once.
    """

    def spent() -> str:
        if settings.budget is None and settings.budget_tokens is None:
            return ""
        with reading(engine) as (session, now):
            tokens, money = used_since(session, settings, now.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
        over = settings.budget_tokens is not None and tokens >= settings.budget_tokens
        if over or (settings.budget is not None and money >= settings.budget):
            return "This month's budget for the language model is spent."
        return ""

    return spent


def used_since(session: Session, settings: ModelSettings, since: datetime) -> tuple[int, Decimal]:
    """Tokens and USD since a moment. A model that is configured no longer counts at the dearest price that is."""
    prices = {settings.name: settings.price, settings.fallback or settings.name: settings.fallback_price}
    prices[settings.name] = settings.price
    known = [price for price in prices.values() if price is not None]
    statement = (
        select(TokenUse.model, func.sum(TokenUse.input_tokens), func.sum(TokenUse.output_tokens))
        .where(col(TokenUse.at) >= since)
        .group_by(col(TokenUse.model))
    )
    tokens, money = 0, Decimal(0)
    for model, read, written in cast("list[Any]", session.exec(statement).all()):
        tokens += int(read) + int(written)
        price = prices.get(model)
        charged = [price] if price is not None else known
        money += max((one.of((int(read), int(written))) for one in charged), default=Decimal(0))
    return tokens, money
