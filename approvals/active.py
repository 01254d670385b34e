"""The rules and the people in force now: rows, not files. An edited file changes nothing until it is adopted."""

from functools import lru_cache
from typing import NamedTuple

from sqlmodel import Session, col, desc, select

from approvals.errors import Altered, GateError
from approvals.person import People, load_people
from approvals.rules import Rules
from approvals.rules_file import load_rules
from approvals.store import PolicyVersion
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
