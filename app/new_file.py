"""A file that is handed out: there whole under its name or not at all, and never in the place of another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from app.errors import Exit, Problem


@contextmanager
def new_file(path: Path, *, option: str = "--out") -> Iterator[IO[bytes]]:
    """A stream to write to; what was written gets its name when the block ends well, and is gone otherwise. `option`:
    what names the file."""
    refuse_taken(path, option=option)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            file = half.open("xb")
        except OSError as error:
            raise Problem(
                f"{path} cannot be written.",
                why=f"{error.strerror or error}.",
                do="Name a file in a folder that is there and that you may write into.",
                exit_code=Exit.USAGE,
            ) from error
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(half, path)  # unlike a rename, this never replaces what came there meanwhile
        except FileExistsError:
            raise _there(path, option) from None
        except OSError:  # a file system without links
            half.rename(path)
    finally:
        half.unlink(missing_ok=True)


def refuse_taken(path: Path, *, option: str = "--out") -> None:
    """Raises Problem for a name that is taken: before what is to stand there is computed."""
    if path.exists():
        raise _there(path, option)


def _there(path: Path, option: str) -> Problem:
    return Problem(
        f"{path} is there already.",
        why="What was handed out once is not written over.",
        do=f"Name another file with {option}, or move that one away.",
        exit_code=Exit.CONFLICT,
    )
