"""Files that are whole or not there: what a process must find again after it was killed at any moment.

The lake writes its files durably in a way of its own (`lake.store`): a witness must not import the lake, and the lake
stands below this room.
"""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replaces the file at `path` (readable by its owner alone) and returns once it is on the disk; an OSError else.

    Whoever reads it sees the former text or the new one, never a part; the folder is made if need be.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Has the disk keep which names are in the folder: without it a new file may be gone after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
