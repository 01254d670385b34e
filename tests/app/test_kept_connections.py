"""Connections that stay open: the same answers, and never the pages of a file that is no longer there."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, select

from app.database import kept, open_database, reading, writing
from app.migrate import create
from app.turns import WakeUp

NOW = datetime(2026, 11, 17, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = open_database(tmp_path / "spendgate.db", lambda: NOW)
    create(made)
    return made


def wake(number: int) -> WakeUp:
    return WakeUp(id=f"m:{number}", kind="message", thread="t", ref=str(number), due_at=NOW)


def names(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return list(session.exec(select(col(WakeUp.id)).order_by(col(WakeUp.id))).all())


def open_files(path: Path) -> int:
    """How many descriptors of this process are of the database's file."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}") == str(path)
        except FileNotFoundError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_it_stays_open_while_it_is_kept_and_is_closed_after(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "spendgate.db"
    with reading(engine):
        pass
    assert open_files(path) == 0
    with kept(engine) as keeping:
        for _ in range(3):
            assert names(keeping) == []
        assert open_files(path) == 1
    assert open_files(path) == 0
    assert not (tmp_path / "spendgate.db-wal").exists()


def test_what_others_write_is_seen_and_what_it_writes_is_seen(engine: Engine) -> None:
    with kept(engine) as keeping:
        assert names(keeping) == []
        with writing(engine) as (session, _):
            session.add(wake(1))
        assert names(keeping) == ["m:1"]
        with writing(keeping) as (session, now):
            assert now == NOW, "the same clock"
            session.add(wake(2))
        assert names(engine) == ["m:1", "m:2"]


def break_half_way(engine: Engine) -> None:
    with writing(engine) as (session, _):
        session.add(wake(1))
        session.flush()
        raise RuntimeError("half way")


def test_a_transaction_that_failed_leaves_nothing_to_the_next(engine: Engine) -> None:
    with kept(engine) as keeping:
        with pytest.raises(RuntimeError, match="half way"):
            break_half_way(keeping)
        assert names(keeping) == []
        with keeping.connect() as connection:
            assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1


def test_a_file_that_was_put_in_its_place_is_read_and_not_the_old_one(engine: Engine, tmp_path: Path) -> None:
    path, other = tmp_path / "spendgate.db", tmp_path / "earlier.db"
    shutil.copy(path, other)
    with kept(engine) as keeping:
        with writing(keeping) as (session, _):
            session.add(wake(1))
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink()
        other.replace(path)  # as a backup is put back
        assert names(keeping) == []
        with writing(keeping) as (session, _):
            session.add(wake(2))
        assert names(engine) == ["m:2"], "it was written into the new file"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_a_file_that_was_put_in_its_place_while_it_was_opened_is_noticed(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "spendgate.db", tmp_path / "earlier.db"
    shutil.copy(path, other)
    with kept(engine) as keeping:
        real = keeping.dialect.connect

        def connect(*args: Any, **more: Any) -> Any:
            opened = real(*args, **more)
            if other.exists():
                other.replace(path)
            return opened

        monkeypatch.setattr(keeping.dialect, "connect", connect)
        with writing(keeping) as (session, _):
            session.add(wake(1))
            assert open_files(path) == 1
            assert open_files(tmp_path / "spendgate.db (deleted)") == 0
        assert names(engine) == ["m:1"], "it was written into the new file"


def test_a_forked_process_opens_its_own(engine: Engine) -> None:
    with kept(engine) as keeping:
        with writing(keeping) as (session, _):
            session.add(wake(1))
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if keeping.pool.checkedin() == 0 and names(keeping) == ["m:1"] else 1)  # type: ignore[attr-defined]
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert names(keeping) == ["m:1"]


def test_time_goes_on(tmp_path: Path) -> None:
    moments = iter(NOW + timedelta(seconds=second) for second in range(100))
    made = open_database(tmp_path / "spendgate.db", lambda: next(moments))
    with kept(made) as keeping:
        told = []
        for _ in range(2):
            with reading(keeping) as (_, now):
                told.append(now)
    assert told[0] < told[1]
