"""The rules and the people in force now: rows, not files. An edited file changes nothing until it is adopted.

`active` tells the texts in force; `entitled` also who holds which role at this moment, groups of the directory and
delegations included. Whoever judges a person takes `entitled`.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlmodel import Session, col, desc, select

from approvals.directory import Members, last_reading
from approvals.errors import Altered, GateError
from approvals.person import Lent, People, Person, load_people
from approvals.rules import Rules
from approvals.rules_file import load_rules
from approvals.store import Delegation, PolicyVersion
from audit.canonical import sha256

RULES, PEOPLE = "rules", "people"


class Active(NamedTuple):
    """What is in force, with the versions and digests to pin."""

    rules: Rules
    rules_version: int
    rules_digest: str
    people: People
    people_version: int
    people_digest: str


def active(session: Session) -> Active:
    """The rules and people in force; a GateError that names the command where the database has none yet."""
    rules, people = newest(session, RULES), newest(session, PEOPLE)
    if rules is None or people is None:
        raise GateError(
            "nobody can propose or vote yet",
            why="the database holds no rules and no people",
            do="Run `spendgate db init`, which takes rules.toml and people.toml as version 1",
        )
    for row in (rules, people):
        if row.digest != sha256(row.body.encode()):
            raise Altered(
                f"the {row.kind} in force cannot be used",
                why=f"version {row.version} is not the text that was adopted",
                do="Nobody can decide until `spendgate audit verify` and a backup have shown what was changed",
            )
    return Active(
        rules=_rules(rules.body),
        rules_version=rules.version,
        rules_digest=rules.digest,
        people=_people(people.body),
        people_version=people.version,
        people_digest=people.digest,
    )


def entitled(session: Session, now: datetime) -> Active:
    """The same, with every role that somebody holds at `now` by a group or a delegation."""
    current = active(session)
    people = current.people
    members = last_reading(session, now) if people.groups else {}
    lendings = delegations(session, now)
    if not people.groups and not lendings:
        return current
    return current._replace(people=_with_roles(people, members, lendings))


def delegations(session: Session, now: datetime) -> list[Delegation]:
    """Those that are in force at `now`."""
    query = select(Delegation).where(
        col(Delegation.starts_at) <= now, col(Delegation.ends_at) > now, col(Delegation.ended_at).is_(None)
    )
    return list(session.exec(query.order_by(col(Delegation.id))))


def _with_roles(people: People, members: Members | None, lendings: Iterable[Delegation]) -> People:
    held: dict[str, set[str]] = {person.id: set(person.roles) for person in people.by_id.values()}
    unread = tuple(group.id for group in people.groups if members is None or (group.team, group.id) not in members)
    for group in people.groups:
        for account in (members or {}).get((group.team, group.id), ()):
            person = people.by_slack.get((group.team, account))
            if person is not None:
                held[person.id].add(group.role)
    lent: dict[str, list[Lent]] = {}
    for lending in lendings:
        # A giver who no longer holds the role has nothing to lend.
        roles = set(json.loads(lending.roles)) & held.get(lending.giver, set())
        lent.setdefault(lending.receiver, []).extend(Lent(role, lending.giver, lending.id) for role in sorted(roles))

    def now_holds(person: Person) -> Person:
        return replace(person, roles=frozenset(held[person.id]), lent=tuple(lent.get(person.id, ())))

    by_id = {person.id: now_holds(person) for person in people.by_id.values()}
    return replace(
        people,
        by_id=by_id,
        by_slack={account: by_id[person.id] for account, person in people.by_slack.items()},
        by_os_user={user: by_id[person.id] for user, person in people.by_os_user.items()},
        unread=unread,
    )


def newest(session: Session, kind: str) -> PolicyVersion | None:
    """The version of this kind that is in force."""
    query = select(PolicyVersion).where(PolicyVersion.kind == kind).order_by(desc(col(PolicyVersion.version))).limit(1)
    return session.exec(query).first()


@lru_cache(maxsize=8)
def _rules(body: str) -> Rules:
    return load_rules(body)


@lru_cache(maxsize=8)
def _people(body: str) -> People:
    return load_people(body)
