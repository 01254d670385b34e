"""Several workspaces: from Slack's page to an answer in the second one, and who may not get in."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import Engine
from sqlmodel import select

from app.database import open_database, reading, writing
from app.home import Home
from app.inbox import Message
from app.installations import SlackInstallation
from app.migrate import create
from app.oauth_settings import OAuthSettings
from app.slack.clients import WorkspaceClient
from app.slack.groups import SlackGroups
from app.slack.install import COOKIE, Installs
from app.slack.tokens import Tokens
from app.turns import StoredAnswer
from approvals.adopt import initialise
from approvals.person import Group
from audit.event import Actor, ActorKind
from sandbox.slack.driver import shown_text
from sandbox.slack.methods import oauth
from tests.app.conftest import PEOPLE, RULES
from tests.app.slack.turns import ANSWER, answered, begun
from tests.app.slack.workspaces import BANK, KEY, LAB, LUCY, OLIVIA, STRANGERS, Floors, floors

pytestmark = pytest.mark.slow

IN_LAB = f'{{ team = "{LAB}", user = "{LUCY}" }}'
OURS = '{ team = "T0BANK", user = "U0OLIVIA" }'
ALICE = "p-0a11ce01"


@pytest.fixture
def engine(home: Home, clock: Any) -> Iterator[Engine]:
    """A database in which Olivia of the bank has an account in the lab as well, under another id."""
    assert OURS in PEOPLE
    made = open_database(home.database, clock=clock)
    create(made)
    with writing(made) as (session, now):
        actor = Actor(ActorKind.SERVICE, "test")
        people = PEOPLE.replace(OURS, f"{OURS}, {IN_LAB}")
        initialise(session, now=now, rules_text=RULES, people_text=people, actor=actor)
    yield made
    made.dispose()


@pytest_asyncio.fixture
async def two(engine: Engine, home: Home, clock: Any) -> AsyncIterator[Floors]:
    async with floors(engine, home, clock) as one:
        yield one


async def until(found: Callable[[], bool], hint: str) -> None:
    ends = asyncio.get_running_loop().time() + 60
    while not await asyncio.to_thread(found):
        assert asyncio.get_running_loop().time() < ends, hint
        await asyncio.sleep(0.02)


def asked(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [message.person for message in session.exec(select(Message)).all()]


def waits(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [row.turn for row in session.exec(select(StoredAnswer)).all() if row.posted_at is None]


def secrets_of(two: Floors) -> list[str]:
    return [one.value for one in two.site.grants._tokens.values()]


async def test_from_slacks_page_to_an_answer_in_the_second_workspace(two: Floors, home: Home) -> None:
    assert (await two.install(BANK, OLIVIA)).status_code == 200
    done = await two.install(LAB, LUCY)
    assert "Spendgate is installed in Lab" in done.text
    lab = two.drivers[LAB]
    await lab.say(LUCY, "@app", "What did AI cost?")
    wake = await begun(two.engine)
    answered(two.engine, wake)
    shown = await lab.until_message("@app", lambda m: ANSWER in shown_text(m), user=LUCY, seconds=60, hint="no answer")
    assert shown["team"] == LAB
    assert asked(two.engine) == [ALICE]
    assert not [m for m in await two.drivers[BANK].messages("@app", user=OLIVIA) if ANSWER in shown_text(m)]
    assert [one["team"] for one in two.told("slack.installed")] == [BANK, LAB]
    # At rest, in the log and on every page there is none of what lets anybody act as the app.
    tokens = secrets_of(two)
    assert len(tokens) == 2
    stored = b""
    for name in ("spendgate.db-wal", "spendgate.db"):  # in this order: what leaves the first is in the second by then
        with suppress(FileNotFoundError):
            stored += (home.folder / name).read_bytes()
    assert two.installed()[LAB].token.encode() in stored
    for token in tokens:
        assert token.encode() not in stored
        assert token not in done.text
        assert token not in repr(two.oauth) + repr(two.installed())


async def test_by_socket_mode_one_connection_carries_every_workspace(engine: Engine, home: Home, clock: Any) -> None:
    async with floors(engine, home, clock, socket_mode=True, ack_seconds=30.0) as two:
        await two.install(LAB, LUCY)
        await two.drivers[LAB].say(LUCY, "@app", "What did AI cost?")
        answered(two.engine, await begun(two.engine))
        told = await two.drivers[LAB].until_message("@app", lambda m: ANSWER in shown_text(m), user=LUCY, seconds=60)
        assert told["user"] != LUCY
        assert len(await two.drivers[BANK].calls("apps.connections.open")) == 1


async def test_the_same_account_in_another_workspace_is_another_person(two: Floors) -> None:
    """`U0OLIVIA` of the lab is not Olivia of the bank, whatever she presses, asks or opens."""
    await two.install(BANK, OLIVIA)
    await two.install(LAB, LUCY)
    lab = two.drivers[LAB]
    await lab.open(OLIVIA, tab="home")
    view = await lab.until(lambda s: s["home"], user=OLIVIA, seconds=60, hint="no Home")
    assert "You are not linked yet" in shown_text(view)
    await lab.say(OLIVIA, "@app", "What did AI cost?")
    told = await lab.until_message(
        "@app", lambda m: "do not know who you are" in shown_text(m), user=OLIVIA, seconds=60
    )
    assert f'team = "{LAB}"' in shown_text(told)
    assert asked(two.engine) == []
    await two.drivers[BANK].say(OLIVIA, "@app", "What did AI cost?")
    await until(lambda: asked(two.engine) == [ALICE], "the bank's Olivia was not heard")
    said = await lab.command(LUCY, "@app", "/spendgate", "waiting")
    assert "Nothing waits for you" in said.delivery["response_body"] if said.delivery else False


async def test_whoever_denies_installs_nothing(two: Floors) -> None:
    async with two.browser() as browser:
        page = await browser.get(await browser.allowed(LAB, LUCY, allow=False))
    assert page.status_code == 403
    assert "Somebody denied it" in page.text
    assert two.installed() == {}


async def test_a_workspace_that_is_not_on_the_list_is_refused_and_its_token_is_given_back(two: Floors) -> None:
    page = await two.install(STRANGERS, OLIVIA)
    assert page.status_code == 403
    assert "not on the list" in page.text
    assert two.installed() == {}
    assert not two.site.grants.installed(STRANGERS)
    assert {"reason": "installation in a workspace that is not on the list", "team": STRANGERS,
            "ended": "its token was revoked"} in two.told("slack.refused")  # fmt: skip


@pytest.mark.parametrize("how", ["another browser", "no cookie", "forged", "late", "twice", "no state", "a token's"])
async def test_only_the_browser_that_was_sent_comes_back_and_once(two: Floors, clock: Any, how: str) -> None:
    """Install CSRF, state fixation, a stolen address: nothing is installed, and the code is not even exchanged."""
    async with two.browser() as browser, two.browser() as attacker:
        back = await browser.allowed(LAB, LUCY)
        parts = dict(parse_qsl(urlsplit(back).query))
        if how == "another browser":
            await attacker.page()
            page = await attacker.get(back)
        elif how == "no cookie":
            page = await attacker.get(back)
        elif how == "late":
            clock.pass_(minutes=11)
            page = await browser.get(back)
        elif how == "twice":
            held = str(browser.client.cookies.get(COOKIE))
            for status in (200, 403):
                attacker.client.cookies.set(COOKIE, held)  # what comes back takes the cookie away
                page = await attacker.get(back)
                assert page.status_code == status
            assert len(two.told("slack.installed")) == 1
        else:
            state = {"forged": parts["state"][:-4] + "AAA=", "no state": "", "a token's": ""}[how]
            if how == "a token's":  # whoever reads the rows has what was sealed by the same key
                await two.install(LAB, LUCY)
                state = two.installed()[LAB].token
            url = f"{two.address}/slack/oauth_redirect"
            page = await browser.client.get(url, params={"code": parts["code"], "state": state})
    assert page.status_code == 403
    assert "This browser did not begin it" in page.text
    assert len(two.installed()) == (how in ("twice", "a token's"))
    assert parts["code"] not in page.text


@pytest.mark.parametrize("odd", ["", "\x00", "é", "😀", "x" * 5000, "../..", "gAAAAA==", "{}", "%ud83d"])
async def test_whatever_comes_back_that_was_not_sent_is_no_error_of_ours(two: Floors, odd: str) -> None:
    async with two.browser() as browser:
        url = f"{two.address}/slack/oauth_redirect"
        for given in ({"state": odd, "code": odd}, {"state": odd, "error": odd}, {"code": odd}):
            assert (await browser.client.get(url, params=given)).status_code == 403
        back = await browser.allowed(LAB, LUCY)
        state = dict(parse_qsl(urlsplit(back).query))["state"]
        page = await browser.client.get(url, params={"state": state, "code": odd})
    assert page.status_code == 403
    assert "Nothing was installed" in page.text
    assert two.installed() == {}


@pytest.mark.parametrize(("address", "path"), [("https://s.example", "/slack/"), ("https://s.example/a", "/a/slack/")])
def test_the_cookie_is_bound_to_https_and_to_where_browsers_come_back(engine: Engine, address: str, path: str) -> None:
    oauth = OAuthSettings("1.2", "s", (KEY,), frozenset({BANK}), f"{address}/slack/oauth_redirect")
    installs = Installs(engine, Tokens(engine, oauth, base_url="https://slack.com/api/"), app_id="A0SPENDGATE")
    assert installs.cookie() == {"path": path, "httponly": True, "samesite": "lax", "secure": True}
    sent_to, _ = installs.begin("")
    assert sent_to.startswith("https://slack.com/oauth/v2/authorize?client_id=1.2&")


async def test_a_stolen_code_is_worth_nothing_elsewhere_and_where_a_browser_is_sent_is_fixed(two: Floors) -> None:
    async with two.browser() as browser:
        begun_at = await browser.get(f"{two.address}/slack/install?redirect_uri=https://evil.example&team=T0EVIL")
        asked_for = dict(parse_qsl(urlsplit(begun_at.headers["location"]).query))
        assert asked_for["redirect_uri"] == two.oauth.redirect_url
        assert "team" not in asked_for
        cookie = begun_at.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        back = await browser.allowed(LAB, LUCY)
        code = dict(parse_qsl(urlsplit(back).query))["code"]
        api = two.slack.base_url + "oauth.v2.access"
        thief = {"client_id": two.oauth.client_id, "client_secret": "guessed", "code": code}
        assert (await browser.client.post(api, data=thief)).json()["error"] == "bad_client_secret"
        thief |= {"client_secret": two.oauth.client_secret, "redirect_uri": "https://evil.example/"}
        assert (await browser.client.post(api, data=thief)).json()["error"] == "bad_redirect_uri"


async def test_a_workspace_that_removes_the_app_is_forgotten_and_what_is_due_there_waits(two: Floors) -> None:
    await two.install(BANK, OLIVIA)
    await two.install(LAB, LUCY)
    await two.drivers[LAB].say(LUCY, "@app", "What did AI cost?")
    wake = await begun(two.engine)
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.post(f"{two.site.settings.base_url}/workspaces/{LAB}/sandbox/uninstall")
    await until(lambda: set(two.installed()) == {BANK}, "the removal was not heard")
    answered(two.engine, wake)
    await two.drivers[BANK].say(OLIVIA, "@app", "And by team?")
    other = await begun(two.engine, count=2)
    answered(two.engine, other, text="By team: nothing.")
    await two.drivers[BANK].until_message("@app", lambda m: "By team" in shown_text(m), user=OLIVIA, seconds=60)
    # It is neither lost nor given up, and holds nobody else up.
    await until(lambda: waits(two.engine) == [wake.id], "what is due in the lab does not wait alone")
    assert [one["team"] for one in two.told("slack.removed")] == [LAB]
    assert two.told("slack.undelivered") == []


async def test_a_removal_of_the_past_takes_nothing_away(two: Floors) -> None:
    from app.slack.removal import gone

    await two.install(LAB, LUCY)
    installed_at = two.installed()[LAB].installed_at
    body = {"team_id": LAB, "event_id": "Ev1", "event_time": int((installed_at - timedelta(seconds=9)).timestamp())}
    assert not gone(two.engine, body=body, why="the app was removed")
    assert LAB in two.installed()
    later = {**body, "event_id": "Ev2", "event_time": int(installed_at.timestamp())}
    assert gone(two.engine, body=later, why="the app was removed")
    assert not gone(two.engine, body=later, why="the app was removed")
    assert two.installed() == {}


async def test_an_installation_of_no_single_workspace_is_refused_and_its_token_given_back(
    two: Floors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Slack answers for a whole organisation: without a workspace, and with a token that acts in all of them."""
    told = oauth._told
    many = {"team": None, "enterprise": {"id": "E0BANK"}, "is_enterprise_install": True}
    monkeypatch.setattr(oauth, "_told", lambda *given: told(*given) | many)
    page = await two.install(LAB, LUCY)
    assert page.status_code == 403
    assert "installation in a whole organisation" in page.text
    assert not two.site.grants.installed(LAB)
    (refused,) = [one for one in two.told("slack.refused") if "installation" in one["reason"]]
    assert refused["ended"] == "its token was revoked"
    assert two.installed() == {}


async def test_what_names_another_workspace_as_the_one_whose_token_is_to_be_used_is_refused(two: Floors) -> None:
    await two.install(BANK, OLIVIA)
    await two.install(LAB, LUCY)
    event = {"type": "message", "channel": "D0ALICE", "channel_type": "im", "user": OLIVIA, "text": "Hi", "ts": "1.1"}
    about = {"type": "event_callback", "event_id": "Ev0X", "api_app_id": two.slack.app_id, "team_id": BANK}
    body = json.dumps({**about, "event": event, "authorizations": [{"team_id": LAB}]}).encode()
    with reading(two.engine) as (_, now):
        at = str(int(now.timestamp()))
    signature = hmac.new(b"s3", f"v0:{at}:".encode() + body, sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={signature}"}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        headers["Content-Type"] = "application/json"
        await http.post(f"{two.address}/slack/events", content=body, headers=headers)
    assert [one["reason"] for one in two.told("slack.refused")] == ["from another workspace"]
    assert asked(two.engine) == []


async def test_a_token_that_cannot_be_read_keeps_no_other_workspace_from_its_answers(two: Floors) -> None:
    await two.install(BANK, OLIVIA)
    await two.install(LAB, LUCY)
    await two.drivers[LAB].say(LUCY, "@app", "What did AI cost?")
    wake = await begun(two.engine)
    await two.drivers[BANK].say(OLIVIA, "@app", "And by team?")
    other = await begun(two.engine, count=2)
    with writing(two.engine) as (session, _):
        session.get_one(SlackInstallation, LAB).token = "unreadable"
    answered(two.engine, wake)
    answered(two.engine, other, text="By team: nothing.")
    await two.drivers[BANK].until_message("@app", lambda m: "By team" in shown_text(m), user=OLIVIA, seconds=60)
    assert waits(two.engine) == [wake.id]


async def test_a_group_of_a_workspace_without_the_app_has_no_members_and_keeps_the_others(two: Floors) -> None:
    await two.install(BANK, OLIVIA)
    client = WorkspaceClient(Tokens(two.engine, two.oauth, base_url=two.slack.base_url), BANK)
    groups = [Group(LAB, "S0LAB", "platform"), Group(STRANGERS, "S0STRANGE", "platform")]
    assert await SlackGroups(client).members(groups) == {(LAB, "S0LAB"): [], (STRANGERS, "S0STRANGE"): []}
