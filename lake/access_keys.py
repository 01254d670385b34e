"""Access keys of IAM as they were last listed: whose they are, since when, and when they were last used.

No bill names a key. What is kept here is told apart by account, with the time at which it was read, since a list of
last month says nothing of now. The key's id is no secret; the secret itself is never read.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lake.errors import LakeError
from lake.store import write_durably

FOLDER = "access-keys"


@dataclass(frozen=True)
class AccessKey:
    """One key; `last_used_at` is None for one that was never used. `team` and `environment` are its user's tags."""

    user: str
    key_id: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None
    team: str = ""
    environment: str = ""


@dataclass(frozen=True)
class KeyList:
    """All keys of one account, as they were at `loaded_at`."""

    account: str
    loaded_at: datetime
    keys: tuple[AccessKey, ...]


def keep(lake: Path, listed: KeyList) -> None:
    """Keeps the list of an account in place of the one before."""
    folder = lake / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"user": one.user, "key_id": one.key_id, "active": one.active, "created_at": one.created_at.isoformat(),
         "last_used_at": one.last_used_at.isoformat() if one.last_used_at else None, "team": one.team,
         "environment": one.environment}
        for one in listed.keys
    ]  # fmt: skip
    body = {"account": listed.account, "loaded_at": listed.loaded_at.isoformat(), "keys": rows}
    write_durably(folder / f"{listed.account}.json", json.dumps(body).encode())


def kept(lake: Path) -> list[KeyList]:
    """The newest list of each account; LakeError for a damaged one."""
    return [_read(path) for path in sorted((lake / FOLDER).glob("*.json"))]


def _read(path: Path) -> KeyList:
    try:
        told = json.loads(path.read_bytes())
        keys = tuple(_key(one) for one in told["keys"])
        return KeyList(str(told["account"]), datetime.fromisoformat(told["loaded_at"]), keys)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise LakeError(
            f"{path} cannot be read.",
            why="It is no list of access keys as they are kept here.",
            do="Remove it and list them again: spendgate usage keys.",
        ) from error


def _key(told: dict[str, Any]) -> AccessKey:
    last = told["last_used_at"]
    return AccessKey(
        user=str(told["user"]), key_id=str(told["key_id"]), active=bool(told["active"]),
        created_at=datetime.fromisoformat(told["created_at"]),
        last_used_at=datetime.fromisoformat(last) if last else None,
        team=str(told["team"]), environment=str(told["environment"]),
    )  # fmt: skip
