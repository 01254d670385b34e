"""The demo's processes: started each in an environment of its own, watched until ready, ended together.

Environments are built from nothing, not inherited: the worker alone gets cloud credentials, and a variable of the
user's own account must not leak into a demonstration.
"""

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.errors import Problem

READY_SECONDS = 60.0
_LIBC = ctypes.CDLL(None)  # loaded before any fork: between fork and exec nothing may be imported
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@dataclass
class Child:
    """One process, its ready line and its log."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    lines: "queue.Queue[str | None]" = field(default_factory=queue.Queue)

    def ready(self, seconds: float = READY_SECONDS) -> dict[str, Any]:
        """Waits for the JSON line by which the process says that it is ready."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self.lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                raise self._ended()
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and "ready" in found:
                    return found
        raise Problem(
            f"The demo's {self.name} did not get ready within {seconds:.0f} seconds.",
            why=_tail(self.log) or "It said nothing.",
            do=f"Look at {self.log}, and start the demo again.",
        )

    def _ended(self) -> Problem:
        code = self.process.wait()
        return Problem(
            f"The demo's {self.name} ended at once (exit code {code}).",
            why=_tail(self.log) or "It said nothing.",
            do=f"Mend what it says, or look at {self.log}; then start the demo again.",
        )


class Children:
    """All of the demo's processes; leaving the context ends them."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.all: list[Child] = []
        logs.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, *arguments: str, env: Mapping[str, str]) -> Child:
        """Starts `spendgate ARGUMENTS` in a fresh environment."""
        log = self.logs / f"{name}.log"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", *arguments],
                env={**base_environment(), **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the demo first, which then ends its children in order
                preexec_fn=_end_with_parent,
            )
        child = Child(name, process, log)
        threading.Thread(target=_read, args=(child,), daemon=True).start()
        self.all.append(child)
        return child

    def dead(self) -> Child | None:
        """A process that ended although it should not have."""
        return next((child for child in self.all if child.process.poll() is not None), None)

    def stop(self) -> None:
        """Ends every process: asked first, then made to."""
        for child in reversed(self.all):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 6
        for child in reversed(self.all):
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self.all.clear()


def _end_with_parent() -> None:
    """On Linux the kernel ends a child whose parent died without a chance to do so (PR_SET_PDEATHSIG, prctl(2))."""
    if sys.platform == "linux":
        _LIBC.prctl(1, signal.SIGTERM)


def base_environment() -> dict[str, str]:
    """What a child may know of the user's own environment."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}


def _read(child: Child) -> None:
    assert child.process.stdout is not None  # noqa: S101 (it was opened as a pipe)
    with child.process.stdout as stream, child.log.open("a") as log:
        for line in stream:
            child.lines.put(line)
            log.write(line)
            log.flush()
    child.lines.put(None)


def _tail(log: Path, lines: int = 6) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
