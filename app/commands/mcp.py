"""`spendgate mcp`: the tools for a person's own assistant, over stdio or over HTTP on loopback."""

import asyncio
import json
import socket
import sys

from app.commands.here import person_at, place
from app.errors import Exit, Problem
from app.lake_here import lake_here
from app.seat import sit
from app.whoami import NOBODY


def run(*, http: bool, port: int, read_only: bool, person: str | None) -> None:
    """Serves until the assistant hangs up (stdio), or until it is told to stop (HTTP)."""
    try:
        from app.mcp.bench import Bench
        from app.mcp.site import PATH, http_site, serve_http, serve_stdio
    except ImportError as error:
        raise Problem(
            "The MCP server is not installed.",
            why=f"It needs the package {error.name or 'mcp'}, which Spendgate brings along only where it is wanted.",
            do='Install it: pip install "spendgate[mcp]".',
        ) from error
    here = place("agent")
    port_of = sit(here.engine, here.home, lake_here(here.home.lake))
    if not http:
        who = person_at(here, person)
        # Who is nobody's person may ask, as at a terminal, and has no right to propose.
        may = not read_only and who.id != NOBODY
        asyncio.run(serve_stdio(Bench(here.engine, port_of, person=who.id, may_propose=may)))
        return
    listening = _listening(port)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    sys.stdout.write(json.dumps({"ready": "mcp", "address": f"{address}{PATH}"}) + "\n")
    sys.stdout.flush()
    asyncio.run(serve_http(http_site(here.engine, port_of, address=address), listening))


def _listening(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()  # from now on a client waits instead of being refused
    except OSError as error:
        listening.close()
        raise Problem(
            f"Port {port} of this machine cannot be used.",
            why=f"{error.strerror or error}.",
            do="Stop the program that has it, or name another with --port (0 takes a free one).",
            exit_code=Exit.CONFLICT,
        ) from error
    return listening
