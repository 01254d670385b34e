"""OpenAI's costs and usage become charges: money to the last digit from the costs, tokens in disjoint classes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import respx

from lake.engine import Lake
from lake.errors import LakeError
from lake.period import Period
from lake.prices import Terms, price
from lake.pull import pull
from lake.question import Metric, Question
from lake.report import IngestReport
from lake.sources.openai_api import OpenAI, read_line_item
from lake.sources.paged_api import PagedApi
from lake.tokens import TokenClass
from tests.lake.sources.providers import Fake, completions, cost

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY, LATER, TODAY = date(2026, 11, 10), date(2026, 11, 20), date(2026, 11, 22)
COSTS, COMPLETIONS = "/organization/costs", "/organization/usage/completions"
URL = "https://api.openai.com/v1"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with respx.mock(assert_all_called=False) as router:
        yield Fake(URL, per_page=31).mount(router)


@pytest.fixture
def pulled(lake: Lake, tmp_path: Path) -> Any:
    def run(now: datetime = NOW, **options: Any) -> IngestReport:
        source = OpenAI(PagedApi("OpenAI", URL, {"Authorization": "Bearer sk-admin-secret"}, sleep=lambda _: None))
        return pull(lake, source, folder=tmp_path / "kept", now=now, **options)

    return run


def rows(lake: Lake, *by: str, month: str = "2026-11", metric: Metric = Metric.EFFECTIVE) -> dict[tuple[Any, ...], Any]:
    answered = lake.ask(Question(period=Period.parse(month), by=by, metric=metric))
    return {tuple(row[name] for name in by): row["value"] for row in answered.rows}


def stored(lake: Lake, columns: str) -> list[tuple[Any, ...]]:
    path = lake.folder / lake.store.current()[-1].files[0].path
    return duckdb.execute(f"SELECT {columns} FROM '{path}' ORDER BY ALL").fetchall()


def rules(report: IngestReport) -> dict[str, str]:
    return {finding.rule: finding.text for finding in report.findings}


def test_costs_meet_the_usage_they_are_for(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {
            DAY: [
                cost("gpt-5-2025-08-07, input", "0.0025"),
                cost("gpt-5-2025-08-07, cached input", 0.001),
                cost("gpt-5-2025-08-07, output", "0.007", quantity=700, quantity_unit="tokens"),
            ]
        },
        COMPLETIONS: {DAY: [completions("gpt-5-2025-08-07", 10_000, out=700, cached=8_000)]},
    }
    report = pulled()
    assert report.snapshots == ["openai/2026-11/1"]
    assert rows(lake, "token_class") == {
        ("input_uncached",): Decimal("0.0025"),
        ("input_cache_read",): Decimal("0.001"),
        ("output",): Decimal("0.007"),
    }
    told = stored(lake, "x_token_class, ConsumedQuantity, ConsumedUnit, PricingUnit, x_cost_source, x_api_key_id, x_ai")
    assert told == [
        ("input_cache_read", Decimal(8_000), "Tokens", "1000000 Tokens", "provider_cost_api", "key_1", True),
        ("input_uncached", Decimal(2_000), "Tokens", "1000000 Tokens", "provider_cost_api", "key_1", True),
        ("output", Decimal(700), "Tokens", "1000000 Tokens", "provider_cost_api", "key_1", True),
    ]
    assert rows(lake, "account", metric=Metric.BILLED) == {("proj_a",): Decimal("0.0105")}


def test_pitfall_01_tokens_sum_to_what_was_billed_and_reasoning_is_not_added(
    fake: Fake, pulled: Any, lake: Lake
) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("gpt-5, input", 1), cost("gpt-5, cached input", 1), cost("gpt-5, output", 1)]},
        COMPLETIONS: {
            DAY: [completions("gpt-5-2025-08-07", 12_304, out=550, cached=12_000, output_reasoning_tokens=500)]
        },
    }
    pulled()
    assert stored(lake, "CAST(sum(ConsumedQuantity) AS BIGINT), count(*)") == [(12_304 + 550, 3)]


def test_a_report_of_tokens_that_contradicts_itself_is_told_and_the_money_stays(
    fake: Fake, pulled: Any, lake: Lake
) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("gpt-5, input", "3.21")]},
        COMPLETIONS: {DAY: [completions("gpt-5", 100, cached=200)]},
    }
    found = rules(pulled())
    assert "contradict" in found["tokens-disagree"]
    assert rows(lake) == {(): Decimal("3.21")}


def test_lines_that_fit_no_usage_stay_and_costs_sum_to_the_last_digit(fake: Fake, pulled: Any, lake: Lake) -> None:
    amounts = ["0.1", "0.123456789012", "7.77", "1.5"]
    fake.answers = {
        COSTS: {
            DAY: [
                cost("gpt-5, input", amounts[0]),
                cost("web search tool calls", amounts[1]),
                cost("gpt-5 something new, input", amounts[2], key=None),
                cost("whisper-1", amounts[3], quantity=90, quantity_unit="duration_minutes"),
            ]
        },
        COMPLETIONS: {
            DAY: [
                completions("gpt-5-2025-08-07", 10, api_key_id="key_1"),
                completions("gpt-5-2025-08-07", 20, batch=True, service_tier="batch"),
            ]
        },
    }
    found = rules(pulled())
    assert rows(lake) == {(): sum(map(Decimal, amounts))}
    assert "3 lines of the bill" in found["unmatched"]
    assert ("whisper-1", Decimal(90), "Minutes") in stored(lake, "ChargeDescription, ConsumedQuantity, ConsumedUnit")
    assert [row for row in stored(lake, "x_token_class, ConsumedQuantity, x_is_batch") if row[0]] == [
        ("input_uncached", Decimal(30), None)
    ]


def test_a_line_without_a_key_is_split_over_keys_by_their_tokens_exactly(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("gpt-5, input", "1.00", key=None)]},
        COMPLETIONS: {DAY: [completions("gpt-5", 1, api_key_id=f"key_{number}") for number in range(3)]},
    }
    pulled()
    shares = [row[1] for row in stored(lake, "x_api_key_id, BilledCost")]
    assert len(shares) == 3
    assert sum(shares) == Decimal("1.00")
    assert max(shares) - min(shares) < Decimal("0.00000000001")


def test_batch_lines_take_batch_usage(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("gpt-4o, input", 2), cost("gpt-4o, batch input", 1)]},
        COMPLETIONS: {DAY: [completions("gpt-4o", 500), completions("gpt-4o", 900, batch=True)]},
    }
    pulled()
    assert stored(lake, "x_is_batch, ConsumedQuantity, BilledCost") == [
        ("false", Decimal(500), Decimal(2)),
        ("true", Decimal(900), Decimal(1)),
    ]


def test_another_count_in_the_bill_than_in_the_usage_is_told_once_the_day_has_settled(
    fake: Fake, pulled: Any, lake: Lake
) -> None:
    def line(quantity: int) -> Any:
        return cost("gpt-5, input", 1, quantity=quantity, quantity_unit="tokens")

    fake.answers = {
        COSTS: {DAY: [line(200)], TODAY: [line(50)]},
        COMPLETIONS: {DAY: [completions("gpt-5", 100)], TODAY: [completions("gpt-5", 100)]},
    }
    told = [finding.text for finding in pulled().findings if finding.rule == "tokens-differ"]
    assert len(told) == 1
    assert "200" in told[0]
    assert stored(lake, "CAST(ConsumedQuantity AS BIGINT)") == [(50,), (200,)]


def test_usage_after_the_bill_is_priced_marked_and_replaced_by_the_bill(fake: Fake, pulled: Any, lake: Lake) -> None:
    """A million new tokens at $1.25, a million from the cache at $0.125, and 100,000 out at $10: $2.375."""
    fake.answers = {
        COSTS: {DAY: [cost("gpt-5, input", "1.00")]},
        COMPLETIONS: {
            DAY: [completions("gpt-5", 800_000)],
            LATER: [completions("gpt-5-2025-08-07", 2_000_000, out=100_000, cached=1_000_000)],
        },
    }
    found = rules(pulled())
    assert "2026-11-20" in found["priced"]
    assert rows(lake) == {(): Decimal("3.375")}
    priced = stored(lake, "x_cost_source, SkuPriceId, EffectiveCost")
    ids = [row[1] for row in priced if row[0] == "provider_usage_priced"]
    assert len(ids) == 3
    assert lake.store.current()[0].data_through.date() == date(2026, 11, 11)
    assert all(one.startswith("genai-prices/") for one in ids)
    fake.answers[COSTS][LATER] = [
        cost("gpt-5, input", "1.11"),
        cost("gpt-5, cached input", "0.10"),
        cost("gpt-5, output", "0.9"),
    ]
    assert "priced" not in rules(pulled(datetime(2026, 11, 24, 9, tzinfo=UTC)))
    assert rows(lake) == {(): Decimal("3.11")}
    assert lake.store.current()[0].data_through.date() == date(2026, 11, 21)


def test_usage_that_the_bill_of_its_day_leaves_out_costs_nothing_and_is_told(
    fake: Fake, pulled: Any, lake: Lake
) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("gpt-5, input", 1)]},
        COMPLETIONS: {DAY: [completions("gpt-5", 100), completions("gpt-4.1-mini", 400)]},
    }
    assert "400 tokens (gpt-4.1-mini)" in rules(pulled())["unbilled"]
    assert rows(lake) == {(): Decimal(1)}


def test_a_model_without_a_published_price_costs_nothing_yet_and_is_named(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COMPLETIONS: {DAY: [completions("our-own-model", 5)]},
        "/organization/usage/images": {DAY: [{"images": 7, "model": "gpt-image-1", "project_id": "proj_a"}]},
    }
    found = rules(pulled())
    assert "our-own-model" in found["no-price"]
    assert "gpt-image-1 (Images)" in found["no-price"]
    assert rows(lake) == {(): Decimal(0)}


def test_pitfall_18_many_short_requests_are_not_one_long_one(fake: Fake, pulled: Any, lake: Lake) -> None:
    """A model whose long requests cost more, used for three million tokens in a day: nobody says that one was long."""
    model = "gpt-5.4"
    fake.answers = {COMPLETIONS: {DAY: [completions(model, 3_000_000)]}}
    found = rules(pulled())
    assert "long requests" in found["price-doubt"]
    short = price("openai", model, TokenClass.INPUT_UNCACHED, at=NOW, terms=Terms(context_from=0))
    long = price("openai", model, TokenClass.INPUT_UNCACHED, at=NOW, terms=Terms(context_from=1_000_000))
    assert short is not None
    assert long is not None
    assert rows(lake) == {(): short.of(3_000_000)}
    assert long.of(3_000_000) > short.of(3_000_000)


def test_pitfall_13_no_project_and_no_key_are_said_and_are_not_untagged(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("gpt-5, input", 4, project=None, key=None)]},
        COMPLETIONS: {DAY: [completions("gpt-5", 10, project_id=None, api_key_id=None)]},
    }
    pulled()
    assert rows(lake, "account") == {("no project",): Decimal(4)}
    assert stored(lake, "x_api_key_id") == [("no key",)]


def test_a_refund_is_a_credit_without_a_quantity(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("gpt-5, input", 4), cost("gpt-5, input", "-1.5")]},
        COMPLETIONS: {DAY: [completions("gpt-5", 10)]},
    }
    pulled()
    assert stored(lake, "ChargeCategory, BilledCost, ConsumedQuantity") == [
        ("Credit", Decimal("-1.5"), None),
        ("Usage", Decimal(4), Decimal(10)),
    ]


LINES = [
    ("gpt-6-astra, input_tokens", ("gpt-6-astra", TokenClass.INPUT_UNCACHED, None, None)),
    ("gpt-4o-2024-08-06, cached input", ("gpt-4o-2024-08-06", TokenClass.INPUT_CACHE_READ, None, None)),
    ("gpt-4o-2024-08-06, input cached tokens", ("gpt-4o-2024-08-06", TokenClass.INPUT_CACHE_READ, None, None)),
    ("gpt-5, cache write input", ("gpt-5", TokenClass.INPUT_CACHE_WRITE, None, None)),
    ("gpt-5, batch output", ("gpt-5", TokenClass.OUTPUT, None, True)),
    ("gpt-5, priority text output", ("gpt-5", TokenClass.OUTPUT, "priority", None)),
    ("gpt-realtime, audio cached input", ("gpt-realtime", TokenClass.AUDIO_IN_CACHE_READ, None, None)),
    ("whisper-1", ("whisper-1", None, None, None)),
    ("gpt-5, input of another kind", (None, None, None, None)),
    ("web search tool calls", (None, None, None, None)),
    ("", (None, None, None, None)),
]


@pytest.mark.parametrize(("text", "read"), LINES, ids=[line for line, _ in LINES])
def test_a_line_item_is_read_whole_or_not_at_all(text: str, read: tuple[Any, ...]) -> None:
    assert read_line_item(text) == read


@pytest.mark.parametrize("value", ["abc", True, None, "NaN", [1]])
def test_a_page_with_an_amount_that_is_none_is_refused_with_nothing_changed(
    fake: Fake, pulled: Any, lake: Lake, value: object
) -> None:
    fake.answers = {COSTS: {DAY: [cost("gpt-5, input", 2)]}}
    pulled()
    fake.answers = {COSTS: {TODAY: [cost("gpt-5, input", value)]}}
    with pytest.raises(LakeError, match="cannot be understood"):
        pulled(datetime(2026, 11, 24, 9, tzinfo=UTC))
    assert rows(lake) == {(): Decimal(2)}


def test_every_request_carries_the_key_in_its_header_alone(fake: Fake, pulled: Any, tmp_path: Path) -> None:
    fake.answers = {COSTS: {DAY: [cost("gpt-5, input", 2)]}}
    pulled()
    assert {request.headers["authorization"] for request in fake.asked} == {"Bearer sk-admin-secret"}
    assert not any("secret" in str(request.url) for request in fake.asked)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) > 20
    assert not any(b"sk-admin-secret" in path.read_bytes() for path in kept)
    assert httpx.URL(str(fake.asked[0].url)).params.get_list("group_by[]") == ["project_id", "line_item", "api_key_id"]
