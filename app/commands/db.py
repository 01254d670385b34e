"""`spendgate db`: make the database, upgrade it, put changed rules or people into force."""

import sys
from pathlib import Path

from app.commands import db_server
from app.commands.console import hint
from app.database import open_database, reading, writing
from app.errors import Exit, Problem
from app.home import Home, open_home
from app.migrate import upgrade
from app.ready import operator, people_text, read_file, ready_database, refuse_second_database, rules_text
from app.settings import OWNER_URL, load_database_url, load_settings
from approvals.active import PEOPLE, RULES, active, newest
from approvals.adopt import adopt, initialise
from approvals.explain import locked_out


def init() -> None:
    """Makes the database, and says what is in force."""
    home = _home()
    server = on_server()
    engine = db_server.make(home, server) if server else ready_database(home)
    with writing(engine) as (session, now):
        done = initialise(
            session, now=now, rules_text=rules_text(home), people_text=people_text(home), actor=operator(session)
        )
    where = "the server" if server else home.database
    sys.stdout.write(f"{where}: rules version {done.rules_version}, people version {done.people_version} in force\n")
    for kind in done.differing:
        hint(f"{kind}.toml differs from what is in force and counts for nothing: `spendgate policy propose {kind}`.")


def upgrade_database() -> None:
    """Upgrades an older database."""
    home = _home()
    server = on_server()
    if server:
        sys.stdout.write(f"the server: at version {db_server.renew(server)}\n")
        return
    refuse_second_database(home)
    if not home.database.exists():
        raise Problem(
            f"There is no database in {home.folder} yet.",
            why="Nothing was stored here so far.",
            do="Make one with `spendgate db init`.",
            exit_code=Exit.NOT_FOUND,
        )
    sys.stdout.write(f"{home.database}: at version {upgrade(open_database(home.database))}\n")


def adopt_file(kind: str, file: Path | None) -> None:
    """Puts a changed file into force; the entry names the operating-system user who did."""
    home = _home()
    if kind not in (RULES, PEOPLE):
        raise Problem(
            f"{kind!r} cannot be adopted.",
            why="There are rules and people.",
            do="Say `spendgate db adopt rules` or `spendgate db adopt people`.",
            exit_code=Exit.USAGE,
        )
    path = file or (home.rules if kind == RULES else home.people)
    if not path.exists():
        raise Problem(f"There is no file {path}.", do="Name the file to adopt.", exit_code=Exit.NOT_FOUND)
    server = on_server()
    engine = open_database(server) if server else ready_database(home)
    with reading(engine) as (session, _):
        before, current = newest(session, kind), active(session)
    if locked_out(current.rules, current.people) is None:
        raise Problem(
            f"{kind} are not adopted by whoever sits at the terminal.",
            why="There are people in force who can vote on it, so they decide.",
            do=f"Propose it: spendgate policy propose {kind} {path}",
            exit_code=Exit.DENIED,
        )
    with writing(engine) as (session, now):
        after = adopt(session, now=now, kind=kind, text=read_file(path), actor=operator(session))
    if before is not None and after.version == before.version:
        sys.stdout.write(f"{kind} version {after.version} is in force already; nothing changed\n")
    else:
        sys.stdout.write(f"{kind} version {after.version} is in force: for sealing, voting and claiming from now on\n")
    with reading(engine) as (session, _):
        policy = active(session)
    for role, holders in policy.people.roles_beyond(policy.rules.roles).items():
        known = ", ".join(sorted(policy.rules.roles))
        hint(f"The rules know no role {role!r} ({', '.join(holders)}): it lets nobody propose or vote. Known: {known}.")


def on_server() -> str | None:
    """The owner's address where the database is on a server; None for SQLite."""
    if load_settings().database_url is None and load_database_url(name=OWNER_URL) is None:
        return None
    return db_server.owner_address()


def _home() -> Home:
    settings = load_settings()
    return open_home(settings.home, settings.database_url)
