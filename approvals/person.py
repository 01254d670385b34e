"""People: the opaque id by which rows and entries know someone, and what is known about that person besides.

Names and Slack ids stand in the people file and, under each person's own key, in the records that `apart.py` keeps, so
that erasing someone touches one place. Roles come from the file, from groups of the directory, and for a while from
somebody who lent them.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from approvals.place import Place

ID_PREFIX = "p-"
OPAQUE = re.compile(r"p-[0-9A-Za-z]{1,40}")


class Lent(NamedTuple):
    """A role that `giver` lent, and the delegation by which."""

    role: str
    giver: str
    delegation: str


class Group(NamedTuple):
    """Whoever is in this Slack user group holds the role."""

    team: str
    id: str
    role: str


@dataclass(frozen=True)
class Person:
    """Someone who may ask, propose or vote. `sees_teams` is ("*",) or the teams whose cost the person may see."""

    id: str
    name: str
    slack: tuple[tuple[str, str], ...] = ()
    os_user: str | None = None
    roles: frozenset[str] = frozenset()
    sees_teams: tuple[str, ...] = ()
    lent: tuple[Lent, ...] = ()


@dataclass(frozen=True)
class People:
    """Everybody who is known, found by each of their names. `unread`: groups of whose members nothing is known now."""

    by_id: dict[str, Person] = field(default_factory=dict)
    by_slack: dict[tuple[str, str], Person] = field(default_factory=dict)
    by_os_user: dict[str, Person] = field(default_factory=dict)
    channels: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    unread: tuple[str, ...] = ()

    def roles(self, person: str, apart_from: Collection[str] = ()) -> frozenset[str]:
        """The roles that the person holds now; none for someone unknown.

        A lent role does not count where its giver is `apart_from`: nobody decides on their own request, nor votes
        twice, by lending.
        """
        known = self.by_id.get(person)
        if known is None:
            return frozenset()
        return known.roles | {lent.role for lent in known.lent if lent.giver not in apart_from}

    def with_persons(self, by_id: dict[str, Person], unread: tuple[str, ...] | None = None) -> "People":
        """The same people under the same accounts, each as given."""
        return replace(
            self,
            by_id=by_id,
            by_slack={account: by_id[person.id] for account, person in self.by_slack.items()},
            by_os_user={user: by_id[person.id] for user, person in self.by_os_user.items()},
            unread=self.unread if unread is None else unread,
        )

    def roles_beyond(self, known: Collection[str]) -> dict[str, tuple[str, ...]]:
        """The roles that are held but not `known`, each with the ids of its holders: no rule ever asks for them."""
        held = {role for person in self.by_id.values() for role in person.roles} - set(known)
        return {role: tuple(one.id for one in self.by_id.values() if role in one.roles) for role in sorted(held)}

    def channel_sees(self, team: str, channel: str) -> tuple[str, ...]:
        """The teams whose cost may be told in this channel, where everyone reads along; none unless it is named."""
        return self.channels.get((team, channel), ())


def load_people(text: str, *, file: str = "people.toml") -> People:
    """Reads a people file; every fault is a PolicyError that names the file, the table and the line."""
    place = Place(file, text, what="the people file cannot be used")
    return people_of_document(place.document(), place)


def people_of_document(document: dict[str, Any], place: Place) -> People:
    """The people of a file that was parsed already; faults are told as of `place`."""
    groups = tuple(_group(table, place, at) for at, table in enumerate(_tables(document, "group", place)))
    people = People(groups=groups)
    for key in sorted(set(document) - {"person", "channel", "group"}):
        raise place.fault(f"unknown key {key!r}", key=key, do="Only [[person]], [[channel]] and [[group]] are known")
    for at, table in enumerate(_tables(document, "person", place)):
        _add(people, _person(table, place, at), place, at)
    for at, table in enumerate(_tables(document, "channel", place)):
        people.channels.update([_channel(table, place, at)])
    return people


def _tables(document: dict[str, Any], name: str, place: Place) -> list[dict[str, Any]]:
    listed = document.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        raise place.fault(f"{name} is no list of tables", table=name, do=f"Write each as [[{name}]]")
    return listed


def _group(table: dict[str, Any], place: Place, at: int) -> Group:
    known = {"team", "id", "role"}
    for key in sorted(set(table) ^ known):
        told = "is missing" if key in known else "is not known here"
        raise place.fault(f"{key} {told}", table="group", at=at, key=key, do=f"Needed: {', '.join(sorted(known))}")
    for key in sorted(known):
        if not isinstance(table[key], str) or not table[key].strip():
            raise place.fault(f"{key} is no text", table="group", at=at, key=key, do=f'Write {key} = "…"')
    return Group(team=table["team"], id=table["id"], role=table["role"])


def _channel(table: dict[str, Any], place: Place, at: int) -> tuple[tuple[str, str], tuple[str, ...]]:
    known = {"team", "id", "sees_teams"}
    for key in sorted(set(table) ^ known):
        told = "is missing" if key in known else "is not known here"
        raise place.fault(f"{key} {told}", table="channel", at=at, key=key, do=f"Needed: {', '.join(sorted(known))}")
    sees = table["sees_teams"]
    if not isinstance(sees, list) or not all(isinstance(item, str) and item for item in sees):
        raise place.fault("sees_teams is no list of texts", table="channel", at=at, key="sees_teams", do='Write ["…"]')
    return (str(table["team"]), str(table["id"])), tuple(sees)


def _person(table: dict[str, Any], place: Place, at: int) -> Person:
    known = {"id", "name", "slack", "os_user", "roles", "sees_teams"}
    for key in sorted(set(table) - known):
        raise place.fault(
            f"unknown key {key!r}", table="person", at=at, key=key, do=f"Known: {', '.join(sorted(known))}"
        )
    for key in ("id", "name"):
        if not isinstance(table.get(key), str) or not table[key].strip():
            raise place.fault(f"{key} is missing", table="person", at=at, key=key, do=f'Add {key} = "…"')
    if not OPAQUE.fullmatch(table["id"]):
        raise place.fault(
            f"{table['id']!r} is no opaque id", table="person", at=at, key="id", do="Write p- and eight hex digits"
        )
    for key in ("roles", "sees_teams"):
        texts = table.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(item, str) and item for item in texts):
            raise place.fault(f"{key} is no list of texts", table="person", at=at, key=key, do=f'Write {key} = ["…"]')
    os_user = table.get("os_user")
    if os_user is not None and (not isinstance(os_user, str) or not os_user):
        raise place.fault("os_user is no text", table="person", at=at, key="os_user", do='Write os_user = "…"')
    return Person(
        id=table["id"],
        name=table["name"].strip(),
        slack=_slack(table.get("slack", []), place, at),
        os_user=os_user,
        roles=frozenset(table.get("roles", [])),
        sees_teams=tuple(table.get("sees_teams", [])),
    )


def _slack(listed: Any, place: Place, at: int) -> tuple[tuple[str, str], ...]:
    shape = 'Write slack = [{ team = "T…", user = "U…" }]'
    if not isinstance(listed, list):
        raise place.fault("slack is no list", table="person", at=at, key="slack", do=shape)
    for entry in listed:
        fits = isinstance(entry, dict) and set(entry) == {"team", "user"}
        if not fits or not all(isinstance(value, str) and value for value in entry.values()):
            raise place.fault("slack needs a team and a user", table="person", at=at, key="slack", do=shape)
    return tuple((entry["team"], entry["user"]) for entry in listed)


def _add(people: People, person: Person, place: Place, at: int) -> None:
    """Refuses a name that two people share: one account behind two ids could fill two slots."""
    if person.id in people.by_id:
        raise place.fault(f"{person.id} stands twice", table="person", at=at, key="id", do="Give each person one table")
    people.by_id[person.id] = person
    for account in person.slack:
        if account in people.by_slack:
            raise place.fault(
                f"the Slack account {account[1]} already belongs to {people.by_slack[account].id}",
                table="person",
                at=at,
                key="slack",
                do="Give each account to one person",
            )
        people.by_slack[account] = person
    if person.os_user is not None:
        if person.os_user in people.by_os_user:
            raise place.fault(
                f"the user {person.os_user} already belongs to {people.by_os_user[person.os_user].id}",
                table="person",
                at=at,
                key="os_user",
                do="Give each user to one person",
            )
        people.by_os_user[person.os_user] = person
