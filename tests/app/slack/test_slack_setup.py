"""Setting Spendgate up in a workspace, step by step as docs/slack-setup.md says, against the sandbox's workspace."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from slack_sdk.errors import SlackApiError

from app.errors import Problem
from app.oauth_settings import HOME, ID, KEY, PUBLIC, SECRET, TEAMS, load_oauth
from app.settings import SlackSettings, load_slack
from app.slack import bolt
from app.slack.doctor import Finding, Verdict, examine
from app.slack.manifest import EVENTS, SCOPES, manifest
from sandbox.slack.driver import SlackDriver
from sandbox.slack.methods.manifests import faults
from sandbox.slack.seed import Seed, default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.trial import served
from tests.app.slack.settings import settings_at

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "slack-setup.md").read_text()


def installed(**app: object) -> Seed:
    """The workspace in which the app was made of our own manifest."""
    seed = default_seed()
    of_manifest = {"scopes": tuple(sorted(SCOPES)), "events": EVENTS}
    return seed.model_copy(update={"app": seed.app.model_copy(update={**of_manifest, **app})})


@asynccontextmanager
async def workspace(seed: Seed, **more: object) -> AsyncIterator[tuple[SlackDriver, SlackSettings]]:
    async with AsyncExitStack() as stack:
        with listening_socket(0) as free:
            port = free.getsockname()[1]
        settings = SiteSettings(port=port, socket_mode=bool(more.pop("socket_mode", False)))
        await stack.enter_async_context(served(create_app(create_site(settings=settings, seed=seed)), port))
        driver = await stack.enter_async_context(SlackDriver(f"http://127.0.0.1:{port}"))
        yield driver, replace(settings_at(port), **more)  # type: ignore[arg-type]


async def looked(settings: SlackSettings) -> dict[str, Finding]:
    return {one.check: one for one in await examine(bolt.slack_client(settings), settings)}


@pytest.mark.parametrize("url", [None, "https://spendgate.example.com/"])
def test_the_manifest_is_one_that_slack_takes(url: str | None) -> None:
    made = manifest(url=url)
    assert faults(made) == []
    assert made["settings"]["socket_mode_enabled"] is (url is None)
    assert ("request_url" in made["settings"]["interactivity"]) is (url is not None)


@pytest.mark.parametrize("url", [None, "https://spendgate.example.com/"])
def test_the_manifest_of_several_workspaces_says_where_browsers_come_back_to(url: str | None) -> None:
    back = "https://spendgate.example.com/slack/oauth_redirect"
    made = manifest(url=url, redirect=back)
    assert faults(made) == []
    assert made["oauth_config"]["redirect_urls"] == [back]
    assert {"app_uninstalled", "tokens_revoked"} <= set(made["settings"]["event_subscriptions"]["bot_events"])
    assert made["settings"]["token_rotation_enabled"] is True


def test_a_manifest_that_slack_would_not_take_is_not_taken_here() -> None:
    wrong = manifest(url=None)
    wrong["display_information"]["name"] = "x" * 36
    wrong["settings"]["socket_mode_enabled"] = False
    wrong["unheard"] = {}
    assert {one["pointer"] for one in faults(wrong)} == {
        "/unheard", "/display_information/name", "/settings/event_subscriptions", "/settings/interactivity",
    }  # fmt: skip


async def test_the_guides_steps_end_with_a_doctor_that_finds_nothing_wrong() -> None:
    more = {"app_token": "xapp-sandbox", "public_url": "https://spendgate.example.com", "socket_mode": True}
    async with workspace(installed(), **more) as (_, settings):
        found = await looked(settings)
    assert {one.verdict for one in found.values()} == {Verdict.OK}, found
    assert found["delivery"].found == "by Socket Mode"


async def test_the_app_that_the_manifest_makes_can_do_all_that_serve_does() -> None:
    """A scope too few would be found by a person whose question is not answered."""
    async with workspace(installed()) as (driver, settings):
        client = bolt.slack_client(settings)
        said = await driver.say("U0OLIVIA", "@app", "hello")
        posted = await client.chat_postMessage(channel="C0APPROVE", text="a card")
        await client.chat_update(channel="C0APPROVE", ts=str(posted["ts"]), text="a newer card")
        await client.chat_postEphemeral(channel="C0APPROVE", user="U0ARJUN", text="for you")
        await client.conversations_history(channel="C0APPROVE", include_all_metadata=True)
        await client.conversations_replies(channel="C0APPROVE", ts=str(posted["ts"]))
        await client.conversations_open(users="U0OLIVIA")
        await client.users_info(user="U0OLIVIA")
        await client.assistant_threads_setStatus(channel_id="D0OLIVIA", thread_ts=said.ts, status="is reading…")
        await client.views_publish(user_id="U0OLIVIA", view={"type": "home", "blocks": []})
        with pytest.raises(SlackApiError, match="missing_scope"):
            await client.reactions_add(channel="C0APPROVE", name="eyes", timestamp=str(posted["ts"]))


@pytest.mark.parametrize(("what", "check", "says"), [
    ("a scope is missing", "scopes", "missing: im:write (tells a requester how a proposal ended)"),
    ("a scope too many", "scopes", "more than needed: files:read"),
    ("another workspace", "workspace", "the token belongs to T0BANK"),
    ("not invited", "SPENDGATE_SLACK_APPROVALS_CHANNEL", "not_in_channel"),
    ("no such channel", "SPENDGATE_SLACK_APPROVALS_CHANNEL", "channel_not_found"),
    ("a revoked token", "token", "token_revoked"),
    ("an app token that is none", "delivery", "invalid_auth"),
])  # fmt: skip
async def test_what_is_wrong_is_named_with_what_to_do(what: str, check: str, says: str) -> None:
    scopes = tuple(sorted(SCOPES))
    seed = {
        "a scope is missing": installed(scopes=tuple(one for one in scopes if one != "im:write")),
        "a scope too many": installed(scopes=(*scopes, "files:read")),
    }.get(what, installed())
    if what == "not invited":
        rooms = tuple(one.model_copy(update={"app": False}) for one in seed.channels)
        seed = seed.model_copy(update={"channels": rooms})
    settled: dict[str, dict[str, object]] = {
        "another workspace": {"team": "T0OTHER"},
        "no such channel": {"approvals_channel": "C0GONE"},
        "an app token that is none": {"app_token": "xapp-other", "socket_mode": True},
    }
    async with workspace(seed, **settled.get(what, {})) as (driver, settings):
        if what == "a revoked token":
            await driver.revoke()
        found = await looked(settings)
    assert says in found[check].found
    assert found[check].verdict != Verdict.OK
    assert found[check].do


async def test_a_private_channel_that_cannot_be_read_is_named_with_the_scope_that_is_lacking() -> None:
    """Where nothing can be looked up, every connection that breaks would double a card."""
    assert "groups:history" in SCOPES
    async with workspace(installed()) as (driver, settings):
        await driver.faults({"fault": "error", "method": "conversations.history", "error": "missing_scope"})
        found = (await looked(settings))["SPENDGATE_SLACK_APPROVALS_CHANNEL"]
    assert (found.verdict, "missing_scope" in found.found) == (Verdict.WRONG, True)
    assert "groups:history" in found.do
    assert "reinstall" in found.do


async def test_a_slack_that_cannot_be_reached_is_said_so() -> None:
    with listening_socket(0) as free:
        port = free.getsockname()[1]
    (finding,) = (await looked(settings_at(port))).values()
    assert (finding.check, finding.verdict) == ("reachability", Verdict.WRONG)


def test_the_guide_names_every_variable_that_serve_asks_for_and_no_other() -> None:
    named = set(re.findall(r"`(SPENDGATE_[A-Z_]+)`", GUIDE))
    env: dict[str, str] = {"SPENDGATE_SLACK_APP_TOKEN": "xapp-1"}
    asked = set(env)
    while True:
        try:
            load_slack(env)
            break
        except Problem as problem:
            name = problem.what.split()[0]
            asked.add(name)
            env[name] = "xoxb-1" if name.endswith("BOT_TOKEN") else "X1"
    assert asked <= named
    by_oauth = {ID, SECRET, KEY, TEAMS}
    assert named - asked == {"SPENDGATE_SLACK_SIGNING_SECRET", "SPENDGATE_PUBLIC_URL", *by_oauth}
    wanted = {HOME: "T0BANK", SECRET: "s"}
    while True:
        try:
            load_oauth(wanted)
            break
        except Problem as problem:
            name = problem.what.split()[0]
            wanted[name] = {KEY: Fernet.generate_key().decode(), PUBLIC: "https://s.example"}.get(name, "T0LAB")
    assert set(wanted) - {HOME, PUBLIC, TEAMS} == by_oauth - {TEAMS}
    assert json.dumps(manifest(url=None))
