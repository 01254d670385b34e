"""Starts the AWS sandbox on 127.0.0.1 and ends it; its state is in memory and gone when it stops."""

import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from sandbox.aws.application import PREFIX, AwsApplication
from sandbox.aws.errors import AwsSandboxError
from sandbox.aws.faults import Faults
from sandbox.aws.journal import Journal
from sandbox.aws.seed import Seeded, access_key, read_machines, seed

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ServedAws:
    """A running sandbox: give `address` to boto3 as `endpoint_url`, with `access_key` and any secret."""

    address: str
    seeded: Seeded
    journal: Journal
    faults: Faults
    settle: Callable[[], list[str]]
    """lets happen what a fault kept on its way"""

    @property
    def access_key(self) -> str:
        return access_key(self.seeded.default_account)

    def ready_line(self) -> dict[str, Any]:
        """What a script needs to know once it runs."""
        return {
            "ready": "sandbox aws",
            "address": self.address,
            "default_account": self.seeded.default_account,
            "access_key_id": self.access_key,
            "regions": list(self.seeded.regions),
            "instances": self.seeded.machines,
            "calls": f"{self.address}{PREFIX}calls",
            "state": "in memory",
        }


class _Handler(MotoRequestHandler):
    """Says nothing of each request: stdout carries the ready line only, and the journal holds what matters."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            sys.stderr.write(f"sandbox aws: {message % args if args else message}\n")

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Hangs up for real: a kept-alive connection would leave the client waiting for its own timeout."""
        self.close_connection = True


@contextmanager
def serve_aws(machines_file: Path, *, port: int = 0) -> Iterator[ServedAws]:
    """Serves in a thread of this process; `port` 0 takes a free one. Raises AwsSandboxError.

    moto keeps its state in the process, so one process serves one sandbox at a time; a new one starts afresh.
    """
    estate = read_machines(machines_file)
    listening = _listening_socket(port)
    with listening:
        application = AwsApplication(seed(estate))
        server = make_server(
            LOOPBACK, port, application, threaded=True, request_handler=_Handler, fd=listening.fileno()
        )  # fmt: skip
        thread = Thread(target=server.serve_forever, name="sandbox-aws", kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        address = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        try:
            yield ServedAws(address, application.seeded, application.journal, application.faults, application.settle)
        finally:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)


def serve_until_stopped(machines_file: Path, *, port: int = 0) -> None:
    """Serves until Ctrl-C or SIGTERM; prints one JSON line on stdout once it can be reached."""
    told = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, told)  # before the threads, which inherit it: a handler could meet itself
    with serve_aws(machines_file, port=port) as served:
        print(json.dumps(served.ready_line()), flush=True)
        signal.sigwait(told)


def _listening_socket(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        listening.close()
        raise AwsSandboxError(
            f"The AWS sandbox cannot listen on {LOOPBACK}:{port}.",
            why=f"{getattr(error, 'strerror', None) or error}.",
            do="Stop the program that has the port, or give another one with --port (0 takes a free one).",
        ) from error
    listening.listen(128)
    return listening
