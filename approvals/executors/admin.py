"""Sends sealed requests to a provider's administration interface over HTTP: one request for each step, never a second.

The provider's key is in the client's header alone. What a refusal says beside its own short word is not repeated: some
providers write parts of the key into it, and the reason of a refusal stands on cards and in the log.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from approvals.changes.operations import OPERATIONS
from approvals.changes.step import Request
from approvals.executors.port import NoAnswer, Receipt, Refused
from approvals.whole_answer import Endless, Whole, whole
from audit.canonical import sha256

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
MOST_BYTES = 4 * 1024 * 1024
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
MARK = "spendgate/"
WORD = re.compile(r"[A-Za-z][A-Za-z_]{0,59}")


@dataclass(frozen=True)
class Call:
    """A request as the interface takes it."""

    method: str
    path: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Interface:
    """One provider: `calls` makes each of its operations, `fault_of` says what is wrong with an answer; `marked_by` is
    the header in which it takes who asked, beside the User-Agent."""

    name: str
    calls: Mapping[str, Callable[[Request], Call]]
    fault_of: Callable[[Request, Mapping[str, Any]], str | None]
    marked_by: str | None = None


class AdminExecutor:
    """Sends to the one provider that `client` is for; `account` is what the settings call it."""

    rehearsal = False

    def __init__(self, client: httpx.Client, interface: Interface, *, account: str) -> None:
        self._client, self._interface, self._account = client, interface, account
        self.name = interface.name

    def send(self, request: Request, *, token: str) -> Receipt:
        """Sends once; `token` goes along in the User-Agent, so that the provider's own log can tell whose it was."""
        make = self._interface.calls.get(request.operation)
        if make is None or request.operation not in OPERATIONS:
            raise Refused("unknown_operation", f"{request.operation} is nothing that this executor does")
        if request.account != self._account:
            raise Refused("other_account", f"this worker's {self.name} is {self._account}, not {request.account}")
        call, mark = make(request), f"{MARK}{token}"
        headers = {"User-Agent": mark} | ({self._interface.marked_by: mark} if self._interface.marked_by else {})
        try:
            answer = whole(
                self._client, call.method, call.path, most_bytes=MOST_BYTES, json=dict(call.body) or None,
                headers=headers,
            )  # fmt: skip
        except NOT_SENT as error:
            raise Refused(type(error).__name__, "the request did not leave this machine") from error
        except Endless as error:
            raise NoAnswer(str(error)) from error
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        return self._read(request, answer)

    def _read(self, request: Request, answer: Whole) -> Receipt:
        told = _object(answer.content)
        if answer.status_code != 200:
            raise _no(answer.status_code, told)
        fault = "it is no object" if told is None else self._interface.fault_of(request, told)
        if fault is not None:
            raise NoAnswer(f"an answer that does not answer the request: {fault}")
        number = answer.headers.get("x-request-id") or answer.headers.get("x-litellm-call-id")
        return Receipt(request_id=number[:80] if number else None, response_hash=sha256(answer.content))


def amount(text: str) -> float:
    """The number that JSON carries for an exact amount; Refused where it would be another one."""
    number = float(text)
    if not json.dumps(number).removesuffix(".0") == text:
        raise Refused("not_exact", f"{text} cannot be sent as a number without changing it")
    return number


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _no(status: int, told: Mapping[str, Any] | None) -> Refused | NoAnswer:
    """Refused only if the provider itself says so in its own form; a proxy's page decides nothing."""
    error = (told or {}).get("error")
    own = isinstance(error, dict) or "detail" in (told or {})
    if not own or not 400 <= status < 500 or status == httpx.codes.REQUEST_TIMEOUT:
        return NoAnswer(f"HTTP {status}")
    words = (error.get("type"), error.get("code")) if isinstance(error, dict) else ()
    said = next((word for word in words if isinstance(word, str) and WORD.fullmatch(word)), f"http_{status}")
    if status in (401, 403):
        return Refused(said, f"the key that Spendgate was given may not do this (HTTP {status})")
    return Refused(said, f"it answered with HTTP {status}")
