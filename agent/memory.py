"""Where conversations are kept: in a file or in a PostgreSQL schema of their own; strictly read, pruned each turn.

The savers keep every step for ever: 200 turns took 6.6 MB. On SQLite deleted text is overwritten, and pruning is ours,
since that saver has none.
"""

from agent import strict  # isort: skip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from psycopg import AsyncConnection, Connection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

BUSY_SECONDS = 15
WITHIN_A_TURN, AFTER_A_TURN = "NORMAL", "FULL"
"""How SQLite waits for the disk. A killed process loses no step either way. A machine that loses its power loses the
steps of turns that are under way, which begin again; what a finished turn is remembered by is on the disk, all of it
with one wait, before its answer is stored. (To wait at each step is a dozen waits a turn.)"""
SCHEMA = "conversation"
"""The checkpoints' schema on PostgreSQL: the agent's role may write there, and nobody's migration drops it."""


@asynccontextmanager
async def open_memory(where: Path | str) -> AsyncIterator[BaseCheckpointSaver[Any]]:
    """The saver on the file at a path, or in the PostgreSQL database at a `postgresql://` address."""
    strict.require_strict()
    opened = _on_server(where) if isinstance(where, str) else _in_file(where)
    async with opened as saver:
        yield saver


@asynccontextmanager
async def _on_server(address: str) -> AsyncIterator[AsyncPostgresSaver]:
    pool: AsyncConnectionPool[AsyncConnection[DictRow]] = AsyncConnectionPool(
        address,
        open=False,
        min_size=1,
        max_size=8,
        timeout=BUSY_SECONDS,
        check=AsyncConnectionPool.check_connection,
        kwargs={
            "autocommit": True,
            "prepare_threshold": 0,
            "row_factory": dict_row,
            "options": f"-c search_path={SCHEMA} -c lock_timeout={BUSY_SECONDS}s",
        },
    )
    async with pool:
        yield AsyncPostgresSaver(pool, serde=_strict_serde())


def make_memory(connection: Connection[DictRow]) -> None:
    """Makes the tables on PostgreSQL, as their owner and by one process at a time: the library's steps race."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    connection.execute(f"SET search_path = {SCHEMA}")
    PostgresSaver(connection).setup()


def _strict_serde() -> JsonPlusSerializer:
    return JsonPlusSerializer(allowed_msgpack_modules=None)


@asynccontextmanager
async def _in_file(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    async with aiosqlite.connect(str(path), timeout=BUSY_SECONDS) as connection:
        for pragma in ("journal_mode=WAL", f"synchronous={WITHIN_A_TURN}", "secure_delete=ON"):
            await connection.execute(f"PRAGMA {pragma}")
        saver = AsyncSqliteSaver(connection, serde=_strict_serde())
        await saver.setup()
        yield saver


async def prune(saver: object, thread: str) -> None:
    """Keeps the newest checkpoint of `thread`; a pending interrupt survives. Run under the thread's lease."""
    if isinstance(saver, AsyncPostgresSaver):
        await saver.aprune([thread], strategy="keep_latest")
    elif isinstance(saver, AsyncSqliteSaver):
        await _prune_file(saver, thread)


async def _prune_file(saver: AsyncSqliteSaver, thread: str) -> None:
    newest = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
    async with saver.lock:
        await saver.conn.commit()  # within a transaction the pragma is refused
        await saver.conn.execute(f"PRAGMA synchronous={AFTER_A_TURN}")
        try:
            for delete in (
                f"DELETE FROM writes WHERE thread_id = ? AND checkpoint_id < {newest}",  # noqa: S608  # a constant
                f"DELETE FROM checkpoints WHERE thread_id = ? AND checkpoint_id < {newest}",  # noqa: S608
            ):
                await saver.conn.execute(delete, (thread, thread))
            await saver.conn.commit()
        except BaseException:  # a cancelled turn too: an open transaction would keep every other process from writing
            await saver.conn.rollback()
            raise
        finally:
            await saver.conn.execute(f"PRAGMA synchronous={WITHIN_A_TURN}")


async def forget(saver: BaseCheckpointSaver[Any], thread: str) -> None:
    """Erases all that is remembered of `thread`."""
    await saver.adelete_thread(thread)
