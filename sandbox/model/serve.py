"""Starts the provider on 127.0.0.1; it says one reply of its script a request, the last one for ever."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.model.reply import Manner, Reply
from sandbox.model.wire import chunks, completion, error

LOOPBACK = "127.0.0.1"
PATH = "/v1/chat/completions"


@dataclass
class ServedModel:
    """A running provider: give `address` to a client as its base URL, with any key."""

    address: str
    script: list[Reply]
    requests: list[dict[str, Any]] = field(default_factory=list)
    """the bodies of what it was asked, in their order"""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _closed: threading.Event = field(default_factory=threading.Event, repr=False)

    def say(self, *script: Reply) -> None:
        """Goes on with another script; what was asked so far is forgotten."""
        with self._lock:
            self.script[:] = script
            self.requests.clear()

    def next(self, asked: dict[str, Any]) -> Reply:
        """The reply to this request."""
        with self._lock:
            self.requests.append(asked)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def rest(self, seconds: float) -> None:
        """Lets time go by, and no more of it once the server ends."""
        self._closed.wait(seconds)


@contextmanager
def served_model(*script: Reply) -> Iterator[ServedModel]:
    """The provider, until the block ends."""
    with _Server((LOOPBACK, 0), _Handler) as http:
        served = http.served = ServedModel(f"http://{LOOPBACK}:{http.server_port}/v1", list(script))
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served._closed.set()
            http.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    served: ServedModel

    def handle_error(self, *_: Any) -> None:
        """Nothing: a client that hung up, as it should, is no error of the provider's."""


def nobody() -> str:
    """An address on loopback at which nobody answers."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return f"http://{LOOPBACK}:{probe.getsockname()[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        if self.path != PATH:
            self._whole(404, error(404))
            return
        reply = self.server.served.next(asked)
        try:
            self._answer(reply, asked)
        except OSError:
            self.close_connection = True  # the client has given up, as it should

    def _answer(self, reply: Reply, asked: dict[str, Any]) -> None:
        model = str(asked.get("model", ""))
        if reply.manner is Manner.HANGS:
            self.server.served.rest(reply.seconds)
            self.close_connection = True
        elif reply.status != 200:
            self._whole(reply.status, error(reply.status), reply.retry_after)
        elif asked.get("stream"):
            self._stream(reply, list(chunks(reply, model=model)))
        else:
            self._stream(reply, [completion(reply, model=model)], kind="application/json")

    def _whole(self, status: int, body: bytes, retry_after: str = "") -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if retry_after:
            self.send_header("retry-after", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, reply: Reply, events: Sequence[bytes], kind: str = "text/event-stream") -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        half = (len(events) + 1) // 2
        for number, event in enumerate(events):
            if number == half and reply.manner is Manner.STALLS:
                self.server.served.rest(reply.seconds)
            if number == half and reply.manner is Manner.CUT:
                self._hang_up()
                return
            if reply.manner is Manner.DRIPS:
                self._drip(event, reply.seconds)
            else:
                self._chunk(event)
        self._chunk(b"")

    def _drip(self, event: bytes, seconds: float) -> None:
        until = time.monotonic() + seconds
        for byte in event:
            if time.monotonic() > until:
                return
            self._chunk(bytes([byte]))
            self.server.served.rest(0.02)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _hang_up(self) -> None:
        # A reset, as from a proxy that died: not an orderly end, which some clients take for the whole answer.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing: stdout and stderr are the test's."""
