"""The tools by the Model Context Protocol, with the official client: the same scope, the same gate, nothing more."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from agent.guards import from_data
from app.access import AccessToken, bearer_of, digest_of, make_token, revoke_token, tokens_of
from app.commands.mcp import _listening
from app.database import reading, writing
from app.errors import Problem
from app.home import Home
from app.inbox import Conversation
from app.mcp.bench import Bench
from app.mcp.server import mcp_server
from app.mcp.site import http_site, serve_http
from app.seat import sit
from approvals.active import PEOPLE as PEOPLE_KIND
from approvals.adopt import adopt
from approvals.store import Draft
from audit.event import Actor, ActorKind
from audit.log import LogEntry
from evals.bills import two_currencies
from lake.engine import Lake
from lake.load import ingest
from tests.app.conftest import PEOPLE, Hands

OLIVIA, TINA = "p-0a11ce01", "p-00000042"
TINA_SEES = (
    '\n[[person]]\nid = "p-00000042"\nname = "Tina Treasury"\nroles = ["ops_manager"]\nsees_teams = ["treasury"]\n'
)


@pytest.fixture
def lake(engine: Engine, home: Home, tmp_path: Path, clock: Hands) -> Lake:
    """A small bill in two currencies, and one person who may see none of it."""
    ingest(Lake(home.lake), list(two_currencies(tmp_path / "bill").files), now=clock())
    with writing(engine) as (session, now):
        adopt(session, now=now, kind=PEOPLE_KIND, text=PEOPLE + TINA_SEES, actor=Actor(ActorKind.SERVICE, "test"))
    return Lake(home.lake)


def bench(engine: Engine, home: Home, lake: Lake, person: str = OLIVIA, **more: Any) -> Bench:
    return Bench(engine, sit(engine, home, lake), person=person, may_propose=more.get("may_propose", True))


def token(engine: Engine, person: str = OLIVIA, **more: Any) -> str:
    given = {"days": 30, "may_propose": False, **more}
    with writing(engine) as (session, now):
        return make_token(session, now=now, person=person, **given)[1]


def said(result: Any) -> Any:
    (content,) = result.content
    found = from_data("query_spend", content.text)
    return content.text if found is None else found


@asynccontextmanager
async def over_http(engine: Engine, home: Home, lake: Lake) -> AsyncIterator[str]:
    listening = _listening(0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving = asyncio.create_task(serve_http(http_site(engine, sit(engine, home, lake), address=address), listening))
    try:
        yield f"{address}/mcp"
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def client(url: str, bearer: str) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {bearer}"}) as http,
        Client(streamable_http_client(url, http_client=http)) as connected,
    ):
        yield connected


async def test_an_assistant_reads_with_the_official_client_as_its_person(
    engine: Engine, home: Home, lake: Lake
) -> None:
    async with Client(mcp_server(lambda _: bench(engine, home, lake))) as connected:
        tools = {tool.name: tool for tool in (await connected.list_tools()).tools}
        spent = said(await connected.call_tool("query_spend", {"period": "2026-10", "by": ["provider"]}))
    assert {"query_spend", "find_proposals", "propose_change"} <= set(tools)
    assert not {name for name in tools if "vote" in name or "approve" in name or "decide" in name}
    assert tools["query_spend"].input_schema["properties"]["period"]["type"] == "string"
    assert tools["propose_change"].annotations is not None
    assert tools["propose_change"].annotations.read_only_hint is False
    assert {row["data"]["provider"]: row["effective"] for row in spent["rows"]} == {
        "Rhein GPU Cloud": "€10,113.75",
        "OpenAI": "$3,940.88",
    }


async def test_results_of_earlier_calls_are_at_hand_and_numbers_never_twice(
    engine: Engine, home: Home, lake: Lake
) -> None:
    at = bench(engine, home, lake)
    first = await at.call("query_spend", {"period": "2026-10", "where": {"provider": "OpenAI"}})
    second = await at.call("query_spend", {"period": "2026-09", "where": {"provider": "OpenAI"}})
    derived = await at.call("derive", {"op": "difference", "a": "q1.t1.effective", "b": "q2.t1.effective"})
    assert '"result":"q1"' in first
    assert '"result":"q2"' in second
    assert '"result":"q3"' in derived
    assert "error" not in derived


async def test_over_http_a_token_is_its_person_and_no_more(engine: Engine, home: Home, lake: Lake) -> None:
    async with over_http(engine, home, lake) as url:
        async with client(url, token(engine)) as connected:
            names = {tool.name for tool in (await connected.list_tools()).tools}
            seen = said(await connected.call_tool("query_spend", {"period": "2026-10"}))
            refused = await connected.call_tool("propose_change", {"target": "i-0123456789abcdef0"})
        async with client(url, token(engine, TINA)) as connected:
            hidden = said(await connected.call_tool("query_spend", {"period": "2026-10"}))
    assert "propose_change" not in names
    assert len(seen["totals"]) == 2
    assert refused.is_error
    assert "may read and not propose" in said(refused)
    assert "totals" not in hidden
    with reading(engine) as (session, _):
        assert session.exec(select(Draft)).all() == []


async def test_whoever_has_no_valid_token_hears_nothing(engine: Engine, home: Home) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    wrong = [
        "Bearer sgt_",
        f"Bearer sgt_{'A' * 43}",
        "Bearer",
        f"Bearer sgt_{'é' * 20}",
        f"Bearer {'x' * 5000}",
        "Basic eDp5",
    ]
    async with over_http(engine, home, Lake(home.lake)) as url, httpx2.AsyncClient() as http:
        for given in [{}, *({"authorization": text.encode()} for text in wrong)]:
            headers: dict[str, Any] = {"accept": "application/json, text/event-stream", **given}
            answered = await http.post(url, json=call, headers=headers)
            assert answered.status_code == 401, given
            assert "query_spend" not in answered.text


def test_a_token_that_ended_or_whose_time_is_over_opens_nothing(engine: Engine, clock: Hands) -> None:
    ended, old = token(engine), token(engine, days=1)
    with writing(engine) as (session, now):
        assert bearer_of(session, ended, now) is not None
        name = next(one.id for one in tokens_of(session, OLIVIA) if one.digest == digest_of(ended))
        revoke_token(session, now=now, person=OLIVIA, name=name)
        assert bearer_of(session, ended, now) is None
    clock.pass_(hours=23, minutes=59)
    with reading(engine) as (session, now):
        assert bearer_of(session, old, now) is not None
    clock.pass_(minutes=1)
    with reading(engine) as (session, now):
        assert bearer_of(session, old, now) is None


def test_only_a_digest_is_kept_and_each_token_has_its_entries(engine: Engine) -> None:
    text = token(engine, may_propose=True)
    with writing(engine) as (session, now):
        (kept,) = session.exec(select(AccessToken)).all()
        assert text not in json.dumps(kept.model_dump(mode="json"))
        with pytest.raises(Problem, match="no token"):
            revoke_token(session, now=now, person=TINA, name=kept.id)
        revoke_token(session, now=now, person=OLIVIA, name=kept.id)
        told = [row for row in session.exec(select(LogEntry)).all() if '"access.' in row.body.decode()]
    assert [("access.given" in row.body.decode(), text in row.body.decode()) for row in told] == [
        (True, False), (False, False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_token SET expires_at = '2099-01-01T00:00:00.000000Z'",
        "UPDATE access_token SET person = 'p-00000042'",
        "UPDATE access_token SET may_propose = 1",
        "DELETE FROM access_token",
    ],
)
def test_whoever_has_the_file_makes_no_token_longer_or_anothers(engine: Engine, change: str) -> None:
    token(engine)
    with engine.begin() as connection, pytest.raises(DatabaseError, match="token can"):
        connection.exec_driver_sql(change)


@pytest.mark.parametrize("days", [0, -1, 366, 100_000])
def test_a_token_lives_a_year_at_most(engine: Engine, days: int) -> None:
    with writing(engine) as (session, now), pytest.raises(Problem, match="cannot be made"):
        make_token(session, now=now, person=OLIVIA, days=days, may_propose=False)


BAD_CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("approve", {"proposal": "P-1"}, "There is no such tool"),
    ("query_spend", {"period": "x" * 30_000}, "longer than"),
    ("query_spend", {"period": ["2026-10"], "evil": 1}, "not accepted"),
    ("query_spend", {"period": "the day after doomsday"}, "error"),
    ("propose_change", {"target": "i-0123456789abcdef0"}, "error"),
    ("derive", {"op": "sum", "a": "q9.t1.effective", "b": "q8.t1.effective"}, "error"),
]


async def test_a_bad_call_is_answered_in_words_and_the_next_one_works(engine: Engine, home: Home, lake: Lake) -> None:
    at = bench(engine, home, lake)
    async with Client(mcp_server(lambda _: at)) as connected:
        for name, arguments, wanted in BAD_CALLS:
            (content,) = (await connected.call_tool(name, arguments)).content
            assert wanted in content.text, name  # type: ignore[union-attr]
            assert "Traceback" not in content.text  # type: ignore[union-attr]
        assert "totals" in said(await connected.call_tool("query_spend", {"period": "2026-10"}))


async def test_looking_leaves_no_conversation_behind(engine: Engine, home: Home, lake: Lake) -> None:
    at = bench(engine, home, lake)
    await at.call("query_spend", {"period": "2026-10"})
    with reading(engine) as (session, _):
        assert session.exec(select(Conversation)).all() == []
