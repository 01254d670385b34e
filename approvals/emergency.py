"""The emergency's two verbs: stopping everything, and breaking the glass. Pure.

Stopping is easy and releasing is hard. Breaking the glass shortens the way, it does not remove it: two different people
vote, and somebody who took no part looks at it afterwards.
"""

from collections.abc import Collection

from approvals.person import People
from approvals.policy import Verdict, no, yes
from approvals.rules import BreakGlass, Environment, Requirement, Rules


def may_stop(*, person: str, people: People, rules: Rules) -> Verdict:
    """Whether this person may switch the kill switch on. Switching it off is a proposal of its own.

    >>> may_stop(person="p-1", people=people, rules=rules).allowed
    True
    """
    if person not in people.by_id:
        return no("unknown_person", "you are not in the people file, so you cannot stop it; anybody there can")
    if not people.roles(person) & rules.may_stop:
        return no("no_role", f"stopping everything needs one of the roles {', '.join(sorted(rules.may_stop))}")
    return yes()


def may_break_glass(
    *, person: str, change_kind: str, people: People, rules: Rules, unreviewed: Collection[str] = ()
) -> Verdict:
    """Whether this person may ask for this kind of change as an emergency; `unreviewed`: earlier ones still to review.

    >>> may_break_glass(person="p-1", change_kind="stop_instance", people=people, rules=rules, unreviewed=["P-2"]).code
    'review_due'
    """
    glass = rules.break_glass
    if glass is None:
        return no("break_glass_off", "the rules in force have no [break_glass], so every change takes the usual way")
    if person not in people.by_id:
        return no("unknown_person", "you are not in the people file, so you may not ask for an emergency change")
    if not people.roles(person) & glass.roles:
        return no("no_role", f"asking for an emergency change needs one of the roles {', '.join(sorted(glass.roles))}")
    if not _covers(glass, change_kind, rules):
        covered = ", ".join(sorted(glass.classes | glass.kinds))
        return no("not_covered", f"an emergency covers {covered}, and {change_kind} is none of these")
    if unreviewed:
        return no("review_due", f"{', '.join(sorted(unreviewed))} must be reviewed before the next emergency change")
    return yes()


def emergency_requirement(change_kind: str, environment: Environment, rules: Rules) -> Requirement:
    """The votes of an emergency change: those of [break_glass], whatever the amount. Ask `may_break_glass` first."""
    glass = rules.break_glass
    if glass is None:
        raise ValueError("there is no [break_glass] in these rules")
    needs = " and ".join(slot.words() for slot in glass.slots)
    hours = int(glass.review_within.total_seconds() // 3600)
    reason = f"break-glass, to be reviewed within {hours} {'hour' if hours == 1 else 'hours'}: {needs}"
    class_name = rules.class_of(change_kind)
    return Requirement(
        slots=glass.slots, reason=reason, band=len(rules.limits), environment=environment, class_name=class_name
    )


def may_review(*, person: str, involved: Collection[str], people: People, rules: Rules) -> Verdict:
    """Whether this person may judge an emergency change afterwards; `involved`: requester, editors and voters of it."""
    if rules.break_glass is None:
        return no("break_glass_off", "the rules in force have no [break_glass], so they name no reviewer")
    if person not in people.by_id:
        return no("unknown_person", "you are not in the people file, so your review does not count")
    if person in involved:
        return no("own_proposal", "you took part in it, so somebody else must review it")
    if not people.roles(person, involved) & rules.break_glass.reviewers:
        return no("no_role", f"reviewing needs one of the roles {', '.join(sorted(rules.break_glass.reviewers))}")
    return yes()


def _covers(glass: BreakGlass, change_kind: str, rules: Rules) -> bool:
    return change_kind in glass.kinds or rules.classes.get(change_kind) in glass.classes
