"""One table of a rules file, read value by value: whatever is not as it must be is a fault with its line."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from approvals.errors import PolicyError
from approvals.place import Place

AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?")
LONGEST_TEXT = 120


@dataclass(frozen=True)
class Table:
    """The values of `[name]`, or of the `at`-th `[[name]]`; the name "" is the file outside every table."""

    place: Place
    name: str
    values: dict[str, Any]
    at: int | None = None

    def fault(self, why: str, *, do: str, key: str = "") -> PolicyError:
        """The error for one fault in this table."""
        return self.place.fault(why, do=do, table=self.name, at=self.at, key=key)

    def only(self, *, needed: Collection[str] = (), optional: Collection[str] = ()) -> None:
        """Refuses a key that is not known and the absence of one that is needed."""
        known = ", ".join(sorted({*needed, *optional}))
        for key in sorted(set(self.values) - set(needed) - set(optional)):
            raise self.fault(f"unknown key {key!r}", key=key, do=f"Known: {known}")
        for key in sorted(set(needed) - set(self.values)):
            raise self.fault(f"{key} is missing", do=f"Add {key}; known: {known}")

    def text(self, key: str, *, example: str) -> str:
        """A text in one line that is not blank."""
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_TEXT or not value.isprintable():
            raise self.fault(
                f"{key} is no text of one line with 1 to {LONGEST_TEXT} characters",
                key=key,
                do=f'Write for example {key} = "{example}"',
            )
        return value.strip()

    def texts(self, key: str, *, known: Collection[str] | None = None, what: str = "role") -> tuple[str, ...]:
        """A list of texts; each must be `known`, where that is given. An absent key is an empty list."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
            raise self.fault(f"{key} is no list of texts", key=key, do=f'Write {key} = ["…"]')
        for item in value:
            if known is not None and item not in known:
                home = " in [roles]" if what == "role" else " known"
                raise self.fault(
                    f"the {what} {item!r} is not{home}", key=key, do=f"Known: {', '.join(sorted(known)) or 'none'}"
                )
        return tuple(dict.fromkeys(item.strip() for item in value))

    def some(self, key: str, *, known: Collection[str], why: str) -> frozenset[str]:
        """A list of roles that must not be empty; `why` says what would be wrong with an empty one."""
        found = frozenset(self.texts(key, known=known))
        if not found:
            raise self.fault(f"{key} names nobody, so {why}", key=key, do=f'Name at least one role: {key} = ["…"]')
        return found

    def whole(self, key: str, *, least: int, most: int, note: str = "") -> int:
        """A whole number within bounds; `note` is added where it is outside, for example what 0 would mean."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            told = f"{key} is no whole number from {least} to {most}" + (f"; {note}" if note else "")
            raise self.fault(told, key=key, do=f"Write for example {key} = {min(max(4, least), most)}")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.fault(f"{key} is neither true nor false", key=key, do=f"Write {key} = true, or false")
        return value

    def amount(self, key: str, *, note: str = "") -> Decimal:
        """A positive amount as decimal text; never a number, which would have been rounded already."""
        value = self.values.get(key)
        if not isinstance(value, str) or not AMOUNT.fullmatch(value) or not Decimal(value):
            told = f"{key} is no positive amount as a text of digits" + (f"; {note}" if note else "")
            raise self.fault(told, key=key, do=f'Write for example {key} = "250000"')
        return Decimal(value)


def one_table(document: dict[str, Any], name: str, place: Place) -> Table | None:
    """The table `[name]`; None if the file has none."""
    if name not in document:
        return None
    if not isinstance(document[name], dict):
        raise place.fault(f"{name} is no table", key=name, do=f"Write [{name}] and below it its keys")
    return Table(place, name, document[name])


def tables(document: dict[str, Any], name: str, place: Place) -> list[Table]:
    """Each `[[name]]` in the file's order; none if there is none."""
    listed = document.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        raise place.fault(f"{name} is no list of tables", key=name, do=f"Write each as [[{name}]]")
    return [Table(place, name, table, at) for at, table in enumerate(listed)]
