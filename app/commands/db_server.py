"""`spendgate db init` and `db upgrade` on PostgreSQL: what only the database's owner does."""

import sys
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from app.commands.console import hint
from app.database import open_database
from app.database_roles import RUNS
from app.errors import Exit, Problem
from app.home import Home
from app.migrate import upgrade
from app.server import give_powers, make_conversation, make_roles
from app.settings import OWNER_URL, load_database_url, load_role_prefix


def owner_address() -> str:
    """The owner's address; a Problem where it is not set."""
    found = load_database_url(name=OWNER_URL)
    if found is None:
        raise Problem(
            f"{OWNER_URL} is not set.",
            why="On PostgreSQL only the owner of the database may make and upgrade its tables.",
            do=f"Run this alone with {OWNER_URL}=postgresql://OWNER:…@HOST/NAME; no other process may have it.",
            exit_code=Exit.USAGE,
        )
    return found


def make(home: Home, address: str) -> Engine:
    """Tables, roles, their files and their powers; says which file belongs to which process, and no password."""
    engine = open_database(address)
    upgrade(engine, prefix=load_role_prefix())
    try:
        files = make_roles(engine, address, home.passwords)
        make_conversation(address)
        given = give_powers(engine)
    except DBAPIError as error:
        raise _not_allowed(error) from error
    _tell(files, given)
    return engine


def renew(address: str) -> str:
    """Upgrades tables and powers; returns the version."""
    engine = open_database(address)
    after = upgrade(engine, prefix=load_role_prefix())
    try:
        make_conversation(address)
        give_powers(engine)
    except DBAPIError as error:
        raise _not_allowed(error) from error
    return after


def _tell(files: Mapping[str, Path | None], given: list[str]) -> None:
    for part, path in files.items():
        where = str(path) if path else "(the file is in the home that made this role; copy it from there)"
        sys.stdout.write(f"{where}\t{RUNS[part]}\n")
    hint(f"Roles with their powers: {', '.join(given)}.")
    hint("Start each process with its own file and no other: env $(cat FILE) spendgate serve")


def _not_allowed(error: DBAPIError) -> Problem:
    return Problem(
        "The database's roles could not be made.",
        why=f"{' '.join(str(error.orig).split())}.",
        do=f"Let the role in {OWNER_URL} own the database and make roles (CREATEROLE), then run this again.",
        exit_code=Exit.DENIED,
    )
