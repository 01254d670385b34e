"""Who is in which group, as the directory told it last: a row, so that the worker needs no token of the directory.

`serve` holds Slack's token and reads the groups; whoever judges a vote reads this row. A reading that is too old is no
reading: then nobody's vote counts, since a person who left a group must not go on deciding while nobody can tell.

Stored are the opaque ids of members who are known, never accounts: whoever is unknown holds no role, and an account
would outlive the person's erasure.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlmodel import Session

from approvals.person import Group, People
from approvals.store import DirectoryReading
from audit.canonical import canonical, sha256
from audit.event import Actor, Event
from audit.log import append

SLACK = "slack"
READ_WITHIN = timedelta(minutes=10)
"""How long a reading counts; `serve` reads once a minute."""

Members = Mapping[tuple[str, str], Sequence[str]]
"""(team, group) → the accounts in it, as the directory tells them; the ids of the people, as they are stored."""


class DirectoryDown(Exception):
    """The directory gave no answer: nothing is known, and nobody is taken to be a member."""


class Directory(Protocol):
    """Where membership is kept: Slack's user groups today, an identity provider's (SCIM) tomorrow."""

    async def members(self, groups: Sequence[Group]) -> Members:
        """The accounts of each group; DirectoryDown where any of them cannot be read."""
        ...


def keep_reading(session: Session, *, now: datetime, members: Members, people: People, actor: Actor) -> bool:
    """Stores who of `people` the directory told of; a difference from the last reading is an entry. True if one was."""
    told = {key: _known(key[0], accounts, people) for key, accounts in members.items()}
    body = json.dumps(sorted([team, group, ids] for (team, group), ids in told.items()))
    row = session.get(DirectoryReading, SLACK, populate_existing=True)
    digest = sha256(body.encode())
    changed = row is None or row.digest != digest
    if row is None:
        row = DirectoryReading(source=SLACK, body=body, digest=digest, read_at=now)
    row.body, row.digest, row.read_at = body, digest, now
    session.add(row)
    session.flush()
    if changed:
        counts = {f"{team}:{group}": len(ids) for (team, group), ids in told.items()}
        data = {"source": SLACK, "digest": digest, "members": json.loads(canonical(counts))}
        append(session, now=now, event=Event.MEMBERSHIP_CHANGED, actor=actor, data=data)
    return changed


def _known(team: str, accounts: Sequence[str], people: People) -> list[str]:
    found = (people.by_slack.get((team, account)) for account in accounts)
    return sorted({person.id for person in found if person is not None})


def last_reading(session: Session, now: datetime) -> Members | None:
    """The members' ids as last read; None if that was never, too long ago, or in the future of the database's clock."""
    row = session.get(DirectoryReading, SLACK, populate_existing=True)
    if row is None or not row.read_at <= now < row.read_at + READ_WITHIN:
        return None
    if row.digest != sha256(row.body.encode()):
        return None
    return {(team, group): tuple(ids) for team, group, ids in json.loads(row.body)}
