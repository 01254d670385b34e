"""A provider's answer is read so far and for so long: one that never ends is no answer, and holds up nobody."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from approvals.changes.step import Request
from approvals.executors.admin import AdminExecutor
from approvals.executors.litellm import LITELLM
from approvals.executors.port import NoAnswer
from approvals.inspectors.admin import read
from approvals.inspectors.port import CannotLook
from approvals.whole_answer import Endless, whole

PIECE = b" " * 65536


@contextmanager
def answering(send: Callable[[Callable[[bytes], object]], object]) -> Iterator[str]:
    """A server on loopback whose answer `send` writes, as long as it likes and somebody reads."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):  # nobody reads any more: what the test is about
                send(self.wfile.write)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def flood(write: Callable[[bytes], object]) -> None:
    while True:
        write(PIECE)


def drip(write: Callable[[bytes], object]) -> None:
    pause = threading.Event()
    while not pause.wait(0.01):
        write(b" ")


@pytest.mark.parametrize(
    ("send", "limits", "why"),
    [
        (flood, {"most_bytes": 1_000_000}, "more than 1,000,000 bytes"),
        (drip, {"most_bytes": 1_000_000, "seconds": 0.2}, "takes more than 0 seconds"),
    ],
)
def test_an_answer_without_an_end_is_given_up(
    send: Callable[[Callable[[bytes], object]], object], limits: dict[str, float], why: str
) -> None:
    with answering(send) as address, httpx.Client(base_url=address) as client:
        with pytest.raises(Endless, match=why):
            whole(client, "GET", "/", **limits)  # type: ignore[arg-type]


def test_an_answer_with_an_end_is_whole_or_too_long() -> None:
    with answering(lambda write: write(b'{"a": 1}')) as address, httpx.Client(base_url=address) as client:
        answer = whole(client, "GET", "/", most_bytes=8)
        with pytest.raises(Endless, match="more than 7 bytes"):
            whole(client, "GET", "/", most_bytes=7)
    assert (answer.status_code, answer.content) == (200, b'{"a": 1}')


def test_to_a_change_it_is_no_answer_and_to_a_look_nothing_seen() -> None:
    request = Request(operation="litellm:BlockKey", account="litellm", region="global", parameters={"key": "a" * 64})
    with answering(flood) as address, httpx.Client(base_url=address) as client:
        with pytest.raises(NoAnswer, match="more than"):
            AdminExecutor(client, LITELLM, account="litellm").send(request, token="t")
        with pytest.raises(CannotLook, match="more than"):
            read(client, "/key/info")
