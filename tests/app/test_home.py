"""The home: refused with a sentence where it cannot be used, and one worker at a time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.commands import audit
from app.database_roles import GATE
from app.errors import Exit, Problem
from app.home import open_home, running, sole
from app.ready import ready_database


def test_a_home_is_made_private(tmp_path: Path) -> None:
    home = open_home(tmp_path / "a" / "b")
    assert home.folder.stat().st_mode & 0o077 == 0


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="cannot write") as refused:
        open_home(tmp_path / "file")
    assert "SPENDGATE_HOME" in refused.value.do


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere; the file case above covers the sentence")
def test_a_read_only_home_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Problem, match="cannot write"):
        open_home(tmp_path / "home")


def test_a_full_disk_is_refused_before_anything_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1024))
    with pytest.raises(Problem, match="nearly full"):
        open_home(tmp_path)


def test_a_second_worker_is_told_of_the_first(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    with sole(home, "worker"):
        assert running(home, "worker")
        with pytest.raises(Problem) as refused, sole(home, "worker"):
            pass
    assert refused.value.exit_code is Exit.CONFLICT
    assert str(os.getpid()) in refused.value.what
    assert not running(home, "worker")


def test_a_killed_worker_leaves_no_lock(tmp_path: Path) -> None:
    script = (
        "import sys,time,pathlib\n"
        "from app.home import open_home, sole\n"
        "with sole(open_home(pathlib.Path(sys.argv[1])), 'worker'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "held"
    home = open_home(tmp_path)
    assert running(home, "worker")
    process.kill()
    process.wait()
    process.stdout.close()
    with sole(home, "worker"):
        pass


def test_a_home_whose_database_is_on_a_server_gets_no_second_one(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    home.passwords.mkdir()
    (home.passwords / "gate.env").write_text("SPENDGATE_DATABASE_URL=postgresql://gate@/bank\n")
    with pytest.raises(Problem, match="is on a server") as told:
        ready_database(home, (GATE,))
    assert told.value.exit_code == Exit.USAGE
    assert f"env $(cat {home.passwords}/gate.env)" in told.value.do
    assert not home.database.exists()


def test_the_log_of_a_server_is_not_looked_for_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = open_home(tmp_path)
    home.passwords.mkdir()
    (home.passwords / "auditor.env").write_text("SPENDGATE_DATABASE_URL=postgresql://auditor@/bank\n")
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path))
    with pytest.raises(Problem, match="is on a server") as told:
        audit.verify_log(head=None, checkpoints=[], keys=[], as_json=False)
    assert "auditor.env" in told.value.do
