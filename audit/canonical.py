"""Bytes of which there is one form: RFC 8785 JSON, with exact decimals and times as text.

Hashes and approvals are taken over these bytes. A float among them would print differently from what a tool computed,
so it is refused instead of rounded.
"""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import rfc8785

from audit.moment import utc_text


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


def sha256(*parts: bytes) -> str:
    """SHA-256 over the parts, in lower-case hex."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
