"""A witness that is killed between what it remembers and what it answers never goes back behind an answer."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from app.witnesses.judge import Judge
from app.witnesses.memory import Memory, opened
from app.witnesses.process import cosigned
from audit.checkpoint import verify
from audit.note import VerifierKey
from tests.app.witnesses.conftest import NAME, WITNESS_NAME, Leaves

ROOT = Path(__file__).parent.parent.parent.parent
DIES = """
import os, pathlib, signal, sys
import app.whole_file
real = {module}.{name}
def dying(*given, **named):
    if {after}:
        real(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
{module}.{name} = dying
from app.witnesses.judge import Judge
from app.witnesses.memory import opened
from audit.note import VerifierKey
with opened(__import__("pathlib").Path(sys.argv[1]), sys.argv[2]) as memory:
    judge = Judge(memory, [VerifierKey.read(sys.argv[3])])
    print(int(judge.add(sys.stdin.buffer.read()).status), flush=True)
"""


def killed(folder: Path, key: VerifierKey, body: bytes, script: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", script, str(folder), WITNESS_NAME, str(key)]
    return subprocess.run(command, input=body, capture_output=True, cwd=ROOT, timeout=60)


def answers(folder: Path, key: VerifierKey, *bodies: bytes) -> list[int]:
    """What a new process says, one after another."""
    with opened(folder, WITNESS_NAME) as memory:
        judge = Judge(memory, [key])
        return [int(judge.add(body).status) for body in bodies]


@pytest.mark.parametrize(
    ("module", "name", "after", "remembers"),
    [
        ("os", "fsync", False, 10),
        ("os", "fsync", True, 10),
        ("pathlib.Path", "replace", False, 10),
        ("pathlib.Path", "replace", True, 20),
        ("app.whole_file", "sync_folder", True, 20),
    ],
    ids=["before the state is on the disk", "after it", "before it is the state", "after it is", "before it answers"],
)
def test_killed_between_state_and_answer(
    tmp_path: Path, leaves: Leaves, module: str, name: str, after: bool, remembers: int
) -> None:
    """`remembers`: what a new process must know. Nobody has an answer for 20, so both are true to every answer."""
    folder, key = tmp_path / "witness", leaves.key.verifier
    assert answers(folder, key, leaves.body(0, 10)) == [200]
    died = killed(folder, key, leaves.body(10, 20), DIES.format(module=module, name=name, after=after))
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, b""), died.stderr
    known = Memory(folder, WITNESS_NAME).newest(NAME)
    assert known is not None
    assert (known.size, known.root) == (remembers, leaves.at(remembers).root)
    assert answers(folder, key, leaves.fork(3).body(remembers, 30), leaves.body(remembers, 30)) == [422, 200]


def start(folder: Path, key: VerifierKey) -> tuple[subprocess.Popen[str], dict[str, str]]:
    command = [sys.executable, "-m", "app", "witness", "--folder", str(folder), "--name", WITNESS_NAME, "--port", "0"]
    process = subprocess.Popen([*command, "--log", str(key)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.mark.slow
def test_the_command_goes_on_after_a_kill(tmp_path: Path, leaves: Leaves) -> None:
    first, told = start(tmp_path / "witness", leaves.key.verifier)
    try:
        with httpx.Client(trust_env=False) as client:
            assert client.post(f"{told['address']}/add-checkpoint", content=leaves.body(0, 10)).status_code == 200
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait(10)
    second, again = start(tmp_path / "witness", leaves.key.verifier)
    try:
        assert again["key"] == told["key"]
        with httpx.Client(trust_env=False) as client:
            answer = client.post(f"{again['address']}/add-checkpoint", content=leaves.body(10, 20))
            assert client.post(f"{again['address']}/add-checkpoint", content=leaves.body(10, 30)).text == "20\n"
        verify(cosigned(leaves.at(20), answer.text), told["key"])
    finally:
        second.terminate()
        second.wait(20)
