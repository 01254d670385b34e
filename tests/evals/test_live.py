"""A live model is asked only where that was asked for, and what it costs is told before and after."""

from datetime import date
from decimal import Decimal

import pytest

from agent.price import Price
from app.model_settings import ModelSettings
from evals import board
from evals.case import Case, Group, load_cases
from evals.live import NoLiveModelError, estimated, live_settings, some, spent
from evals.questions import ask_all
from evals.run import main
from evals.scripted import ASK, LOOK, SAYS
from sandbox.model.serve import served_model

KEY = "not-a-key"
CASE = Case.model_validate({
    "id": "one-total", "persona": "manager", "group": Group.SPEND, "bill": "two-currencies", "ask": ASK,
    "figures": [{"period": "2026-10", "where": {"provider": "OpenAI"}}], "tools": ["query_spend"],
})  # fmt: skip


async def test_a_model_on_a_server_answers_cases_and_its_tokens_are_counted() -> None:
    with served_model(LOOK, SAYS) as served:
        settings = live_settings("tiny-1", {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": served.address})
        run = await ask_all([CASE], model=settings)
        assert [one["model"] for one in served.requests] == ["tiny-1", "tiny-1"]
    assert [one.reasons for one in run.graded] == [()]
    assert run.tokens == (1800, 80)
    assert board.live_json(run, cost="0.10 USD")["tiny-1"]["tokens"] == 1880


async def test_a_key_in_the_environment_alone_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with served_model(LOOK, SAYS) as served:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", served.address)
        run = await ask_all([CASE])
        assert served.requests == []
    assert run.model == "offline"


def test_the_board_of_one_model_stays_when_another_is_measured() -> None:
    measured = board.measured(date(2026, 11, 30), "x")
    old = {"measured": measured, "live": {"a": {"ratio": 1.0}, "measured": measured}}
    whole = board.merged({"measured": measured, "live": {"b": {"ratio": 0.5}}}, old)
    assert set(whole["live"]) == {"a", "b", "measured"}


def test_few_cases_still_try_every_group() -> None:
    cases = load_cases()
    assert {case.group for case in some(cases, len(Group))} == set(Group)
    assert len(some(cases, None)) == len(cases)
    assert len({case.id for case in some(cases, 40)}) == 40


def test_what_it_will_cost_grows_with_what_is_asked_and_is_unknown_without_a_price() -> None:
    price = Price(Decimal("0.15"), Decimal("0.60"))
    few, many = estimated([CASE], price), estimated(load_cases(), price)
    assert few.turns == 1
    assert few.tokens[0] > 6_000
    assert many.tokens[0] > 200 * few.tokens[0]
    assert "which costs 0.00 USD" in str(few)
    assert "an unknown amount (SPENDGATE_MODEL_PRICE is not set)" in str(estimated([CASE], None))
    assert spent((1_000_000, 500_000), price) == "0.45 USD"


def test_the_settings_are_the_environments_with_another_name_and_without_a_second_model() -> None:
    env = {"OPENAI_API_KEY": KEY, "SPENDGATE_MODEL": "a", "SPENDGATE_MODEL_FALLBACK": "b"}
    assert live_settings(None, env) == ModelSettings(api_key=KEY, base_url=None, name="a")
    assert live_settings("c", env).name == "c"
    with pytest.raises(NoLiveModelError, match="SPENDGATE_MODEL_PRICE cannot be used"):
        live_settings(None, {**env, "SPENDGATE_MODEL_PRICE": "cheap"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["live"], "OPENAI_API_KEY is not set"),
        (["questions", "--model", "x"], "for a live model"),
        (["--limit", "3"], "for a live model"),
    ],
)
def test_what_cannot_be_asked_is_said(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
