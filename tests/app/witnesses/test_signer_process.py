"""The processes themselves: a signer, a witness and a file, started as commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlmodel import select

from app.database import open_database, reading
from app.home import open_home
from app.ready import ready_database
from audit.checkpoint import parse
from audit.stored_tree import LogWitness
from tests.app.witnesses.conftest import WITNESS_NAME

ROOT = Path(__file__).parent.parent.parent.parent


def spawn(*words: str, env: dict[str, str]) -> subprocess.Popen[str]:
    """A command of Spendgate's, started."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", *words], stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, **env}
    )


def ready(process: subprocess.Popen[str]) -> dict[str, str]:
    """What it says once it is ready."""
    assert process.stdout is not None
    told: dict[str, str] = json.loads(process.stdout.readline())
    return told


def until_shown(home: Path, count: int) -> list[LogWitness]:
    """What `log_witness` holds once so many witnesses have the checkpoint."""
    engine = open_database(home / "spendgate.db")
    while True:  # the test's own time limit ends it
        with reading(engine) as (session, _):
            rows = list(session.exec(select(LogWitness)))
        if len(rows) >= count:
            return rows


@pytest.mark.slow
def test_a_signer_with_a_file_and_a_witness_of_somebody_elses(tmp_path: Path) -> None:
    home, notes = tmp_path / "home", tmp_path / "notes"
    ready_database(open_home(home)).dispose()
    env = {"SPENDGATE_HOME": str(home)}
    running: list[subprocess.Popen[str]] = []

    def run(*words: str, env: dict[str, str]) -> tuple[subprocess.Popen[str], dict[str, str]]:
        running.append(spawn(*words, env=env))
        return running[-1], ready(running[-1])

    try:
        first, told = run("signer", env=env)
        first.terminate()
        first.wait(20)
        _, at = run(
            *("witness", "--folder", str(tmp_path / "w"), "--name", WITNESS_NAME, "--port", "0", "--log", told["key"]),
            env={},
        )
        named = {
            **env,
            "SPENDGATE_SIGNER_WITNESS_FILE": str(notes),
            "SPENDGATE_SIGNER_WITNESS_URL": at["address"],
            "SPENDGATE_SIGNER_WITNESS_KEY": at["key"],
        }
        run("signer", env=named)
        rows = until_shown(home, 2)
        assert {row.witness for row in rows} == {f"file:{notes}", WITNESS_NAME}
        assert parse(notes.read_text()[:-1]).size == rows[0].size
        command = [sys.executable, "-m", "app", "audit", "witnesses", "--json", "--key", told["key"]]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **named})
        assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True), done.stdout + done.stderr
    finally:
        for process in running:
            process.terminate()
            process.wait(20)
