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


def signals_as_usual() -> None:
    """What is ignored where these tests were started (nohup, a job in the background) would stay ignored."""
    for name in (signal.SIGHUP, signal.SIGINT):
        signal.signal(name, signal.SIG_DFL)


@pytest.mark.alone
def test_the_story_happens_step_by_step_within_a_minute(tmp_path: Path) -> None:
    begun = time.monotonic()
    command = [sys.executable, "-m", "app", "demo", "--story", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True, timeout=200)
    seconds = time.monotonic() - begun
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert [step["what"] for step in steps if not step["ok"]] == [], done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    assert len(steps) == 13
    assert seconds < 60
    assert processes_of(tmp_path) == []


def test_two_demos_at_once_and_ctrl_c_in_the_middle(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app", "demo"]
    first = subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=signals_as_usual,
    )  # fmt: skip
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


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_the_demo_ends_its_processes_too(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "app", "demo"]
    demo = subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        preexec_fn=signals_as_usual,
    )  # fmt: skip
    assert demo.stdout is not None
    ready = next(line for line in demo.stdout if '"ready"' in line)
    assert "http://127.0.0.1:" in ready
    arguments = subprocess.run(["ps", "axo", "args"], capture_output=True, text=True, check=True).stdout
    assert "token=" not in arguments
    demo.send_signal(how)
    demo.wait(timeout=30)
    demo.stdout.close()
    deadline = time.monotonic() + 15
    while (left := processes_of(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left == []


def processes_of(home: Path) -> list[str]:
    """Command lines of processes whose environment names this home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(home).encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


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
