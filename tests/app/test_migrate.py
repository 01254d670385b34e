"""The database's versions: made anew, upgraded, refused with the command to run, and the same as the code's tables."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from app import guardrails, migrate
from app.database import open_database
from app.errors import Problem
from audit.guard import Guard


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(tmp_path / "spendgate.db")


def at_version(engine: Engine, revision: str) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = migrate._config()
        config.attributes[migrate.CONNECTION] = connection
        stop = migrate.restore_triggers
        migrate.restore_triggers = lambda connection: None  # the gate's tables are not there yet
        try:
            command.upgrade(config, revision)
        finally:
            migrate.restore_triggers = stop
        connection.commit()


def test_a_new_database_gets_every_table_and_trigger(engine: Engine) -> None:
    assert migrate.version(engine) is None
    assert migrate.create(engine) == migrate.newest_version()
    migrate.require_current(engine)
    migrate.require_guards(engine)
    assert migrate.missing_triggers(engine) == []


def test_models_and_migrations_agree(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.connect() as connection:
        arguments = migrate.configure_arguments()
        known = arguments.pop("target_metadata")
        differences = compare_metadata(MigrationContext.configure(connection, opts=arguments), known)
    assert differences == []


def test_a_missing_column_would_be_noticed(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE draft DROP COLUMN inverse_of"))
        arguments = migrate.configure_arguments()
        known = arguments.pop("target_metadata")
        assert compare_metadata(MigrationContext.configure(connection, opts=arguments), known)


def test_an_empty_database_is_refused_with_the_command(engine: Engine) -> None:
    with pytest.raises(Problem, match="spendgate db upgrade"):
        migrate.require_current(engine)


def test_an_older_database_is_refused_and_then_upgraded(engine: Engine) -> None:
    at_version(engine, "0001")
    with pytest.raises(Problem, match=r"older version.*0001.*spendgate db upgrade"):
        migrate.require_current(engine)
    assert migrate.upgrade(engine) == migrate.newest_version()
    migrate.require_current(engine)


def test_what_was_noted_among_the_timers_keeps_its_place(engine: Engine) -> None:
    """Else the first look after an upgrade would find the same bill new, and say again what was said."""
    at_version(engine, "0011")
    with engine.begin() as connection:
        for name, slot in (
            ("scan", "a bill"),
            ("unsigned", "7"),
            ("remind", "P-1 half"),
            ("witness", "w"),
            ("expire", "e"),
        ):
            row = {"name": name, "slot": slot, "by": "agent-1", "at": "2026-11-22T12:00:00.000000Z"}
            connection.execute(text("INSERT INTO timer_slot VALUES (:name, :slot, :by, :at)"), row)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT slot, taken_by FROM anomaly_scan")).all() == [("a bill", "agent-1")]
        assert connection.execute(text("SELECT name FROM timer_slot")).scalars().all() == ["expire"]
        said = connection.execute(text("SELECT key, ts FROM slack_posting ORDER BY key")).all()
        assert said == [("reminder P-1 half", ""), ("unsigned 7", "")]


def test_what_could_not_be_sealed_before_is_not_told_again(engine: Engine) -> None:
    at_version(engine, "0008")
    with engine.begin() as connection:
        needed = connection.execute(text("SELECT name, type FROM pragma_table_info('proposal') WHERE \"notnull\""))
        row = {name: 0 if kind.startswith("INT") else "x" for name, kind in needed}
        row |= {"state": "unsealable", "id": "P-1", "changed_at": "2026-11-22T12:00:00.000000Z"}
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO proposal ({names}) VALUES ({marks})"), row)
    at_version(engine, "0009")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT key, ts FROM slack_posting")).all() == [("end P-1", "")]


def test_a_newer_database_is_refused_by_check_and_upgrade(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refuse in (migrate.require_current, migrate.upgrade):
        with pytest.raises(Problem, match=r"newer version.*9999"):
            refuse(engine)


def test_a_dropped_trigger_is_named_and_restored(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER log_entry_no_update"))
    migrate.require_current(engine)  # whoever verifies the log must get as far as verifying it
    with pytest.raises(Problem, match="log_entry_no_update"):
        migrate.require_guards(engine)
    migrate.upgrade(engine)
    migrate.require_guards(engine)


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "spendgate.db"
    path.write_bytes(b"this is not a database, whatever its name says" * 40)
    engine = open_database(path)
    for refuse in (migrate.require_current, migrate.upgrade):
        with pytest.raises(Problem, match="database"):
            refuse(engine)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "spendgate.db"
    sqlite3.connect(path).close()
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(Problem, match="writable"):
            migrate.upgrade(open_database(path))
    finally:
        tmp_path.chmod(0o700)


def test_a_failing_migration_leaves_nothing_behind(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Guard("broken", "no_such_table", "UPDATE", "never")
    monkeypatch.setattr(guardrails, "GUARDS", (*guardrails.GUARDS, broken))
    with pytest.raises(Problem, match="nothing was changed"):
        migrate.upgrade(engine)
    assert migrate.version(engine) is None
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one() == 0


@pytest.mark.slow
def test_processes_that_make_the_database_at_once_make_it_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.database import open_database; from app.migrate import create;"
        "print(create(open_database(Path(sys.argv[1]))))"
    )
    path = tmp_path / "spendgate.db"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(4)
    ]
    told = [child.communicate(timeout=60) for child in started]
    assert [child.returncode for child in started] == [0, 0, 0, 0], told
    assert {out.strip() for out, _ in told} == {migrate.newest_version()}
    migrate.require_guards(open_database(path))
