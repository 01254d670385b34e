"""`spendgate audit list --proposal`: the question is an entry, so nothing but a proposal's id may get into it."""

import json
import os
import pwd
import sqlite3
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.database import writing
from app.errors import Exit, Problem
from app.home import Home
from approvals.adopt import adopt
from audit.event import Actor, ActorKind
from tests.app.conftest import PEOPLE

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def at_home(home: Home, engine: Any, monkeypatch: pytest.MonkeyPatch) -> Home:
    me = PEOPLE.replace('name = "Edith Okafor"', f'name = "Edith Okafor"\nos_user = "{ME}"')
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=me, actor=Actor(ActorKind.SERVICE, "test"))
    return home


def entries(home: Home) -> list[dict[str, Any]]:
    with sqlite3.connect(home.database) as connection:
        rows = connection.execute("SELECT body FROM log_entry WHERE event = 'log.read' ORDER BY seq").fetchall()
    return [json.loads(row[0])["data"] for row in rows]


@pytest.mark.parametrize(
    "text",
    ["Arjun Rao arjun@bank.example", "AKIAIOSFODNN7EXAMPLE", "P-00000000001", "p-0000000001", "P-000000000\n", ""],
)
def test_what_is_no_proposals_id_is_refused_and_stands_nowhere(at_home: Home, text: str) -> None:
    done = CliRunner().invoke(app, ["audit", "list", "--proposal", text])
    assert isinstance(done.exception, Problem), done.output
    assert done.exception.exit_code == Exit.USAGE
    assert "no id of a proposal" in str(done.exception)
    assert entries(at_home) == []


def test_an_id_is_looked_for_and_entered(at_home: Home) -> None:
    done = CliRunner().invoke(app, ["audit", "list", "--proposal", "P-0000000001", "--json"])
    assert done.exit_code == Exit.OK, done.exception
    assert json.loads(done.stdout)["entries"] == []
    assert entries(at_home) == [{"view": "list", "proposal": "P-0000000001", "event": ""}]
