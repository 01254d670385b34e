"""Makes what was deleted unreadable: the pages and files that a database keeps after the rows are gone.

SQLite keeps deleted bytes in its write-ahead log until the next checkpoint, and freed pages in the file; PostgreSQL
keeps a row's earlier versions in the table's file. Both are rewritten here. What was archived elsewhere (backups, a
server's own archive of its log) is out of reach, and whoever calls this says so.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, LargeBinary, inspect, text

from app.database import BUSY_SECONDS, is_server
from audit.guard import SCHEMA


def scrub(engine: Engine, tables: Sequence[str], *, schema: str = SCHEMA) -> bool:
    """Rewrites the file, or on a server these tables, as their owner. False if a reader kept old pages in place."""
    if not is_server(engine):
        return scrub_file(Path(str(engine.url.database)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in tables:
            connection.execute(text(f'VACUUM FULL {schema}."{table}"'))
    return True


def scrub_file(path: Path) -> bool:
    """Rewrites a SQLite file and empties its write-ahead log; False if another process is still reading old pages."""
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute("VACUUM")
        busy, _pages, _moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def where_found(engine: Engine, values: Sequence[str]) -> list[str]:
    """The places ("table.column") where one of these texts still stands in a row, in clear."""
    if not values:
        return []
    server = is_server(engine)
    found = []
    with engine.connect() as connection:
        for table in inspect(connection).get_table_names(schema=SCHEMA if server else None):
            for column in inspect(connection).get_columns(table, schema=SCHEMA if server else None):
                name = f'"{column["name"]}"'
                raw = name if isinstance(column["type"], LargeBinary) else f"CAST({name} AS text)"
                bytes_ = raw if raw == name else f"convert_to({raw}, 'UTF8')"
                here = f"position(:value IN {bytes_}) > 0" if server else f"instr(CAST({name} AS BLOB), :value) > 0"
                of = f'{SCHEMA}."{table}"' if server else f'"{table}"'
                look = text(f"SELECT 1 FROM {of} WHERE {here} LIMIT 1")  # noqa: S608 (the database's own names)
                if any(connection.execute(look, {"value": value.encode()}).first() for value in values):
                    found.append(f"{table}.{column['name']}")
    return found
