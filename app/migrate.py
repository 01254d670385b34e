"""Brings a database to this version's tables, tells which version it has, and checks its guard rails.

Every process checks at its start and refuses an older or newer database with the command to run: half the code on the
old tables and half on the new is how a log loses entries.
"""

import importlib
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import DatabaseError
from sqlmodel import SQLModel

from app.database import is_server, now_by
from app.errors import Exit, Problem
from app.guardrails import CHOSEN_PREFIX, DEFAULT_PREFIX
from app.guardrails import missing_triggers as missing_triggers
from app.guardrails import restore_triggers as restore_triggers
from app.scrub import scrub
from approvals.apart import APART, set_old_apart

SCRIPTS = Path(__file__).resolve().parent.parent / "migrations"
CONNECTION = "connection"
TABLES = (
    "audit.log",
    "audit.stored_tree",
    "audit.alarm",
    "audit.private",
    "audit.hold",
    "approvals.store",
    "app.inbox",
    "app.installations",
    "app.turns",
    "app.access",
    "app.drawn",
    "app.posting",
    "app.presses",
    "app.ratings",
    "app.seen",
    "app.sessions",
    "app.stops",
    "app.anomaly_rows",
    "app.drafting_rules",
)
"""Modules that define tables; each must have its revision."""


def newest_version() -> str:
    """The revision that this version of Spendgate needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("there are no migrations beside this code: the installation is not complete")
    return head


def version(engine: Engine) -> str | None:
    """The database's revision; None where there are no tables yet."""
    with engine.connect() as connection:
        return _version(connection)


def upgrade(engine: Engine, *, prefix: str = DEFAULT_PREFIX) -> str:
    """Runs what is missing, all of it or nothing, restores the triggers, and returns the version it is at now.

    Several processes may call it at once: the write lock orders them, and the later ones find nothing to do. `prefix`
    begins the names of a PostgreSQL database's roles, unless it knows them already.
    """
    try:
        with engine.connect() as connection:
            _begin(connection, prefix)
            _refuse_newer(_version(connection))
            config = _config()
            config.attributes[CONNECTION] = connection
            command.upgrade(config, "head")
            after = _version(connection) or ""
            apart = set_old_apart(connection, now_by(connection))
            connection.commit()
        if apart:
            scrub(engine, (*APART, "directory_reading"))
    except DatabaseError as error:
        raise Problem(
            "The database could not be made or upgraded.",
            why=f"{one_line(error)}; nothing was changed.",
            do=f"{_check(engine)}, then run this again.",
        ) from error
    return after


def _begin(connection: Connection, prefix: str) -> None:
    if is_server(connection):
        from app.server import make_schema

        connection.execution_options(**{CHOSEN_PREFIX: prefix})
        make_schema(connection)
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def one_line(error: DatabaseError) -> str:
    """What the database said, without the statement and its values."""
    return " ".join(str(error.orig).split()).rstrip("?.")


def _check(engine: Engine) -> str:
    if is_server(engine):
        return "Check that SPENDGATE_OWNER_DATABASE_URL is the owner's and that the server can be reached"
    return "Check that its folder is writable and has room"


def create(engine: Engine) -> str:
    """Makes every table of a new database; where another process was faster, there is nothing left to do."""
    return upgrade(engine)


def require_current(engine: Engine) -> None:
    """Refuses a database that this version cannot use, with the command to run."""
    try:
        found = version(engine)
    except DatabaseError as error:
        raise Problem(
            "The database cannot be read.",
            why=f"{one_line(error)}.",
            do="Check SPENDGATE_DATABASE_URL, and that the server is up and lets this machine in."
            if is_server(engine)
            else "Check the file and SPENDGATE_HOME; restore it from a backup if it is damaged.",
        ) from error
    if found is None:
        raise Problem(
            "The database is not set up.",
            why="It has no tables.",
            do="Run `spendgate db upgrade`, which makes them, then `spendgate db init`.",
        )
    _refuse_newer(found)
    if found != newest_version():
        raise Problem(
            "The database is of an older version.",
            why=f"It has {found} and this Spendgate needs {newest_version()}.",
            do="Stop the processes, back up the database, then run `spendgate db upgrade`.",
            exit_code=Exit.CONFLICT,
        )


def require_guards(engine: Engine) -> None:
    """Refuses a database whose guard rails are gone: for the processes that write, not for whoever checks the log."""
    lost = missing_triggers(engine)
    if lost:
        raise Problem(
            "The database's guard rails are not as they should be.",
            why=f"Missing or changed: {', '.join(lost)}.",
            do="Run `spendgate audit verify` and find out who changed them; `spendgate db upgrade` restores them.",
            exit_code=Exit.VERIFICATION_FAILED,
        )


def metadata() -> MetaData:
    """Every table that the code knows."""
    for module in TABLES:
        importlib.import_module(module)
    return SQLModel.metadata


def configure_arguments() -> dict[str, Any]:
    """How Alembic compares and runs, the same for `env.py` and for the test that models and migrations agree."""
    known = metadata()

    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or name in known.tables

    return {
        "target_metadata": known,
        "render_as_batch": True,
        "compare_type": True,
        "transaction_per_migration": False,
        "include_name": ours,
    }


def _refuse_newer(found: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        raise Problem(
            "The database is of a newer version.",
            why=f"It has {found}, which this Spendgate does not know.",
            do="Update Spendgate; a database cannot be taken back.",
            exit_code=Exit.CONFLICT,
        )


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config
