"""moto's answer, held back until it is known whether it may be sent, and the ways in which a fault may spoil it."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.faults import FaultMode
from sandbox.aws.rules import Refusal

PAGE = b"<html><head><title>Please sign in</title></head><body><p>This network asks you to sign in.</p></body></html>"
OTHER_INSTANCE = b"i-0f0f0f0f0f0f0f0f0"
INSTANCE = re.compile(rb"i-[0-9a-f]{8,17}")
INSTANCES = re.compile(rb"<instancesSet>.*</instancesSet>", re.DOTALL)
STATE = rb"<code>\d+</code><name>[a-z-]+</name>"
BEFORE = re.compile(rb"<previousState>" + STATE + rb"</previousState>")
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 412: "Precondition Failed",
           500: "Internal Server Error", 503: "Service Unavailable"}  # fmt: skip


@dataclass
class Answer:
    """Status line, headers and body of one answer."""

    status: str = "500 Internal Server Error"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    def of(cls, application: Any, environ: dict[str, Any]) -> "Answer":
        """What `application` answers to this request."""
        answer = cls()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
            answer.status, answer.headers = status, headers
            return lambda _: None

        chunks = application(environ, start)
        try:
            answer.body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        # moto gives the request's id only in a header; boto3 reads EC2's from the body.
        return answer.with_body(answer.body.replace(b">request-id<", f">{answer.request_id}<".encode()))

    @property
    def request_id(self) -> str:
        """AWS's name for the request."""
        named = {name.lower(): value for name, value in self.headers}
        return named.get("x-amzn-requestid", "")

    @property
    def code(self) -> int:
        """The HTTP status."""
        return int(self.status.split()[0])

    def with_body(self, body: bytes, *, kind: str = "") -> "Answer":
        """The same answer with another body, of another content type if one is given."""
        left_out = {"content-length", "content-type"} if kind else {"content-length"}
        kept = [(name, value) for name, value in self.headers if name.lower() not in left_out]
        told = [("Content-Type", kind)] if kind else []
        return Answer(self.status, [*kept, *told, ("Content-Length", str(len(body)))], body)


def refused(refusal: Refusal, service: str) -> Answer:
    """AWS's error answer, as XML for EC2 and for the older services, and as JSON for the others."""
    status = f"{refusal.status} {REASONS[refusal.status]}"
    request_id = "00000000-0000-4000-8000-000000000000"
    if service in ("ec2", ""):
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{refusal.code}</Code><Message>'
            f"{refusal.message}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>"
        )
        return Answer(status).with_body(text.encode(), kind="text/xml")
    if service in ("autoscaling", "iam"):
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{refusal.code}</Code><Message>{refusal.message}</Message>"
            f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Answer(status).with_body(text.encode(), kind="text/xml")
    named = Answer(status, [("x-amzn-ErrorType", refusal.code), ("x-amzn-requestid", request_id)])
    return named.with_body(json.dumps({"message": refusal.message}).encode(), kind="application/json")


def spoilt(answer: Answer, mode: FaultMode) -> Answer:
    """The answer as a fault of this mode lets it arrive."""
    if mode is FaultMode.NONSENSE:
        return Answer("200 OK").with_body(PAGE, kind="text/html")
    if mode is FaultMode.PROXY:
        return Answer("403 Forbidden").with_body(PAGE, kind="text/html")
    if mode is FaultMode.TRUNCATED:
        return answer.with_body(answer.body[: len(answer.body) // 2])
    if mode is FaultMode.EMPTY:
        emptied = INSTANCES.sub(b"<instancesSet/>", answer.body)
        return answer.with_body(emptied if answer.body.startswith(b"<") else b"{}")
    if mode is FaultMode.OTHER_ID:
        return answer.with_body(INSTANCE.sub(OTHER_INSTANCE, answer.body))
    if mode is FaultMode.WRONG_BEFORE:
        return answer.with_body(BEFORE.sub(_already, answer.body))
    return answer


def _already(found: re.Match[bytes]) -> bytes:
    told = b"<code>80</code><name>stopped</name>" if b"running" in found[0] else b"<code>16</code><name>running</name>"
    return b"<previousState>" + told + b"</previousState>"
