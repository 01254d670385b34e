"""The catalogue of seeded faults: each is a sentence, what it breaks, the lines that make it, and who sees it.

One table a fault in `faults/*.toml`. `old` is the source as it stands, exactly and once; so a refactoring that moves it
must say what the same fault looks like now, and no fault can be lost unseen.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FAULTS = Path(__file__).with_name("faults")
KEYS = {"name", "breaks", "caught_by", "change"}


@dataclass(frozen=True)
class Change:
    """One replacement in one file."""

    file: str
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The text with the fault in it; ValueError unless the old text stands in it exactly once."""
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.file}: the old text stands {found} times, not once:\n{self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Fault:
    """A named fault. `breaks` names what it would let happen, by `legend.toml`: ("threat 6", "invariant 2")."""

    name: str
    breaks: tuple[str, ...]
    caught_by: tuple[str, ...]
    changes: tuple[Change, ...]

    def texts(self) -> dict[str, str]:
        """Each file that it changes, with the fault in it."""
        made: dict[str, str] = {}
        for change in self.changes:
            made[change.file] = change.apply(made.get(change.file) or (ROOT / change.file).read_text())
        return made


def catalogue() -> list[Fault]:
    """Every fault of every file, in order."""
    return [_fault(path, table) for path in sorted(FAULTS.glob("*.toml")) for table in _tables(path)]


def _tables(path: Path) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = tomllib.loads(path.read_text())["fault"]
    return tables


def _fault(path: Path, table: dict[str, Any]) -> Fault:
    if set(table) != KEYS:
        raise ValueError(f"{path.name}: {table.get('name', table)} has {sorted(table)}, and needs {sorted(KEYS)}")
    changes = tuple(Change(**change) for change in table["change"])
    return Fault(table["name"], tuple(table["breaks"].split(", ")), tuple(table["caught_by"]), changes)


def legend() -> dict[str, str]:
    """What each word of `breaks` means."""
    tables = tomllib.loads(Path(__file__).with_name("legend.toml").read_text())
    return {f"{kind} {name}": sentence for kind, table in tables.items() for name, sentence in table.items()}
