"""A folder that one process at a time may write to; the operating system gives it back when the process dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Held:
    """The right to be the only writer of a folder."""

    def __init__(self, lock: Path, descriptor: int) -> None:
        self._lock, self._descriptor = lock, descriptor

    def still(self) -> bool:
        """Whether the lock file is still the one that is locked: beside a deleted one a second process may start."""
        try:
            there = self._lock.stat()
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))


@contextmanager
def held(folder: Path) -> Iterator[Held]:
    """Holds the folder, made if there is none. BlockingIOError where another process does; an OSError else."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = folder / "lock"
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Held(lock, descriptor)
    finally:
        os.close(descriptor)
