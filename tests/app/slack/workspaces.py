"""Two workspaces that may install the app, and one that may not, with `serve` behind them, and people's browsers."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
from cryptography.fernet import Fernet
from sqlalchemy import Engine
from sqlmodel import col, select

from app.database import reading
from app.home import Home
from app.installations import SlackInstallation, all_installations
from app.oauth_settings import OAuthSettings
from app.processes.serve import build
from app.settings import SlackSettings
from app.slack.manifest import EVENTS, REMOVED, SCOPES
from audit.log import LogEntry, data_of
from sandbox.slack.clock import Clock, MovedClock
from sandbox.slack.driver import SlackDriver
from sandbox.slack.seed import App, OAuthClient, Person, Seed, Team, default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.site import Site
from sandbox.slack.trial import served
from tests.app.slack.settings import settings_at

BANK, LAB, STRANGERS = "T0BANK", "T0LAB", "T0STRANGE"
LUCY, OLIVIA = "U0LUCY", "U0OLIVIA"
KEY = Fernet.generate_key().decode()


def seed(*, redirect: str, rotation: bool = False, installed: bool = False) -> Seed:
    """Three workspaces; in each somebody has the account `U0OLIVIA`, so that only the workspace tells them apart."""
    app = default_seed().app.model_copy(update={"scopes": tuple(sorted(SCOPES)), "events": (*EVENTS, *REMOVED)})

    def other(team: str, name: str, *people: Person) -> Seed:
        there = App(**{**app.model_dump(), "user": f"U0BOT{team[2:]}", "bot": f"B0BOT{team[2:]}"})
        mallory = Person(id=OLIVIA, name="Mallory Moe", handle="mallory")
        return Seed(team=Team(id=team, name=name, domain=name.lower()), app=there, people=(mallory, *people))

    lab = other(LAB, "Lab", Person(id=LUCY, name="Lucy Lu", handle="lucy"))
    client = OAuthClient(redirect_urls=(redirect,), token_rotation=rotation, installed=installed)
    return default_seed().model_copy(
        update={"app": app, "oauth": client, "others": (lab, other(STRANGERS, "Strangers"))}
    )


@dataclass
class Floors:
    """`serve`, the workspaces' drivers by their ids, and what the database holds."""

    engine: Engine
    site: Site
    address: str
    slack: SlackSettings
    oauth: OAuthSettings
    drivers: dict[str, SlackDriver]

    @asynccontextmanager
    async def browser(self) -> AsyncIterator["Browser"]:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            yield Browser(client, self.address)

    async def install(self, team: str, user: str) -> httpx.Response:
        """From our address over Slack's page and back, as a person does it."""
        async with self.browser() as browser:
            return await browser.get(await browser.allowed(team, user))

    def installed(self) -> dict[str, SlackInstallation]:
        with reading(self.engine) as (session, _):
            return {row.team: row for row in all_installations(session)}

    def told(self, event: str) -> list[dict[str, Any]]:
        with reading(self.engine) as (session, _):
            rows = session.exec(select(LogEntry).where(LogEntry.event == event).order_by(col(LogEntry.seq))).all()
            return [data_of(row) for row in rows]


@dataclass
class Browser:
    """A person's browser: it keeps cookies, and follows only where it is told to."""

    client: httpx.AsyncClient
    address: str

    async def get(self, url: str) -> httpx.Response:
        return await self.client.get(url)

    async def page(self, team: str = "") -> httpx.Response:
        """Slack's page, by way of our own address."""
        begun = await self.get(f"{self.address}/slack/install?team={team}")
        assert begun.status_code == 302, begun.text
        return await self.get(begun.headers["location"])

    async def allowed(self, team: str, user: str, *, allow: bool = True) -> str:
        """Where Slack sends the browser back to, once this person has decided."""
        page = await self.page()
        answer = "true" if allow else "false"
        links = [unescape(one) for one in re.findall(r'href="([^"]+)"', page.text)]
        (link,) = [one for one in links if f"team={team}&user={user}&allow={answer}" in one]
        parts = urlsplit(str(page.url))
        decided = await self.get(f"{parts.scheme}://{parts.netloc}{link}")
        assert decided.status_code == 302, decided.text
        return str(decided.headers["location"])


@asynccontextmanager
async def floors(
    engine: Engine, home: Home, clock: Any, *, rotation: bool = False, time: Clock | None = None, **more: Any
) -> AsyncIterator[Floors]:
    """The workspaces and `serve`; nothing is installed yet."""
    clock.running = True
    async with AsyncExitStack() as stack:
        with listening_socket(0) as free, listening_socket(0) as other:
            slack_port, serve_port = free.getsockname()[1], other.getsockname()[1]
        address = f"http://127.0.0.1:{serve_port}"
        redirect = f"{address}/slack/oauth_redirect"
        oauth = OAuthSettings("100200300.400500600", "sandbox-client-secret", (KEY,), frozenset({BANK, LAB}), redirect)
        slack = replace(settings_at(slack_port), bot_token="", public_url=address)
        if more.get("socket_mode"):
            slack = replace(slack, app_token="xapp-sandbox", signing_secret="")
        settings = SiteSettings(
            port=slack_port, app_url=f"{address}/slack/events", signing_secret="s3", retry_scale=0.001, **more
        )
        site = create_site(
            settings=settings, seed=seed(redirect=redirect, rotation=rotation), clock=time or MovedClock()
        )
        await stack.enter_async_context(served(create_app(site), slack_port))
        api = build(engine=engine, home=home, slack=slack, oauth=oauth)
        await stack.enter_async_context(served(api, serve_port))
        base = f"http://127.0.0.1:{slack_port}"
        drivers = {BANK: await stack.enter_async_context(SlackDriver(base))}
        for team in (LAB, STRANGERS):
            drivers[team] = await stack.enter_async_context(SlackDriver(f"{base}/workspaces/{team}"))
        yield Floors(engine, site, address, slack, oauth, drivers)
