"""The whole flow, as the demo tells it: real processes, real clients, loopback servers."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "SPENDGATE_HOME": str(home / "state")}


def test_the_story_happens_step_by_step_within_a_minute(tmp_path: Path) -> None:
    begun = time.monotonic()
    command = [sys.executable, "-m", "app", "demo", "--story", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=200)
    seconds = time.monotonic() - begun
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["what"] for step in steps if not step["ok"]] == [], done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    assert len(steps) == 12
    assert seconds < 60
    leftover = subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in leftover


def test_two_demos_at_once_and_ctrl_c_in_the_middle(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app", "demo"]
    first = subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        lock = tmp_path / "state" / "demo" / "demo.lock"
        deadline = time.monotonic() + 30
        while not (lock.exists() and lock.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        second = subprocess.run(
            command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60
        )
        assert second.returncode == 5
        assert f"process {first.pid}" in second.stderr
    finally:
        first.send_signal(signal.SIGINT)
        out, err = first.communicate(timeout=30)
    assert first.returncode == 0, out + err
    assert "Traceback" not in err


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "app", "demo", "--port", port]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 5
    assert f"Port {port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
