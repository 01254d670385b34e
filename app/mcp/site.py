"""How the server is reached: over stdin and stdout as the person at this terminal, or over HTTP on loopback."""

import socket
from collections.abc import Callable

import uvicorn
from mcp.server.auth.settings import AuthSettings
from mcp.server.stdio import stdio_server
from pydantic import AnyHttpUrl
from sqlalchemy import Engine
from starlette.applications import Starlette

from agent.ports import Seat, Toolbox
from app.mcp.bearers import READ, Bearers
from app.mcp.bench import Bench
from app.mcp.server import mcp_server

PATH = "/mcp"
MOST_BYTES = 256 * 1024
"""of one request: arguments are short, whatever an assistant was made to send"""


async def serve_stdio(bench: Bench) -> None:
    """Serves one assistant until it closes stdin. Nothing but the protocol is written to stdout."""
    server = mcp_server(lambda _context: bench)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def http_site(engine: Engine, sit: Callable[[Seat], Toolbox], *, address: str) -> Starlette:
    """The streamable HTTP endpoint. Without sessions: who asks is told by the token of each request."""
    bearers = Bearers(engine, sit)
    settings = AuthSettings(issuer_url=AnyHttpUrl(address), resource_server_url=None, required_scopes=[READ])
    return mcp_server(bearers.bench).streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=MOST_BYTES,
        auth=settings,
        token_verifier=bearers,
    )


async def serve_http(site: Starlette, listening: socket.socket) -> None:
    """Serves until it is told to stop."""
    configuration = uvicorn.Config(site, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
    await uvicorn.Server(configuration).serve(sockets=[listening])
