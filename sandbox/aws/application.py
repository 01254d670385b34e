"""How a request passes through the sandbox: a fault may meet it, moto answers it, the journal notes what it changed.

Mutating calls are let through one at a time: the states before and after belong to one call only if no other runs
between them. What AWS refuses or promises and moto does not is judged before (`rules.py`).
"""

import io
import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from sandbox.aws.answers import REASONS, Answer, refused, spoilt
from sandbox.aws.endpoint_updates import Reply, update_endpoint
from sandbox.aws.faults import Fault, FaultMode, Faults, read_fault
from sandbox.aws.journal import Journal
from sandbox.aws.requests import AwsRequest, read_request
from sandbox.aws.rules import Refusal, Tokens, refusal
from sandbox.aws.scaling import drop_rules_without_target
from sandbox.aws.seed import Seeded, access_key
from sandbox.aws.throughput import answer_of
from sandbox.aws.trail import delivered, looked_up, recorded
from sandbox.aws.world import arrive, hold, instance_states, linger, world

PREFIX = "/spendgate-sandbox/"
StartResponse = Callable[..., Any]
ERRORS = {
    FaultMode.ERROR: Refusal(500, "InternalError", "An internal error has occurred."),
    FaultMode.THROTTLE: Refusal(503, "RequestLimitExceeded", "Request limit exceeded."),
}
UNANSWERED = (FaultMode.DROP_RESPONSE, FaultMode.LATE)


class DroppedConnectionError(ConnectionError):
    """Makes the server close the connection without an answer."""


class AwsApplication:
    """A WSGI application; `journal` and `faults` may also be used from the process that serves it."""

    def __init__(self, seeded: Seeded) -> None:
        self.seeded = seeded
        self.journal = Journal()
        self.faults = Faults()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._tokens = Tokens()
        self._late: list[tuple[dict[str, Any], AwsRequest, Fault]] = []
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

    def settle(self) -> list[str]:
        """Lets everything that a fault kept on its way happen now, and returns which resources that touched."""
        late, self._late = self._late, []
        touched = []
        for environ, request, fault in late:
            self._changed(environ, request, fault)
            touched += list(request.resources)
        return touched + arrive()

    def _aws(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = read_request(environ)
        fault = self.faults.take(request.action, mutating=request.mutating, dry_run=request.dry_run)
        if fault and fault.mode is FaultMode.DROP_REQUEST:
            raise DroppedConnectionError
        if fault and fault.mode is FaultMode.LATE:
            self._late.append(({**environ, "wsgi.input": io.BytesIO(request.body)}, request, fault))
            raise DroppedConnectionError
        answer = self._answer(environ, request, fault)
        if fault and fault.mode is FaultMode.DROP_RESPONSE:
            raise DroppedConnectionError
        if fault and fault.mode is FaultMode.DELAY:
            time.sleep(fault.seconds)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _answer(self, environ: dict[str, Any], request: AwsRequest, fault: Fault | None) -> Answer:
        if fault and fault.mode in ERRORS:
            return refused(ERRORS[fault.mode], request.service)
        if fault and fault.mode is FaultMode.PROXY:
            return spoilt(Answer(), fault.mode)
        if request.action == "LookupEvents":
            told = json.dumps(looked_up(self.journal, json.loads(request.body or b"{}"))).encode()
            return Answer("200 OK").with_body(told, kind="application/x-amz-json-1.1")
        answer = self._changed(environ, request, fault) if request.mutating else self._asked(environ, request)
        return spoilt(answer, fault.mode) if fault else answer

    def _asked(self, environ: dict[str, Any], request: AwsRequest) -> Answer:
        no = refusal(request)
        if no is None and request.service == "bedrock":
            path, account = str(environ.get("PATH_INFO", "")), self.seeded.account_of(request.access_key)
            return _ours(request, answer_of(request.action, path, request.body, account=account, region=request.region))
        if no is None and request.action == "UpdateEndpoint":
            account = self.seeded.account_of(request.access_key)
            return _ours(request, update_endpoint(request.body, account=account, region=request.region))
        return refused(no, request.service) if no else Answer.of(self._moto, environ)

    def _changed(self, environ: dict[str, Any], request: AwsRequest, fault: Fault | None) -> Answer:
        with self._one_change_at_a_time:
            before, put_back = world(), hold()
            known = self._tokens.known(request)
            answer = known if isinstance(known, Answer) else refused(known, request.service) if known else None
            answer = answer or self._asked(environ, request)
            drop_rules_without_target()
            if fault and fault.mode is FaultMode.HOLLOW:
                put_back()
            elif answer.code < 300:
                self._tokens.remember(request, answer)
            after = world()
            changed = {
                name: (before.get(name, "absent"), after.get(name, "absent"))
                for name in sorted(before.keys() | after.keys())
                if before.get(name) != after.get(name)
                # What comes or goes as a whole is one line, not one more for its type or tags.
                and not (name.endswith((" type", " config", " tags")) and (name not in before or name not in after))
            }
            if fault and fault.mode is FaultMode.SLOW:
                linger(set(changed))
            self._note(request, answer, changed, answered=fault is None or fault.mode not in UNANSWERED)
        return answer

    def _note(
        self, request: AwsRequest, answer: Answer, changed: dict[str, tuple[str, str]], *, answered: bool
    ) -> None:
        self.journal.record(
            time=datetime.now(UTC),
            action=request.action,
            service=request.service,
            region=request.region,
            access_key=request.access_key,
            request_id=answer.request_id,
            instance_ids=request.instance_ids,
            changed=changed,
            status=answer.code,
            answered=answered,
            resources=request.resources,
            mark=request.mark,
            account=self.seeded.account_of(request.access_key),
            parameters=recorded(request),
        )

    def _control(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(PREFIX).rstrip("/")
        if method == "GET" and path == "calls":
            calls = [call.as_json() for call in self.journal.calls()]
            return _json(start_response, 200, {"calls": calls, "changes": len(self.journal.changes())})
        if method == "GET" and path == "trail":
            return _json(start_response, 200, delivered(self.journal))
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
        if method == "POST" and path == "settle":
            return _json(start_response, 200, {"settled": self.settle()})
        known = [f"{PREFIX}{name}" for name in ("calls", "trail", "instances", "accounts", "faults", "settle")]
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


def _ours(request: AwsRequest, reply: Reply) -> Answer:
    """An answer to what moto lacks, so that nothing of it reaches moto."""
    status, code, body = reply
    if code:
        return refused(Refusal(status, code, str(body["message"])), request.service)
    named = Answer(f"{status} {REASONS[status]}", [("x-amzn-requestid", str(uuid4()))])
    return named.with_body(json.dumps(body).encode(), kind="application/json")


def _json(start_response: StartResponse, status: int, content: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} {REASONS[status]}", headers)
    return [body]
