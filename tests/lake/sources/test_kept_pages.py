"""A pull that was cut off goes on where it stopped; what is loaded never depends on how often it died."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from lake.engine import Lake
from lake.errors import LakeError
from lake.period import Period
from lake.pull import pull, standing
from lake.question import Question
from lake.sources.anthropic_api import Anthropic, headers
from lake.sources.one_pull import sole
from lake.sources.paged_api import PagedApi, Refused
from tests.lake.sources.providers import Fake

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
URL = "https://api.anthropic.com"
COSTS, USAGE = "/v1/organizations/cost_report", "/v1/organizations/usage_report/messages"
NOVEMBER = Question(period=Period.parse("2026-11"))


def line(cents: str, model: str = "claude-sonnet-4-5") -> dict[str, Any]:
    return {"amount": cents, "currency": "USD", "description": model, "model": model, "token_type": "output_tokens"}


@pytest.fixture
def fake() -> Iterator[Fake]:
    november = {date(2026, 11, day): [line("100")] for day in range(1, 24)}
    with respx.mock(assert_all_called=False) as router:
        yield Fake(URL, {COSTS: dict(november)}, per_page=5).mount(router)


@pytest.fixture
def pulled(lake: Lake, tmp_path: Path) -> Callable[..., Any]:
    def run(now: datetime = NOW, **options: Any) -> Any:
        api = PagedApi("Anthropic", URL, headers("sk-ant-admin-1", legacy=True), sleep=lambda _: None)
        return pull(lake, Anthropic(api, legacy=True), folder=tmp_path / "kept", now=now, **options)

    return run


def dies_at(fake: Fake, number: int, how: Callable[[httpx.Request], httpx.Response]) -> None:
    """From the request of this number on, counted from now, the provider answers like this."""
    begun = len(fake.asked)
    fake.before = lambda request: how(request) if len(fake.asked) - begun >= number else None


def total(lake: Lake) -> Decimal:
    return dict(lake.ask(NOVEMBER).totals)["USD"]


def stop(request: httpx.Request) -> httpx.Response:
    raise KeyboardInterrupt


@pytest.mark.parametrize("number", [1, 2, 5, 9, 15])
def test_a_pull_that_is_cut_off_asks_no_page_twice(
    fake: Fake, pulled: Any, lake: Lake, tmp_path: Path, number: int
) -> None:
    dies_at(fake, number, stop)
    with pytest.raises(KeyboardInterrupt):
        pulled()
    assert lake.store.current() == ()
    assert standing(["kept"], tmp_path)[0].under_way
    fake.before = None
    pulled()
    assert total(lake) == Decimal(23)
    whole = [str(request.url) for request in fake.asked]
    assert len(whole) == len(set(whole)) + 1  # only the one that was never answered
    assert not standing(["kept"], tmp_path)[0].under_way


def test_half_a_page_changes_nothing_and_the_pages_before_it_stay(fake: Fake, pulled: Any, lake: Lake) -> None:
    pulled()
    before = total(lake)
    fake.answers[COSTS][date(2026, 11, 22)] = [line("900")]
    fake.per_page = 2
    dies_at(fake, 3, lambda request: httpx.Response(200, text='{"data": [{"starting_at"'))
    with pytest.raises(LakeError, match="cannot be understood"):
        pulled(NOW + timedelta(hours=1))
    assert total(lake) == before
    fake.before = None
    asked = len(fake.asked)
    pulled(NOW + timedelta(hours=2))
    assert total(lake) == before + 8
    assert fake.asked[asked].url.params["page"] == "4"


def test_a_page_that_a_power_failure_damaged_is_asked_again(
    fake: Fake, pulled: Any, lake: Lake, tmp_path: Path
) -> None:
    dies_at(fake, 4, stop)
    with pytest.raises(KeyboardInterrupt):
        pulled()
    damaged = sorted((tmp_path / "kept" / "under-way").glob("*/00001.json"))[0]
    damaged.write_bytes(damaged.read_bytes()[:20])
    fake.before = None
    pulled()
    assert total(lake) == Decimal(23)


def test_a_place_in_the_list_that_the_provider_forgot_begins_the_list_anew_once(
    fake: Fake, pulled: Any, lake: Lake
) -> None:
    dies_at(fake, 4, stop)
    with pytest.raises(KeyboardInterrupt):
        pulled()

    refusals = [400]

    def forgotten(request: httpx.Request) -> httpx.Response | None:
        at_the_place = request.url.path == COSTS and request.url.params.get("page") == "15"
        return httpx.Response(refusals.pop()) if at_the_place and refusals else None

    fake.before = forgotten
    pulled()
    assert total(lake) == Decimal(23)
    refusals += [400, 400]
    with pytest.raises(Refused):
        pulled(NOW + timedelta(days=40))


def test_pages_of_other_days_are_thrown_away(fake: Fake, pulled: Any, lake: Lake) -> None:
    dies_at(fake, 4, stop)
    with pytest.raises(KeyboardInterrupt):
        pulled()
    fake.before = None
    fake.answers[COSTS][date(2026, 11, 1)] = [line("500")]
    pulled(NOW + timedelta(days=1))
    assert total(lake) == Decimal(27)


def test_pages_without_an_end_are_given_up(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.before = lambda request: httpx.Response(200, json={"data": [], "has_more": True, "next_page": "5"})
    with pytest.raises(LakeError, match="do not end"):
        pulled()
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    "page",
    [
        {"data": []},
        {"data": [], "has_more": True, "next_page": None},
        {"data": [{"results": []}], "has_more": False},
        {"data": [{"starting_at": "yesterday", "results": []}], "has_more": False},
        {"data": {"results": 1}, "has_more": False},
        {"data": ["text"], "has_more": False},
        {"data": [{"starting_at": "2026-11-01T00:00:00Z", "results": [{"amount": "ten"}]}], "has_more": False},
    ],
    ids=["no end told", "more without a place", "no day", "a day that is none", "an object", "text", "no amount"],
)
def test_a_page_in_another_form_is_refused_and_never_kept(
    fake: Fake, pulled: Any, lake: Lake, tmp_path: Path, page: dict[str, Any]
) -> None:
    fake.before = lambda request: httpx.Response(200, json=page)
    with pytest.raises(LakeError, match="cannot be understood"):
        pulled()
    assert lake.store.current() == ()
    assert not list((tmp_path / "kept").rglob("00000.json"))


def test_the_trailing_days_are_asked_again_and_the_month_is_replaced_whole(fake: Fake, pulled: Any, lake: Lake) -> None:
    pulled()
    fake.answers[COSTS][date(2026, 11, 2)] = [line("9900")]  # too old to be asked for each day
    fake.answers[COSTS][date(2026, 11, 20)] = [line("300")]
    asked = len(fake.asked)
    report = pulled(NOW + timedelta(hours=2))
    assert {request.url.params["starting_at"][:10] for request in fake.asked[asked:]} == {"2026-11-17"}
    assert total(lake) == Decimal(25)
    assert any(finding.rule == "replaced" for finding in report.findings)
    assert lake.store.current()[0].revision == 2
    pulled(NOW + timedelta(days=8))
    assert total(lake) == Decimal(25 + 98)


def test_a_day_that_lost_its_charges_loses_them_here(fake: Fake, pulled: Any, lake: Lake) -> None:
    pulled()
    del fake.answers[COSTS][date(2026, 11, 20)]
    pulled(NOW + timedelta(hours=1))
    assert total(lake) == Decimal(22)


def test_one_pull_of_a_source_at_a_time(pulled: Any, tmp_path: Path, fake: Fake) -> None:
    with sole(tmp_path / "kept"), pytest.raises(LakeError, match="still running"):
        pulled()
    assert fake.asked == []


def test_nothing_at_all_is_no_error(fake: Fake, pulled: Any, lake: Lake) -> None:
    fake.answers = {}
    report = pulled()
    assert (report.snapshots, report.rows_in) == ([], 0)


def test_a_day_to_come_cannot_be_pulled(fake: Fake, pulled: Any) -> None:
    with pytest.raises(LakeError, match="nothing to pull"):
        pulled(since=date(2026, 12, 24))
    assert fake.asked == []
