"""Access keys planted in the bank on request: some that nobody has used for months, others that only look so."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from sandbox.bank.organisation import ACCOUNTS, tags

RULE = "unused_access_key"


@dataclass(frozen=True)
class PlantedKey:
    """One key: made and last used so many days before the bank's end, None: never; what the rule must say, and why."""

    user: str
    account: str
    team: str
    made: int
    used: int | None
    verdict: str
    why: str
    active: bool = True

    def key_id(self) -> str:
        """Its id, as IAM writes them."""
        drawn = sha256(f"key/{self.user}".encode()).hexdigest()[:15].upper()
        return f"AKIAX{drawn}"

    def resource(self) -> str:
        """How the rule names it."""
        return f"arn:aws:iam::{ACCOUNTS[self.account].id}:access-key/{self.key_id()}"


KEYS: tuple[PlantedKey, ...] = (
    PlantedKey("svc-old-reporting", "core", "core-banking", 900, 400, "waste", "was last used over a year ago"),
    PlantedKey("poc-vendor-upload", "digital", "digital-channels", 200, None, "waste", "was never used"),
    PlantedKey("svc-ledger-export", "core", "core-banking", 700, 2, "fine", "is used every night"),
    PlantedKey("quarterly-filing", "payments", "payments", 800, 80, "fine", "is used once a quarter"),
    PlantedKey("new-pipeline", "data", "data-platform", 20, None, "fine", "is new"),
    PlantedKey("left-in-2025", "shared", "infrastructure", 600, 300, "", "is disabled already", active=False),
)


def _at(until: date, days: int) -> str:
    return datetime.combine(until - timedelta(days=days), time(9), UTC).isoformat()


def keys_in_cloud(until: date) -> list[dict[str, Any]]:
    """The keys as the sandbox's IAM is to know them, by the list of its estate."""
    return [
        {"account": ACCOUNTS[one.account].id, "user": one.user, "key_id": one.key_id(),
         "status": "Active" if one.active else "Inactive", "created_at": _at(until, one.made),
         "last_used_at": None if one.used is None else _at(until, one.used), "tags": tags(one.team, "production")}
        for one in KEYS
    ]  # fmt: skip


def keys_truth() -> list[dict[str, Any]]:
    """What the rule must say of each."""
    return [
        {"rule": RULE, "resource": one.resource(), "name": one.user, "verdict": one.verdict, "why": one.why,
         "team": one.team}
        for one in KEYS
    ]  # fmt: skip
