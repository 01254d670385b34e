"""Delegation: a role lent to somebody else, for some days, by a person who holds it. Pure.

A lent role is an own record with an end; it never makes one person into two. Whoever asked for a change cannot have it
approved with a role of their own in somebody else's hands.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from approvals.person import People
from approvals.policy import Verdict, no, yes
from approvals.rules import Rules


@dataclass(frozen=True)
class Mandate:
    """`giver` lends `roles` to `receiver` from `start` until just before `end`."""

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
    """Whether `giver` may lend these roles. `people` as their file tells: a role that was lent cannot be lent on.

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
    foreign = wanted - people.roles(giver)
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


def lent(
    receiver: str,
    mandates: Iterable[Mandate],
    *,
    people: People,
    rules: Rules,
    now: datetime,
    involved: Collection[str] = (),
) -> dict[str, str]:
    """The roles that `receiver` holds by a mandate at `now`, each with whose it is.

    Nothing counts that the giver holds no more, that the rules no longer let be lent, or that somebody `involved` in
    the proposal (its requester, its editors) gave: that would be approving one's own by another's hand.
    """
    if rules.delegation is None or receiver not in people.by_id:
        return {}
    found: dict[str, str] = {}
    for one in mandates:
        if one.receiver != receiver or one.giver == receiver or one.giver in involved or not one.start <= now < one.end:
            continue
        for role in sorted(one.roles & rules.delegation.roles & people.roles(one.giver)):
            found.setdefault(role, one.giver)
    return found


def _listed(roles: Collection[str]) -> str:
    return ", ".join(sorted(roles))
