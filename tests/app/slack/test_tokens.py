"""Tokens that end after twelve hours: renewed in time by one process, told where they are not, and never in clear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from slack_sdk.errors import SlackApiError
from sqlalchemy import Engine

from app.database import writing
from app.errors import Problem
from app.home import Home
from app.installations import SlackInstallation, held_token
from app.processes import serve
from app.slack.clients import WorkspaceClient, at
from app.slack.doctor import Verdict
from app.slack.doctor_workspaces import examine_workspaces
from app.slack.patience import HOPELESS, word
from app.slack.tokens import EARLY, LATE, Tokens
from sandbox.slack.clock import MovedClock
from tests.app.slack.workspaces import BANK, KEY, LAB, LUCY, OLIVIA, STRANGERS, Floors, floors

pytestmark = pytest.mark.slow

HALF_A_DAY = timedelta(hours=12)


@asynccontextmanager
async def rotating(engine: Engine, home: Home, clock: Any) -> AsyncIterator[tuple[Floors, MovedClock]]:
    """Both workspaces installed, with tokens that end."""
    time = MovedClock()
    async with floors(engine, home, clock, rotation=True, time=time) as two:
        await two.install(BANK, OLIVIA)
        await two.install(LAB, LUCY)
        yield two, time


def pass_(clock: Any, time: MovedClock, much: timedelta) -> None:
    clock.pass_(seconds=much.total_seconds())
    time.move(much.total_seconds())


def own(two: Floors, **more: Any) -> Tokens:
    """Another process's tokens."""
    return Tokens(two.engine, replace(two.oauth, **more), base_url=two.slack.base_url)


async def refreshes(two: Floors) -> int:
    calls = await two.drivers[BANK].calls("oauth.v2.access")
    return sum(call["arguments"].get("grant_type") == "refresh_token" for call in calls)


async def test_a_token_is_renewed_while_messages_are_sent_by_one_of_many(
    engine: Engine, home: Home, clock: Any
) -> None:
    async with rotating(engine, home, clock) as (two, time):
        before = two.installed()[LAB]
        pass_(clock, time, HALF_A_DAY - LATE + timedelta(seconds=30))
        clients = [at(WorkspaceClient(own(two), BANK), LAB) for _ in range(3)]
        sent = await asyncio.gather(
            *(client.chat_postMessage(channel=f"D0{LUCY[2:]}", text=f"{n}") for n in range(4) for client in clients)
        )
        assert all(answer["ok"] for answer in sent)
        after = two.installed()[LAB]
        assert after.token != before.token
        assert after.refresh_token != before.refresh_token
        assert (after.renewing_by, after.refused) == (None, None)
        assert after.ends_at is not None
        assert before.ends_at is not None
        assert after.ends_at - before.ends_at > HALF_A_DAY - timedelta(minutes=10)
        assert await refreshes(two) <= 2  # the lab's, and the bank's in the background
        held = await own(two).token(LAB)
        assert held.startswith("xoxe.xoxb-1-")
        calls = str(await two.drivers[BANK].calls())
        assert held not in calls
        assert two.oauth.client_secret not in calls


async def test_what_ends_in_two_hours_is_renewed_in_the_background(engine: Engine, home: Home, clock: Any) -> None:
    async with rotating(engine, home, clock) as (two, time):
        tokens, before = own(two), await own(two).stored(BANK)
        await tokens.renew_due()
        assert await tokens.stored(BANK) == before
        pass_(clock, time, HALF_A_DAY - EARLY + timedelta(seconds=30))
        await asyncio.gather(*(own(two).renew_due() for _ in range(4)))
        assert await tokens.stored(BANK) != before
        assert await refreshes(two) == 2  # one for each workspace, however many are at it


async def test_a_refresh_that_slack_refuses_is_told_and_the_token_used_while_it_lasts(
    engine: Engine, home: Home, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with rotating(engine, home, clock) as (two, time):
        before = await own(two).stored(LAB)
        pass_(clock, time, HALF_A_DAY - LATE + timedelta(seconds=30))
        two.site.grants._refresh.clear()
        assert await own(two).token(LAB) == before
        assert await own(two).token(LAB) == before
        assert two.installed()[LAB].refused == "invalid_refresh_token"
        told = [one for one in two.told("slack.not_renewed") if one["team"] == LAB]
        assert told == [{"team": LAB, "reason": "invalid_refresh_token"}]  # once, however often it is tried
        found = {one.check: one for one in await examine_workspaces(engine, own(two), two.slack)}
        assert found[f"{LAB} renewal"].verdict == Verdict.WRONG
        assert f"/slack/install?team={LAB}" in found[f"{LAB} renewal"].do
        assert str(before) not in caplog.text
        await two.install(LAB, LUCY)
        assert two.installed()[LAB].refused is None


async def test_an_exchange_goes_on_where_whoever_needed_it_lost_patience(
    engine: Engine, home: Home, clock: Any
) -> None:
    """The refresh token is used up by then: what came for it must be stored."""
    async with rotating(engine, home, clock) as (two, time):
        tokens, before = own(two), await own(two).stored(LAB)
        pass_(clock, time, HALF_A_DAY - LATE + timedelta(seconds=30))
        (refresh,) = [value for value, one in two.site.grants._refresh.items() if one.team == LAB]
        slow = {"fault": "slow", "method": "oauth.v2.access", "having": refresh, "seconds": 2.0}
        await two.drivers[BANK].faults(slow)
        call = asyncio.create_task(tokens.token(LAB))
        async with asyncio.timeout(120):
            while two.site.faults.pending:  # noqa: ASYNC110  (until Slack has begun to answer)
                await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        async with asyncio.timeout(120):
            while await tokens.stored(LAB) == before:  # noqa: ASYNC110  (the row tells it, and nothing else)
                await asyncio.sleep(0.02)
        assert two.installed()[LAB].refused is None


async def test_a_workspace_without_a_token_waits_and_one_off_the_list_is_given_up(
    engine: Engine, home: Home, clock: Any
) -> None:
    async with floors(engine, home, clock) as two:
        home_client = WorkspaceClient(own(two), BANK)
        for team, said in ((LAB, "not_installed"), (STRANGERS, "team_not_allowed")):
            with pytest.raises(SlackApiError) as refused:
                await at(home_client, team).auth_test()
            assert (word(refused.value), word(refused.value) in HOPELESS) == (said, team == STRANGERS)
        found = {one.check: one for one in await examine_workspaces(engine, own(two), two.slack)}
        assert {name: one.verdict for name, one in found.items()} == {
            f"{BANK} installed": Verdict.WRONG, f"{LAB} installed": Verdict.WARNING,
        }  # fmt: skip


async def test_the_doctor_looks_at_each_workspace(engine: Engine, home: Home, clock: Any) -> None:
    async with floors(engine, home, clock) as two:
        await two.install(BANK, OLIVIA)
        await two.install(LAB, LUCY)
        found = await examine_workspaces(engine, own(two), two.slack)
        assert {one.verdict for one in found} == {Verdict.OK}, found
        assert {"scopes", f"{LAB} scopes", f"{LAB} renewal", f"{BANK} renewal"} <= {one.check for one in found}
        found = await examine_workspaces(engine, own(two, teams=frozenset({BANK})), two.slack)
        (stranger,) = [one for one in found if one.check == f"{LAB} installed"]
        assert stranger.verdict == Verdict.WARNING
        assert f"spendgate slack workspaces remove {LAB}" in stranger.do


async def test_with_another_key_the_tokens_cannot_be_read_and_it_says_so(
    engine: Engine, home: Home, clock: Any
) -> None:
    async with floors(engine, home, clock) as two:
        await two.install(LAB, LUCY)
        token, sealed = await own(two).token(LAB), two.installed()[LAB].token
        other = Fernet.generate_key().decode()
        with pytest.raises(Problem) as refused:
            own(two, keys=(other,)).check()
        said = f"{refused.value} {refused.value.why} {refused.value.do}"
        assert "SPENDGATE_SLACK_TOKEN_KEY" in said
        assert token not in said
        assert other not in said
        # A new key is put in front of the old one, and needs it no more after a start.
        assert own(two, keys=(other, KEY)).check() == [BANK]  # where nothing is installed
        assert two.installed()[LAB].token != sealed
        assert await own(two, keys=(other,)).token(LAB) == token


async def test_whoever_can_write_the_rows_cannot_pass_one_token_off_as_another(
    engine: Engine, home: Home, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with floors(engine, home, clock) as two:
        await two.install(BANK, OLIVIA)
        await two.install(LAB, LUCY)
        box = own(two).box
        with writing(engine) as (session, _):
            session.get_one(SlackInstallation, BANK).token = session.get_one(SlackInstallation, LAB).token
        with writing(engine) as (session, _), pytest.raises(Problem, match="cannot be used"):
            held_token(session, box, BANK)
        await own(two).renew_due()
        assert f"the token of {BANK} was not renewed: The Slack tokens in the database cannot be used." in caplog.text


@pytest.mark.slow
async def test_serve_that_stops_in_a_refresh_stores_first_what_came_for_it(
    engine: Engine, home: Home, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "SUMMARY_SECONDS", 0.05)
    async with rotating(engine, home, clock) as (two, time):
        before = two.installed()[LAB]
        (refresh,) = [value for value, one in two.site.grants._refresh.items() if one.team == LAB]
        slow = {"fault": "slow", "method": "oauth.v2.access", "having": refresh, "seconds": 3.0}
        await two.drivers[BANK].faults(slow)
        pass_(clock, time, HALF_A_DAY - EARLY + timedelta(seconds=30))
        async with asyncio.timeout(120):
            while two.site.faults.pending:  # noqa: ASYNC110  (until Slack has begun to answer)
                await asyncio.sleep(0.01)
    after = two.installed()[LAB]
    assert after.refused is None
    assert after.refresh_token != before.refresh_token
