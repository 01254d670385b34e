"""The rules: which kind of change, in which environment, of which amount, needs whose votes.

A matrix as delegations of authority are written: a row for each class and environment, a column for each limit, and in
each cell the slots that must be filled by different people. There is no cell without a slot: the loader refuses it,
so that no edit of a file can make a change that nobody votes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Final, Literal

from approvals.caps import Caps
from approvals.errors import GateError
from approvals.freeze import Freeze
from approvals.governance import GOVERNANCE, LEAST_VOTES, POLICY
from approvals.retention import Privacy, Retention
from approvals.split import DEFAULT_DAYS, Summed

Environment = Literal["production", "non_production"]
NON_PRODUCTION: Final = "non_production"
PRODUCTION: Final = "production"
ENVIRONMENTS: Final[tuple[Environment, ...]] = (NON_PRODUCTION, PRODUCTION)
IRREVERSIBLE: Final = "irreversible"
FLOOR: Final = {
    "reversible": None,
    "externally_reversible": None,
    "irreversible": IRREVERSIBLE,
    "commitment": "commitment",
}
"""How reversible the code says that a change is → the class that its own must not be laxer than."""
OWNER = "owner"
AUDITOR = "auditor"


@dataclass(frozen=True)
class Slot:
    """One vote that is needed, of somebody who holds at least one of these roles."""

    roles: frozenset[str]

    def words(self) -> str:
        """The slot for a person: "owner", or "director or vp"."""
        return " or ".join(sorted(self.roles))


@dataclass(frozen=True)
class Requirement:
    """The votes that a change needs, and the sentence that says why these."""

    slots: tuple[Slot, ...]
    reason: str
    band: int
    environment: Environment
    class_name: str = ""


@dataclass(frozen=True)
class Delegable:
    """What may be lent to somebody else, and for how long at most."""

    roles: frozenset[str]
    max_days: int


@dataclass(frozen=True)
class BreakGlass:
    """The emergency's way: who may ask, who must vote at once, what it covers, and who looks at it afterwards."""

    roles: frozenset[str]
    slots: tuple[Slot, ...]
    classes: frozenset[str]
    kinds: frozenset[str]
    reviewers: frozenset[str]
    vote_within: timedelta
    review_within: timedelta


@dataclass(frozen=True)
class Rules:
    """A rules file, read and checked (`rules_file.load_rules`)."""

    currency: str
    limits: tuple[Decimal, ...]
    vote_within: timedelta
    execute_within: timedelta
    may_propose: frozenset[str]
    roles: dict[str, str]
    classes: dict[str, str]
    non_production: frozenset[str]
    matrix: dict[tuple[str, str], tuple[tuple[Slot, ...], ...]]
    freezes: tuple[Freeze, ...] = ()
    caps: Caps = field(default_factory=Caps)
    split_days: int = DEFAULT_DAYS
    delegation: Delegable | None = None
    break_glass: BreakGlass | None = None
    may_stop: frozenset[str] = frozenset()
    automatic: tuple[tuple[str, str], ...] = ()
    privacy: Privacy = field(default_factory=Privacy)
    retention: Retention = field(default_factory=Retention)

    def environment(self, *names: str | None) -> Environment:
        """Non-production only if every name that is known says so, and at least one is: the stricter reading holds."""
        told = [name.strip().lower() for name in names if name and name.strip()]
        lenient = bool(told) and all(name in self.non_production for name in told)
        return NON_PRODUCTION if lenient else PRODUCTION

    def class_of(self, change_kind: str) -> str:
        """The class that a kind of change is filed under; a GateError for a kind that these rules do not name."""
        name = self.classes.get(change_kind)
        if name is None:
            raise GateError(
                f"nobody could vote on {change_kind[:60]!r}",
                why="the rules in force name no class for this kind of change",
                do=f'Add {change_kind[:60]} = "…" to [changes] of the rules file and have the file adopted',
            )
        return name

    def votes_as_strictly(self, class_name: str, worst: str) -> bool:
        """Whether every cell of `class_name` asks at least for the votes of the class that `worst` is measured by.

        `worst` is how far the code knows a change can be undone. What is irreversible or a commitment is never decided
        by fewer people than the class of that name; where the rules have no such class, by nobody.
        """
        floor = FLOOR[worst]
        if floor is None or class_name == floor:
            return True
        cells = [(self.matrix[(class_name, where)], self.matrix.get((floor, where), ())) for where in ENVIRONMENTS]
        return all(
            bool(least) and all(at_least(mine, votes) for mine, votes in zip(own, least, strict=True))
            for own, least in cells
        )

    def requirement(
        self,
        change_kind: str,
        environment: Environment,
        amount: Decimal | None,
        currency: str | None,
        requester_roles: frozenset[str] = frozenset(),
        *,
        together: Summed | None = None,
    ) -> Requirement:
        """Whose votes a change needs. An amount that is missing or in another currency counts as above every limit.

        `together` is what the proposal adds up to with those of the last days (`split.summed`); it never lowers the
        column of the amount alone.

        >>> rules.requirement("stop_instance", "production", Decimal(24000), "USD",
        ...                   together=summed(Decimal(24000), "USD", earlier, scope="team fraud")).reason
        "reversible in production, up to 100,000 USD a year (24,000 USD alone, 61,000 USD with 2 others of team fraud
        within 30 days): director and owner"
        """
        kind = self.class_of(change_kind)
        columns = self.matrix[(kind, environment)]
        band, why = self._band(amount, currency)
        if change_kind in GOVERNANCE:
            # No amount that somebody states may choose whose votes the gate itself is changed by.
            band, why = len(self.limits), "a change of the gate itself, so as above every limit"
        if together is not None and together.others:
            summed_band, summed_why = self._band(together.amount, together.currency)
            band, why = (summed_band, summed_why) if summed_band >= band else (band, why)
            why = f"{why} ({together.words()})"
        slots = without_requester(columns, band, requester_roles)
        swapped = (
            "" if slots == columns[band] else "; the requester is an owner, so the next column's role decides instead"
        )
        needs = " and ".join(slot.words() for slot in slots)
        where = "production" if environment == PRODUCTION else "non-production"
        return Requirement(
            slots=slots,
            reason=f"{kind} in {where}, {why}: {needs}{swapped}",
            band=band,
            environment=environment,
            class_name=kind,
        )

    def column_words(self, band: int) -> str:
        """A column for a person: "up to 10,000 USD", "above 1,000,000 USD"."""
        if band < len(self.limits):
            return f"up to {self.limits[band]:,f} {self.currency}"
        return f"above {self.limits[-1]:,f} {self.currency}"

    def _band(self, amount: Decimal | None, currency: str | None) -> tuple[int, str]:
        if amount is None or not amount.is_finite():
            return len(self.limits), "amount not known, so as above every limit"
        if currency != self.currency:
            return len(self.limits), f"amount in {currency or 'an unnamed currency'}, so as above every limit"
        for band, limit in enumerate(self.limits):
            if abs(amount) <= limit:
                return band, f"up to {limit:,f} {self.currency} a year"
        return len(self.limits), f"more than {self.limits[-1]:,f} {self.currency} a year"


def without_requester(
    columns: tuple[tuple[Slot, ...], ...], band: int, requester_roles: frozenset[str]
) -> tuple[Slot, ...]:
    """The band's slots; each owner's slot of a requester who is an owner falls to a later column's other role.

    Never fewer slots than the column has: where no later column offers another role, another owner must vote.
    """
    slots = columns[band]
    if OWNER not in requester_roles:
        return slots
    mine = Slot(roles=frozenset({OWNER}))
    kept = [slot for slot in slots if slot != mine]
    for later in columns[band + 1 :]:
        for slot in later:
            if len(kept) < len(slots) and slot != mine and slot not in kept:
                kept.append(slot)
    return (*kept, *(mine for _ in range(len(slots) - len(kept))))


def at_least(strict: Sequence[Slot], lax: Sequence[Slot]) -> bool:
    """True if whoever fills every slot of `strict` has filled every slot of `lax` too, whoever the people are."""
    if not lax:
        return True
    first, rest = lax[0], lax[1:]
    return any(
        slot.roles <= first.roles and at_least([*strict[:number], *strict[number + 1 :]], rest)
        for number, slot in enumerate(strict)
    )


def single_votes(class_name: str, columns: Sequence[Sequence[Slot]]) -> tuple[int, ...]:
    """Columns, counted from 1, with fewer votes than a change of the gate itself, and one for good, must have.

    Every other class may leave a column to one person.
    """
    if class_name not in (POLICY, IRREVERSIBLE):
        return ()
    return tuple(number for number, slots in enumerate(columns, 1) if len(slots) < LEAST_VOTES)


def asks_less(one: Sequence[Slot], other: Sequence[Slot]) -> bool:
    """True if `one` is plainly the laxer: `other` always satisfies it, and not the other way round.

    ["cfo"] is not laxer than ["owner", "sre"]: another, higher role may stand for two lower ones.
    """
    return at_least(other, one) and not at_least(one, other)
