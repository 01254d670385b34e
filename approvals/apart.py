"""The people file taken apart: what is stored, voted on and logged holds opaque ids; names and accounts lie elsewhere.

Each `[[person]]` of the stored text has, in place of name, Slack accounts and operating-system user, a reference to a
record under that person's own key, and a salted commitment to it (`audit/private.py`). So the digest that people vote
on vouches for the names without holding them, and whoever is forgotten leaves a text that is still what was adopted.
"""

import json
from collections import OrderedDict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session, col, select

from approvals.errors import Altered
from approvals.person import People, Person, load_people, people_of_document
from approvals.place import Place
from approvals.store import DirectoryReading, PolicyCandidate, PolicyVersion
from audit.canonical import canonical, sha256
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.private import erased_people, keep_records, open_records

PEOPLE = "people"
HEADING = "# People, set apart: `kept` refers to the name and the accounts, under the person's own key.\n"
APART = ("policy_version", "policy_candidate")
"""The tables whose rows held names before."""
UPGRADE = Actor(ActorKind.SERVICE, "upgrade")
STORED = {"id", "kept", "commitment", "roles", "sees_teams"}
_MOST_KNOWN = 16


def set_apart(session: Session, *, now: datetime, text: str, file: str = "people.toml") -> str:
    """The text that is stored in place of a people file; the same file becomes the same text.

    A PolicyError that names the line where the file cannot be used, or gives the id of somebody who was forgotten.
    """
    people, gone = load_people(text, file=file), erased_people(session)
    for at, person in enumerate(people.by_id.values()):
        if person.id in gone:
            place = Place(file, text, what="the people file cannot be used")
            why = f"{person.id} was forgotten, and an id is never used again"
            do = "Take the table out, or give whoever this is a new id"
            raise place.fault(why, table="person", at=at, key="id", do=do)
    return _rendered(session, people, now, gone)


def apart_digest(row: PolicyVersion | PolicyCandidate) -> str:
    """The digest that the row's stored text must have: its own, or for a text set apart later, the one of that day."""
    return row.apart or row.digest


def whole(row: PolicyVersion | PolicyCandidate) -> bool:
    """Whether the stored text is the one that was adopted or offered."""
    return sha256(row.body.encode()) == apart_digest(row)


def people_of(session: Session, body: str) -> People:
    """The people of a stored text, each with name and accounts; whoever was forgotten is not among them.

    What it returns depends on the text and on who was forgotten, and on nothing else: a record cannot change, and one
    that did would no longer be what the text commits to. So it is remembered by these two.
    """
    key = (body, erased_people(session))
    found = _known.get(key)
    if found is None:
        found = _known[key] = _joined(session, body)
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return found


_known: OrderedDict[tuple[str, frozenset[str]], People] = OrderedDict()


def _joined(session: Session, body: str) -> People:
    place = Place("people.toml", body, what="the stored people cannot be used")
    document = place.document()
    tables: list[dict[str, Any]] = document.get("person", [])
    try:
        records = open_records(session, {table["kept"]: table["commitment"] for table in tables if table.get("kept")})
    except AuditError as error:
        raise Altered("the people in force cannot be used", why=str(error), do=error.do) from error
    persons = []
    for table in tables:
        if not set(table) <= STORED:
            why = f"what is stored of {str(table.get('id'))[:60]} holds more than references"
            raise Altered("the people in force cannot be used", why=why, do="Restore what was adopted from a backup")
        record = records.get(table.pop("kept", ""))
        table.pop("commitment", None)
        if record is not None:
            persons.append(table | json.loads(record))
    return people_of_document(document | {"person": persons}, place)


def clear_text(people: People) -> str:
    """The people as a file with names, for a reader at a terminal; never stored."""
    return _file([_table(person, _clear(person)) for person in people.by_id.values()], people)


def _rendered(session: Session, people: People, now: datetime, gone: frozenset[str]) -> str:
    called = {one.id: canonical(_clear(one)).decode() for one in people.by_id.values() if one.id not in gone}
    kept = keep_records(session, called, now=now)
    persons = []
    for person in people.by_id.values():
        ref, commitment = kept.get(person.id, ("", ""))
        persons.append(_table(person, {"kept": ref, "commitment": commitment} if ref else {}))
    return HEADING + _file(persons, people)


def _clear(person: Person) -> dict[str, Any]:
    """What of a person is not opaque, as a people file writes it."""
    fields: dict[str, Any] = {"name": person.name}
    if person.slack:
        fields["slack"] = [{"team": team, "user": user} for team, user in person.slack]
    if person.os_user is not None:
        fields["os_user"] = person.os_user
    return fields


def _table(person: Person, fields: dict[str, Any]) -> str:
    shown = {"roles": sorted(person.roles), "sees_teams": list(person.sees_teams)}
    return _toml("person", {"id": person.id, **fields, **shown})


def _file(persons: list[str], people: People) -> str:
    channels = [
        _toml("channel", {"team": team, "id": channel, "sees_teams": list(sees)})
        for (team, channel), sees in people.channels.items()
    ]
    return "".join([*persons, *channels, *(_toml("group", group._asdict()) for group in people.groups)])


def _toml(name: str, fields: dict[str, Any]) -> str:
    return f"\n[[{name}]]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in fields.items())


def _value(value: Any) -> str:
    """A text, a list or an inline table in TOML; JSON writes texts alike, but for the character 127."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def set_old_apart(connection: Connection, now: datetime) -> int:
    """Sets apart what an older version of the program stored in clear, each version with its entry; returns how many.

    The digests stay, since votes and entries name them: `apart` holds the digest of the text that stands there now. A
    reading of the directory held accounts; it is dropped, and `serve` reads anew within a minute.
    """
    with Session(bind=connection, expire_on_commit=False) as session:
        done = 0
        for row in session.exec(_OLD_VERSIONS).all():
            row.body, row.apart = _old_apart(session, row.body, now)
            session.add(row)
            data = {"kind": PEOPLE, "version": row.version, "digest": row.digest, "apart": row.apart}
            append(session, now=now, event=Event.PRIVACY_SET_APART, actor=UPGRADE, data=data)
            done += 1
        for candidate in session.exec(_OLD_CANDIDATES).all():
            candidate.body, candidate.apart = _old_apart(session, candidate.body, now)
            session.add(candidate)
            done += 1
        for reading in session.exec(select(DirectoryReading)).all():
            session.delete(reading)
        session.flush()
        return done


def _old_apart(session: Session, body: str, now: datetime) -> tuple[str, str]:
    text = _rendered(session, load_people(body), now, erased_people(session))
    return text, sha256(text.encode())


_OLD_VERSIONS = (
    select(PolicyVersion)
    .where(
        PolicyVersion.kind == PEOPLE,
        col(PolicyVersion.apart).is_(None),
        ~col(PolicyVersion.body).startswith(HEADING, autoescape=True),
    )
    .order_by(col(PolicyVersion.version))
)
_OLD_CANDIDATES = select(PolicyCandidate).where(
    PolicyCandidate.kind == PEOPLE,
    col(PolicyCandidate.apart).is_(None),
    ~col(PolicyCandidate.body).startswith(HEADING, autoescape=True),
)
