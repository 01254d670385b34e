"""A sandbox and a Bolt app in one process, each on its own loopback port, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.clock import Clock
from sandbox.slack.driver import SlackDriver
from sandbox.slack.seed import Seed, default_seed
from sandbox.slack.server import create_app, create_site, listening_socket
from sandbox.slack.settings import SiteSettings
from sandbox.slack.site import Site

Json = dict[str, Any]
Intercept = Callable[[Request, bytes], Response | None]
SECRET = "a-secret-of-this-test"  # noqa: S105


@dataclass
class Desk:
    """A sandbox, the driver of its people, and the Bolt app behind it with its client.

    `received` has every request to the app; `intercept` may answer one in the app's place.
    """

    site: Site
    url: str
    driver: SlackDriver
    bolt: AsyncApp
    client: AsyncWebClient
    received: list[Json] = field(default_factory=list)
    intercept: Intercept | None = None


@contextlib.asynccontextmanager
async def served(application: FastAPI, port: int = 0) -> AsyncIterator[int]:
    """The application on a loopback port, for the length of the block."""
    with listening_socket(port) as listening:
        configuration = uvicorn.Config(application, log_level="error", lifespan="on", timeout_graceful_shutdown=1)
        server = uvicorn.Server(configuration)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(10):
                while not server.started:  # noqa: ASYNC110  (uvicorn offers no event to wait for)
                    await asyncio.sleep(0.005)
            yield listening.getsockname()[1]
        finally:
            if isinstance(site := getattr(application.state, "site", None), Site):
                site.workspace.close()
            server.should_exit = True
            await task


@contextlib.asynccontextmanager
async def sandbox_with_app(
    *, seed: Seed | None = None, with_app: bool = True, clock: Clock = time.time, **settings: Any
) -> AsyncIterator[Desk]:
    """A running sandbox and app. `settings` are those of SiteSettings."""
    front = FastAPI()
    holder: list[Desk] = []

    @front.post("/slack/events")
    async def events(request: Request) -> Response:
        desk = holder[0]
        body = await request.body()
        desk.received.append({"headers": dict(request.headers), "body": body.decode()})
        early = desk.intercept(request, body) if desk.intercept else None
        return early or await AsyncSlackRequestHandler(desk.bolt).handle(request)

    async with contextlib.AsyncExitStack() as stack:
        app_port = await stack.enter_async_context(served(front))
        with listening_socket(0) as free:
            port = free.getsockname()[1]
        given: Json = {"retry_scale": 0.001, "signing_secret": SECRET, **settings}
        app_url = f"http://127.0.0.1:{app_port}/slack/events" if with_app else None
        at = SiteSettings(port=port, app_url=app_url, **given)
        site = create_site(settings=at, seed=seed or default_seed(), clock=clock)
        await stack.enter_async_context(served(create_app(site), port))
        url = site.settings.base_url
        client = AsyncWebClient(token=site.settings.bot_token, base_url=f"{url}/api/")
        driver = await stack.enter_async_context(SlackDriver(url))
        bolt = AsyncApp(client=client, signing_secret=SECRET)
        holder.append(Desk(site=site, url=url, driver=driver, bolt=bolt, client=client))
        yield holder[0]
