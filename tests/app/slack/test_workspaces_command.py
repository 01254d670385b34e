"""`spendgate slack workspaces`, `doctor` and `manifest` at a terminal, beside a running `serve`."""

import asyncio
import json
import os
import pwd
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from app.cli import app
from app.commands import slack_workspaces
from app.database import writing
from app.errors import Problem
from app.home import Home
from app.installations import remove
from app.slack.tokens import Tokens
from approvals.adopt import adopt
from audit.event import Actor, ActorKind
from tests.app.conftest import PEOPLE
from tests.app.slack.workspaces import BANK, KEY, LAB, LUCY, OLIVIA, Floors, floors

pytestmark = pytest.mark.slow

ME = pwd.getpwuid(os.getuid()).pw_name


async def at_terminal(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["slack", *words])


def configured(two: Floors, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal with what `serve` has, at which Arjun sits."""
    people = PEOPLE.replace('name = "Arjun Rao"', f'name = "Arjun Rao"\nos_user = "{ME}"')
    with writing(two.engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    for name, value in {
        "SPENDGATE_HOME": str(home.folder),
        "SPENDGATE_PUBLIC_URL": two.address,
        "SPENDGATE_SLACK_CLIENT_ID": two.oauth.client_id,
        "SPENDGATE_SLACK_CLIENT_SECRET": two.oauth.client_secret,
        "SPENDGATE_SLACK_TOKEN_KEY": KEY,
        "SPENDGATE_SLACK_SIGNING_SECRET": "s3",
        "SPENDGATE_SLACK_TEAM": BANK,
        "SPENDGATE_SLACK_TEAMS": LAB,
        "SPENDGATE_SLACK_APP_ID": two.slack.app_id,
        "SPENDGATE_SLACK_APPROVALS_CHANNEL": two.slack.approvals_channel,
        "SPENDGATE_SLACK_BASE_URL": two.slack.base_url,
    }.items():
        monkeypatch.setenv(name, value)


async def test_the_guides_steps_for_several_workspaces_end_with_a_doctor_that_finds_nothing_wrong(
    engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await at_terminal("manifest", "--several-at", "https://spendgate.example.com")
    back = "https://spendgate.example.com/slack/oauth_redirect"
    assert json.loads(made.stdout)["oauth_config"]["redirect_urls"] == [back]
    Fernet((await at_terminal("token-key")).stdout.strip())
    async with floors(engine, home, clock) as two:
        configured(two, home, monkeypatch)
        before = await at_terminal("doctor", "--json")
        assert before.exit_code == 1
        assert {one["check"] for one in json.loads(before.stdout)["findings"]} == {
            f"{BANK} installed",
            f"{LAB} installed",
        }
        await two.install(BANK, OLIVIA)
        await two.install(LAB, LUCY)
        after = await at_terminal("doctor", "--json")
        assert json.loads(after.stdout)["ok"], after.stdout
        listed = json.loads((await at_terminal("workspaces", "list", "--json")).stdout)["workspaces"]
        assert [(one["team"], one["state"]) for one in listed] == [
            (BANK, "its token does not end"), (LAB, "its token does not end"),
        ]  # fmt: skip
        removed = await at_terminal("workspaces", "remove", LAB)
        assert removed.stdout == f"{LAB} is removed: its token is revoked.\n"
        assert set(two.installed()) == {BANK}
        assert not two.site.grants.installed(LAB)
        again = await at_terminal("workspaces", "remove", LAB)
        assert isinstance(again.exception, Problem)
        assert "not installed" in again.exception.what


async def test_a_workspace_whose_token_cannot_be_read_can_still_be_removed(
    engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with floors(engine, home, clock) as two:
        await two.install(LAB, LUCY)
        configured(two, home, monkeypatch)
        monkeypatch.setenv("SPENDGATE_SLACK_TOKEN_KEY", Fernet.generate_key().decode())
        removed = await at_terminal("workspaces", "remove", LAB)
        assert "its token could not be read" in removed.stdout
        assert "remove the app in Slack" in removed.stdout
        assert two.installed() == {}


async def test_who_removed_a_workspace_stands_in_the_log_also_where_slack_told_of_it_first(
    engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked = slack_workspaces._revoked

    async def heard_first(tokens: Tokens, team: str) -> str:
        told = await revoked(tokens, team)
        with writing(tokens.engine) as (session, now):
            remove(session, team, why="its token was revoked", actor=Actor(ActorKind.SERVICE, "slack"), now=now)
        return told

    async with floors(engine, home, clock) as two:
        await two.install(LAB, LUCY)
        configured(two, home, monkeypatch)
        monkeypatch.setattr(slack_workspaces, "_revoked", heard_first)
        await at_terminal("workspaces", "remove", LAB)
        assert two.told("slack.removed")[-1] == {"team": LAB, "why": "removed at the terminal; its token is revoked"}
