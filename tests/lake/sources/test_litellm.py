"""A gateway's log: estimates in a lake of their own, that no total of spend ever holds."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import respx

from lake import allocation
from lake.engine import Lake
from lake.errors import LakeError
from lake.load import ingest
from lake.period import Period
from lake.pull import pull
from lake.question import Question
from lake.report import IngestReport
from lake.sources.litellm import LiteLLM
from lake.sources.paged_api import PagedApi

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
URL = "http://127.0.0.1:4000"
NOVEMBER = Question(period=Period.parse("2026-11"))


def request(number: int, at: str = "2026-11-01T10:15:00.123000Z", **more: Any) -> dict[str, Any]:
    return {
        "request_id": f"req-{number}", "api_key": "hash-of-key-1", "spend": 0.25, "total_tokens": 120,
        "prompt_tokens": 100, "completion_tokens": 20, "startTime": at, "model": "claude-sonnet-4-5",
        "custom_llm_provider": "anthropic", "request_tags": [], "team_id": "team-risk",
        "metadata": {"user_api_key_user_email": "olivia@bank.example", "usage_object": {}},
        "messages": [{"role": "user", "content": "a secret question"}], "response": "a secret answer",
        "requester_ip_address": "10.0.0.7", "user": "olivia", "end_user": "a customer",
    } | more  # fmt: skip


class Proxy:
    """Answers `/spend/logs/v2` as the proxy does: both ends of the asked time are within the list."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[httpx.Request] = []
        self.most = 10_000

    def answer(self, asked: httpx.Request) -> httpx.Response:
        self.asked.append(asked)
        params = asked.url.params
        begins, ends = (datetime.fromisoformat(params[name]) for name in ("start_date", "end_date"))
        found = [
            row for row in self.rows
            if begins <= datetime.fromisoformat(row["startTime"]).replace(tzinfo=None) <= ends
        ]  # fmt: skip
        capped, found = len(found) > self.most, found[: self.most]
        size, page = int(params["page_size"]), int(params["page"])
        shown = found[(page - 1) * size : page * size]
        body = {"data": shown, "total": len(found), "page": page, "page_size": size,
                "total_pages": (len(found) + size - 1) // size, "total_is_capped": capped}  # fmt: skip
        return httpx.Response(200, json=body)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with respx.mock(assert_all_called=False) as router:
        made = Proxy()
        router.get(url__startswith=URL).mock(side_effect=made.answer)
        yield made


@pytest.fixture
def pulled(lake: Lake, tmp_path: Path) -> Callable[..., IngestReport]:
    def run(now: datetime = NOW) -> IngestReport:
        api = PagedApi("LiteLLM", URL, {"Authorization": "Bearer sk-1"}, sleep=lambda _: None)
        return pull(lake, LiteLLM(api), folder=tmp_path / "kept", now=now)

    return run


def estimated(lake: Lake, *by: str) -> dict[tuple[Any, ...], Any]:
    answered = allocation.beside(lake).ask(NOVEMBER.model_copy(update={"by": by}))
    return {tuple(row[name] for name in by): row["value"] for row in answered.rows}


def stored(lake: Lake, columns: str) -> list[tuple[Any, ...]]:
    beside = allocation.beside(lake)
    path = beside.folder / beside.store.current()[-1].files[0].path
    return duckdb.execute(f"SELECT {columns} FROM '{path}' ORDER BY ALL").fetchall()


def test_pitfall_02_a_gateways_estimate_is_in_no_total(
    proxy: Proxy, pulled: Any, lake: Lake, write: Any, charge: Any, load: Any
) -> None:
    """The bill says 770.00, the gateway saw requests that it thinks cost 26.74: the spend is 770.00."""
    load(write("bill.csv", [charge("770.00", month="2026-11", day="2026-11-01", ProviderName="Anthropic")]))
    proxy.rows = [request(1, spend="26.74")]
    report = pulled()
    assert dict(lake.ask(NOVEMBER).totals) == {"USD": Decimal("770.00")}
    assert estimated(lake) == {(): Decimal("26.74")}
    assert report.totals[0].billed == Decimal(0)
    assert {held.source for held in lake.coverage()} == {"anthropic"}
    assert lake.values("provider") == ["Anthropic"]
    assert stored(lake, "DISTINCT x_cost_source, x_extra") == [("gateway_estimate", '{"x_is_allocation":"true"}')]


def test_pitfall_10_a_gateways_rows_are_never_added_to_the_bills(
    proxy: Proxy, pulled: Any, lake: Lake, write: Any, charge: Any, load: Any, tmp_path: Path
) -> None:
    """Even by hand: a file of a gateway's rows is refused by the lake of the bills, with nothing changed."""
    load(write("bill.csv", [charge("5.00", month="2026-11", day="2026-11-01")]))
    proxy.rows = [request(1)]
    pulled()
    beside = allocation.beside(lake)
    taken = tmp_path / "taken.csv"
    duckdb.execute(
        f"COPY (SELECT * EXCLUDE (x_tags, x_ai, x_ai_rule, x_day, x_source, x_file, x_row, x_extra, "
        "x_allocation_method, x_allocation_rule_id, x_allocated_by) FROM "
        f"'{beside.folder / beside.store.current()[0].files[0].path}') TO '{taken}' (HEADER)"
    )
    assert "gateway_estimate" in next(csv.DictReader(taken.open()))["x_cost_source"]
    with pytest.raises(LakeError, match="estimates of a gateway"):
        ingest(lake, [taken], now=NOW, source="sneaked-in")
    assert dict(lake.ask(NOVEMBER).totals) == {"USD": Decimal("5.00")}


def test_requests_failures_and_the_busiest_session_are_counted_in_rows_that_cost_nothing(
    proxy: Proxy, pulled: Any, lake: Lake, tmp_path: Path
) -> None:
    """What the log does not tell, as one of an earlier version, is no zero; a session's name is not kept."""
    told = [("success", "olivia-7"), ("failure", "olivia-7"), ("success", "other")]
    proxy.rows = [request(number, status=status, session_id=name) for number, (status, name) in enumerate(told)]
    proxy.rows += [request(9, api_key="hash-of-key-2")]
    pulled()
    where = "x_api_key_id, ConsumedUnit, CAST(ConsumedQuantity AS BIGINT), CAST(EffectiveCost AS DOUBLE)"
    counted = [row for row in stored(lake, where) if row[1] != "Tokens"]
    assert counted == [
        ("hash-of-key-1", "Failed Requests", 1, 0.0),
        ("hash-of-key-1", "Requests", 3, 0.0),
        ("hash-of-key-1", "Session Requests", 2, 0.0),
        ("hash-of-key-2", "Requests", 1, 0.0),
    ]
    assert estimated(lake) == {(): Decimal("1.00")}
    assert all(b"olivia-7" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_pitfall_11_a_request_with_three_tags_counts_once(proxy: Proxy, pulled: Any, lake: Lake) -> None:
    proxy.rows = [
        request(1, request_tags=["use_case:kyc", "job:7", "nightly"], spend="1.00"),
        request(2, request_tags=["use_case:kyc"], spend="0.50"),
        request(3, spend="0.25"),
    ]
    pulled()
    assert estimated(lake) == {(): Decimal("1.75")}
    assert estimated(lake, "use_case") == {("kyc",): Decimal("1.50"), ("(untagged)",): Decimal("0.25")}
    assert estimated(lake, "tag:nightly") == {("true",): Decimal("1.00"), ("(untagged)",): Decimal("0.75")}


def test_pitfall_01_the_gateways_prompt_includes_what_the_provider_cached(
    proxy: Proxy, pulled: Any, lake: Lake
) -> None:
    """`cache_hit` is the gateway's own cache and says nothing of the provider's."""
    used = {"prompt_tokens_details": {"cached_tokens": 80}, "cache_creation_input_tokens": 5}
    proxy.rows = [request(1, cache_hit="False", metadata={"usage_object": used})]
    pulled()
    told = dict(stored(lake, "x_token_class, CAST(ConsumedQuantity AS BIGINT)"))
    assert {kind: count for kind, count in told.items() if kind} == {
        "input_uncached": 15,
        "input_cache_read": 80,
        "input_cache_write": 5,
        "output": 20,
    }
    assert estimated(lake) == {(): Decimal("0.25")}


def test_what_people_wrote_is_never_kept(proxy: Proxy, pulled: Any, tmp_path: Path) -> None:
    proxy.rows = [request(1)]
    pulled()
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"hash-of-key-1" in everything
    for secret in (b"secret question", b"secret answer", b"olivia", b"a customer", b"10.0.0.7"):
        assert secret not in everything


def test_requests_on_the_edge_of_a_day_or_of_two_pages_count_once(proxy: Proxy, pulled: Any, lake: Lake) -> None:
    edges = ["2026-11-01T00:00:00Z", "2026-11-01T11:00:00Z", "2026-11-01T23:59:59.999000Z", "2026-11-02T00:00:00Z"]
    proxy.rows = [request(number, at) for number, at in enumerate(edges)]
    proxy.rows += [request(100 + number, "2026-11-01T12:30:00Z") for number in range(250)]
    pulled()
    assert estimated(lake) == {(): Decimal("0.25") * 254}
    assert estimated(lake, "day")[("2026-11-02",)] == Decimal("0.25")
    pages = [
        asked.url.params["page"] for asked in proxy.asked if asked.url.params["start_date"] == "2026-11-01 00:00:00"
    ]
    assert pages == ["1", "2", "3"]


def test_a_list_that_the_proxy_cuts_off_goes_on_from_its_last_row(proxy: Proxy, pulled: Any, lake: Lake) -> None:
    proxy.most = 300
    proxy.rows = [
        request(number, f"2026-11-01T12:{number // 60 % 60:02}:{number % 60:02}.5Z") for number in range(1000)
    ]
    pulled()
    assert estimated(lake) == {(): Decimal("0.25") * 1000}


def test_a_list_that_is_cut_off_within_a_second_is_refused(proxy: Proxy, pulled: Any, lake: Lake) -> None:
    proxy.most = 300
    proxy.rows = [request(number, "2026-11-01T12:00:00.5Z") for number in range(1000)]
    with pytest.raises(LakeError, match="cannot be understood") as raised:
        pulled()
    assert "within one second" in raised.value.why
    assert allocation.beside(lake).store.current() == ()


def test_a_report_that_contradicts_itself_is_told_and_its_estimate_stays(proxy: Proxy, pulled: Any, lake: Lake) -> None:
    proxy.rows = [request(1, total_tokens=999_999)]
    report = pulled()
    assert "contradict" in next(finding.text for finding in report.findings if finding.rule == "tokens-disagree")
    assert estimated(lake, "team") == {("team-risk",): Decimal("0.25")}


def test_a_day_is_a_day_in_utc(proxy: Proxy, pulled: Any, lake: Lake) -> None:
    proxy.rows = [request(1, "2026-11-01T23:30:00"), request(2, "2026-11-02T00:30:00")]
    pulled()
    assert set(estimated(lake, "day")) == {("2026-11-01",), ("2026-11-02",)}
    assert date(2026, 11, 1) in {row[0] for row in stored(lake, "x_day")}
