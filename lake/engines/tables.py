"""What a published lake looks like in a PostgreSQL database: one schema, its tables, and who may read them.

Charges stand beside the id of their snapshot, and a table of manifests says which snapshots count. Text sorts by its
bytes, as in the embedded engine, so that rows of equal amounts come in the same order on both.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql

from lake.columns import CHARGES_COUNTED, STORED, tag_column
from lake.expressions import PUBLISHED, SNAPSHOT

MOST_TAGS = 200
"""Columns for tags: PostgreSQL allows 1,600 columns, and few questions are about the two-hundredth tag."""

_TEXT = 'text COLLATE "C"'
_TYPES = {"VARCHAR": _TEXT, "BOOLEAN": "boolean", "BIGINT": "bigint", "DATE": "date", "TIMESTAMPTZ": "timestamptz"}
COLUMNS = tuple(
    (name, _TYPES.get(kind) or kind.lower().replace("decimal", "numeric"))
    for name, kind in STORED
    if not kind.startswith("MAP")
)

_MADE = (
    "CREATE SCHEMA IF NOT EXISTS {schema}",
    "CREATE TABLE IF NOT EXISTS {schema}.snapshots ("
    "id text PRIMARY KEY, source text NOT NULL, period text NOT NULL, revision integer NOT NULL, "
    "manifest text NOT NULL, tags_left text[] NOT NULL, counts boolean NOT NULL, published_at timestamptz NOT NULL)",
    "CREATE UNIQUE INDEX IF NOT EXISTS snapshots_that_count ON {schema}.snapshots (source, period) WHERE counts",
    "CREATE TABLE IF NOT EXISTS {schema}.tags (key text PRIMARY KEY)",
    f"CREATE TABLE IF NOT EXISTS {{schema}}.charges ({SNAPSHOT} {_TEXT} NOT NULL, {CHARGES_COUNTED} bigint NOT NULL)",
    f"CREATE INDEX IF NOT EXISTS charges_by_snapshot ON {{schema}}.charges ({SNAPSHOT})",
)

Connection = psycopg.Connection[Any]


def make(connection: Connection) -> None:
    """Makes what is not there yet, columns of later versions included, within the caller's transaction."""
    for statement in _MADE:
        connection.execute(_placed(statement))
    _add_columns(connection, COLUMNS)


def keep_tags(connection: Connection, keys: Sequence[str]) -> tuple[str, ...]:
    """Gives each of these keys a column while there is room, the first ones first; returns all that have one."""
    held = {row[0] for row in connection.execute(_placed("SELECT key FROM {schema}.tags"))}
    new = [key for key in keys if key not in held][: MOST_TAGS - len(held)]
    _add_columns(connection, [(tag_column(key), _TEXT) for key in new])
    for key in new:
        connection.execute(_placed("INSERT INTO {schema}.tags VALUES (%s)"), [key])
    return tuple(sorted({*held, *new}))


def let_read(connection: Connection, roles: Iterable[str]) -> None:
    """Lets these roles of the database read the lake, and nothing else of it."""
    for role in roles:
        name = sql.Identifier(role)
        for statement in (
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
        ):
            connection.execute(sql.SQL(statement).format(schema=sql.Identifier(PUBLISHED), role=name))


def _add_columns(connection: Connection, columns: Iterable[tuple[str, str]]) -> None:
    there = {
        row[0]
        for row in connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = 'charges'",
            [PUBLISHED],
        )
    }
    added = [
        sql.SQL("ADD COLUMN {name} ").format(name=sql.Identifier(name)) + sql.SQL(kind)
        for name, kind in columns
        if name not in there
    ]
    if added:
        connection.execute(_placed("ALTER TABLE {schema}.charges ") + sql.SQL(", ").join(added))


def _placed(statement: str) -> sql.Composed:
    return sql.SQL(statement).format(schema=sql.Identifier(PUBLISHED))
