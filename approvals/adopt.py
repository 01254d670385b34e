"""How rules and people come into force: as rows, each with its entry; the first two by `initialise`."""

import secrets
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, select

from approvals.active import PEOPLE, RULES, newest
from approvals.apart import clear_text, people_of, set_apart, whole
from approvals.changes.governance import AdoptPolicy
from approvals.errors import GateError
from approvals.person import load_people
from approvals.rules_file import load_rules
from approvals.store import PolicyCandidate, PolicyVersion
from audit.canonical import sha256
from audit.event import Actor, Event
from audit.log import append, head


class Initialised(NamedTuple):
    """What is in force afterwards, and which of the given files differ from it and so are without force."""

    rules_version: int
    people_version: int
    differing: tuple[str, ...]


def initialise(session: Session, *, now: datetime, rules_text: str, people_text: str, actor: Actor) -> Initialised:
    """Takes the two files as version 1 where there is none yet; a second run changes nothing and says what differs."""
    if head(session)[0] == 0:
        append(session, now=now, event=Event.LOG_STARTED, actor=actor, data={"log": secrets.token_hex(16)})
    versions, differing = {}, []
    for kind, text in ((RULES, rules_text), (PEOPLE, people_text)):
        known = newest(session, kind)
        if known is None:
            known = adopt(session, now=now, kind=kind, text=text, actor=actor)
        elif differs(session, known, text):
            differing.append(kind)
        versions[kind] = known.version
    return Initialised(versions[RULES], versions[PEOPLE], tuple(differing))


def differs(session: Session, row: PolicyVersion, text: str) -> bool:
    """Whether a file's text is another policy than the stored one; comments in a people file are not stored."""
    if row.kind == PEOPLE:
        return load_people(text) != people_of(session, row.body)
    return row.digest != sha256(text.encode())


def offer(session: Session, *, now: datetime, kind: str, text: str) -> AdoptPolicy:
    """Stores a checked text as a candidate and returns the change that people would vote on."""
    stored = _checked(session, now, kind, text)
    current, digest = newest(session, kind), sha256(stored.encode())
    if current is None:
        raise GateError(
            f"there are no {kind} to replace",
            why="the database holds none yet",
            do="Run `spendgate db init`, which takes the files as version 1",
        )
    if digest in (current.digest, current.apart):
        raise GateError(
            f"these {kind} are in force already",
            why=f"version {current.version} is the same text",
            do="Change the file first",
        )
    if session.get(PolicyCandidate, digest) is None:
        session.add(PolicyCandidate(digest=digest, kind=kind, body=stored, added_at=now))
        session.flush()
    return AdoptPolicy.model_validate({"kind": f"adopt_{kind}", "digest": digest, "replaces": current.digest})


class Stored(NamedTuple):
    """A policy as it is stored: its text, the digest by which it is known, and that of the text where it differs."""

    text: str
    digest: str
    apart: str | None = None


def adopt(session: Session, *, now: datetime, kind: str, text: str, actor: Actor) -> PolicyVersion:
    """Puts a file's text into force without a vote: the first version, or where nobody could vote."""
    stored = _checked(session, now, kind, text)
    found = Stored(stored, sha256(stored.encode()))
    return put_in_force(session, now=now, kind=kind, stored=found, actor=actor)


def put_in_force(
    session: Session, *, now: datetime, kind: str, stored: Stored, actor: Actor, token: str | None = None
) -> PolicyVersion:
    """Puts a stored text into force for proposals sealed from now on; what is unchanged keeps its version.

    `token` is that of the approved step; without one it is the first version, or a test's.
    """
    before, digest = newest(session, kind), stored.digest
    if before is not None and digest in (before.digest, before.apart):
        return before
    row = PolicyVersion(
        kind=kind,
        version=1 if before is None else before.version + 1,
        digest=digest,
        body=stored.text,
        active_since=now,
        token=token,
        apart=stored.apart,
    )
    session.add(row)
    data = {"kind": kind, "version": row.version, "digest": digest, "replaces": before.digest if before else None}
    data |= {"token": token} | ({"apart": stored.apart} if stored.apart else {})
    append(session, now=now, event=Event.POLICY_CHANGED, actor=actor, data=data)
    session.flush()
    return row


def stored_of(session: Session, kind: str, digest: str) -> Stored | None:
    """The text with this digest: offered as a candidate, or in force once before; None if there is none."""
    candidate = session.get(PolicyCandidate, digest)
    earlier = select(PolicyVersion).where(PolicyVersion.kind == kind, PolicyVersion.digest == digest).limit(1)
    row = candidate if candidate is not None and candidate.kind == kind else session.exec(earlier).first()
    return Stored(row.body, digest, row.apart) if row is not None and whole(row) else None


def text_of(session: Session, kind: str, digest: str) -> str | None:
    """The same for people who read it: a people file with the names of those who are known."""
    stored = stored_of(session, kind, digest)
    if stored is None or kind == RULES:
        return stored.text if stored is not None else None
    return clear_text(people_of(session, stored.text))


def _checked(session: Session, now: datetime, kind: str, text: str) -> str:
    """The text as it is stored, if it can be adopted."""
    if kind == RULES:
        load_rules(text)
        return text
    if kind == PEOPLE:
        return set_apart(session, now=now, text=text)
    raise GateError(f"{kind!r} cannot be adopted", why="there are only rules and people", do=f"Say {RULES} or {PEOPLE}")
