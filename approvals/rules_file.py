"""Reads a rules file and refuses what cannot be kept: unknown words, gaps in the matrix, a cell without a vote.

What must stand in every file is read here; the optional tables (freezes, caps …) are in `rules_tables.py`.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from approvals.changes.change import KINDS
from approvals.changes.reversibility import BY_KIND
from approvals.errors import PolicyError
from approvals.governance import GOVERNANCE, LEAST_VOTES, POLICY
from approvals.place import Place
from approvals.rules import (
    ENVIRONMENTS,
    FLOOR,
    IRREVERSIBLE,
    NON_PRODUCTION,
    OWNER,
    PRODUCTION,
    Rules,
    Slot,
    at_least,
    single_votes,
)
from approvals.rules_tables import (
    AUTO,
    break_glass_of,
    caps_of,
    delegation_of,
    freezes_of,
    kill_switch_of,
    privacy_of,
    retention_of,
    slots_of,
    split_of,
)
from approvals.table import AMOUNT, Table, one_table, tables

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
OPTIONAL = {"freeze", "caps", "split", "delegation", "break_glass", "kill_switch", "privacy", "retention"}
Matrix = dict[tuple[str, str], tuple[tuple[Slot, ...], ...]]


def load_rules(
    text: str,
    *,
    file: str = "rules.toml",
    reversibility: Mapping[str, str] | None = None,
    kinds: Collection[str] = KINDS,
    adopted: bool = False,
) -> Rules:
    """The rules of `text`; every fault is a PolicyError that names the file, the table or key, and the line.

    `reversibility` tells how reversible each kind is, in the words of `FLOOR`; by default what the code declares.
    `adopted` is for a text that is in force already: a kind of which the program has learned since then, or that it now
    knows to be less reversible, has no class and is refused when somebody proposes it, and a column of `irreversible`
    may ask for one vote (`check` warns of it); refusing the file would leave nobody who could vote for a better one.

    >>> load_rules(text, reversibility={"delete_volume": "irreversible"})
    """
    place = Place(file, text, what="the rules file cannot be used")
    document = place.document()
    top = Table(place, "", document)
    for key in sorted(set(document) - TOP - OPTIONAL):
        raise place.fault(f"unknown key {key!r}", key=key, do=f"Known: {', '.join(sorted(TOP | OPTIONAL))}")
    for key in sorted(TOP - set(document)):
        raise place.fault(f"{key} is missing", do=f"Add {key}; the file that ships with Spendgate shows how")
    roles = _roles(document["roles"], place)
    limits = _limits(document["limits"], place)
    classes = _classes(document["changes"], place, kinds, adopted=adopted)
    rows = tables(document, "class", place)
    matrix, automatic = _matrix(rows, place, columns=len(limits) + 1, roles=set(roles), adopted=adopted)
    _every_class_has_its_rows(classes, matrix, place)
    known = BY_KIND if reversibility is None else reversibility
    for kind, fault in {kind: _too_lax(kind, name, matrix, place, known) for kind, name in classes.items()}.items():
        if fault is not None and not adopted:
            raise fault
        if fault is not None:
            del classes[kind]
    names = {name for name, _ in matrix}
    currency = _currency(document["currency"], place)
    return Rules(
        currency=currency,
        limits=limits,
        vote_within=timedelta(hours=top.whole("vote_within_hours", least=1, most=24 * 30)),
        execute_within=timedelta(hours=top.whole("execute_within_hours", least=1, most=24 * 7)),
        may_propose=frozenset(top.texts("may_propose", known=set(roles))),
        roles=roles,
        classes=classes,
        non_production=frozenset(name.lower() for name in top.texts("non_production")),
        matrix=matrix,
        freezes=freezes_of(tables(document, "freeze", place), classes=names),
        caps=caps_of(one_table(document, "caps", place), currency=currency),
        split_days=split_of(one_table(document, "split", place)),
        delegation=delegation_of(one_table(document, "delegation", place), roles=set(roles)),
        break_glass=break_glass_of(
            one_table(document, "break_glass", place), roles=set(roles), classes=names, kinds=classes
        ),
        may_stop=kill_switch_of(one_table(document, "kill_switch", place), roles=set(roles)),
        automatic=automatic,
        privacy=privacy_of(one_table(document, "privacy", place), roles=set(roles)),
        retention=retention_of(one_table(document, "retention", place)),
    )


def _currency(value: Any, place: Place) -> str:
    if not isinstance(value, str) or len(value) != 3 or not (value.isascii() and value.isalpha() and value.isupper()):
        raise place.fault("currency is no three-letter code", key="currency", do='Write for example currency = "USD"')
    return value


def _roles(value: Any, place: Place) -> dict[str, str]:
    if not isinstance(value, dict) or not value or not all(isinstance(text, str) for text in value.values()):
        raise place.fault("roles is no table of texts", table="roles", do='Write [roles] and then role = "what it is"')
    for role in value:
        if role == AUTO or "|" in role or role != role.strip() or not role:
            raise place.fault(
                f"{role!r} cannot be a role: {AUTO!r} is read as {OWNER!r}, and | separates roles",
                table="roles",
                key=role,
                do="Give the role another name",
            )
    return dict(value)


def _limits(value: Any, place: Place) -> tuple[Decimal, ...]:
    shape = 'Write limits = ["1000", "10000"]: texts, each higher than the one before'
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise place.fault("limits is no list of amounts as texts", key="limits", do=shape)
    for item in value:
        if not AMOUNT.fullmatch(item):
            raise place.fault(f"{item[:40]!r} is no number of at most 15 digits", key="limits", do=shape)
    limits = tuple(Decimal(item) for item in value)
    if not all(limit > 0 for limit in limits) or list(limits) != sorted(set(limits)):
        raise place.fault("the limits do not rise", key="limits", do=shape)
    return limits


def _classes(value: Any, place: Place, kinds: Collection[str], *, adopted: bool) -> dict[str, str]:
    if not isinstance(value, dict):
        raise place.fault("changes is no table", table="changes", do='Write [changes] and then stop_instance = "…"')
    for kind in sorted(set(value) - set(kinds)):
        raise place.fault(f"{kind!r} is no kind of change", table="changes", key=kind, do=f"Known: {', '.join(kinds)}")
    for kind in kinds:
        if kind in value and not isinstance(value[kind], str):
            raise place.fault(
                f"{kind} names no class", table="changes", key=kind, do=f'Write {kind} = "the name of a class"'
            )
        if kind not in value and not adopted:
            raise place.fault(
                f"{kind} has no class, so nobody would vote on it",
                table="changes",
                do=f'Add {kind} = "the name of a class"',
            )
    for kind in GOVERNANCE:
        if value.get(kind, POLICY) != POLICY:
            raise place.fault(
                f"{kind} changes the gate itself and is filed under {value[kind]!r}",
                table="changes",
                key=kind,
                do=f'Write {kind} = "{POLICY}"',
            )
    return dict(value)


def _matrix(
    listed: list[Table], place: Place, *, columns: int, roles: set[str], adopted: bool
) -> tuple[Matrix, tuple[tuple[str, str], ...]]:
    if not listed:
        raise place.fault("there is no [[class]]", table="class", do="Add one for each class and environment")
    matrix: Matrix = {}
    automatic = []
    for table in listed:
        key = _row_key(table)
        if key in matrix:
            raise table.fault(f"{key[0]} in {key[1]} stands twice", do="Keep one of the two")
        votes = table.values["votes"]
        if not isinstance(votes, list) or len(votes) != columns:
            raise table.fault(
                f"votes has {len(votes) if isinstance(votes, list) else 'no'} columns and must have {columns}",
                key="votes",
                do="Give one list of roles for each limit and one for what is above the last",
            )
        matrix[key] = tuple(
            slots_of(cell, table, key="votes", what=f"column {number}", roles=roles)
            for number, cell in enumerate(votes, 1)
        )
        if any(AUTO in str(text).split("|") for cell in votes for text in cell):
            automatic.append(key)
        alone = single_votes(key[0], matrix[key])
        if alone and not (adopted and key[0] == IRREVERSIBLE):
            what = "a change of the gate itself" if key[0] == POLICY else "what cannot be undone"
            raise table.fault(
                f"column {alone[0]}: {what} needs the votes of {LEAST_VOTES} people",
                key="votes",
                do='Name two slots, for example ["risk", "finops"]',
            )
    return matrix, tuple(automatic)


def _row_key(table: Table) -> tuple[str, str]:
    table.only(needed=("name", "environment", "votes"))
    name = table.text("name", example="reversible")
    environment = table.values["environment"]
    if environment not in ENVIRONMENTS:
        raise table.fault(
            f"{environment!r} is no environment",
            key="environment",
            do=f'Write environment = "{NON_PRODUCTION}" or "{PRODUCTION}"',
        )
    return name, environment


def _every_class_has_its_rows(classes: Mapping[str, str], matrix: Matrix, place: Place) -> None:
    for kind, name in classes.items():
        for environment in ENVIRONMENTS:
            if (name, environment) not in matrix:
                raise place.fault(
                    f"class {name!r} has no row for {environment}",
                    table="changes",
                    key=kind,
                    do=f'Add a [[class]] with name = "{name}" and environment = "{environment}"',
                )


def _too_lax(
    kind: str, name: str, matrix: Matrix, place: Place, reversibility: Mapping[str, str]
) -> PolicyError | None:
    """What the code knows cannot be undone is filed under that class, or one that asks for at least its votes."""
    floor = FLOOR[reversibility.get(kind, "reversible")]
    if floor is None or name == floor or kind in GOVERNANCE:
        return None
    for environment in ENVIRONMENTS:
        if (floor, environment) not in matrix:
            return place.fault(
                f"{kind} is {_as_known(floor)}, and there is no class {floor!r} in {environment} to measure it by",
                table="changes",
                key=kind,
                do=f'Add the [[class]] "{floor}" and write {kind} = "{floor}"',
            )
        rows = zip(matrix[(name, environment)], matrix[(floor, environment)], strict=True)
        for number, (own, least) in enumerate(rows, 1):
            if not at_least(own, least):
                return place.fault(
                    f"{kind} is {_as_known(floor)}, and class {name!r} asks in {environment}, column {number}, for"
                    f" {_needs(own)}, where {floor!r} asks for {_needs(least)}",
                    table="changes",
                    key=kind,
                    do=f'Write {kind} = "{floor}", or a class whose votes include those of "{floor}"',
                )
    return None


def _as_known(floor: str) -> str:
    return "a commitment" if floor == "commitment" else floor


def _needs(slots: tuple[Slot, ...]) -> str:
    return " and ".join(slot.words() for slot in slots)
