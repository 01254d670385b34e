"""Which models answer by the settings, and what a month may take of them."""

from decimal import Decimal

import pytest
from sqlalchemy import Engine

from agent.price import Price
from app.database import writing
from app.errors import Problem
from app.home import Home
from app.model_settings import load_model
from app.turns import TokenUse
from app.voices import monthly_budget, voices
from lake.engine import Lake
from tests.app.conftest import Hands

KEY = {"OPENAI_API_KEY": "sk-x", "SPENDGATE_MODEL": "first", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
PRICED = {**KEY, "SPENDGATE_MODEL_PRICE": "1/10"}


def use(engine: Engine, turn: str, model: str, read: int, written: int = 0) -> None:
    with writing(engine) as (session, now):
        session.add(TokenUse(turn=turn, model=model, input_tokens=read, output_tokens=written, at=now))


def test_the_offline_model_stands_behind_every_other(home: Home) -> None:
    lake = Lake(home.lake)
    assert [one.name for one in voices(load_model({}), lake)] == ["offline"]
    assert [one.name for one in voices(load_model(KEY), lake)] == ["first", "offline"]
    both = voices(load_model({**PRICED, "SPENDGATE_MODEL_FALLBACK": "second"}), lake)
    assert [(one.name, one.price) for one in both] == [
        ("first", Price(Decimal(1), Decimal(10))), ("second", None), ("offline", None),
    ]  # fmt: skip
    assert both[-1].is_offline


def test_a_month_of_tokens_ends_and_the_next_begins(engine: Engine, clock: Hands) -> None:
    spent = monthly_budget(engine, load_model({**KEY, "SPENDGATE_MODEL_BUDGET_TOKENS": "1000"}))
    use(engine, "m:1", "first", 600, 399)
    assert spent() == ""
    use(engine, "advice:P-1", "first", 1)
    assert "budget for the language model is spent" in spent()
    clock.pass_(days=9)  # the first of December
    assert spent() == ""


def test_money_is_reckoned_by_each_models_price_and_the_dearest_for_one_that_is_gone(engine: Engine) -> None:
    more = {
        "SPENDGATE_MODEL_FALLBACK": "second",
        "SPENDGATE_MODEL_FALLBACK_PRICE": "2/20",
        "SPENDGATE_MODEL_BUDGET": "5",
    }
    spent = monthly_budget(engine, load_model({**PRICED, **more}))
    use(engine, "m:1", "first", 1_000_000)
    use(engine, "m:2", "second", 1_000_000)
    assert spent() == ""
    use(engine, "m:3", "of last year", 999_999)
    assert spent() == ""
    use(engine, "m:4", "of last year", 1)
    assert spent() != ""


def test_without_a_budget_nothing_is_looked_up(engine: Engine) -> None:
    engine.dispose()
    assert monthly_budget(engine, load_model(KEY))() == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPENDGATE_MODEL_PRICE", "cheap"),
        ("SPENDGATE_MODEL_PRICE", "1"),
        ("SPENDGATE_MODEL_PRICE", "1/2/3"),
        ("SPENDGATE_MODEL_PRICE", "-1/2"),
        ("SPENDGATE_MODEL_PRICE", "1e3/2"),
        ("SPENDGATE_MODEL_PRICE", "١/٢"),
        ("SPENDGATE_MODEL_BUDGET", "50 USD"),
        ("SPENDGATE_MODEL_BUDGET", "50"),
        ("SPENDGATE_MODEL_BUDGET_TOKENS", "1.5"),
        ("SPENDGATE_MODEL_BUDGET_TOKENS", "many"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(Problem) as refused:
        load_model({**KEY, name: value})
    assert name in str(refused.value.what)
    assert refused.value.do
