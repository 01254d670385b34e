"""Which language models may answer, what they cost and how much may be spent on them, from environment variables."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from agent.price import Price
from app.settings import web_address, wrong

LONGEST_AMOUNT = 20


@dataclass(frozen=True)
class ModelSettings:
    """Without an API key the offline model answers, and needs none of the rest."""

    api_key: str | None = field(repr=False)
    base_url: str | None
    name: str
    fallback: str | None = None
    price: Price | None = None
    fallback_price: Price | None = None
    budget: Decimal | None = None
    """USD that may be spent in a calendar month (UTC); None: no bound"""
    budget_tokens: int | None = None
    """tokens, read and written, in a calendar month (UTC); None: no bound"""


def load_model(env: Mapping[str, str] = os.environ) -> ModelSettings:
    """The model's settings; an empty key means the offline model."""
    settings = ModelSettings(
        api_key=env.get("OPENAI_API_KEY", "").strip() or None,
        base_url=web_address(env, "OPENAI_BASE_URL"),
        name=env.get("SPENDGATE_MODEL", "").strip() or "gpt-4o-mini",
        fallback=env.get("SPENDGATE_MODEL_FALLBACK", "").strip() or None,
        price=_price(env, "SPENDGATE_MODEL_PRICE"),
        fallback_price=_price(env, "SPENDGATE_MODEL_FALLBACK_PRICE"),
        budget=_amount(env, "SPENDGATE_MODEL_BUDGET"),
        budget_tokens=_tokens(env, "SPENDGATE_MODEL_BUDGET_TOKENS"),
    )
    unpriced = settings.price is None or (settings.fallback is not None and settings.fallback_price is None)
    if settings.budget is not None and unpriced:
        name = "SPENDGATE_MODEL_PRICE" if settings.price is None else "SPENDGATE_MODEL_FALLBACK_PRICE"
        why = f"Without {name} nobody can tell what was spent."
        raise wrong("SPENDGATE_MODEL_BUDGET", str(settings.budget), why, f"Set {name} too, such as 0.15/0.60.")
    return settings


def _price(env: Mapping[str, str], name: str) -> Price | None:
    text = env.get(name, "").strip()
    if not text:
        return None
    parts = [_decimal(part) for part in text.split("/")]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        why = "It is not two amounts in USD: for a million tokens read, and for a million written."
        raise wrong(name, text, why, f"Set it like {name}=0.15/0.60")
    return Price(parts[0], parts[1])


def _amount(env: Mapping[str, str], name: str) -> Decimal | None:
    text = env.get(name, "").strip()
    amount = _decimal(text)
    if text and amount is None:
        raise wrong(name, text, "It is not an amount in USD.", f"Set it like {name}=50 for 50 USD a calendar month.")
    return amount


def _tokens(env: Mapping[str, str], name: str) -> int | None:
    amount = _decimal(text := env.get(name, "").strip())
    if text and (amount is None or amount != amount.to_integral_value()):
        raise wrong(name, text, "It is not a whole number of tokens.", f"Set it like {name}=20000000.")
    return None if amount is None else int(amount)


def _decimal(text: str) -> Decimal | None:
    """A plain number in ASCII digits, without sign and exponent; None for anything else."""
    plain = text.strip()
    if not plain.isascii() or len(plain) > LONGEST_AMOUNT or plain.count(".") > 1:
        return None
    return Decimal(plain) if plain.replace(".", "", 1).isdigit() else None
