"""What is approved: one document of resolved ids, steps, preconditions and policy, as bytes of which there is one form.

The digest over these bytes is on the card, in every vote, in every entry and is computed anew before anything is sent.
People stand in it only as opaque ids; the conversation it came from does not stand in it at all.
"""

import hmac
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from approvals.changes.change import AnyChange
from approvals.changes.step import Step
from approvals.errors import Altered
from approvals.rules import Slot
from audit.canonical import canonical, sha256

SCHEMA = "spendgate.proposal.v1"
PREFIX = b"spendgate.proposal.v1\0"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Together(_Frozen):
    """What it adds up to with others of its scope that it may have been split from; `amount` is decimal text."""

    amount: str | None
    others: int
    unknown: int
    scope: str
    days: int


class Pinned(_Frozen):
    """The policy under which it was sealed: versions, digests, and the slots that follow."""

    rules_version: int
    rules_digest: str
    people_version: int
    people_digest: str
    environment: str
    reason: str
    slots: tuple[tuple[str, ...], ...]
    authority: str = "vote"
    class_name: str = ""
    together: "Together | None" = None

    def needed(self) -> tuple[Slot, ...]:
        """The slots, as the policy's functions take them."""
        return tuple(Slot(roles=frozenset(roles)) for roles in self.slots)


class Amount(_Frozen):
    """What the policy judged by. `value` is decimal text or None where it is not known."""

    value: str | None
    currency: str | None
    basis: str


class Sealed(_Frozen):
    """The document; `encode` is the only way to its bytes."""

    schema_name: str = SCHEMA
    id: str
    requester: str
    editors: tuple[str, ...]
    change: AnyChange
    title: str
    resource: str
    resource_name: str | None
    steps: tuple[Step, ...]
    request_hashes: tuple[str, ...]
    preconditions: dict[str, Any]
    blast_radius: tuple[str, ...]
    reversibility: str
    amount: Amount
    evidence: dict[str, Any]
    policy: Pinned
    nonce: str
    sealed_at: str
    expires_at: str
    execute_by: str
    supersedes: str | None
    inverse_of: str | None
    incident: str | None = None
    scope: str = ""

    def encode(self) -> bytes:
        """The RFC 8785 bytes."""
        return canonical(self.model_dump())


def digest(sealed: bytes) -> str:
    """SHA-256 over the domain prefix and the sealed bytes."""
    return sha256(PREFIX, sealed)


def decode(stored: object, expected_digest: str | None) -> Sealed:
    """The document of stored bytes, after their digest was computed anew and found to be the expected one."""
    if (
        not isinstance(stored, bytes)
        or expected_digest is None
        or not hmac.compare_digest(digest(stored), expected_digest)
    ):
        raise Altered(
            "the sealed proposal cannot be used",
            why="its stored bytes do not have the digest that was approved",
            do="Nothing is carried out. Run `spendgate audit verify`, and compare the database with a backup",
        )
    try:
        return Sealed.model_validate(json.loads(stored))
    except (ValueError, ValidationError) as error:
        raise Altered(
            "the sealed proposal cannot be used",
            why=f"its bytes are not in the form of {SCHEMA}: {type(error).__name__}",
            do="Seal it again with a new proposal",
        ) from None
