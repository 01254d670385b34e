"""Why a change needs these votes, who could give them, and what would hold it. Pure; the same rules that decide.

Nothing is decided here: it answers "who could?" before anybody is asked, so that no proposal waits for votes that
nobody can give.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from approvals.caps import Capped, Claimed, capped
from approvals.freeze import Freeze, Frozen, Window, frozen, upcoming
from approvals.person import People
from approvals.policy import Verdict, filled, may_propose
from approvals.rules import PRODUCTION, Environment, Rules, Slot
from approvals.split import Summed


@dataclass(frozen=True)
class Candidate:
    """One person and the slots (from 0) that this person could fill; none, with the reason and its code."""

    person: str
    slots: tuple[int, ...]
    why_not: str = ""
    code: str = "ok"


@dataclass(frozen=True)
class Filling:
    """Whether different people who are not involved could fill every slot; `short` are those (from 0) left over."""

    possible: bool
    short: tuple[int, ...]
    sentence: str


@dataclass(frozen=True)
class Question:
    """The change that is asked about. `account` and `team` decide only about freezes and caps."""

    kind: str
    environment: Environment
    amount: Decimal | None
    currency: str | None
    requester: str | None = None
    editors: tuple[str, ...] = ()
    account: str | None = None
    team: str | None = None
    together: Summed | None = None


@dataclass(frozen=True)
class Explained:
    """The whole answer; every part carries its own sentence."""

    class_name: str
    environment: Environment
    column: str
    reason: str
    slots: tuple[Slot, ...]
    may_ask: Verdict | None
    candidates: tuple[Candidate, ...]
    filling: Filling
    freeze: Frozen | None
    freeze_outlasts: bool
    next_freeze: tuple[Freeze, Window] | None
    cap: Capped | None
    caps: tuple[str, ...]
    vote_within: timedelta
    execute_within: timedelta


def could_approve(
    slots: Sequence[Slot], people: People, *, requester: str | None, editors: Collection[str] = ()
) -> list[Candidate]:
    """Everybody in the people file: which slots each could fill, or why none.

    >>> could_approve(slots, people, requester="p-1")[0].why_not
    'asked for it'
    """
    found = []
    involved = [one for one in (requester, *editors) if one is not None]
    needed = ", ".join(dict.fromkeys(slot.words() for slot in slots))
    for person in people.by_id:
        if person == requester or person in editors:
            why = "asked for it" if person == requester else "edited it"
            found.append(Candidate(person, (), why, "own_proposal"))
            continue
        roles = people.roles(person, involved)
        fits = tuple(number for number, slot in enumerate(slots) if slot.roles & roles)
        held = ", ".join(sorted(roles)) or "no role"
        found.append(
            Candidate(person, fits) if fits else Candidate(person, (), f"holds {held}, not {needed}", "no_role")
        )
    return found


def fillable(slots: Sequence[Slot], people: People, *, requester: str | None, editors: Collection[str] = ()) -> Filling:
    """Whether the slots can all be filled at once, by different people, none of whom asked for it or edited it.

    >>> fillable([Slot(frozenset({"cfo"}))], People(), requester=None).sentence
    'nobody could approve it: nobody holds cfo'
    """
    involved = {requester, *editors}
    own = {person.id: person.roles for person in people.by_id.values() if person.id not in involved}
    seats = _with_lent(slots, people, involved) or filled(slots, own)
    short = tuple(number for number, seat in enumerate(seats) if seat is None)
    if slots and not short:
        return Filling(True, (), "")
    reasons = dict.fromkeys(_why_short(slots[number], people, involved) for number in short)
    return Filling(False, short, f"nobody could approve it: {'; '.join(reasons) or 'it asks for no vote'}")


def _with_lent(slots: Sequence[Slot], people: People, involved: Collection[str | None]) -> tuple[str, ...] | None:
    """Who could give every vote where roles are lent too: nobody twice, and no giver beside who votes by that loan."""
    most = 2 * len(slots)  # so many of their own right suffice: each other seat rules out two at most
    choices: list[list[tuple[str, str | None]]] = []
    for slot in slots:
        free = [person for person in people.by_id.values() if person.id not in involved]
        mine: list[tuple[str, str | None]] = [(person.id, None) for person in free if slot.roles & person.roles]
        lent = [
            (person.id, one.giver)
            for person in free
            for one in person.lent
            if one.role in slot.roles and one.giver not in involved
        ]
        choices.append([*mine[:most], *lent])

    def seat(number: int, voters: tuple[str, ...], givers: frozenset[str]) -> tuple[str, ...] | None:
        if number == len(choices):
            return voters
        for person, giver in choices[number]:
            if person in voters or person in givers or giver in voters:
                continue
            found = seat(number + 1, (*voters, person), givers | {giver} if giver else givers)
            if found is not None:
                return found
        return None

    return seat(0, (), frozenset())


def locked_out(rules: Rules, people: People) -> str | None:
    """Why nobody could change the rules or the people again after this; None if somebody could."""
    # The very requirement that such a change would be sealed with; a requester's roles may change its slots.
    asks = {
        asker: rules.requirement("adopt_rules", PRODUCTION, None, None, people.roles(asker))
        for asker in people.by_id
        if people.roles(asker) & rules.may_propose
    }
    if any(fillable(needed.slots, people, requester=asker).possible for asker, needed in asks.items()):
        return None
    needs = " and ".join(slot.words() for slot in rules.requirement("adopt_rules", PRODUCTION, None, None).slots)
    return f"after it nobody could change rules or people again: that needs {needs}, by people who did not ask for it"


def _why_short(slot: Slot, people: People, involved: Collection[str | None]) -> str:
    holders = [person for person in people.by_id if slot.roles & people.roles(person)]
    if not holders:
        return f"nobody holds {slot.words()}"
    free = [person for person in holders if person not in involved]
    if not free:
        verb = "holds" if len(holders) == 1 else "hold"
        return f"only {' and '.join(holders)}, who asked for it or edited it, {verb} {slot.words()}"
    verb = "is" if len(free) == 1 else "are"
    return f"for {slot.words()} there is nobody left: {' and '.join(free)} {verb} needed for another vote"


def explain(
    rules: Rules, people: People, question: Question, *, now: datetime, claims: Sequence[Claimed] = ()
) -> Explained:
    """What the rules and people say about this change at `now`. A GateError for a kind that the rules do not name.

    >>> explain(rules, people, Question("stop_instance", "production", Decimal(900), "USD"), now=now).class_name
    'reversible'
    """
    involved = tuple(person for person in (question.requester, *question.editors) if person is not None)
    held = frozenset(role for person in involved for role in people.roles(person))
    needs = rules.requirement(
        question.kind, question.environment, question.amount, question.currency, held, together=question.together
    )
    class_name, environment = needs.class_name, question.environment
    account, team = question.account, question.team
    last = now + rules.vote_within + rules.execute_within
    freeze = frozen(rules.freezes, at=now, environment=environment, class_name=class_name, account=account, team=team)
    return Explained(
        class_name=class_name,
        environment=environment,
        column=rules.column_words(needs.band),
        reason=needs.reason,
        slots=needs.slots,
        may_ask=None
        if question.requester is None
        else may_propose(person=question.requester, people=people, rules=rules),
        candidates=tuple(could_approve(needs.slots, people, requester=question.requester, editors=question.editors)),
        filling=fillable(needs.slots, people, requester=question.requester, editors=question.editors),
        freeze=freeze,
        freeze_outlasts=freeze is not None and freeze.until > last,
        next_freeze=upcoming(
            rules.freezes,
            at=now,
            until=last,
            environment=environment,
            class_name=class_name,
            account=account,
            team=team,
        ),
        cap=capped(
            rules.caps,
            claims=claims,
            now=now,
            account=account,
            amount=question.amount,
            currency=question.currency,
            class_name=class_name,
        ),
        caps=rules.caps.sentences(),
        vote_within=rules.vote_within,
        execute_within=rules.execute_within,
    )
