"""Where a bank is put: as a whole, beside nothing of somebody else's, and without months of an older one.

A bill of which half is from yesterday's run would add up to a total that no run ever wrote.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.bank.errors import BankError

PARTS = ("bill", "usage", "machines.json", "calendar.csv", "gateway.json", "truth.json")


@contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """A folder to write into; what is there at the end takes the place of the bank in `folder`. Raises BankError."""
    foreign = _foreign(folder)
    if foreign:
        raise BankError(
            f"{folder} holds something that is no generated bank ({foreign}).",
            why="A bank is only put into an empty folder, or in place of an older one.",
            do="Name another folder with --into.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
        try:
            yield target
            _swap(target, folder)
        finally:
            shutil.rmtree(target, ignore_errors=True)
    except OSError as error:
        raise BankError(
            f"The bank cannot be written into {folder}.",
            why=f"{error.strerror or error}.",
            do="Name another folder with --into, or free some space.",
        ) from error


def _foreign(folder: Path) -> str:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError:
        return ""  # not there yet, or nothing that can be written into: told when it is tried
    ours = "truth.json" in names
    return next((name for name in names if not name.startswith(".writing-") and not (ours and name in PARTS)), "")


def _swap(target: Path, folder: Path) -> None:
    old = target / "old"
    old.mkdir()
    for name in PARTS:
        if (folder / name).exists():
            (folder / name).rename(old / name)
        if (target / name).exists():  # only a bank with waste has a gateway
            (target / name).rename(folder / name)
