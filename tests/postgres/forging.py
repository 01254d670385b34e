"""Log entries made by hand, as somebody makes them who has a role's password and none of our code."""

import json
from datetime import datetime
from typing import Any

import psycopg

from audit.canonical import canonical, sha256
from audit.log import LEAF, NO_HASH, SCHEMA

INSERT = (
    "INSERT INTO log_entry (seq, hash, prev, event, actor_kind, actor, proposal, proposal_version, recorded_at, body)"
    " VALUES (%(seq)s, %(hash)s, %(prev)s, %(event)s, %(actor_kind)s, %(actor)s, %(proposal)s, %(proposal_version)s,"
    " %(recorded_at)s, %(body)s)"
)


def entry(
    connection: psycopg.Connection[Any],
    event: str,
    *,
    proposal: str | None = None,
    version: int | None = None,
    at: datetime | None = None,
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The columns of a valid next entry; the caller may spoil them."""
    last = connection.execute("SELECT seq, hash FROM log_entry ORDER BY seq DESC LIMIT 1").fetchone()
    seq, prev = last or (0, NO_HASH)
    moment = at or connection.execute("SELECT spendgate_now()").fetchone()[0]  # type: ignore[index]
    told = {
        "schema": SCHEMA,
        "seq": seq + 1,
        "prev": prev,
        "event": event,
        "actor": {"kind": "person", "id": "p-0b0b0002"},
        "proposal": proposal,
        "proposal_version": version,
        "recorded_at": moment,
        "data": data or {},
    }
    return columns(canonical(told))


def columns(body: bytes) -> dict[str, Any]:
    """The row of an entry with these bytes."""
    read = json.loads(body)
    return {
        "seq": read["seq"],
        "hash": sha256(LEAF, body),
        "prev": read["prev"],
        "event": read["event"],
        "actor_kind": read["actor"]["kind"],
        "actor": read["actor"]["id"],
        "proposal": read["proposal"],
        "proposal_version": read["proposal_version"],
        "recorded_at": read["recorded_at"],
        "body": body,
    }
