"""The rules about language models, as a table: a row is a sentence, the use of a model that it is of, the verdict."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from approvals.changes.change import parse_change
from lake.errors import LakeError
from lake.metered import Meter, Metered, MonthOfMeter
from lake.period import Period
from lake.resources import models
from tests.tools.small_bill import Charge, charge, days_of, desk_of, lake_of
from tools.model_rules import judged_models
from tools.rules import batch_work, cheaper_model, prompt_caching
from tools.rules.configured import thresholds_of
from tools.rules.evidence import Verdict
from tools.rules.judged import Look

LAST = date(2026, 10, 31)
WASTE, FINE, UNKNOWN = Verdict.WASTE, Verdict.FINE, Verdict.UNKNOWN
LIMITS = thresholds_of(
    '[cheaper_model]\nevaluated = ["KYC: big > small", "kyc: odd > unlisted"]\n'
    '[prompt_caching]\nrepeated = ["KYC: long = 50 %, 4 requests", "kyc: plain=80%, 2 requests",'
    ' "kyc: bare = 50 %, 9 requests", "kyc: gift = 50 %, 4 requests"]\n',
    name="x",
)
MILLION = Decimal("0.000001")
SMALL = {"input_uncached": "0.4", "input_cache_read": "0.1", "output": "1.6"}
LONG = {"input_uncached": "2", "input_cache_read": "0.2", "input_cache_write_5m": "2.5"}
GIFT = {"input_uncached": "0", "input_cache_read": "0"}
PLAIN = {"input_uncached": "2", "input_cache_read": "0.5"}
LOOK = Look(
    days=14, last_day=LAST, now=datetime(2026, 11, 1, 9, tzinfo=UTC), limits=LIMITS,
    model_prices={
        ("OpenAI", model, name): Decimal(price) * MILLION
        for model, prices in (("small", SMALL), ("long", LONG), ("plain", PLAIN), ("gift", GIFT))
        for name, price in prices.items()
    },
    # As OpenAI has it: half for what is new and what is answered, and nothing off what is read from the cache.
    batch_prices={
        ("OpenAI", "big", name): Decimal(price) * MILLION
        for name, price in {"input_uncached": "1", "input_cache_read": "0.5", "output": "4"}.items()
    },
)  # fmt: skip


def tokens(name: str, millions: str, price: str, *, days: int = 14, listed: bool = True, bare: str = "1") -> Meter:
    """So many million tokens of a class on every day, at so many dollars a million."""
    counted, cost = Decimal(millions) * 1_000_000, Decimal(millions) * Decimal(price)
    return Meter(
        name=name, unit="tokens", months=(MonthOfMeter(LAST.replace(day=1), counted * days, days),),
        list_cost=cost * days if listed else None, effective=cost * days, uncovered=cost * days * Decimal(bare),
        least_day=cost, most_day=cost, least_quantity=counted, most_quantity=counted,
        first_day=LAST - timedelta(days=days - 1), last_day=LAST,
    )  # fmt: skip


def use(*meters: Meter, model: str = "big", use_case: str = "kyc", workload: str = "inference") -> Metered:
    return Metered(
        resource_id=f"OpenAI/1/{use_case}/production/{workload}/{model}", name=model, provider="OpenAI", service="",
        account="1", region="", team="t", use_case=use_case, environment="production", currency="USD", details="",
        instance_type="", meters=meters, model=model, workload=workload,
    )  # fmt: skip


def mixed(scale: int = 1, **more: Any) -> tuple[Meter, ...]:
    """20 dollars a day at 2, 0.5 and 8 dollars a million: 10 for new tokens, 2 for cached ones, 8 for answers."""
    parts = (("input_uncached", "5", "2"), ("input_cache_read", "4", "0.5"), ("output", "1", "8"))
    return tuple(tokens(name, str(Decimal(millions) / scale), price, **more) for name, millions, price in parts)


CASES: list[tuple[str, Any, Metered, Verdict | None, str]] = [
    # 20 dollars a day are 608.33 a month of 730 hours; a fifth of the price with 5 % more tokens saves 79 %
    ("evaluated, and a fifth of the price", cheaper_model, use(*mixed()), WASTE, "480.58"),
    ("names are read whatever their case", cheaper_model, use(*mixed(), use_case="Kyc", model="BIG"), WASTE, "480.58"),
    ("of three days: at the rate of three days", cheaper_model, use(*mixed(days=3)), WASTE, "480.58"),
    ("half of it is paid by a commitment: the other half is cash", cheaper_model, use(*mixed(bare="0.5")), WASTE,
     "240.29"),
    ("too little to be worth a release", cheaper_model, use(*mixed(20)), FINE, ""),
    ("as cheap already: bought at the other's price", cheaper_model, use(tokens("output", "9", "1.6")), FINE, ""),
    ("dearer by the retries than it is cheaper", cheaper_model, use(tokens("output", "90", "1.65")), FINE, ""),
    ("nobody evaluated anything for this use", cheaper_model, use(*mixed(), use_case="claims"), None, ""),
    ("nobody evaluated anything for this model", cheaper_model, use(*mixed(), model="other"), None, ""),
    ("what the other model costs stands in no list", cheaper_model, use(*mixed(), model="odd"), UNKNOWN, ""),
    ("one class of its tokens has no price there: no sum of the rest", cheaper_model,
     use(*mixed(), tokens("audio_in", "1", "40")), UNKNOWN, ""),
    ("the bill tells no list cost", cheaper_model, use(*mixed(listed=False)), UNKNOWN, ""),
    ("euros are not compared with a list in dollars", cheaper_model, replace(use(*mixed()), currency="EUR"), UNKNOWN,
     ""),
    # half of 18 of the 20 dollars a day
    ("an evaluation by night: half the price, but for what is cached", batch_work, use(*mixed(), workload="evaluation"),
     WASTE, "273.75"),
    ("people wait for it", batch_work, use(*mixed()), None, ""),
    ("a workload that nobody named", batch_work, use(*mixed(), workload=""), None, ""),
    ("is paid as a batch already", batch_work, use(tokens("output", "9", "4"), workload="Backfill"), FINE, ""),
    ("too little to be worth a release", batch_work, use(*mixed(20), workload="batch"), FINE, ""),
    # of 10 dollars a day for new input half repeats; one write at 1.25 and three reads at a tenth are 38.75 % of it
    ("half of its new input repeats within four requests", prompt_caching, use(*mixed(), model="long"), WASTE, "93.15"),
    ("a model that is written to at the price of new input", prompt_caching, use(*mixed(), model="plain"), WASTE,
     "91.25"),
    ("nobody measured what repeats", prompt_caching, use(*mixed()), None, ""),
    ("all of its input comes from a cache already", prompt_caching,
     use(tokens("input_cache_read", "40", "0.2"), model="long"), FINE, ""),
    ("too little to be worth a release", prompt_caching, use(*mixed(20), model="long"), FINE, ""),
    ("a list that gives new input away says nothing", prompt_caching, use(*mixed(), model="gift"), UNKNOWN, ""),
    ("what it costs from a cache stands in no list", prompt_caching, use(*mixed(), model="bare"), UNKNOWN, ""),
    ("no price for batches is known", batch_work, use(*mixed(), workload="batch", model="other"), UNKNOWN, ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sentence", "rule", "what", "verdict", "saving"), CASES, ids=[f"{row[1].FORM.name}: {row[0]}" for row in CASES]
)
def test_the_rule_says(sentence: str, rule: Any, what: Metered, verdict: Verdict | None, saving: str) -> None:
    said = rule.judge(what, LOOK)
    assert (said.finding.verdict if said else None) == verdict, sentence
    if said is not None:
        assert said.change is None
        assert (said.finding.missing != ()) == (verdict == UNKNOWN)
    if saving:
        assert said is not None
        assert said.money is not None
        assert round(said.money.cash, 2) == Decimal(saving)
        assert said.money.low <= said.money.cash <= said.money.high


TEAM, HASH = "KYC: litellm team kyc-eu", "0a" * 32
THROUGH: list[tuple[str, str, dict[str, Any]]] = [
    ("a team", TEAM, {"team": "kyc-eu"}),
    ("a key", f"kyc: eu-proxy key {HASH}", {"account": "eu-proxy", "key": HASH}),
]


@pytest.mark.parametrize(("what", "text", "named"), THROUGH, ids=[row[0] for row in THROUGH])
def test_where_the_gateway_is_named_the_change_is_an_alias_there(what: str, text: str, named: dict[str, Any]) -> None:
    limits = replace(LIMITS, cheaper_model=replace(LIMITS.cheaper_model, through=(text, "claims: litellm team c")))
    said = cheaper_model.judge(use(*mixed()), replace(LOOK, limits=limits))
    assert said is not None
    wanted = {"kind": "set_model_alias", "account": "litellm", "model": "big", "after": {"model": "small"}} | named
    assert said.change == wanted
    assert parse_change(said.change).kind == cheaper_model.FORM.kind
    assert "people" not in said.why
    fine = cheaper_model.judge(use(*mixed(20)), replace(LOOK, limits=limits))
    assert fine is not None
    assert fine.change is None


def test_where_no_gateway_is_named_for_this_use_people_change_it_and_the_rule_says_why() -> None:
    limits = replace(LIMITS, cheaper_model=replace(LIMITS.cheaper_model, through=("claims: litellm team c",)))
    said = cheaper_model.judge(use(*mixed()), replace(LOOK, limits=limits))
    assert said is not None
    assert said.change is None
    assert "small was evaluated for it; no gateway is named that it calls through" in said.why


UNROUTED = ("kyc litellm team a", "kyc: litellm", "kyc: litellm user a", ": litellm team a", "kyc: LiteLLM team a",
            "kyc: litellm key sk-chat", "kyc: litellm team a b")  # fmt: skip


@pytest.mark.parametrize("text", UNROUTED)
def test_a_gateway_that_cannot_be_read_is_refused_and_not_passed_over(text: str) -> None:
    with pytest.raises(LakeError, match="USE CASE: GATEWAY team ID"):
        thresholds_of(f'[cheaper_model]\nthrough = ["{text}"]\n', name="savings.toml")


def test_a_use_calls_through_one_gateway() -> None:
    with pytest.raises(LakeError, match="stands there twice"):
        thresholds_of(f'[cheaper_model]\nthrough = ["{TEAM}", "kyc: litellm team b"]\n', name="savings.toml")


@pytest.mark.parametrize("text", ["kyc big > small", "kyc: big", ": big > small", "kyc: big > Big", "kyc: > small"])
def test_an_evaluation_that_cannot_be_read_is_refused_and_not_passed_over(text: str) -> None:
    with pytest.raises(LakeError, match="USE CASE: MODEL > OTHER MODEL"):
        thresholds_of(f'[cheaper_model]\nevaluated = ["{text}"]\n', name="savings.toml")


UNREAD = ("kyc: a", "kyc: a = 0 %, 3 requests", "kyc: a = 101 %, 3 requests", "kyc: a = 50 %, 1 requests",
          "a = 50 %, 3 requests", "kyc: a = 50, 3 requests")  # fmt: skip


@pytest.mark.parametrize("text", UNREAD)
def test_a_measurement_that_cannot_be_read_is_refused_and_not_passed_over(text: str) -> None:
    with pytest.raises(LakeError, match="USE CASE: MODEL = 60 %, 8 requests"):
        thresholds_of(f'[prompt_caching]\nrepeated = ["{text}"]\n', name="savings.toml")


def test_a_measurement_stands_there_once() -> None:
    with pytest.raises(LakeError, match="stands there twice"):
        thresholds_of(
            '[prompt_caching]\nrepeated = ["kyc: a = 5 %, 3 requests", "KYC: A = 6 %, 2 requests"]\n', name="x"
        )


def test_an_evaluation_stands_there_once() -> None:
    with pytest.raises(LakeError, match="stands there twice"):
        thresholds_of('[cheaper_model]\nevaluated = ["kyc: a > b", "KYC: A > c"]\n', name="savings.toml")


def day_of_tokens(day: date, cost: str, count: str, unit: str, **more: str) -> Charge:
    given: dict[str, str] = {
        "ProviderName": "OpenAI", "x_model": "gpt-4o", "x_token_class": "output", "x_use_case": "kyc",
        "x_workload": "evaluation", "ConsumedQuantity": count, "ConsumedUnit": unit, "SubAccountId": "proj_1",
        "x_is_batch": "",
    }  # fmt: skip
    return charge(day, cost, service="OpenAI API", **(given | more))


def test_uses_are_read_in_single_tokens_apart_by_workload_and_without_batches(tmp_path: Path) -> None:
    rows: list[Charge] = []
    for day in days_of(LAST - timedelta(days=13), 14):
        rows.append(day_of_tokens(day, "10", "1000", "1000 Tokens"))
        rows.append(day_of_tokens(day, "20", "2000000", "Tokens", x_workload="inference"))
        rows.append(day_of_tokens(day, "5", "1000000", "Tokens", x_is_batch="true"))
        rows.append(day_of_tokens(day, "1", "10", "Images"))
    lake = lake_of(tmp_path, rows)
    read = models(lake, Period(LAST - timedelta(days=20), LAST + timedelta(days=1))).found
    told = {
        one.workload: (one.model, one.use_case, [(m.unit, m.quantity, m.effective) for m in one.meters]) for one in read
    }
    assert told == {
        "evaluation": ("gpt-4o", "kyc", [("tokens", Decimal(14_000_000), Decimal(140))]),
        "inference": ("gpt-4o", "kyc", [("tokens", Decimal(28_000_000), Decimal(280))]),
    }
    found = judged_models(desk_of(lake)).found
    # 10 dollars a million are 5 as a batch, by the published list
    assert [(one.judged.form.name, str(one.verdict), round(one.cash, 2)) for one in found] == [
        ("batch_work", "waste", Decimal("152.08"))
    ]


def test_a_bill_without_tokens_has_no_uses(tmp_path: Path) -> None:
    rows: list[Charge] = [charge(day, "5", team="fraud") for day in days_of(date(2026, 10, 20), 5)]
    assert judged_models(desk_of(lake_of(tmp_path, rows))).found == ()
