"""A provider's whole answer over HTTP, read for so long and so far: one that never ends holds up nobody.

The client's own limits are for each piece; a server that sends a byte now and then keeps to them for ever.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

MOST_SECONDS = 60.0


class Endless(httpx.TransportError):
    """More came than is read, or it took longer: what was asked may have been done."""


@dataclass(frozen=True)
class Whole:
    """An answer's status, headers and whole body."""

    status_code: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def whole(
    client: httpx.Client, method: str, path: str, *, most_bytes: int, seconds: float = MOST_SECONDS, **given: Any
) -> Whole:
    """Sends one request and reads its answer up to `most_bytes`, for `seconds` in all; httpx.HTTPError otherwise."""
    until, body = time.monotonic() + seconds, bytearray()
    with client.stream(method, path, **given) as answer:
        for part in answer.iter_bytes():
            body += part
            if len(body) > most_bytes:
                raise Endless(f"an answer of more than {most_bytes:,} bytes")
            if time.monotonic() > until:
                raise Endless(f"an answer that takes more than {seconds:.0f} seconds")
        return Whole(answer.status_code, bytes(body), answer.headers)
