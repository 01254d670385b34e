"""How a provider's administration interface is asked over HTTP, and what counts as no answer."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from approvals.inspectors.port import CannotLook
from approvals.whole_answer import Endless, whole

MOST_BYTES = 16 * 1024 * 1024


def read(client: httpx.Client, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """The JSON object at this path, its numbers exact; None where the provider itself says that there is none.

    CannotLook for whatever else came back: a page of a proxy, an error, another shape.
    """
    try:
        answer = whole(client, "GET", path, most_bytes=MOST_BYTES, params=dict(params or {}))
    except Endless as error:
        raise CannotLook(str(error)) from error
    except httpx.HTTPError as error:
        raise CannotLook(type(error).__name__) from error
    try:
        told = json.loads(answer.content, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise CannotLook(f"HTTP {answer.status_code}, no JSON") from error
    if answer.status_code == httpx.codes.NOT_FOUND and isinstance(told, dict) and isinstance(told.get("error"), dict):
        return None
    if answer.status_code != httpx.codes.OK or not isinstance(told, dict):
        raise CannotLook(f"HTTP {answer.status_code}")
    return told


def part(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object that an answer must hold; CannotLook where it does not, since that is no answer to what was asked."""
    found = told.get(name)
    if not isinstance(found, dict):
        raise CannotLook(f"the answer has no {name}")
    return found
