"""Anthropic's interfaces become charges: cents are cents, nulls are known places, and what they leave out is told."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import respx

from lake.engine import Lake
from lake.period import Period
from lake.pull import probe, pull
from lake.question import Metric, Question
from lake.report import IngestReport
from lake.sources.anthropic_api import BETA, Anthropic, headers
from lake.sources.paged_api import PagedApi
from tests.lake.sources.providers import Fake

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY, LATER = date(2026, 11, 10), date(2026, 11, 21)
URL = "https://api.anthropic.com"
COSTS, USAGE = "/v1/organizations/analytics/cost", "/v1/organizations/analytics/usage"
OLD_COSTS, OLD_USAGE = "/v1/organizations/cost_report", "/v1/organizations/usage_report/messages"
SONNET = "claude-sonnet-4-5"


@pytest.fixture
def fake() -> Iterator[Fake]:
    with respx.mock(assert_all_called=False) as router:
        yield Fake(URL, per_page=31).mount(router)


def source(*, legacy: bool) -> Anthropic:
    api = PagedApi("Anthropic", URL, headers("sk-ant-admin-1", legacy=legacy), sleep=lambda _: None)
    return Anthropic(api, legacy=legacy)


@pytest.fixture
def pulled(lake: Lake, tmp_path: Path) -> Callable[..., IngestReport]:
    def run(*, legacy: bool = False, now: datetime = NOW) -> IngestReport:
        return pull(lake, source(legacy=legacy), folder=tmp_path / "kept", now=now)

    return run


def cost(cents: str, kind: str | None = "output_tokens", **group: Any) -> dict[str, Any]:
    """A row of the analytics cost endpoint: amounts in cents, also the list price."""
    known = {
        "model": SONNET,
        "workspace_id": "wrkspc_1",
        "api_key_id": "apikey_1",
        "service_tier": "standard",
        "context_window": "0-200k",
        "token_type": kind,
        "cost_type": "tokens" if kind else "web_search",
    }
    return {"group": known | group, "cost": {"amount": cents, "list_amount": "400.0", "currency": "USD"}}


def usage(out: int = 0, **more: Any) -> dict[str, Any]:
    """A row of the analytics usage endpoint; what is no count goes into the group."""
    group = {"model": SONNET, "workspace_id": "wrkspc_1", "api_key_id": "apikey_1", "service_tier": "standard",
             "context_window": "0-200k"}  # fmt: skip
    counts = {"uncached_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": out,
              "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}}  # fmt: skip
    counts |= {name: value for name, value in more.items() if name in counts or name == "total_tokens"}
    return {"group": group | {name: value for name, value in more.items() if name in group}, "usage": counts}


def stored(lake: Lake, columns: str) -> list[tuple[Any, ...]]:
    path = lake.folder / lake.store.current()[-1].files[0].path
    return duckdb.execute(f"SELECT {columns} FROM '{path}' ORDER BY ALL").fetchall()


def total(lake: Lake, metric: Metric = Metric.EFFECTIVE) -> Decimal:
    return dict(lake.ask(Question(period=Period.parse("2026-11"), metric=metric)).totals)["USD"]


def rules(report: IngestReport) -> dict[str, str]:
    return {finding.rule: finding.text for finding in report.findings}


def test_pitfall_12_cents_are_not_dollars_in_the_analytics_endpoints(fake: Fake, pulled: Any, lake: Lake) -> None:
    """123.45 cents are $1.2345, although the field of the currency says USD."""
    fake.answers = {COSTS: {DAY: [cost("123.45")]}, USAGE: {DAY: [usage(out=82_300)]}}
    pulled()
    assert total(lake) == Decimal("1.2345")
    assert total(lake, Metric.LIST) == Decimal(4)
    assert stored(lake, "x_token_class, ConsumedQuantity, x_api_key_id, SubAccountId, x_service_tier, x_is_batch") == [
        ("output", Decimal(82_300), "apikey_1", "wrkspc_1", "standard", "false")
    ]


def test_pitfall_12_cents_are_not_dollars_in_the_legacy_report(fake: Fake, pulled: Any, lake: Lake) -> None:
    row = {"amount": "123.45", "currency": "USD", "cost_type": "web_search", "description": "Web Search Usage"}
    fake.answers = {OLD_COSTS: {DAY: [row]}}
    pulled(legacy=True)
    assert total(lake) == Decimal("1.2345")
    assert total(lake, Metric.BILLED) == Decimal("1.2345")


def test_pitfall_01_four_kinds_of_input_meet_four_lines(fake: Fake, pulled: Any, lake: Lake) -> None:
    types = ["uncached_input_tokens", "cache_read_input_tokens", "cache_creation.ephemeral_5m_input_tokens",
             "cache_creation.ephemeral_1h_input_tokens", "output_tokens"]  # fmt: skip
    fake.answers = {
        COSTS: {DAY: [cost(f"{number}.5", kind) for number, kind in enumerate(types)]},
        USAGE: {
            DAY: [
                usage(
                    out=550,
                    uncached_input_tokens=8,
                    cache_read_input_tokens=12_304,
                    cache_creation={"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 250},
                    total_tokens=13_412,
                )
            ]
        },
    }
    report = pulled()
    assert dict(stored(lake, "x_token_class, CAST(ConsumedQuantity AS BIGINT)")) == {
        "input_uncached": 8,
        "input_cache_read": 12_304,
        "input_cache_write_5m": 300,
        "input_cache_write_1h": 250,
        "output": 550,
    }
    assert total(lake) == Decimal("0.125")
    assert not {"unmatched", "unbilled", "tokens-disagree"} & set(rules(report))


def test_a_total_that_counts_cached_tokens_otherwise_is_told(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("100")]},
        USAGE: {DAY: [usage(out=5, cache_read_input_tokens=7, total_tokens=5)]},
    }
    assert "contradict" in rules(pulled())["tokens-disagree"]
    assert total(lake) == Decimal(1)


def test_the_legacy_cost_is_split_over_keys_by_tokens_and_sums_to_the_last_digit(
    fake: Fake, pulled: Any, lake: Lake
) -> None:
    line = {"amount": "100.01", "currency": "USD", "description": "Claude Sonnet 4.5 Usage - Output Tokens",
            "cost_type": "tokens", "model": SONNET, "token_type": "output_tokens", "service_tier": "standard",
            "context_window": "0-200k", "workspace_id": None}  # fmt: skip
    seen = {"model": SONNET, "workspace_id": None, "service_tier": "standard", "context_window": "0-200k"}
    fake.answers = {
        OLD_COSTS: {DAY: [line]},
        OLD_USAGE: {
            DAY: [
                seen | {"api_key_id": "apikey_1", "output_tokens": 100},
                seen | {"api_key_id": "apikey_2", "output_tokens": 200},
                seen | {"api_key_id": None, "output_tokens": 400},
                seen | {"api_key_id": "apikey_2", "output_tokens": 900, "service_tier": "batch"},
            ]
        },
    }
    report = pulled(legacy=True)
    found = stored(lake, "x_api_key_id, BilledCost, CAST(ConsumedQuantity AS BIGINT)")
    assert [row[2] for row in found if row[1]] == [100, 200, 400]
    assert sum(row[1] for row in found) == Decimal("1.0001")
    assert "900 tokens" in rules(report)["unbilled"]


def test_pitfall_13_null_workspace_and_key_are_known_places(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("100", workspace_id=None, api_key_id=None)]},
        USAGE: {DAY: [usage(out=9, workspace_id=None, api_key_id=None)]},
    }
    pulled()
    assert stored(lake, "SubAccountId, x_api_key_id") == [("default workspace", "console")]
    answered = lake.ask(Question(period=Period.parse("2026-11"), by=("account",)))
    assert [row["account"] for row in answered.rows] == ["default workspace"]


def test_priority_tier_tokens_without_a_cost_are_told_and_never_priced(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {DAY: [cost("100")]},
        USAGE: {
            DAY: [usage(out=10), usage(out=7_000, service_tier="priority")],
            LATER: [usage(out=30, service_tier="priority_on_demand")],
        },
    }
    told = rules(pulled())["priority-tier"]
    assert "7030 tokens" in told
    assert "understated" in told
    assert total(lake) == Decimal(1)
    assert ("priority", Decimal(7_000), Decimal(0)) in stored(lake, "x_service_tier, ConsumedQuantity, BilledCost")


def test_pitfall_18_a_long_context_is_billed_apart_and_priced_by_what_the_usage_says(
    fake: Fake, pulled: Any, lake: Lake
) -> None:
    """Without a bill: a million tokens at $3 in short requests, a million at $6 in long ones."""
    fake.answers = {
        COSTS: {DAY: [cost("10", context_window="0-200k"), cost("20", context_window="200k-1M")]},
        USAGE: {
            DAY: [usage(out=1, context_window="0-200k"), usage(out=2, context_window="200k-1M")],
            LATER: [
                usage(uncached_input_tokens=1_000_000),
                usage(uncached_input_tokens=1_000_000, context_window="200k-1M"),
            ],
        },
    }
    report = pulled()
    later = duckdb.execute(
        "SELECT SkuPriceDetails, EffectiveCost FROM read_parquet(?) WHERE x_day = ? ORDER BY 2",
        [str(lake.folder / lake.store.current()[0].files[0].path), LATER],
    ).fetchall()
    assert [(("200k-1M" in details), amount) for details, amount in later] == [(False, Decimal(3)), (True, Decimal(6))]
    assert "price-doubt" not in rules(report)
    matched = stored(lake, "ConsumedQuantity, BilledCost")
    assert (Decimal(1), Decimal("0.10")) in matched
    assert (Decimal(2), Decimal("0.20")) in matched


def test_costs_without_tokens_count_as_they_are(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {
        COSTS: {
            DAY: [
                cost("1000", None, model=None, cost_type="web_search"),
                cost("5", None, model=None, cost_type="code_execution"),
            ]
        }
    }
    told = rules(pulled())["unmatched"]
    assert "2 lines" in told
    assert "10.05 USD" in told
    assert total(lake) == Decimal("10.05")


@pytest.mark.parametrize("legacy", [False, True])
def test_what_is_sent(fake: Fake, pulled: Any, legacy: bool) -> None:
    fake.answers = {OLD_COSTS if legacy else COSTS: {}}
    pulled(legacy=legacy)
    first = fake.asked[0]
    assert first.headers["x-api-key"] == "sk-ant-admin-1"
    assert first.headers["anthropic-version"] == "2023-06-01"
    assert first.headers.get("anthropic-beta") == (None if legacy else BETA)
    spans = [(request.url.params["starting_at"], request.url.params["ending_at"]) for request in fake.asked]
    assert all((datetime.fromisoformat(end) - datetime.fromisoformat(begin)).days <= 31 for begin, end in spans)
    groups = first.url.params.get_list("group_by[]")
    assert len([name for name in groups if name not in ("cost_type", "token_type")]) <= 5


@pytest.mark.parametrize("legacy", [False, True])
def test_a_check_is_one_request_and_tells_the_workspaces(fake: Fake, legacy: bool) -> None:
    yesterday = date(2026, 11, 22)
    row = {"amount": "1", "workspace_id": "wrkspc_9", "currency": "USD"}
    fake.answers = {COSTS: {yesterday: [cost("1", workspace_id="wrkspc_9")]}, OLD_COSTS: {yesterday: [row]}}
    seen = probe(source(legacy=legacy), now=NOW)
    assert (seen.day, seen.rows, seen.accounts) == (yesterday, 1, ("wrkspc_9",))
    assert len(fake.asked) == 1
