"""What each process is doing right now, in shared memory that outlives it: who was killed cannot be asked any more."""

import mmap
from pathlib import Path

PHASES = (
    "none", "starting", "looking", "sealing", "claiming", "claimed", "storing the intent", "intent stored",
    "request in flight", "answered, not recorded", "recorded", "reading back", "between steps", "recovering",
    "posting", "voting", "drafting",
)  # fmt: skip
SLOTS = 64


class Board:
    """One byte for each process: the number of its phase."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(SLOTS))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SLOTS)

    def mark(self, slot: int, phase: str) -> None:
        """Says what the process of this slot begins to do."""
        self._map[slot] = PHASES.index(phase)

    def read(self, slot: int) -> str:
        """What the process of this slot is doing, or was when it died."""
        return PHASES[self._map[slot]]
