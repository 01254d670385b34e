"""Who plays, and under which rules: as plain data for the oracle, and as the files that the product adopts.

The oracle never asks `approvals.policy` or `approvals.rules`; it reads the same file with a parser of its own, and
finds out by trying every assignment whether people fill the slots.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import permutations
from pathlib import Path

Directory = tuple[tuple[str, frozenset[str]], ...]
"""(opaque id, roles), in the order of the file."""

Slots = tuple[frozenset[str], ...]

CAST: Directory = (
    ("p-51a00001", frozenset({"ops_manager"})),
    ("p-51a00002", frozenset({"ops_manager"})),
    ("p-51a00003", frozenset({"owner", "finops"})),
    ("p-51a00004", frozenset({"owner"})),
    ("p-51a00005", frozenset({"owner", "sre"})),
    ("p-51a00006", frozenset({"sre"})),
    ("p-51a00007", frozenset({"manager"})),
    ("p-51a00008", frozenset({"approver"})),
    ("p-51a00009", frozenset({"director"})),
    ("p-51a00010", frozenset({"director", "owner"})),
    ("p-51a00011", frozenset({"vp"})),
    ("p-51a00012", frozenset({"cfo"})),
    ("p-51a00013", frozenset({"auditor"})),
)
REQUESTERS = ("p-51a00001", "p-51a00002", "p-51a00003", "p-51a00010")
STRANGERS = (None, "p-nobody", "p-51a00013", "unknown")
"""Whoever clicks without a right: not known, not in the file, or in it without a role that decides."""

SHIPPED = (Path(__file__).parents[2] / "app" / "defaults" / "rules.toml").read_text()
RULES: dict[str, str] = {
    "shipped": SHIPPED,
    "hurried": SHIPPED.replace("vote_within_hours = 72", "vote_within_hours = 1").replace(
        "execute_within_hours = 4", "execute_within_hours = 1"
    ),
    "stricter": SHIPPED.replace('votes = [["owner"], ["owner"],', 'votes = [["owner"], ["owner", "sre"],').replace(
        'votes = [["owner"], ["owner", "sre"],', 'votes = [["owner", "sre"], ["owner", "director"],'
    ),
    "fewer may ask": SHIPPED.replace('may_propose = ["ops_manager", ', "may_propose = ["),
}


@dataclass(frozen=True)
class Rules:
    """The rules file as the oracle reads it."""

    text: str
    currency: str
    limits: tuple[Decimal, ...]
    vote_within: timedelta
    execute_within: timedelta
    may_propose: frozenset[str]
    non_production: frozenset[str]
    classes: tuple[tuple[str, str], ...]
    matrix: tuple[tuple[str, str, tuple[Slots, ...]], ...]

    def needed(
        self, kind: str, places: Iterable[str | None], amount: str | None, currency: str | None, asker: frozenset[str]
    ) -> Slots:
        """Whose votes a change of this kind needs, there, for this amount, asked for by somebody with these roles."""
        known = [place.strip().lower() for place in places if place]
        lenient = bool(known) and all(place in self.non_production for place in known)
        environment = "non_production" if lenient else "production"
        name = dict(self.classes)[kind]
        columns = next(votes for row, place, votes in self.matrix if (row, place) == (name, environment))
        if amount is None or currency != self.currency:
            at = len(self.limits)
        else:
            at = sum(1 for limit in self.limits if Decimal(amount) > limit)
        slots, owner = columns[at], frozenset({"owner"})
        if "owner" in asker and owner in slots:
            rest = tuple(slot for slot in slots if slot != owner)
            for slot in (slot for column in columns[at + 1 :] for slot in column):
                if slot != owner and slot not in rest:
                    return (*rest, slot)
        return slots


@lru_cache(maxsize=64)
def read_rules(text: str) -> Rules:
    """A rules file, read without the product."""
    told = tomllib.loads(text)
    return Rules(
        text=text,
        currency=told["currency"],
        limits=tuple(Decimal(limit) for limit in told["limits"]),
        vote_within=timedelta(hours=told["vote_within_hours"]),
        execute_within=timedelta(hours=told["execute_within_hours"]),
        may_propose=frozenset(told["may_propose"]),
        non_production=frozenset(told["non_production"]),
        classes=tuple(sorted(told["changes"].items())),
        matrix=tuple(
            (
                row["name"],
                row["environment"],
                tuple(tuple(frozenset(slot.split("|")) for slot in column) for column in row["votes"]),
            )
            for row in told["class"]
        ),
    )


@lru_cache(maxsize=4096)
def people_text(directory: Directory) -> str:
    """The people file of a directory."""
    return "\n".join(
        f'[[person]]\nid = "{person}"\nname = "Player {person[-2:]}"\n'
        f"roles = [{', '.join(repr(role) for role in sorted(roles))}]\n"
        for person, roles in directory
    )


@lru_cache(maxsize=8192)
def fills(slots: Slots, held: tuple[frozenset[str], ...]) -> bool:
    """Whether people who hold these roles can fill every slot, nobody two: by trying all there is."""
    if not slots or len(held) < len(slots):
        return False
    return any(
        all(slot & roles for slot, roles in zip(slots, order, strict=True)) for order in permutations(held, len(slots))
    )
