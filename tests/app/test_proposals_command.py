"""Proposals at a terminal: the same facts, no line forged by a name, and exit codes that scripts can read."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from app.cli import app
from app.commands import proposals
from app.database import reading, writing
from app.errors import Exit
from app.home import Home
from approvals.active import active
from approvals.adopt import adopt
from approvals.card import project
from approvals.ids import new_id
from approvals.propose import DraftRequest, propose
from approvals.store import proposal_of
from approvals.switch import newest_turn
from audit.event import Actor, ActorKind
from tests.app.conftest import PEOPLE, STOP

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def at_home(home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    """A terminal in this home, at which Arjun sits."""
    clock.running = True
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    people = PEOPLE.replace('name = "Arjun Rao"', f'name = "Arjun Rao"\nos_user = "{ME}"')
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))


def decide(name: str, **more: Any) -> int:
    given = {"approve": False, "reject": False, "reason": "", "digest": None, "person": None, "as_json": False, **more}
    try:
        proposals.decide(name, **given)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.usefixtures("at_home")
def test_a_vote_at_the_terminal_counts_once(
    engine: Engine, sealed: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = sealed("t-1")
    assert decide(name) == Exit.OK
    assert "To vote" in capsys.readouterr().err
    assert decide(name, approve=True, digest="0" * 64) == Exit.CONFLICT
    assert decide(name, approve=True) == Exit.OK
    with reading(engine) as (session, _):
        assert proposal_of(session, name).state == "approved"
    assert decide(name, reject=True, reason="changed my mind") == Exit.OK
    assert decide(name, approve=True) == Exit.CONFLICT


@pytest.mark.usefixtures("at_home")
def test_a_name_forges_no_line(engine: Engine, sealed: Callable[[str], str]) -> None:
    name = sealed("t-1")
    with reading(engine) as (session, now):
        card = project(session, name, active(session).people, now=now)
    forged = "box\n  environment  non_production\n  amount 12 USD\x1b[2J\u202e"
    text = proposals.card_text(card.__class__(**{**card.__dict__, "resource_name": forged}))
    assert len([line for line in text.splitlines() if line.strip().startswith("environment")]) == 1
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.usefixtures("at_home")
def test_another_teams_proposal_is_not_told(
    engine: Engine, sealed: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    sealed("t-1")
    people = PEOPLE.replace('name = "Arjun Rao"', f'name = "Arjun Rao"\nos_user = "{ME}"').replace(
        'roles = ["approver", "owner"]\nsees_teams = ["*"]', 'roles = ["approver"]\nsees_teams = ["treasury"]'
    )
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    proposals.list_all(person=None, as_json=True)
    assert '"proposals": []' in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["undo"], ["break-glass", "--incident", "INC-1"], ["replace", "--with", "x.json"]])
@pytest.mark.usefixtures("at_home")
def test_another_teams_proposal_is_nobodys_to_replace_or_undo(
    engine: Engine, sealed: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: list[str]
) -> None:
    name = sealed("t-1")
    people = PEOPLE.replace('name = "Arjun Rao"', f'name = "Arjun Rao"\nos_user = "{ME}"').replace(
        'roles = ["approver", "owner"]\nsees_teams = ["*"]', 'roles = ["approver"]\nsees_teams = ["treasury"]'
    )
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    monkeypatch.chdir(tmp_path)
    Path("x.json").write_text(json.dumps(STOP))
    said = CliRunner().invoke(app, ["proposals", verb[0], name, *verb[1:]])
    assert getattr(said.exception, "exit_code", said.exit_code) == Exit.NOT_FOUND
    with reading(engine) as (session, _):
        assert proposal_of(session, name).state == "sealed"


@pytest.mark.usefixtures("at_home")
def test_a_draft_that_no_worker_has_checked_is_named(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    draft = DraftRequest(id=new_id(), thread="t-1", requester="p-0a11ce01", change=STOP, evidence={})
    with writing(engine) as (session, now):
        drafted = propose(session, now=now, draft=draft)
    proposals.list_all(person=None, as_json=False)
    said = capsys.readouterr().err
    assert drafted.proposal_id in said
    assert "no proposals" not in said


@pytest.mark.parametrize("account", ["123", "prod", "*", "1234567890123"])
@pytest.mark.usefixtures("at_home")
def test_an_account_that_is_none_stops_nothing(engine: Engine, account: str) -> None:
    said = CliRunner().invoke(app, ["kill-switch", "on", "--account", account])
    assert said.exit_code == Exit.USAGE
    assert "twelve digits" in said.output
    with reading(engine) as (session, _):
        assert newest_turn(session, "*") is None
