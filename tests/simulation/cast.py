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
    ("p-51a00014", frozenset({"peer", "sre"})),
    ("p-51a00015", frozenset({"risk"})),
    ("p-51a00016", frozenset({"board"})),
)
REQUESTERS = ("p-51a00001", "p-51a00002", "p-51a00003", "p-51a00010")
STRANGERS = (None, "p-nobody", "p-51a00013", "unknown")
"""Whoever clicks without a right: not known, not in the file, or in it without a role that decides."""

PLAIN = (Path(__file__).parents[2] / "app" / "defaults" / "rules.toml").read_text()
MORE = """
[delegation]
max_days = 21
roles = ["owner", "approver", "manager", "director", "sre"]

[break_glass]
roles = ["sre", "ops_manager", "owner"]
slots = ["owner|sre", "director|vp"]
classes = ["reversible"]
vote_within_hours = 1
review_within_hours = 24
reviewers = ["risk", "finops"]
"""
"""What the shipped file only shows as an example, switched on."""

SHIPPED = PLAIN + MORE
RULES: dict[str, str] = {
    "shipped": SHIPPED,
    "hurried": SHIPPED.replace("vote_within_hours = 72", "vote_within_hours = 1").replace(
        "execute_within_hours = 4", "execute_within_hours = 1"
    ),
    "stricter": SHIPPED.replace('votes = [["owner"], ["owner"],', 'votes = [["owner"], ["owner", "sre"],').replace(
        'votes = [["owner"], ["owner", "sre"],', 'votes = [["owner", "sre"], ["owner", "director"],'
    ),
    "no lending, no emergencies": PLAIN,
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
    lendable: frozenset[str]
    emergency: Slots
    emergency_vote_within: timedelta
    most_a_day: Decimal

    def class_of(self, kind: str) -> str:
        """The class of a kind of change."""
        return dict(self.classes)[kind]

    def column(self, amount: str | None, currency: str | None) -> int:
        """Which column of a row an amount falls into; what is not known is above every limit."""
        if amount is None or currency != self.currency:
            return len(self.limits)
        return sum(1 for limit in self.limits if Decimal(amount) > limit)

    def needed(self, kind: str, places: Iterable[str | None], column: int, asker: frozenset[str]) -> Slots:
        """Whose votes a change of this kind needs, there, in this column, asked for by somebody with these roles."""
        known = [place.strip().lower() for place in places if place]
        lenient = bool(known) and all(place in self.non_production for place in known)
        environment = "non_production" if lenient else "production"
        name = self.class_of(kind)
        columns = next(votes for row, place, votes in self.matrix if (row, place) == (name, environment))
        slots, owner = columns[column], frozenset({"owner"})
        if "owner" in asker and owner in slots:
            rest = tuple(slot for slot in slots if slot != owner)
            for slot in (slot for later in columns[column + 1 :] for slot in later):
                if slot != owner and slot not in rest:
                    return (*rest, slot)
        return slots


@lru_cache(maxsize=64)
def read_rules(text: str) -> Rules:
    """A rules file, read without the product."""
    told = tomllib.loads(text)
    glass = told.get("break_glass", {})
    return Rules(
        text=text,
        currency=told["currency"],
        limits=tuple(Decimal(limit) for limit in told["limits"]),
        vote_within=timedelta(hours=told["vote_within_hours"]),
        execute_within=timedelta(hours=told["execute_within_hours"]),
        may_propose=frozenset(told["may_propose"]),
        non_production=frozenset(told["non_production"]),
        classes=tuple(sorted(told["changes"].items())),
        matrix=tuple((row["name"], row["environment"], tuple(map(_slots, row["votes"]))) for row in told["class"]),
        lendable=frozenset(told.get("delegation", {}).get("roles", ())),
        emergency=_slots(glass.get("slots", ())),
        emergency_vote_within=timedelta(hours=glass.get("vote_within_hours", 0)),
        most_a_day=Decimal(told["caps"]["amount_per_day"]),
    )


def _slots(texts: Iterable[str]) -> Slots:
    return tuple(frozenset(text.split("|")) for text in texts)


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
