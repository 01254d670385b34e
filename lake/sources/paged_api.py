"""One request to a provider's billing interface, asked patiently: waits when told to, gives up by a bound, says why.

The key travels in a header and nowhere else: no error, log line or file here ever holds it, nor what the provider
answered to a refusal, since some answers repeat the key. Requests go to the configured address alone; a redirection is
refused, because the header would follow it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from lake.errors import LakeError

Params = Sequence[tuple[str, str]]

PATIENCE_SECONDS = 60.0
MOST_TRIES = 6
LONGEST_WAIT_SECONDS = 300.0
"""A provider that wants to be left alone for longer is asked again by the next pull instead."""
MOST_BYTES = 64 * 1024 * 1024
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Refused(LakeError):
    """The provider does not take this request, or this key."""

    def __init__(self, what: str, *, status: int, why: str, do: str) -> None:
        super().__init__(what, why=why, do=do)
        self.status = status


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class PagedApi:
    """The interface at `base_url`, with the headers that carry the key. `sleep` takes seconds; tests put their own."""

    name: str
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = _now
    client: httpx.Client | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            raise LakeError(
                f"The address of {self.name} cannot be used.",
                why="Plain http to another machine would send the key readable over the network.",
                do="Use an https address, or one on this machine.",
            )

    def get(self, path: str, params: Params) -> dict[str, Any]:
        """The JSON object at this path, decimals as text; LakeError where there is none to be had."""
        if self.client is None:  # one for all pages: reading the machine's certificates takes longer than a page
            self.client = httpx.Client(timeout=PATIENCE_SECONDS, follow_redirects=False)
        return self._patiently(self.client, path, params)

    def _patiently(self, client: httpx.Client, path: str, params: Params) -> dict[str, Any]:
        said = ""
        for attempt in range(1, MOST_TRIES + 1):
            wait = float(2 ** (attempt - 1))
            try:
                status, headers, body = self._once(client, path, params)
            except (httpx.TimeoutException, httpx.TransportError) as error:
                said = f"the connection failed ({type(error).__name__})"
            else:
                if status not in _BUSY:
                    return self._read(status, path, body)
                said = f"it answered {status}"
                told = _retry_after(headers.get("retry-after", ""), self.clock())
                wait = wait if told is None else told
            if wait > LONGEST_WAIT_SECONDS:
                raise self._gave_up(path, f"{said} and wants to be left alone for {wait:.0f} seconds")
            if attempt < MOST_TRIES:
                self.sleep(wait)
        raise self._gave_up(path, f"{said}, {MOST_TRIES} times in a row")

    def _once(self, client: httpx.Client, path: str, params: Params) -> tuple[int, httpx.Headers, bytes]:
        url = f"{self.base_url.rstrip('/')}{path}"
        body = bytearray()
        with client.stream("GET", url, params=list(params), headers=dict(self.headers)) as answer:
            for part in answer.iter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise self._not_understood(path, f"A page is larger than {MOST_BYTES // 2**20} MB.")
            return answer.status_code, answer.headers, bytes(body)

    def _read(self, status: int, path: str, body: bytes) -> dict[str, Any]:
        if status != 200:
            raise self._refused(status, path)
        try:
            # Decimals stay text: a float would change the last digits of an amount.
            page = json.loads(body, parse_float=str)
        except (ValueError, RecursionError) as error:
            raise self._not_understood(path, "A page ends too early or is no JSON.") from error
        if not isinstance(page, dict):
            raise self._not_understood(path, "A page is no JSON object.")
        return page

    def _refused(self, status: int, path: str) -> Refused:
        what = f"{self.name} refused {path} (status {status})."
        if status in (401, 403):
            why = "The key is not valid, or may not read usage and costs."
            return Refused(
                what, status=status, why=why, do="Use an administrator's key that may read them; nothing was changed."
            )
        if 300 <= status < 400:
            why = "It sends elsewhere, and the key is only sent to the configured address."
            return Refused(what, status=status, why=why, do="Configure the address that it really has.")
        why = "The interface is not there, or does not take these parameters."
        return Refused(what, status=status, why=why, do="Check the configured address and kind; nothing was changed.")

    def _gave_up(self, path: str, said: str) -> LakeError:
        return LakeError(
            f"{self.name} did not answer {path}.",
            why=f"{said[0].upper()}{said[1:]}.",
            do="Pull again later: it goes on where it stopped, and nothing was changed.",
        )

    def _not_understood(self, path: str, why: str) -> LakeError:
        return LakeError(
            f"What {self.name} answered to {path} cannot be understood.",
            why=why,
            do="Pull again: the pages before it are kept, and nothing was changed.",
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait by a `Retry-After` header, which holds seconds or a date (RFC 9110 §10.2.3); None if neither."""
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
