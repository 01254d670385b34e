"""One pull of a source at a time, in whatever process: two would write each other's pages."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import LakeError


@contextmanager
def sole(folder: Path) -> Iterator[None]:
    """Holds the source's folder, which is made; LakeError at once where another pull holds it.

    The lock is the operating system's: it ends with the process, however that ends.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeError(
                f"Another pull of {folder.name} is still running.",
                why="Two at once would write each other's pages.",
                do="Wait for it.",
            ) from None
        yield
