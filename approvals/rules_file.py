"""Reads a rules file and refuses what cannot be kept: unknown words, gaps in the matrix, a cell without a vote."""

import tomllib
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from approvals.changes.change import KINDS
from approvals.place import Place
from approvals.rules import NON_PRODUCTION, PRODUCTION, Rules, Slot

TOP = {
    "currency",
    "limits",
    "vote_within_hours",
    "execute_within_hours",
    "may_propose",
    "non_production",
    "roles",
    "changes",
    "class",
}


def load_rules(text: str, *, file: str = "rules.toml") -> Rules:
    """The rules of `text`; every fault is a PolicyError that names the file, the table or key, and the line."""
    place = Place(file, text, what="the rules file cannot be used")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise place.fault(str(error), do="Correct the TOML") from None
    for key in sorted(set(document) - TOP):
        raise place.fault(f"unknown key {key!r}", key=key, do=f"Known: {', '.join(sorted(TOP))}")
    for key in sorted(TOP - set(document)):
        raise place.fault(f"{key} is missing", do=f"Add {key}; the file that ships with Spendgate shows how")
    roles = _roles(document["roles"], place)
    limits = _limits(document["limits"], place)
    classes = _classes(document["changes"], place)
    matrix = _matrix(document["class"], place, columns=len(limits) + 1, roles=set(roles))
    for kind, name in classes.items():
        for environment in (NON_PRODUCTION, PRODUCTION):
            if (name, environment) not in matrix:
                raise place.fault(
                    f"class {name!r} has no row for {environment}",
                    table="changes",
                    key=kind,
                    do=f'Add a [[class]] with name = "{name}" and environment = "{environment}"',
                )
    return Rules(
        currency=_currency(document["currency"], place),
        limits=limits,
        vote_within=_hours(document["vote_within_hours"], place, "vote_within_hours", most=24 * 30),
        execute_within=_hours(document["execute_within_hours"], place, "execute_within_hours", most=24 * 7),
        may_propose=frozenset(_names(document["may_propose"], place, "may_propose", known=set(roles))),
        roles=roles,
        classes=classes,
        non_production=frozenset(name.lower() for name in _names(document["non_production"], place, "non_production")),
        matrix=matrix,
    )


def _currency(value: Any, place: Place) -> str:
    if not isinstance(value, str) or len(value) != 3 or not value.isupper():
        raise place.fault("currency is no three-letter code", key="currency", do='Write for example currency = "USD"')
    return value


def _hours(value: Any, place: Place, key: str, *, most: int) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise place.fault(f"{key} is no whole number from 1 to {most}", key=key, do=f"Write for example {key} = 4")
    return timedelta(hours=value)


def _names(value: Any, place: Place, key: str, *, known: set[str] | None = None, table: str = "") -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise place.fault(f"{key} is no list of texts", key=key, table=table, do=f'Write {key} = ["…"]')
    for item in value:
        if known is not None and item not in known:
            raise place.fault(
                f"the role {item!r} is not in [roles]", key=key, table=table, do=f"Known: {', '.join(sorted(known))}"
            )
    return value


def _roles(value: Any, place: Place) -> dict[str, str]:
    if not isinstance(value, dict) or not value or not all(isinstance(text, str) for text in value.values()):
        raise place.fault("roles is no table of texts", table="roles", do='Write [roles] and then role = "what it is"')
    return dict(value)


def _limits(value: Any, place: Place) -> tuple[Decimal, ...]:
    shape = 'Write limits = ["1000", "10000"]: texts, each higher than the one before'
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise place.fault("limits is no list of amounts as texts", key="limits", do=shape)
    try:
        limits = tuple(Decimal(item) for item in value)
    except InvalidOperation:
        raise place.fault("one of the limits is no number", key="limits", do=shape) from None
    if not all(limit.is_finite() and limit > 0 for limit in limits) or list(limits) != sorted(set(limits)):
        raise place.fault("the limits do not rise", key="limits", do=shape)
    return limits


def _classes(value: Any, place: Place) -> dict[str, str]:
    if not isinstance(value, dict):
        raise place.fault("changes is no table", table="changes", do='Write [changes] and then stop_instance = "…"')
    for kind in sorted(set(value) - set(KINDS)):
        raise place.fault(f"{kind!r} is no kind of change", table="changes", key=kind, do=f"Known: {', '.join(KINDS)}")
    for kind in KINDS:
        if not isinstance(value.get(kind), str):
            raise place.fault(
                f"{kind} has no class, so nobody would vote on it",
                table="changes",
                do=f'Add {kind} = "the name of a class"',
            )
    return dict(value)


def _matrix(
    value: Any, place: Place, *, columns: int, roles: set[str]
) -> dict[tuple[str, str], tuple[tuple[Slot, ...], ...]]:
    if not isinstance(value, list) or not value:
        raise place.fault("there is no [[class]]", table="class", do="Add one for each class and environment")
    matrix: dict[tuple[str, str], tuple[tuple[Slot, ...], ...]] = {}
    for at, table in enumerate(value):
        key = _row_key(table, place, at)
        if key in matrix:
            raise place.fault(f"{key[0]} in {key[1]} stands twice", table="class", at=at, do="Keep one of the two")
        votes = table["votes"]
        if not isinstance(votes, list) or len(votes) != columns:
            raise place.fault(
                f"votes has {len(votes) if isinstance(votes, list) else 'no'} columns and must have {columns}",
                table="class",
                at=at,
                key="votes",
                do="Give one list of roles for each limit and one for what is above the last",
            )
        matrix[key] = tuple(_cell(cell, place, at, number, roles) for number, cell in enumerate(votes))
    return matrix


def _row_key(table: dict[str, Any], place: Place, at: int) -> tuple[str, str]:
    known = {"name", "environment", "votes"}
    for key in sorted(set(table) ^ known):
        told = "is missing" if key in known else "is not known here"
        raise place.fault(f"{key} {told}", table="class", at=at, key=key, do=f"Needed: {', '.join(sorted(known))}")
    if not isinstance(table["name"], str) or not table["name"]:
        raise place.fault("name is no text", table="class", at=at, key="name", do='Write name = "reversible"')
    if table["environment"] not in (NON_PRODUCTION, PRODUCTION):
        raise place.fault(
            f"{table['environment']!r} is no environment",
            table="class",
            at=at,
            key="environment",
            do=f'Write environment = "{NON_PRODUCTION}" or "{PRODUCTION}"',
        )
    return table["name"], table["environment"]


def _cell(cell: Any, place: Place, at: int, number: int, roles: set[str]) -> tuple[Slot, ...]:
    """One column: each text is a slot; "director|vp" is one slot that either may fill."""
    if not isinstance(cell, list) or not cell:
        raise place.fault(
            f"column {number + 1} needs no vote, and every change needs a person's vote",
            table="class",
            at=at,
            key="votes",
            do='Name at least one role, for example ["owner"]',
        )
    slots = []
    for text in cell:
        names = text.split("|") if isinstance(text, str) else []
        for name in names or [""]:
            if name.strip() not in roles:
                raise place.fault(
                    f"column {number + 1}: the role {name.strip()!r} is not in [roles]",
                    table="class",
                    at=at,
                    key="votes",
                    do=f"Known: {', '.join(sorted(roles))}",
                )
        slots.append(Slot(roles=frozenset(name.strip() for name in names)))
    return tuple(slots)
