"""A server's database from nothing: by its owner, any number of times, from several machines; and refused by others."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text

from app import migrate
from app.database import open_database
from app.database_roles import AGENT, AUDITOR, GATE, PARTS, WORKER
from app.errors import Problem
from app.role import require_part
from tests.postgres.conftest import Served
from tests.postgres.server import Server

ROOT = Path(__file__).parents[2]


def spendgate(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**kept, "HOME": str(home.parent), "SPENDGATE_HOME": str(home), **env},
        capture_output=True,
        text=True,
        timeout=110,
    )


@pytest.fixture
def engine(new_database: Callable[..., str]) -> Engine:
    return open_database(new_database())


def test_a_new_database_gets_every_table_and_trigger(engine: Engine) -> None:
    assert migrate.version(engine) is None
    assert migrate.upgrade(engine) == migrate.newest_version()
    migrate.require_current(engine)
    migrate.require_guards(engine)


def test_models_and_migrations_agree(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.connect() as connection:
        arguments = migrate.configure_arguments()
        known = arguments.pop("target_metadata")
        assert compare_metadata(MigrationContext.configure(connection, opts=arguments), known) == []
        connection.execute(text("ALTER TABLE draft DROP COLUMN inverse_of"))
        assert compare_metadata(MigrationContext.configure(connection, opts=arguments), known), "it would be noticed"
        connection.rollback()


TAMPERING = [
    ("dropped", "DROP TRIGGER vote_stays ON vote", "vote_stays"),
    ("switched off", "ALTER TABLE vote DISABLE TRIGGER vote_stays", "vote_stays"),
    ("narrowed", "DROP TRIGGER vote_stays ON vote; CREATE TRIGGER vote_stays BEFORE UPDATE OF via ON vote"
     " FOR EACH ROW EXECUTE FUNCTION vote_stays()", "vote_stays"),
    ("emptied", "CREATE OR REPLACE FUNCTION vote_stays() RETURNS trigger LANGUAGE plpgsql"
     " SET search_path = spendgate, pg_temp AS 'BEGIN RETURN NEW; END'", "vote_stays"),
    ("let loose on names", "ALTER FUNCTION vote_stays() RESET search_path", "vote_stays"),
    ("told that the agent is the gate", "DO $$ BEGIN EXECUTE replace(pg_get_functiondef('who_acts'::regproc),"
     " '''spendgate_agent''', '''spendgate_gate'''); END $$", "who_acts"),
]  # fmt: skip


@pytest.mark.parametrize(("_how", "statement", "name"), TAMPERING, ids=[row[0] for row in TAMPERING])
def test_a_guard_rail_is_named_and_restored_when(engine: Engine, _how: str, statement: str, name: str) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert migrate.missing_triggers(engine) == [name]
    with pytest.raises(Problem, match=name):
        migrate.require_guards(engine)
    migrate.upgrade(engine)
    migrate.require_guards(engine)


def test_a_newer_database_is_refused_by_check_and_upgrade(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for refuse in (migrate.require_current, migrate.upgrade):
        with pytest.raises(Problem, match=r"newer version.*9999"):
            refuse(engine)


def test_an_upgrade_that_fails_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: object) -> None:
        raise RuntimeError("in the middle")

    with engine.connect() as connection, monkeypatch.context() as patched:
        patched.setattr(migrate, "restore_triggers", fail)
        with pytest.raises(RuntimeError, match="in the middle"):
            migrate.upgrade(engine)
        found = "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text = 'spendgate'"
        assert connection.execute(text(found)).scalar_one() == 0


def test_a_server_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    engine = open_database(f"postgresql://spendgate_gate:secret@/x?host={tmp_path}")
    for refuse in (migrate.require_current, migrate.upgrade):
        with pytest.raises(Problem, match="database") as refused:
            refuse(engine)
        assert "secret" not in str(refused.value)
        assert "DATABASE_URL" in refused.value.do


@pytest.mark.slow
def test_three_replicas_that_set_up_at_once_all_succeed(new_database: Callable[..., str], tmp_path: Path) -> None:
    address = new_database()
    environment = {**os.environ, "SPENDGATE_DATABASE_ROLES": "three"}
    code = (
        "import sys; from app.commands import db_server; from app.home import open_home; from pathlib import Path;"
        "db_server.make(open_home(Path(sys.argv[2])), sys.argv[1]); print(db_server.renew(sys.argv[1]))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, address, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        for _ in range(3)
    ]
    told = [child.communicate(timeout=110) for child in started]
    assert [child.returncode for child in started] == [0, 0, 0], told
    assert {out.splitlines()[-1] for out, _ in told} == {migrate.newest_version()}
    engine = open_database(address)
    migrate.require_guards(engine)
    for part in PARTS:
        written = (tmp_path / "database" / f"{part}.env").read_text().strip().removeprefix("SPENDGATE_DATABASE_URL=")
        assert require_part(open_database(written), (part,)) == part


@pytest.mark.slow
def test_init_writes_one_file_a_process_and_tells_no_password(new_database: Callable[..., str], tmp_path: Path) -> None:
    home, address = tmp_path / "home", new_database()
    owner = {"SPENDGATE_OWNER_DATABASE_URL": address, "SPENDGATE_DATABASE_ROLES": "initial"}
    first = spendgate(home, "db", "init", **owner)
    assert first.returncode == 0, first.stderr
    assert "rules version 1, people version 1 in force" in first.stdout
    files = {part: home / "database" / f"{part}.env" for part in PARTS}
    before = {part: path.read_text() for part, path in files.items()}
    for part, path in files.items():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert f"{path}\t" in first.stdout
        password = re.search(rf"://initial_{part}:([^@]+)@", before[part])
        assert password is not None
        assert password[1] not in first.stdout + first.stderr
    again = spendgate(home, "db", "init", **owner)
    assert again.returncode == 0, again.stderr
    assert {part: path.read_text() for part, path in files.items()} == before
    elsewhere = spendgate(tmp_path / "other", "db", "init", **owner)
    assert elsewhere.returncode == 0, elsewhere.stderr
    assert "copy it from there" in elsewhere.stdout
    assert list((tmp_path / "other" / "database").glob("*.env")) == []
    upgraded = spendgate(home, "db", "upgrade", **owner)
    assert upgraded.stdout == f"the server: at version {migrate.newest_version()}\n"


@pytest.mark.slow
def test_init_without_the_owners_address_is_refused(served: Served, tmp_path: Path) -> None:
    done = spendgate(tmp_path / "home", "db", "init", SPENDGATE_DATABASE_URL=served.address_of(GATE))
    assert done.returncode == 2
    assert "SPENDGATE_OWNER_DATABASE_URL is not set" in done.stderr


WHO_RUNS = [
    # what is started, as whom it may, as whom it may not
    (("proposals", "list"), GATE, AGENT),
    (("audit", "list"), AUDITOR, WORKER),
    (("ask", "what did AI cost?"), AGENT, GATE),
    (("worker",), None, GATE),
    (("agent",), None, WORKER),
]
ROWS = [
    pytest.param(*row, id=" ".join(row[0]), marks=() if row[0] == ("audit", "list") else pytest.mark.slow)
    for row in WHO_RUNS
]


@pytest.mark.parametrize(("command", "right", "wrong"), ROWS)
def test_a_process_starts_as_its_own_role_only(
    served: Served, tmp_path: Path, command: tuple[str, ...], right: str | None, wrong: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "sandbox").touch()
    acting = ("--as", "olivia") if command[0] != "worker" and command[0] != "agent" else ()
    if right is not None:
        done = spendgate(home, *command, *acting, SPENDGATE_DATABASE_URL=served.address_of(right))
        assert done.returncode == 0, done.stderr
    done = spendgate(home, *command, *acting, SPENDGATE_DATABASE_URL=served.address_of(wrong))
    assert done.returncode == 3, done.stderr
    assert f"must not be spendgate_{wrong}" in done.stderr


@pytest.mark.parametrize("name", ["owner", "postgres"])
def test_no_process_runs_as_the_owner_or_the_superuser(served: Served, name: str) -> None:
    address = served.address.replace("owner@", f"{name}@")
    with pytest.raises(Problem, match=f"must not be {name}"):
        require_part(open_database(address), PARTS)


def test_a_stranger_cannot_even_connect(served: Served, postgres: Server) -> None:
    postgres.run("DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN PASSWORD 'x'")
    address = served.address.replace("owner@", "stranger:x@")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(address)
