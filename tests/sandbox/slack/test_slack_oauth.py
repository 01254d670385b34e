"""The sandbox's OAuth v2 behind the SDK's own client: codes, refresh tokens, workspaces, Slack's names for errors."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.clock import MovedClock
from sandbox.slack.errors import SandboxError
from sandbox.slack.seed import App, OAuthClient, Person, Seed, Team, default_seed, load_seed
from sandbox.slack.trial import Desk, sandbox_with_app

pytestmark = pytest.mark.slow

BACK = "https://app.example/slack/oauth_redirect"
OURS = {"client_id": "100200300.400500600", "client_secret": "sandbox-client-secret"}
LAB = Seed(
    team=Team(id="T0LAB", name="Lab", domain="lab"),
    app=App(user="U0BOTLAB", bot="B0BOTLAB"),
    people=(Person(id="U0LUCY", name="Lucy Lu", handle="lucy"),
            Person(id="U0GUEST", name="Gus Green", handle="gus", guest=True)),
)  # fmt: skip


def seed(**more: Any) -> Seed:
    return default_seed().model_copy(update={"others": (LAB,), "oauth": OAuthClient(redirect_urls=(BACK,), **more)})


@pytest_asyncio.fixture
async def rotating() -> AsyncIterator[Desk]:
    async with sandbox_with_app(seed=seed(token_rotation=True, installed=False), clock=MovedClock()) as desk:
        yield desk


def asked(desk: Desk, **more: str) -> str:
    query = {"client_id": OURS["client_id"], "scope": "chat:write", "redirect_uri": BACK, "state": "s/1 +", **more}
    return str(httpx.URL(f"{desk.url}/oauth/v2/authorize", params=query))


async def decided(desk: Desk, user: str = "U0LUCY", *, allow: bool = True) -> dict[str, str]:
    """What the app is told at its redirect URL."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(asked(desk))
        links = [unescape(one) for one in re.findall(r'href="([^"]+)"', page.text)]
        (link,) = [one for one in links if f"user={user}&allow={str(allow).lower()}" in one]
        answer = await browser.get(desk.url + link)
        if answer.status_code != 302:
            return {"refused": answer.json()["error"]}
        assert answer.headers["location"].startswith(BACK + "?")
        again = await browser.get(desk.url + link)
        assert again.status_code == 404
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def exchanged(desk: Desk, **given: str) -> dict[str, Any]:
    client = AsyncWebClient(base_url=f"{desk.url}/api/")
    answer = (await client.oauth_v2_access(**{**OURS, **given})).data
    assert isinstance(answer, dict)
    return answer


def of(desk: Desk, token: str) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=f"{desk.url}/api/")


async def test_a_code_becomes_a_token_of_its_workspace_once(rotating: Desk) -> None:
    told = await decided(rotating)
    assert told["state"] == "s/1 +"
    answer = await exchanged(rotating, code=told["code"], redirect_uri=BACK)
    assert answer["team"] == {"id": "T0LAB", "name": "Lab"}
    assert (answer["authed_user"], answer["expires_in"]) == ({"id": "U0LUCY"}, 43_200)
    assert answer["access_token"].startswith("xoxe.xoxb-")
    assert (await of(rotating, answer["access_token"]).auth_test())["team_id"] == "T0LAB"
    with pytest.raises(SlackApiError, match="missing_scope"):
        await of(rotating, answer["access_token"]).users_info(user="U0LUCY")
    with pytest.raises(SlackApiError, match="code_already_used"):
        await exchanged(rotating, code=told["code"], redirect_uri=BACK)
    assert answer["access_token"] not in str(await rotating.driver.calls())


async def test_who_denies_and_who_may_not(rotating: Desk) -> None:
    assert (await decided(rotating, allow=False))["error"] == "access_denied"
    assert await decided(rotating, "U0GUEST") == {"refused": "not_allowed"}
    assert not rotating.site.grants.installed("T0LAB")


@pytest.mark.parametrize(("given", "error"), [
    ({"client_id": "1.2"}, "invalid_client_id"),
    ({"client_secret": "guessed"}, "bad_client_secret"),
    ({"code": "guessed"}, "invalid_code"),
    ({"redirect_uri": "https://app.example/elsewhere"}, "bad_redirect_uri"),
    ({"code": "", "grant_type": "refresh_token", "refresh_token": "xoxe-1-guessed"}, "invalid_refresh_token"),
])  # fmt: skip
async def test_what_is_wrong_has_slacks_name(rotating: Desk, given: dict[str, str], error: str) -> None:
    code = (await decided(rotating))["code"]
    with pytest.raises(SlackApiError, match=error):
        await exchanged(rotating, **{"code": code, "redirect_uri": BACK, **given})


@pytest.mark.parametrize(("given", "error"), [
    ({"client_id": "1.2"}, "invalid_client_id"),
    ({"redirect_uri": "https://evil.example/"}, "bad_redirect_uri"),
    ({"redirect_uri": BACK + ".evil.example"}, "bad_redirect_uri"),
    ({"scope": ""}, "no_scopes"),
])  # fmt: skip
async def test_a_page_is_shown_for_what_was_registered_only(rotating: Desk, given: dict[str, str], error: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = await browser.get(asked(rotating, **given))
    assert (page.status_code, error in page.text) == (400, True)


async def test_a_token_ends_and_a_refresh_token_works_once(rotating: Desk) -> None:
    code = (await decided(rotating))["code"]
    first = await exchanged(rotating, code=code, redirect_uri=BACK)
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await exchanged(rotating, **again)
    await of(rotating, first["access_token"]).auth_test()
    await rotating.driver.move(43_201)
    for token in (first, second):
        with pytest.raises(SlackApiError, match="token_expired"):
            await of(rotating, token["access_token"]).auth_test()
    with pytest.raises(SlackApiError, match="invalid_refresh_token"):
        await exchanged(rotating, **again)
    third = await exchanged(rotating, grant_type="refresh_token", refresh_token=second["refresh_token"])
    await of(rotating, third["access_token"]).auth_test()


async def test_a_code_is_over_after_ten_minutes(rotating: Desk) -> None:
    code = (await decided(rotating))["code"]
    await rotating.driver.move(601)
    with pytest.raises(SlackApiError, match="invalid_code"):
        await exchanged(rotating, code=code, redirect_uri=BACK)


async def test_a_removed_app_is_told_so_and_its_token_is_over() -> None:
    async with sandbox_with_app(seed=seed()) as desk:
        code = (await decided(desk))["code"]
        token = (await exchanged(desk, code=code, redirect_uri=BACK))["access_token"]
        assert (await of(desk, token).auth_revoke(test=True))["revoked"] is False
        assert (await of(desk, token).auth_revoke())["revoked"] is True
        with pytest.raises(SlackApiError, match="token_revoked"):
            await of(desk, token).auth_test()
        await desk.client.auth_test()  # the other workspace still has the app
        for kind in ("tokens_revoked", "app_uninstalled"):
            assert [one["url"] for one in await desk.driver.deliveries(type=kind)]


def test_workspaces_stand_in_the_seeds_file_and_are_the_same_apps(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text("""
people: [{id: U0ANN, name: Ann, handle: ann}]
oauth: {redirect_urls: [http://127.0.0.1:8470/slack/oauth_redirect], token_rotation: true, installed: false}
others:
  - team: {id: T0LAB, name: Lab, domain: lab}
    people: [{id: U0LUCY, name: Lucy, handle: lucy}]
""")
    found = load_seed(path)
    assert [other.team.id for other in found.others] == ["T0LAB"]
    assert found.oauth.token_rotation
    path.write_text(path.read_text().replace("T0LAB", "T0BANK"))
    with pytest.raises(SandboxError, match="the same id"):
        load_seed(path)
