"""`spendgate witness`: cosigns the checkpoints of logs that only ever grow. Needs neither a home nor a database."""

import asyncio
import json
import logging
import os
import socket
import sys
from pathlib import Path

import uvicorn

from app.errors import Exit, Problem
from app.settings import refuse_credentials
from app.witnesses.judge import Judge, keys_of
from app.witnesses.memory import opened
from app.witnesses.served import web


def run(*, folder: Path, logs: list[str], name: str, also: list[str], host: str, port: int) -> None:
    """Serves until it is told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    os.umask(0o077)
    refuse_credentials("witness", "spendgate witness")
    keys = keys_of(logs)
    with opened(folder, name) as memory, _listener(host, port) as listener:
        judge = Judge(memory, keys, also=also)
        config = uvicorn.Config(
            web(judge), log_level="warning", access_log=False, limit_concurrency=100, timeout_graceful_shutdown=5
        )
        at = listener.getsockname()
        shown = f"[{at[0]}]" if ":" in at[0] else at[0]
        ready = {"ready": "witness", "address": f"http://{shown}:{at[1]}", "key": str(memory.key.verifier)}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def _listener(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        raise Problem(
            f"Port {port} on {host} cannot be used.",
            why=f"{error.strerror or error}: another program listens there, or the address is not this machine's.",
            do="Choose another with --port or --host.",
            exit_code=Exit.CONFLICT,
        ) from error
    return made
