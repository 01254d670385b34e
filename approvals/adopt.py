"""How rules and people come into force: as rows, each with its entry; the first two by `initialise`."""

import secrets
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from approvals.active import PEOPLE, RULES, newest
from approvals.errors import GateError
from approvals.person import load_people
from approvals.rules_file import load_rules
from approvals.store import PolicyVersion
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


def adopt(session: Session, *, now: datetime, kind: str, text: str, actor: Actor) -> PolicyVersion:
    """Puts a checked file into force for proposals sealed from now on; what is unchanged keeps its version."""
    if kind == RULES:
        load_rules(text)
    elif kind == PEOPLE:
        load_people(text)
    else:
        raise GateError(
            f"{kind!r} cannot be adopted", why="there are only rules and people", do=f"Say {RULES} or {PEOPLE}"
        )
    before, digest = newest(session, kind), sha256(text.encode())
    if before is not None and before.digest == digest:
        return before
    row = PolicyVersion(
        kind=kind,
        version=1 if before is None else before.version + 1,
        digest=digest,
        body=text,
        active_since=now,
    )
    session.add(row)
    data = {"kind": kind, "version": row.version, "digest": digest, "replaces": before.digest if before else None}
    append(session, now=now, event=Event.POLICY_CHANGED, actor=actor, data=data)
    session.flush()
    return row
