"""A process that is told to stop again and again puts away what it holds, once, and ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Exit

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(params=["agent", "worker", "signer"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "SPENDGATE_HOME": str(tmp_path / "home")}
    if request.param == "worker":
        env |= {f"SPENDGATE_WORKER_AWS_{name}": "test" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
    started = subprocess.Popen(
        [sys.executable, "-m", "app", request.param],
        cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def test_told_many_times_it_ends_once_and_cleanly(process: subprocess.Popen[str]) -> None:
    """As the kernel tells it whose parent was killed: once for every thread that the parent had."""
    assert process.stdout is not None
    assert process.stderr is not None
    assert '"ready"' in process.stdout.readline(), process.stderr.read()
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.002)
    assert process.poll() == Exit.INTERRUPTED
    assert process.stderr.read() == ""  # no stack trace of what was broken off


SECOND = """
import signal, sys, time
sys.path.insert(0, {root!r})
from app.stopping import stop_once
stop_once()
print("ready", flush=True)
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("putting away", flush=True)
    time.sleep(60)
"""


def _hang_up_ignored() -> None:
    """As nohup(1) starts a process, whatever these tests were started with."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_second_ctrl_c_does_not_wait_and_what_was_ignored_stays_ignored() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SECOND.format(root=str(ROOT))], stdout=subprocess.PIPE, text=True,
        preexec_fn=_hang_up_ignored,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "ready\n"
            child.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.3)
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == "putting away\n"
            child.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(0.3)
            child.send_signal(signal.SIGINT)
            assert child.wait(5) == Exit.INTERRUPTED
        finally:
            child.kill()
