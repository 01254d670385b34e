"""Serves an administration interface on 127.0.0.1: a fault may meet a request, the provider answers it, the journal
notes what it changed.

Changes are let through one at a time. A change that a fault keeps on its way happens when the sandbox is told to
settle; one that is not seen yet (as behind a cache) is answered as done, and reads show what was before until then.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

from sandbox.aws.faults import Fault, FaultMode, Faults

LOOPBACK = "127.0.0.1"
UNANSWERED = (FaultMode.DROP_RESPONSE, FaultMode.LATE)
UNDONE = (FaultMode.DROP_REQUEST, FaultMode.LATE, FaultMode.PROXY, FaultMode.ERROR, FaultMode.THROTTLE)
PAGE = b"<html><body>Gateway</body></html>"


class Asked(NamedTuple):
    """One request, its key among the rest."""

    method: str
    path: str
    params: dict[str, str]
    body: dict[str, Any]
    headers: dict[str, str]


class Told(NamedTuple):
    """An answer. `changed` is what a change moved: (resource and field, before, after)."""

    status: int
    body: dict[str, Any]
    changed: tuple[tuple[str, str, str], ...] = ()


class Provider(Protocol):
    """What is served. `action` is the change that a request would make, None for one that only reads."""

    def action(self, asked: Asked) -> str | None: ...
    def answer(self, asked: Asked) -> Told: ...
    def error(self, status: int) -> dict[str, Any]: ...
    def keep(self) -> Any: ...
    def restore(self, kept: Any) -> None: ...


@dataclass
class ServedAdmin:
    """A running interface: `changes` is what really happened, `marks` the token of each change that came."""

    address: str
    provider: Provider
    faults: Faults = field(default_factory=Faults)
    changes: list[tuple[str, str, str]] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    seen: list[Asked] = field(default_factory=list)
    _late: list[Callable[[], Any]] = field(default_factory=list, repr=False)
    _stale: Any = field(default=None, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def settle(self) -> None:
        """Lets happen, or be seen, what a fault kept on its way."""
        with self._lock:
            late, self._late, self._stale = self._late, [], None
            for one in late:
                one()

    def take(self, asked: Asked) -> tuple[Fault | None, int, bytes]:
        """The fault that meets the request, and what is answered: status and body."""
        with self._lock:
            self.seen.append(asked)
            action = self.provider.action(asked)
            fault = self.faults.take(action or asked.path, mutating=action is not None, dry_run=False)
            if action is None:
                return fault, *self._read(asked, fault)
            self.marks.append(asked.headers.get("user-agent", ""))
            return fault, *self._change(asked, fault)

    def _read(self, asked: Asked, fault: Fault | None) -> tuple[int, bytes]:
        if fault is not None and fault.mode in UNDONE:
            return self._spoilt(fault)
        if self._stale is None:
            told = self.provider.answer(asked)
        else:
            now = self.provider.keep()
            self.provider.restore(self._stale)
            told = self.provider.answer(asked)
            self.provider.restore(now)
        return _spoil(fault, told.status, _json(told.body))

    def _change(self, asked: Asked, fault: Fault | None) -> tuple[int, bytes]:
        mode = fault.mode if fault else None
        if fault is not None and mode is FaultMode.LATE:
            self._late.append(lambda: self._do(asked))
        if fault is not None and mode in UNDONE:
            return self._spoilt(fault)
        before = self.provider.keep()
        told = self.provider.answer(asked) if mode is FaultMode.HOLLOW else self._do(asked)
        if mode is FaultMode.HOLLOW:
            self.provider.restore(before)
        if mode is FaultMode.SLOW:
            self._stale = before
        return _spoil(fault, told.status, _json(told.body))

    def _do(self, asked: Asked) -> Told:
        told = self.provider.answer(asked)
        self.changes.extend(told.changed)
        return told

    def _spoilt(self, fault: Fault) -> tuple[int, bytes]:
        if fault.mode is FaultMode.PROXY:
            return 403, PAGE
        status = 429 if fault.mode is FaultMode.THROTTLE else 500
        return status, _json(self.provider.error(status))


def _spoil(fault: Fault | None, status: int, body: bytes) -> tuple[int, bytes]:
    if fault is not None and fault.mode is FaultMode.NONSENSE:
        return 200, PAGE
    return status, body[: len(body) // 2] if fault is not None and fault.mode is FaultMode.TRUNCATED else body


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


@contextmanager
def serve_admin(provider: Provider) -> Iterator[ServedAdmin]:
    """The interface, in a thread of this process, until the block ends."""
    with _Server((LOOPBACK, 0), _Handler) as http:
        served = http.served = ServedAdmin(f"http://{LOOPBACK}:{http.server_port}", provider)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            http.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    served: ServedAdmin

    def handle_error(self, *_: Any) -> None:
        """Nothing: a client that hung up is no error of the provider's."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts, length = urlsplit(self.path), int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(self.rfile.read(length) or b"{}")
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), body, headers)
        fault, status, told = self.server.served.take(asked)
        if fault is not None and fault.mode in (*UNANSWERED, FaultMode.DROP_REQUEST):
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-type", "text/html" if told == PAGE else "application/json")
        self.send_header("content-length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: Any) -> None:
        """Nothing: stdout and stderr are the caller's."""
