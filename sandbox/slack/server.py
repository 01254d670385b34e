"""Starts the sandbox on 127.0.0.1 and keeps strangers out: only this machine's own page and programs may call it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from sandbox.slack.authorize import authorize_routes
from sandbox.slack.clock import Clock
from sandbox.slack.driver_api import driver_api, refusals_as_json
from sandbox.slack.errors import SandboxError
from sandbox.slack.methods.files import file_routes
from sandbox.slack.seed import Seed, default_seed
from sandbox.slack.settings import SiteSettings
from sandbox.slack.site import Site
from sandbox.slack.sockets import socket_routes
from sandbox.slack.webapi import web_api

PAGE = Path(__file__).parent / "page"
PAGE_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: http://127.0.0.1:*; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_site(*, settings: SiteSettings, seed: Seed | None = None, clock: Clock = time.time) -> Site:
    """A workspace, not yet served. Needs no running loop. Raises SandboxError."""
    return Site(settings=settings.checked(), seed=seed or default_seed(), clock=clock)


def create_app(site: Site) -> FastAPI:
    """The Web API, the driver and the page of one workspace."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await site.close()

    application = FastAPI(title="Slack sandbox", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    application.state.site = site
    refusals_as_json(application)
    application.middleware("http")(_only_from_here)
    application.include_router(web_api(site))
    application.include_router(driver_api(site))
    application.include_router(socket_routes(site.sockets))
    application.include_router(authorize_routes(site))
    application.include_router(file_routes(site))
    for team, there in site.teams.items():
        if there is not site:
            application.include_router(driver_api(there), prefix=f"/workspaces/{team}")
    _page_routes(application)
    return application


def serve(site: Site, listening: socket.socket) -> None:
    """Serves until Ctrl-C. Prints one JSON line on stdout once it can be reached."""
    configuration = uvicorn.Config(
        create_app(site), log_level="warning", access_log=False, timeout_graceful_shutdown=2, lifespan="on"
    )
    server = _Server(configuration, site)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve(sockets=[listening]))


def listening_socket(port: int) -> socket.socket:
    """The port, taken. Raises SandboxError when someone else has it."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise SandboxError(
            f"The Slack sandbox cannot listen on 127.0.0.1:{port}",
            why=error.strerror or str(error),
            do="Stop the program that has the port, or give another one with --port (0 takes a free one).",
        ) from error
    listening.listen(128)
    return listening


def ready_line(site: Site) -> dict[str, object]:
    """What a script needs to know once the sandbox runs; state is in memory only."""
    base = site.settings.base_url
    return {
        "ready": "sandbox slack",
        "page": f"{base}/",
        "api": f"{base}/api/",
        "team": site.workspace.seed.team.id,
        "app_url": site.settings.app_url,
        "state": "in memory",
    }


class _Server(uvicorn.Server):
    """Says when it is ready, and lets waiting pages go at Ctrl-C: uvicorn waits for open requests before it stops."""

    def __init__(self, configuration: uvicorn.Config, site: Site) -> None:
        super().__init__(configuration)
        self._site = site

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(json.dumps(ready_line(self._site)), flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_soon_threadsafe(self._site.workspace.close)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        told = set(self.server_state.connections)
        late = asyncio.create_task(self._send_late_comers_away(told))
        try:
            await super().shutdown(sockets)
        finally:
            late.cancel()

    async def _send_late_comers_away(self, told: set[Any]) -> None:
        """Ends connections that were taken as the server stopped.

        Uvicorn asks those that stand to leave, once. One that the kernel had accepted but asyncio had not yet taken
        would be answered and then kept alive until the time to stop gracefully was over, which is said as an error.
        """
        while True:
            for connection in self.server_state.connections - told:
                told.add(connection)
                connection.shutdown()
            await asyncio.sleep(0.02)


async def _only_from_here(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuses other names for this address and requests that another site's page sends with a person's browser."""
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    origin = request.headers.get("origin")
    allowed = origin is None or origin == f"http://{request.headers.get('host', '')}"
    if host not in ("127.0.0.1", "localhost") or not allowed:
        return JSONResponse(
            {"ok": False, "error": "not_from_here", "why": "this sandbox answers this machine only"}, 403
        )
    response = await call_next(request)
    response.headers["content-security-policy"] = POLICY
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["cache-control"] = "no-store"
    return response


def _page_routes(application: FastAPI) -> None:
    @application.get("/")
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html", media_type="text/html")

    @application.get("/page/{name}")
    async def part(name: str) -> Response:
        known = {file.name: file for file in PAGE.iterdir() if file.suffix in PAGE_TYPES}
        if name not in known:
            return JSONResponse({"ok": False, "error": "not_found"}, 404)
        return FileResponse(known[name], media_type=PAGE_TYPES[known[name].suffix])


def report(error: SandboxError) -> None:
    """Says on stderr what happened, why, and what to do."""
    print(f"{error.what}: {error.why}.\n{error.do}", file=sys.stderr)
