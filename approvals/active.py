"""The rules and the people in force now: rows, not files. An edited file changes nothing until it is adopted.

`active` tells the texts in force; `entitled` also who holds which role at this moment, groups of the directory and
delegations included. Whoever judges a person takes `entitled`.
"""

import json
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import bindparam
from sqlmodel import Session, col, desc, select

from approvals.apart import people_of, whole
from approvals.directory import Members, last_reading
from approvals.errors import Altered, GateError
from approvals.governance import GOVERNANCE
from approvals.lending import Lending, with_lendings
from approvals.person import People
from approvals.rules import Rules
from approvals.rules_file import load_rules
from approvals.store import Delegation, PolicyVersion

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
        if not whole(row):
            raise Altered(
                f"the {row.kind} in force cannot be used",
                why=f"version {row.version} is not the text that was adopted",
                do="Nobody can decide until `spendgate audit verify` and a backup have shown what was changed",
            )
    return Active(
        rules=_rules(rules.body),
        rules_version=rules.version,
        rules_digest=rules.digest,
        people=people_of(session, people.body),
        people_version=people.version,
        people_digest=people.digest,
    )


def entitled(session: Session, now: datetime) -> Active:
    """The same, with every role that somebody holds at `now` by a group or a delegation."""
    current = active(session)
    people = current.people
    if people.groups:
        people = _with_groups(people, last_reading(session, now))
    lendings = [_lending(row) for row in session.execute(_LENDINGS).scalars()]
    if lendings:
        people = with_lendings(people, lendings, rules=current.rules, now=now)
    return current._replace(people=people)


def judged_by(people: People, change_kind: str) -> People:
    """The people whose votes count on such a change where a group cannot be read.

    Nobody's do, except on a change of the gate itself: there a role that the people file gives still counts, since a
    group that can never be read (a wrong id) could otherwise never be taken out again. Nobody holds a role by it.
    """
    return replace(people, unread=()) if change_kind in GOVERNANCE else people


_LENDINGS = select(Delegation).where(col(Delegation.ended_at).is_(None))


def _lending(row: Delegation) -> Lending:
    roles = frozenset(json.loads(row.roles))
    return Lending(row.id, row.giver, row.receiver, roles, row.starts_at, row.ends_at)


def _with_groups(people: People, members: Members | None) -> People:
    """Everybody with the roles of the groups they are in; of a group that cannot be read nobody is a member."""
    held: dict[str, set[str]] = {person.id: set(person.roles) for person in people.by_id.values()}
    unread = tuple(group.id for group in people.groups if members is None or (group.team, group.id) not in members)
    for group in people.groups:
        for person in (members or {}).get((group.team, group.id), ()):
            if person in held:
                held[person].add(group.role)
    by_id = {id: replace(person, roles=frozenset(held[id])) for id, person in people.by_id.items()}
    return people.with_persons(by_id, unread)


_NEWEST = (
    select(PolicyVersion)
    .where(PolicyVersion.kind == bindparam("which"))
    .order_by(desc(col(PolicyVersion.version)))
    .limit(1)
)
"""Made once: every judgement asks for it."""


def newest(session: Session, kind: str) -> PolicyVersion | None:
    """The version of this kind that is in force."""
    return session.execute(_NEWEST, {"which": kind}).scalars().first()


@lru_cache(maxsize=8)
def _rules(body: str) -> Rules:
    return load_rules(body, adopted=True)
