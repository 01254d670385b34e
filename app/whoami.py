"""Who sits at this terminal: the mapped operating-system user, or in a sandbox whoever one acts as."""

from dataclasses import dataclass

from app.errors import Exit, Problem
from app.home import Home
from app.ready import os_user
from approvals.person import People, Person

NOBODY = "p-local"


@dataclass(frozen=True)
class Here:
    """The person at the terminal. Unmapped (nobody is configured): may ask and read, may neither propose nor vote."""

    id: str
    name: str
    sees_teams: tuple[str, ...]
    person: Person | None


def whoami(home: Home, people: People, acting_as: str | None) -> Here:
    """The person; `acting_as` (an id or a first name) counts in a sandbox home alone."""
    if acting_as is not None:
        if not home.is_sandbox:
            raise Problem(
                "--as works only in a sandbox home.",
                why="Elsewhere you are who the operating system says you are.",
                do="Leave --as away, or try it in a home that `spendgate demo` made.",
                exit_code=Exit.DENIED,
            )
        return _here(_find(people, acting_as))
    person = people.by_os_user.get(os_user())
    if person is not None:
        return _here(person)
    if people.by_id:
        mapped = f'Ask whoever runs Spendgate to add os_user = "{os_user()}" to your entry and to adopt the file.'
        raise Problem(
            f"The operating-system user {os_user()} is not mapped to a person.",
            why="people.toml names people, and you are not among them.",
            do="In this sandbox, say who you act as: --as olivia." if home.is_sandbox else mapped,
            exit_code=Exit.DENIED,
        )
    return Here(NOBODY, os_user(), ("*",), None)


def _here(person: Person) -> Here:
    return Here(person.id, person.name, tuple(person.sees_teams), person)


def _find(people: People, wanted: str) -> Person:
    found = [
        p
        for p in people.by_id.values()
        if wanted == p.id or wanted.lower() in (p.name.lower(), p.name.split()[0].lower())
    ]
    if len(found) != 1:
        names = ", ".join(sorted(p.name.split()[0].lower() for p in people.by_id.values()))
        raise Problem(
            f"There is {'nobody' if not found else 'more than one person'} called {wanted!r}.",
            why="--as takes an id or a first name from people.toml.",
            do=f"Use one of: {names or '(people.toml names nobody)'}.",
            exit_code=Exit.NOT_FOUND,
        )
    return found[0]
