"""A database that is ready to be used: made at the first start, refused when it is of another version.

A PostgreSQL database is made by its owner (`spendgate db init`); here it is only used, by the role of each process.

The first start takes `rules.toml` and `people.toml` of the home (or the shipped rules and nobody) as version 1; from
then on the rows count, and a later edit of the files is only a candidate.
"""

import os
import pwd
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from app.database import open_database, writing
from app.database_roles import PARTS
from app.errors import Exit, Problem
from app.home import Home
from app.migrate import create, require_current
from app.role import require_part
from app.settings import DATABASE_URL, OWNER_URL
from approvals.active import PEOPLE, RULES, active, newest
from approvals.adopt import initialise
from audit.event import Actor, ActorKind

OPERATOR = Actor(ActorKind.SERVICE, "operator")
"""Whoever runs Spendgate at a terminal without being a mapped person: the log holds no account names."""
DEFAULTS = Path(__file__).parent / "defaults"


def ready_database(home: Home, parts: tuple[str, ...] = PARTS) -> Engine:
    """The home's database at this program's version: created if there is none yet; on a server, as one of `parts`."""
    if home.server:
        engine = open_database(home.server)
        require_current(engine)
        require_part(engine, parts)
        return engine
    refuse_second_database(home, parts)
    fresh = not home.database.exists()
    engine = open_database(home.database)
    if fresh:
        create(engine)  # two first starts at once: the write lock orders them, the later finds nothing to do
    require_current(engine)
    with writing(engine) as (session, now):
        if newest(session, RULES) is None:
            initialise(session, now=now, rules_text=rules_text(home), people_text=people_text(home), actor=OPERATOR)
    return engine


def refuse_second_database(home: Home, parts: tuple[str, ...] = PARTS) -> None:
    """Refuses SQLite in a home whose database is on a server: a stop that a new, empty file stores stops nothing."""
    if not any(home.passwords.glob("*.env")):
        return
    file = home.passwords / f"{parts[0]}.env"
    do = f"Start it with its role's address: env $(cat {file}) spendgate …"
    if parts == PARTS:
        do = f"Set it from the files there; `db init`, `db upgrade` and `db adopt` need {OWNER_URL} instead."
    raise Problem(
        f"{DATABASE_URL} is not set, and this home's database is on a server.",
        why=f"The addresses of its roles are in {home.passwords}; a file here would be a second, empty database.",
        do=do,
        exit_code=Exit.USAGE,
    )


def rules_text(home: Home) -> str:
    """The rules that a new database starts with."""
    return read_file(home.rules if home.rules.exists() else DEFAULTS / "rules.toml")


def people_text(home: Home) -> str:
    """The people that a new database starts with; none, unless the home names them."""
    return read_file(home.people) if home.people.exists() else ""


def read_file(path: Path) -> str:
    """A file of the user's as text; a Problem that names it where it cannot be."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Problem(
            f"There is no file {path}.", do="Check how its name is written, and the folder.", exit_code=Exit.NOT_FOUND
        ) from error
    except OSError as error:
        raise Problem(
            f"{path} cannot be read.", why=f"{error.strerror}.", do="Name a file that you may read."
        ) from error
    except UnicodeDecodeError as error:
        raise Problem(f"{path} cannot be read.", why=f"{error}.", do="Make it a readable UTF-8 text file.") from error


def os_user() -> str:
    """The operating-system user of this process, from the password database by its real number.

    Never from the environment: LOGNAME and USER are whatever the caller writes, and this name decides whose vote it is.
    """
    if os.getuid() != os.geteuid():
        raise Problem(
            "Spendgate does not run under another user's rights.",
            why="The real and the effective user of this process differ, so it is not clear who sits here.",
            do="Run it without set-uid, as yourself.",
            exit_code=Exit.DENIED,
        )
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def operator(session: Session) -> Actor:
    """Who acts at this terminal, for the log: the mapped person, or the operator."""
    found = newest(session, PEOPLE)
    person = active(session).people.by_os_user.get(os_user()) if found else None
    return Actor(ActorKind.PERSON, person.id) if person else OPERATOR
