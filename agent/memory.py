"""Where conversations are kept: the SQLite saver, strict, deleted text overwritten, pruned after each turn.

The saver keeps every step for ever and its own `aprune` is not there on SQLite: 200 turns took 6.6 MB.
"""

from agent import strict  # isort: skip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

BUSY_SECONDS = 15


@asynccontextmanager
async def open_memory(path: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """The saver on the file at `path`."""
    strict.require_strict()
    async with aiosqlite.connect(str(path), timeout=BUSY_SECONDS) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            await connection.execute(f"PRAGMA {pragma}")
        saver = AsyncSqliteSaver(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        await saver.setup()
        yield saver


async def prune(saver: AsyncSqliteSaver, thread: str) -> None:
    """Keeps the newest checkpoint of `thread`; a pending interrupt survives. Run under the thread's lease."""
    newest = "(SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
    async with saver.lock:
        for delete in (
            f"DELETE FROM writes WHERE thread_id = ? AND checkpoint_id < {newest}",  # noqa: S608  # a constant
            f"DELETE FROM checkpoints WHERE thread_id = ? AND checkpoint_id < {newest}",  # noqa: S608
        ):
            await saver.conn.execute(delete, (thread, thread))
        await saver.conn.commit()


async def forget(saver: AsyncSqliteSaver, thread: str) -> None:
    """Erases all that is remembered of `thread`."""
    await saver.adelete_thread(thread)
