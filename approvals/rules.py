"""The rules: which kind of change, in which environment, of which amount, needs whose votes.

A matrix as delegations of authority are written: a row for each class and environment, a column for each limit, and in
each cell the slots that must be filled by different people. There is no cell without a slot: the loader refuses it,
so that no edit of a file can make a change that nobody votes on.
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final, Literal

Environment = Literal["production", "non_production"]
NON_PRODUCTION: Final = "non_production"
PRODUCTION: Final = "production"
OWNER = "owner"


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

    def environment(self, *names: str | None) -> Environment:
        """Non-production only if every name that is known says so, and at least one is: the stricter reading holds."""
        told = [name.strip().lower() for name in names if name and name.strip()]
        lenient = bool(told) and all(name in self.non_production for name in told)
        return NON_PRODUCTION if lenient else PRODUCTION

    def requirement(
        self,
        change_kind: str,
        environment: Environment,
        amount: Decimal | None,
        currency: str | None,
        requester_roles: frozenset[str] = frozenset(),
    ) -> Requirement:
        """Whose votes a change needs. An amount that is missing or in another currency counts as above every limit."""
        kind = self.classes.get(change_kind)
        if kind is None:
            raise KeyError(f"no class for {change_kind}: the rules file names one for each kind of change")
        columns = self.matrix[(kind, environment)]
        band, why = self._band(amount, currency)
        slots = self._without_requester(columns, band, requester_roles)
        swapped = (
            "" if slots == columns[band] else "; the requester is an owner, so the next column's role decides instead"
        )
        needs = " and ".join(slot.words() for slot in slots)
        where = "production" if environment == PRODUCTION else "non-production"
        return Requirement(
            slots=slots, reason=f"{kind} in {where}, {why}: {needs}{swapped}", band=band, environment=environment
        )

    def _band(self, amount: Decimal | None, currency: str | None) -> tuple[int, str]:
        if amount is None:
            return len(self.limits), "amount not known, so as above every limit"
        if currency != self.currency:
            return len(self.limits), f"amount in {currency or 'an unnamed currency'}, so as above every limit"
        for band, limit in enumerate(self.limits):
            if abs(amount) <= limit:
                return band, f"up to {limit:,f} {self.currency} a year"
        return len(self.limits), f"more than {self.limits[-1]:,f} {self.currency} a year"

    @staticmethod
    def _without_requester(
        columns: tuple[tuple[Slot, ...], ...], band: int, requester_roles: frozenset[str]
    ) -> tuple[Slot, ...]:
        """The band's slots, where an owner's slot that the requester holds falls to a later column's other role."""
        slots = columns[band]
        if OWNER not in requester_roles or not any(slot.roles == {OWNER} for slot in slots):
            return slots
        kept = [slot for slot in slots if slot.roles != {OWNER}]
        for later in columns[band + 1 :]:
            for slot in later:
                if slot.roles != {OWNER} and slot not in kept:
                    return (*kept, slot)
        return slots
