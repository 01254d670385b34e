"""How rules and people come into force: as rows, each with its entry; the first two by `initialise`."""

import secrets
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, select

from approvals.active import PEOPLE, RULES, newest
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
        elif known.digest != sha256(text.encode()):
            differing.append(kind)
        versions[kind] = known.version
    return Initialised(versions[RULES], versions[PEOPLE], tuple(differing))


def offer(session: Session, *, now: datetime, kind: str, text: str) -> AdoptPolicy:
    """Stores a checked text as a candidate and returns the change that people would vote on."""
    _checked(kind, text)
    current, digest = newest(session, kind), sha256(text.encode())
    if current is None:
        raise GateError(
            f"there are no {kind} to replace",
            why="the database holds none yet",
            do="Run `spendgate db init`, which takes the files as version 1",
        )
    if current.digest == digest:
        raise GateError(
            f"these {kind} are in force already",
            why=f"version {current.version} is the same text",
            do="Change the file first",
        )
    if session.get(PolicyCandidate, digest) is None:
        session.add(PolicyCandidate(digest=digest, kind=kind, body=text, added_at=now))
        session.flush()
    return AdoptPolicy.model_validate({"kind": f"adopt_{kind}", "digest": digest, "replaces": current.digest})


def adopt(
    session: Session, *, now: datetime, kind: str, text: str, actor: Actor, token: str | None = None
) -> PolicyVersion:
    """Puts a checked text into force for proposals sealed from now on; what is unchanged keeps its version.

    `token` is that of the approved step; without one it is the first version, or a test's.
    """
    _checked(kind, text)
    before, digest = newest(session, kind), sha256(text.encode())
    if before is not None and before.digest == digest:
        return before
    row = PolicyVersion(
        kind=kind,
        version=1 if before is None else before.version + 1,
        digest=digest,
        body=text,
        active_since=now,
        token=token,
    )
    session.add(row)
    data = {"kind": kind, "version": row.version, "digest": digest, "replaces": before.digest if before else None}
    append(session, now=now, event=Event.POLICY_CHANGED, actor=actor, data=data | {"token": token})
    session.flush()
    return row


def text_of(session: Session, kind: str, digest: str) -> str | None:
    """The text with this digest: offered as a candidate, or in force once before; None if there is none."""
    candidate = session.get(PolicyCandidate, digest)
    earlier = select(PolicyVersion).where(PolicyVersion.kind == kind, PolicyVersion.digest == digest).limit(1)
    row = candidate if candidate is not None and candidate.kind == kind else session.exec(earlier).first()
    return row.body if row is not None and sha256(row.body.encode()) == digest else None


def _checked(kind: str, text: str) -> None:
    if kind == RULES:
        load_rules(text)
    elif kind == PEOPLE:
        load_people(text)
    else:
        raise GateError(
            f"{kind!r} cannot be adopted", why="there are only rules and people", do=f"Say {RULES} or {PEOPLE}"
        )
