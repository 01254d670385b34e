"""One request to a provider: how long it waits, when it gives up, and what it never tells."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from lake.errors import LakeError
from lake.sources.paged_api import LONGEST_WAIT_SECONDS, MOST_TRIES, PagedApi, Refused

URL = "https://api.example.test/v1"
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
KEY = "sk-admin-very-secret"


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as mocked:
        yield mocked


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def api(waits: list[float]) -> PagedApi:
    return PagedApi("Example", URL, {"Authorization": f"Bearer {KEY}"}, sleep=waits.append, clock=lambda: NOW)


def answers(router: respx.MockRouter, *given: httpx.Response | Exception) -> respx.Route:
    return router.get(f"{URL}/costs").mock(side_effect=list(given))


FINE = httpx.Response(200, json={"data": [], "has_more": False})
WAITS = [
    ("seconds", "7", 7.0),
    ("a date, an hour's quarter later", "Mon, 23 Nov 2026 09:00:30 GMT", 30.0),
    ("a date that has passed", "Mon, 23 Nov 2026 08:00:00 GMT", 0.0),
    ("nonsense", "soon", 1.0),
    ("a fraction, which the header does not know", "1.5", 1.0),
    ("a negative number", "-3", 1.0),
]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "waited"), [row[1:] for row in WAITS], ids=[row[0] for row in WAITS])
def test_it_waits_as_long_as_it_is_told(
    router: respx.MockRouter, api: PagedApi, waits: list[float], status: int, header: str, waited: float
) -> None:
    route = answers(router, httpx.Response(status, headers={"Retry-After": header}), FINE)
    assert api.get("/costs", [])["has_more"] is False
    assert waits == [waited]
    assert route.call_count == 2


def test_without_a_word_it_waits_ever_longer_and_then_gives_up(
    router: respx.MockRouter, api: PagedApi, waits: list[float]
) -> None:
    route = answers(router, *[httpx.Response(503)] * (MOST_TRIES + 3))
    with pytest.raises(LakeError, match="did not answer") as raised:
        api.get("/costs", [])
    assert waits == [1, 2, 4, 8, 16]
    assert route.call_count == MOST_TRIES
    assert "503" in raised.value.why


def test_it_does_not_wait_for_longer_than_a_bound(router: respx.MockRouter, api: PagedApi, waits: list[float]) -> None:
    route = answers(router, httpx.Response(429, headers={"Retry-After": str(int(LONGEST_WAIT_SECONDS) + 1)}), FINE)
    with pytest.raises(LakeError, match="left alone for 301 seconds"):
        api.get("/costs", [])
    assert waits == []
    assert route.call_count == 1


def test_a_connection_that_breaks_is_tried_again(router: respx.MockRouter, api: PagedApi, waits: list[float]) -> None:
    answers(
        router, httpx.ConnectError("no route"), httpx.RemoteProtocolError("half a page"), httpx.ReadTimeout("."), FINE
    )
    assert api.get("/costs", []) == {"data": [], "has_more": False}
    assert waits == [1, 2, 4]


NOT_UNDERSTOOD: list[tuple[str, dict[str, Any]]] = [
    ("half a page", {"text": '{"data": [{"a": 1'}),
    ("a page of a proxy", {"html": "<h1>welcome</h1>"}),
    ("a list", {"json": [1]}),
    ("nothing", {"text": ""}),
    ("bytes that are no text", {"content": b"\xff\xfe{"}),
    ("a depth that no parser follows", {"text": "[" * 200_000}),
]


@pytest.mark.parametrize("given", [row[1] for row in NOT_UNDERSTOOD], ids=[row[0] for row in NOT_UNDERSTOOD])
def test_what_is_no_page_is_named(router: respx.MockRouter, api: PagedApi, given: dict[str, Any]) -> None:
    answers(router, httpx.Response(200, **given))
    with pytest.raises(LakeError, match="cannot be understood") as raised:
        api.get("/costs", [])
    assert "nothing was changed" in raised.value.do


def test_a_page_without_an_end_is_given_up(
    router: respx.MockRouter, api: PagedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.sources.paged_api.MOST_BYTES", 1000)
    answers(router, httpx.Response(200, content=b" " * 2000))
    with pytest.raises(LakeError, match="larger than"):
        api.get("/costs", [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 302, 307])
def test_a_refusal_is_said_at_once_and_never_repeats_the_key(
    router: respx.MockRouter, api: PagedApi, waits: list[float], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    body = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    elsewhere = router.get("https://elsewhere.test/").mock(return_value=FINE)
    route = answers(router, httpx.Response(status, json=body, headers={"Location": "https://elsewhere.test/"}))
    with pytest.raises(Refused) as raised:
        api.get("/costs", [])
    assert (raised.value.status, waits, route.call_count, elsewhere.call_count) == (status, [], 1, 0)
    assert KEY not in str(raised.value) + caplog.text + repr(api)


def test_decimals_stay_the_digits_that_were_written(router: respx.MockRouter, api: PagedApi) -> None:
    answers(router, httpx.Response(200, text='{"value": 0.10000000000000000001, "count": 3}'))
    assert api.get("/costs", []) == {"value": "0.10000000000000000001", "count": 3}


@pytest.mark.parametrize("url", ["http://api.example.test/v1", "ftp://api.example.test", "api.example.test", ""])
def test_the_key_goes_nowhere_in_clear(url: str) -> None:
    with pytest.raises(LakeError, match="cannot be used"):
        PagedApi("Example", url, {})


@pytest.mark.parametrize("url", ["http://127.0.0.1:4000", "http://localhost:4000", "http://[::1]:4000"])
def test_loopback_needs_no_certificate(router: respx.MockRouter, url: str) -> None:
    asked = router.get(f"{url}/costs").respond(text='{"count": 3}')
    assert PagedApi("Example", url, {"x-key": KEY}).get("/costs", []) == {"count": 3}
    assert asked.calls.last.request.headers["x-key"] == KEY
