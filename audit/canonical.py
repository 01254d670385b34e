"""Bytes of which there is one form: RFC 8785 JSON, with exact decimals and times as text.

Hashes and approvals are taken over these bytes. A float among them would print differently from what a tool computed,
so it is refused instead of rounded.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import rfc8785

from audit.errors import AuditError
from audit.moment import utc_text


class NotCanonical(AuditError):
    """The bytes are not the one form of what they say."""


def plain(value: Any) -> Any:
    """`value` as JSON knows it: decimals and times become text, tuples lists; a float is a TypeError."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(plain(item) for item in value)
    raise TypeError(f"{type(value).__name__} has no canonical form: use a Decimal, text or a whole number")


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of `value`."""
    return rfc8785.dumps(plain(value))


def read(data: bytes) -> Any:
    """What canonical bytes say; bytes that are not the one form of it (RFC 8785) are a NotCanonical."""
    try:
        told = json.loads(data)
        one_form = canonical(told)
    except (ValueError, TypeError, RecursionError) as error:
        raise _not_canonical(f"it cannot be read as JSON of ours ({type(error).__name__})") from None
    if one_form != data:
        raise _not_canonical("it is written otherwise than RFC 8785 writes it: order, spaces, escapes or a name twice")
    return told


def _not_canonical(why: str) -> NotCanonical:
    return NotCanonical("the bytes are not in canonical form", why=why, do="Take the bytes as they were stored")


def sha256(*parts: bytes) -> str:
    """SHA-256 over the parts, in lower-case hex."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
