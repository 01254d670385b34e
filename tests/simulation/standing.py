"""Who held which role, which rules were in force and whether everything was stopped, as the harness made it so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tests.simulation.cases import Case, Judged
from tests.simulation.cast import CAST, SHIPPED, Directory, Rules, Slots, fills, read_rules
from tests.simulation.provider import Look
from tests.simulation.world import World

WITHOUT_EFFECT = frozenset(
    {"rejected", "expired", "superseded", "stale", "cancelled", "vetoed", "failed", "rehearsed", "unsealable", ""}
)
"""What ended like this adds nothing to what is judged together."""

Held = frozenset[str]


@dataclass
class Lending:
    """A role that was lent."""

    id: str
    giver: str
    receiver: str
    roles: Held
    start: datetime
    end: datetime
    over: bool = False


class Standing:
    """People, rules, lent roles and the kill switch, as adopted, granted and turned."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people: Directory = CAST
        self.gone: frozenset[str] = frozenset()
        self.rules: Rules = read_rules(SHIPPED)
        self.lendings: list[Lending] = []
        self.switches: dict[str, bool] = {}
        self.forged = ""
        self.claimed: dict[str, tuple[datetime, str | None]] = {}
        """The last claim of each proposal, and its amount: one that was held and claimed anew is one change."""

    def adopt(self, *, people: Directory | None = None, rules: str | None = None) -> None:
        """A file came into force."""
        self.people = self.people if people is None else people
        self.rules = self.rules if rules is None else read_rules(rules)

    def forget(self, who: str) -> None:
        """Somebody was erased."""
        self.gone |= {who}
        self.people = tuple((person, roles) for person, roles in self.people if person != who)

    def engaged(self, account: str) -> bool:
        """Whether the kill switch stops changes in this account."""
        return self.switches.get("*", False) or self.switches.get(account, False)

    def room(self, case: Case) -> bool:
        """Whether a day's amount has room for this case; what is not known takes the whole of it."""
        most = self.rules.most_a_day
        others = [told for name, told in self.claimed.items() if name != case.id]
        recent = [amount for at, amount in others if at > self.world.now - timedelta(days=1)]
        own = case.amount if case.currency == self.rules.currency else None
        return sum((most if amount is None else Decimal(amount) for amount in (*recent, own)), Decimal(0)) <= most

    def own(self, person: str | None) -> Held:
        """The roles of a person, as the people file tells."""
        return next((roles for known, roles in self.people if known == person), frozenset())

    def roles(self, person: str | None, apart_from: frozenset[str] = frozenset()) -> Held:
        """These, and what was lent by somebody who still holds it, may still lend it, and is not `apart_from`."""
        found = self.own(person)
        if not any(known == person for known, _ in self.people):
            return frozenset()
        for lent in self.lendings:
            runs = not lent.over and lent.start <= self.world.now < lent.end
            if runs and lent.receiver == person and lent.giver not in apart_from:
                found |= lent.roles & self.own(lent.giver) & self.rules.lendable
        return found

    # Whose votes are needed, and who gave them

    def judge_amount(self, case: Case, others: Iterable[Case]) -> Judged:
        """The amount by which a case is judged: with whatever it may have been split from."""
        name = self.rules.class_of(case.change["kind"])
        scope = [
            other
            for other in others
            if other is not case
            and other.digest
            and other.state not in WITHOUT_EFFECT
            and other.change["account"] == case.change["account"]
            and self.rules.class_of(other.change["kind"]) == name
        ]
        unknown = {other.thing for other in scope if other.amount is None or other.currency != case.currency}
        highest: dict[str, Decimal] = {}
        for other in scope:
            if other.amount is not None and other.currency is not None and other.currency == case.currency:
                highest[other.thing] = max(Decimal(other.amount), highest.get(other.thing, Decimal(0)))
        if case.currency is None:
            unknown |= {other.thing for other in scope}
        rest = (set(highest) | unknown) - {case.thing}
        if not rest:
            return Judged(case.amount, False, None)
        if case.amount is None or case.currency is None or unknown - {case.thing}:
            return Judged(case.amount, True, None)
        own = max(Decimal(case.amount), highest.pop(case.thing, Decimal(0)))
        return Judged(case.amount, True, str(own + sum(highest.values(), Decimal(0))))

    def needed(self, case: Case, look: Look | None) -> Slots:
        """Whose votes the case needs under what is in force."""
        if case.authority == "break_glass":
            return self.rules.emergency
        told = look is not None and look.environment is not None
        places = (look.environment, case.place) if look is not None and told else (None,)
        asker = frozenset(role for person in case.involved for role in self.roles(person))
        column = self.rules.column(case.judged.alone, case.currency)
        if case.judged.others:
            column = max(column, self.rules.column(case.judged.together, case.currency))
        return self.rules.needed(case.change["kind"], places, column, asker)

    def held(self, case: Case, voters: Iterable[str]) -> dict[str, Held]:
        """The roles by which each of these voters counts for this case now."""
        voters = list(voters)
        return {
            person: self.roles(person, frozenset(voters) - {person} | case.involved)
            for person in voters
            if person not in case.involved
        }

    def holders(self, case: Case) -> list[str]:
        """Whoever gave an approval in time that stands."""
        given = case.given.values()
        return [one.person for one in given if case.expires_at is not None and one.at < case.expires_at]

    def quorum(self, case: Case, slots: Slots) -> bool:
        """Whether the votes that stand fill the slots."""
        held = sorted(sorted(roles) for roles in self.held(case, self.holders(case)).values())
        return fills(slots, tuple(frozenset(roles) for roles in held))
