"""Delegation: a role lent to somebody else, for some days, by a person who holds it. Pure.

A lent role is an own record with an end; it never makes one person into two. Whoever asked for a change cannot have it
approved with a role of their own in somebody else's hands.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from approvals.person import Lent, People
from approvals.policy import Verdict, no, yes
from approvals.rules import Rules


@dataclass(frozen=True)
class Lending:
    """`giver` lends `roles` to `receiver` from `start` until just before `end`; `id` is the delegation's."""

    id: str
    giver: str
    receiver: str
    roles: frozenset[str]
    start: datetime
    end: datetime


def may_delegate(
    *,
    giver: str,
    receiver: str,
    roles: Collection[str],
    start: datetime,
    end: datetime,
    people: People,
    rules: Rules,
    now: datetime,
) -> Verdict:
    """Whether `giver` may lend these roles; one that was lent to the giver cannot be lent on.

    To lend from this moment, pass `start=now`.

    >>> may_delegate(giver="p-1", receiver="p-2", roles={"owner"}, start=now, end=now + timedelta(days=7),
    ...              people=people, rules=rules, now=now).code
    'ok'
    """
    if rules.delegation is None:
        return no("delegation_off", "the rules in force let no role be delegated: they have no [delegation]")
    for person, who in ((giver, "who delegates"), (receiver, "to whom it is delegated")):
        if person not in people.by_id:
            return no("unknown_person", f"{person}, {who}, is not in the people file")
    if giver == receiver:
        return no("self", "nobody can delegate to oneself")
    wanted = frozenset(roles)
    if not wanted:
        return no("no_role", "no role was named")
    fixed = wanted - rules.delegation.roles
    if fixed:
        may = _listed(rules.delegation.roles)
        return no("not_delegable", f"{_listed(fixed)} may not be delegated; the rules name {may}")
    foreign = wanted - people.by_id[giver].roles
    if foreign:
        told = f"{giver} does not hold {_listed(foreign)}; a role that was lent cannot be lent on"
        return no("not_held", told)
    return _dated(start, end, now, rules.delegation.max_days)


def _dated(start: datetime, end: datetime, now: datetime, most: int) -> Verdict:
    if end <= start:
        return no("ends_before_start", "it would end before it begins")
    if start < now:
        return no("past", "it would begin in the past, and nobody can act in hindsight")
    if end - start > timedelta(days=most):
        return no("too_long", f"it would last more than the {most} days that the rules allow")
    return yes()


def with_lendings(people: People, lendings: Iterable[Lending], *, rules: Rules, now: datetime) -> People:
    """The people with what is lent to each at `now`, by whom and by which delegation.

    Nothing is lent that the giver holds no more, or that the rules no longer let be lent; a role that was lent is not
    lent on, since only what the giver holds without lending counts. Where a lent role counts is `People.roles`.
    """
    if rules.delegation is None:
        return people
    found: dict[str, list[Lent]] = {}
    for one in lendings:
        giver = people.by_id.get(one.giver)
        if giver is None or one.receiver == one.giver or not one.start <= now < one.end:
            continue
        for role in sorted(one.roles & rules.delegation.roles & giver.roles):
            found.setdefault(one.receiver, []).append(Lent(role, one.giver, one.id))
    return people.with_persons(
        {id: replace(person, lent=tuple(found.get(id, ()))) for id, person in people.by_id.items()}
    )


def _listed(roles: Collection[str]) -> str:
    return ", ".join(sorted(roles))
