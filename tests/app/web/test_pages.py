"""The log's pages: opened by a person's own link, on this machine, and never broken by an address."""

import sqlite3
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlmodel import select

from app.database import reading, writing
from app.home import Home
from app.web import pages
from app.web.login import COOKIE, link_token
from approvals.adopt import adopt
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.log import LogEntry

EDITH = "p-0a0d1703"
HERE = "http://127.0.0.1:8470"


@pytest.fixture
def client(engine: Engine, home: Home) -> Iterator[TestClient]:
    api = FastAPI()
    pages.mount(api, engine=engine, home=home)
    with TestClient(api, base_url=HERE) as made:
        yield made


@pytest.fixture
def edith(client: TestClient, home: Home) -> TestClient:
    assert client.get("/enter", params={"token": link_token(home, EDITH)}).status_code == 200
    return client


def reads(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [entry.actor for entry in session.exec(select(LogEntry).where(LogEntry.event == "log.read")).all()]


def test_a_link_opens_the_log_and_each_view_is_entered(edith: TestClient, engine: Engine) -> None:
    page = edith.get("/audit")
    assert "policy.changed" in page.text
    assert "The log verifies" in edith.get("/audit/verify").text
    assert "The stored bytes" in edith.get("/audit/1").text
    assert reads(engine) == [EDITH] * 4


@pytest.mark.parametrize("cookie", ["", "x", "eyJwZXJzb24iOiJwLTBhMGQxNzAzIn0.aaaa.bbbb"])
def test_without_a_link_of_ones_own_nothing_is_shown(client: TestClient, engine: Engine, cookie: str) -> None:
    client.cookies.set(COOKIE, cookie)
    for path in ("/audit", "/audit/1", "/audit/verify"):
        page = client.get(path)
        assert page.status_code == 403
        assert "policy.changed" not in page.text
    assert reads(engine) == []


def test_somebody_who_was_removed_is_let_in_no_more(edith: TestClient, engine: Engine) -> None:
    with writing(engine) as (session, now):
        people = '[[person]]\nid = "p-0b0b0002"\nname = "Arjun"\n'
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    assert edith.get("/audit").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "log.example.com"},
        {"host": "127.0.0.1.evil.example"},
        {"x-forwarded-for": "10.0.0.1"},
        {"x-real-ip": "10.0.0.1"},
        {"forwarded": "for=10.0.0.1"},
    ],
)
def test_what_came_through_a_proxy_or_under_another_name_is_refused(edith: TestClient, headers: dict[str, str]) -> None:
    assert edith.get("/audit", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/audit?before=99999999999999999999999",
        "/audit?before=abc",
        "/audit?event=" + "x" * 60_000,
        "/audit?proposal=<script>alert(1)</script>",
        "/audit/99999999999999999999999",
        "/audit/-1",
        "/audit/0",
    ],
)
def test_no_address_breaks_a_page_or_fills_the_log(edith: TestClient, engine: Engine, path: str) -> None:
    answer = edith.get(path)
    assert answer.status_code in (200, 404)
    assert "<script>alert" not in answer.text
    with reading(engine) as (session, _):
        assert max(len(entry.body) for entry in session.exec(select(LogEntry)).all()) < 2000


def test_what_stands_in_an_entry_is_data(edith: TestClient, engine: Engine) -> None:
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.AGENT, "agent")
        log.append(
            session, now=now, event=Event.PROPOSAL_REFUSED, actor=actor, data={"reason": "<script>alert(1)</script>"}
        )
    for path in ("/audit", f"/audit/{len(reads(engine)) + 5}"):
        page = edith.get(path)
        assert "<script>" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("statement", ["body = x'7b'", "recorded_at = 'soon'", "event = 'x'"])
def test_a_damaged_log_is_said_to_be_so_and_still_verified_against(
    edith: TestClient, home: Home, statement: str
) -> None:
    with sqlite3.connect(home.database) as connection:
        connection.execute("DROP TRIGGER IF EXISTS log_entry_stays")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(f"UPDATE log_entry SET {statement} WHERE seq = 2")
    assert "amage" in edith.get("/audit").text or statement.startswith("event")
    assert "Traceback" not in edith.get("/audit/2").text
    assert "does not verify" in edith.get("/audit/verify").text
