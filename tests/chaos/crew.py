"""The processes of a campaign as it sees them: the cloud, the nursery, and a worker that starts cold."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from sqlmodel import col, select

from app.database import reading
from approvals.states import State
from approvals.store import Effect, Proposal
from tests.chaos.ending import die_with_parent
from tests.chaos.pace import SETTLE_SECONDS
from tests.chaos.store import Store

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0
BUSY = ("claimed", "intent")
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


def environment(folder: Path, place: Store, address: str, role: str | None = None) -> dict[str, str]:
    """Built from nothing: no variable of the user's own account reaches a campaign."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "SPENDGATE_HOME": str(folder), **place.environment(role)}
    return kept | {
        "SPENDGATE_WORKER_EXECUTOR": "aws",
        "SPENDGATE_WORKER_AWS_ENDPOINT_URL": address,
        "SPENDGATE_WORKER_AWS_ACCESS_KEY_ID": "sandbox",
        "SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY": "sandbox",
        "SPENDGATE_WORKER_SETTLE_SECONDS": str(SETTLE_SECONDS),
    }


def ended_by_itself(what: str, status: int | None, folder: Path) -> str:
    """The sentence for a process that was not there any more when it was to be killed."""
    log = folder / "chaos.log"
    tail = " | ".join(log.read_text().splitlines()[-3:]) if log.exists() else ""
    return f"a {what} ended by itself (exit code {status}): {tail}"


class _Process:
    """A process with a log of its own, that ends with the campaign; its lines are read by a thread."""

    def __init__(self, name: str, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        parent = os.getpid()
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the campaign first
                preexec_fn=lambda: die_with_parent(parent),
            )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, stream: TextIO) -> None:
        for line in stream:
            self.lines.put(line)
        self.lines.put("")

    def line(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """The next line; a RuntimeError with the end of its log where there is none."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            line = ""
        if not line:
            raise RuntimeError(f"the {self.name} does not answer: {self.log.read_text()[-2000:]}")
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self) -> None:
        """Kills it and waits until it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


class Cloud(_Process):
    """The AWS sandbox."""

    def __init__(self, folder: Path) -> None:
        command = ["-m", "tests.chaos.cloud", str(folder / "machines.json")]
        super().__init__("cloud", command, folder, {**os.environ, "PYTHONPATH": str(ROOT)})

    def __enter__(self) -> "Cloud":
        try:
            self.address = str(self.line()["address"])
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class Nursery(_Process):
    """The process that forks the crew."""

    def __init__(self, folder: Path, place: Store, address: str, planted: str) -> None:
        command = ["-m", "tests.chaos.nursery", str(folder), place.name, address, planted]
        super().__init__("nursery", command, folder, environment(folder, place, address))

    def __enter__(self) -> "Nursery":
        try:
            self.line()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()  # its children die with it

    def fork(self, role: str, slot: int, seed: int) -> int:
        """A new process of the crew."""
        return int(self._ask({"role": role, "slot": slot, "seed": seed})["pid"])

    def reap(self, pid: int) -> int:
        """Its exit code, once it is gone."""
        return int(self._ask({"reap": pid})["status"])

    def _ask(self, wish: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        return self.line()


class Cold(_Process):
    """`spendgate worker`, started as people start it.

    `starting`: killed before it says that it is ready; `aimed`: killed when its rows say that it carries something out.
    """

    def __init__(self, folder: Path, place: Store, address: str, *, after: float, starting: bool, aimed: bool) -> None:
        super().__init__("worker-cold", ["-m", "app", "worker"], folder, environment(folder, place, address, "worker"))
        self.after, self.starting, self.aimed = after, starting, aimed
        self.worker: str | None = None
        self.due_at = time.monotonic() + (after if starting else READY_SECONDS)
        self.fault: str | None = None

    def is_due(self, place: Store) -> bool:
        """Whether its time has come; notes on the way that it got ready, or that it never did."""
        if self.worker is None and not self.lines.empty():
            line = self.lines.get()
            if not line:
                self.fault = f"a cold worker ended by itself: {self.log.read_text()[-1000:]}"
                return True
            self.worker = str(json.loads(line)["name"])
            self.due_at = min(self.due_at, time.monotonic() + self.after)
        if time.monotonic() < self.due_at and not (self.aimed and self.phase(place).startswith(BUSY)):
            return False
        if self.worker is None and not self.starting:
            self.fault = f"a cold worker was not ready in {READY_SECONDS:.0f} s"
        return True

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.end()

    def phase(self, place: Store) -> str:
        """What its rows say that it was doing; it carries no marks."""
        if self.worker is None:
            return "starting"
        with reading(place.engine()) as (session, _):
            mine = select(Proposal).where(
                Proposal.claimed_by == self.worker,
                col(Proposal.state).in_([State.CLAIMED.value, State.EXECUTING.value]),
            )
            for row in session.exec(mine):
                sent = session.exec(select(Effect).where(Effect.proposal == row.id)).all()
                if not sent:
                    return "claimed"
                if any(effect.outcome is None for effect in sent):
                    return "intent stored to recorded"
        return "between proposals, or sealing"
