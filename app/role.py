"""Who this process is to the database: it must be logged in as its own role, and as no other."""

from collections.abc import Sequence

from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError

from app.database_power import WHO
from app.database_roles import OWNER, RUNS
from app.errors import Exit, Problem

_WHO = f"""
SELECT session_user::text, {WHO}(), r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication
FROM pg_roles r WHERE r.rolname = session_user
"""  # noqa: S608 (a constant)


def require_part(engine: Engine, parts: Sequence[str]) -> str:
    """The part that the logged-in role plays, one of `parts`; a Problem that names the right file otherwise."""
    files = " or ".join(f"{part}.env" for part in parts)
    do = f"Start it with SPENDGATE_DATABASE_URL from database/{files}, as `spendgate db init` wrote it."
    try:
        with engine.connect() as connection:
            name, part, mighty = connection.execute(text(_WHO)).one()
    except DatabaseError as error:
        raise Problem(
            "The database does not know this role.", why=" ".join(str(error.orig).split()), do=do, exit_code=Exit.DENIED
        ) from error
    if mighty or part == OWNER:
        raise Problem(
            f"This process must not be {name} to the database.",
            why="That role owns the tables or the server: no guard rail and no grant would hold it.",
            do=do,
            exit_code=Exit.DENIED,
        )
    if part not in parts:
        plays = f"It is the role of: {RUNS[part]}." if part in RUNS else "It is none of Spendgate's roles."
        raise Problem(f"This process must not be {name} to the database.", why=plays, do=do, exit_code=Exit.DENIED)
    return str(part)
