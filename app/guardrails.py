"""The database's guard rails as they must stand: made by every upgrade, compared before a process writes.

What is compared is what the database itself says of its triggers and their functions, so that a rail which somebody
dropped, disabled or rewrote is named.
"""

import re

from sqlalchemy import Connection, Engine, text

from app.access_guards import GUARDS as ACCESS_GUARDS
from app.database import is_server
from app.database_power import TRIGGERS as POWER_TRIGGERS
from app.database_power import WHO, who_acts
from app.database_roles import PARTS
from app.drafting_guards import GUARDS as DRAFTING_GUARDS
from app.press_guards import GUARDS as PRESS_GUARDS
from app.rating_guards import GUARDS as RATING_GUARDS
from app.stop_guards import GUARDS as STOP_GUARDS
from approvals.guards import GUARDS as GATE_GUARDS
from audit.guard import SCHEMA, Guard, Trigger
from audit.guards import GUARDS as LOG_GUARDS

GUARDS: tuple[Guard, ...] = (
    *LOG_GUARDS,
    *GATE_GUARDS,
    *ACCESS_GUARDS,
    *DRAFTING_GUARDS,
    *PRESS_GUARDS,
    *RATING_GUARDS,
    *STOP_GUARDS,
)
DEFAULT_PREFIX = "spendgate"
CHOSEN_PREFIX = "role_prefix"
"""The execution option by which whoever upgrades names the prefix of a database that knows no roles yet."""


def missing_triggers(engine: Engine) -> list[str]:
    """The names of triggers that are not there, or not as this version writes them."""
    with engine.connect() as connection:
        return _missing_on_server(connection) if is_server(engine) else _missing_in_file(connection)


def restore_triggers(connection: Connection) -> None:
    """Makes every trigger anew, in the caller's transaction; on PostgreSQL the question who acts before them."""
    if is_server(connection):
        _restore_on_server(connection)
        return
    for guard in GUARDS:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {guard.name}")
        connection.exec_driver_sql(guard.sqlite())


def run(connection: Connection, statement: str) -> None:
    """Runs one statement as it stands: a percent sign in it is a percent sign, which the driver wants doubled."""
    connection.exec_driver_sql(statement.replace("%", "%%"))


def roles_with(prefix: str) -> dict[str, str]:
    """The login role of each part."""
    return {part: f"{prefix}_{part}" for part in PARTS}


def known_prefix(connection: Connection) -> str | None:
    """With which word this database's roles begin; None where nobody was told apart yet."""
    body = _who_acts_now(connection)
    found = re.search(rf"WHEN '([^']+)_{PARTS[0]}' THEN '{PARTS[0]}'", body or "")
    return found[1] if found else None


def server_triggers() -> tuple[Trigger, ...]:
    """Every trigger that a PostgreSQL database must have."""
    return (*(trigger for guard in GUARDS for trigger in guard.postgresql()), *POWER_TRIGGERS)


def _missing_in_file(connection: Connection) -> list[str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    found = {name: " ".join(sql.split()) for name, sql in rows}
    return sorted(guard.name for guard in GUARDS if found.get(guard.name) != " ".join(guard.sqlite().split()))


_FOUND = """
SELECT t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text, p.prosrc, p.prosecdef, p.proconfig, n.nspname::text
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace s ON s.oid = c.relnamespace
  JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE s.nspname = :schema AND NOT t.tgisinternal
"""


def _missing_on_server(connection: Connection) -> list[str]:
    rows = connection.execute(text(_FOUND), {"schema": SCHEMA}).all()
    found = {row[0]: (_bare(row[1]), *row[2:5], tuple(row[5] or ()), row[6]) for row in rows}
    config = (f"search_path={SCHEMA}, pg_temp",)
    lost = [
        trigger.name
        for trigger in server_triggers()
        if found.get(trigger.name) != (_bare(trigger.definition()), "O", trigger.body, False, config, SCHEMA)
    ]
    return sorted(lost if _tells_them_apart(connection) else [*lost, WHO])


def _bare(definition: str) -> str:
    """Without our schema's name, which PostgreSQL writes or leaves out by what its reader's search path shows."""
    return definition.replace(f"{SCHEMA}.", "")


def _who_acts_now(connection: Connection) -> str | None:
    known = "SELECT prosrc FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace WHERE nspname = :schema"
    body = connection.execute(text(f"{known} AND proname = :name"), {"schema": SCHEMA, "name": WHO}).scalar()
    return str(body) if body is not None else None


def _tells_them_apart(connection: Connection) -> bool:
    """Whether the function that all of it rests on names each part's own role, and no one else."""
    prefix = known_prefix(connection)
    owner = text("SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = :schema")
    named = connection.execute(owner, {"schema": SCHEMA}).scalar()
    return prefix is not None and _who_acts_now(connection) == who_acts(roles_with(prefix), str(named))


def _restore_on_server(connection: Connection) -> None:
    owner = str(connection.execute(text("SELECT current_user")).scalar_one())
    chosen = connection.get_execution_options().get(CHOSEN_PREFIX, DEFAULT_PREFIX)
    body = who_acts(roles_with(known_prefix(connection) or chosen), owner)
    run(
        connection,
        f"CREATE OR REPLACE FUNCTION {SCHEMA}.{WHO}() RETURNS text LANGUAGE sql STABLE"
        f" SET search_path = {SCHEMA}, pg_temp AS $who${body}$who$",
    )
    for trigger in server_triggers():
        run(connection, f"DROP TRIGGER IF EXISTS {trigger.name} ON {SCHEMA}.{trigger.table}")
        run(connection, trigger.function())
        run(connection, trigger.definition())
