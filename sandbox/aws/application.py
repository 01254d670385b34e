"""How a request passes through the sandbox: a fault may meet it, moto answers it, the journal notes what it changed.

Mutating calls are let through one at a time: the states before and after belong to one call only if no other runs
between them.
"""

import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sandbox.aws.faults import Fault, FaultMode, Faults, read_fault
from sandbox.aws.journal import Journal
from sandbox.aws.requests import AwsRequest, read_request
from sandbox.aws.seed import Seeded, access_key, instance_states

PREFIX = "/spendgate-sandbox/"
StartResponse = Callable[..., Any]
ERRORS = {
    FaultMode.ERROR: (500, "InternalError", "An internal error has occurred."),
    FaultMode.THROTTLE: (503, "RequestLimitExceeded", "Request limit exceeded."),
}
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


class DroppedConnectionError(ConnectionError):
    """Makes the server close the connection without an answer."""


class AwsApplication:
    """A WSGI application; `journal` and `faults` may also be used from the process that serves it."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded = seeded
        self.journal = Journal()
        self.faults = Faults()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._one_change_at_a_time = Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_ORIGIN"):
            # moto would let any website that a person has open call it.
            return _json(
                start_response, 403, {"error": "not for browsers: this sandbox serves programs on this machine"}
            )
        if str(environ.get("PATH_INFO", "")).startswith(PREFIX):
            return self._control(environ, start_response)
        return self._aws(environ, start_response)

    def _aws(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = read_request(environ)
        fault = self.faults.take(request.action, mutating=request.mutating, dry_run=request.dry_run)
        if fault and fault.mode in ERRORS:
            return _aws_error(start_response, *ERRORS[fault.mode])
        if fault and fault.mode is FaultMode.DROP_REQUEST:
            raise DroppedConnectionError
        answer = self._changed(environ, request, fault) if request.mutating else _Answer.of(self._moto, environ)
        if fault and fault.mode is FaultMode.DROP_RESPONSE:
            raise DroppedConnectionError
        if fault and fault.mode is FaultMode.DELAY:
            time.sleep(fault.seconds)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _changed(self, environ: dict[str, Any], request: AwsRequest, fault: Fault | None) -> "_Answer":
        with self._one_change_at_a_time:
            before = instance_states()
            answer = _Answer.of(self._moto, environ)
            after = instance_states()
            self.journal.record(
                time=datetime.now(UTC),
                action=request.action,
                service=request.service,
                region=request.region,
                access_key=request.access_key,
                request_id=answer.request_id,
                instance_ids=request.instance_ids,
                changed={
                    name: (before.get(name, "absent"), after.get(name, "absent"))
                    for name in sorted(before.keys() | after.keys())
                    if before.get(name) != after.get(name)
                },
                status=int(answer.status.split()[0]),
                answered=fault is None or fault.mode is not FaultMode.DROP_RESPONSE,
            )
        return answer

    def _control(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(PREFIX).rstrip("/")
        if method == "GET" and path == "calls":
            calls = [call.as_json() for call in self.journal.calls()]
            return _json(start_response, 200, {"calls": calls, "changes": len(self.journal.changes())})
        if method == "GET" and path == "instances":
            return _json(start_response, 200, {"instances": instance_states()})
        if method == "GET" and path == "accounts":
            return _json(start_response, 200, self._accounts())
        if method == "GET" and path == "faults":
            return _json(start_response, 200, {"faults": self.faults.waiting()})
        if method == "DELETE" and path == "faults":
            self.faults.clear()
            return _json(start_response, 200, {"faults": []})
        if method == "POST" and path == "faults":
            return self._add_fault(environ, start_response)
        known = [f"{PREFIX}{name}" for name in ("calls", "instances", "accounts", "faults")]
        return _json(start_response, 404, {"error": f"no {method} {path} here", "known": known})

    def _accounts(self) -> dict[str, Any]:
        keys = [{"account": account, "access_key_id": access_key(account)} for account in self.seeded.accounts]
        return {"default_account": self.seeded.default_account, "accounts": keys}

    def _add_fault(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH") or "0"
        try:
            fault = read_fault(json.loads(environ["wsgi.input"].read(int(length))))
        except ValueError as error:
            return _json(start_response, 400, {"error": str(error)})
        self.faults.add(fault)
        return _json(start_response, 201, {"faults": self.faults.waiting()})


class _Answer:
    """moto's answer, held back until it is known whether it may be sent."""

    def __init__(self) -> None:
        self.status = "500 Internal Server Error"
        self.headers: list[tuple[str, str]] = []
        self.body = b""

    @classmethod
    def of(cls, application: Any, environ: dict[str, Any]) -> "_Answer":
        answer = cls()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
            answer.status, answer.headers = status, headers
            return lambda _: None

        chunks = application(environ, start)
        try:
            answer.body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        answer._name_request()
        return answer

    def _name_request(self) -> None:
        """Puts the request's id, which moto only gives in a header, into the body that boto3 reads it from."""
        named = self.body.replace(b">request-id<", f">{self.request_id}<".encode())
        if named != self.body:
            kept = [(name, value) for name, value in self.headers if name.lower() != "content-length"]
            self.headers = [*kept, ("Content-Length", str(len(named)))]
            self.body = named

    @property
    def request_id(self) -> str:
        named = {name.lower(): value for name, value in self.headers}
        return named.get("x-amzn-requestid", "")


def _json(start_response: StartResponse, status: int, content: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} {REASONS[status]}", headers)
    return [body]


def _aws_error(start_response: StartResponse, status: int, code: str, message: str) -> Iterable[bytes]:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{code}</Code><Message>{message}'
        "</Message></Error></Errors><RequestID>00000000-0000-4000-8000-000000000000</RequestID></Response>"
    )
    body = text.encode()
    start_response(f"{status} {REASONS[status]}", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]
