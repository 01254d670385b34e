"""Applies the policy in force to one change: what is fixed at sealing, and computed anew at the claim.

The amount that others in the same scope add is fixed when it is sealed: what is proposed later must not raise or lower
what earlier votes were given for.
"""

from dataclasses import replace
from decimal import Decimal

from approvals.active import Active
from approvals.changes.terraform import filed_as
from approvals.emergency import emergency_requirement
from approvals.evidence import Evidence
from approvals.rules import Requirement
from approvals.sealed import Pinned, Sealed, Together
from approvals.split import Summed
from approvals.store import BREAK_GLASS, Draft


def pin(
    current: Active, draft: Draft, evidence: Evidence, involved: tuple[str, ...], seen: str | None, sum_: Summed
) -> Pinned:
    """The policy in force, applied: the environment that the cloud tells counts, and the bill's may only raise it."""
    names = (seen, evidence.environment) if seen else (None,)
    needs = _needs(current, draft.kind, names, evidence, involved, sum_)
    if draft.authority == BREAK_GLASS:
        needs = _in_emergency(current, needs, draft.kind, draft.incident)
    return Pinned(
        rules_version=current.rules_version,
        rules_digest=current.rules_digest,
        people_version=current.people_version,
        people_digest=current.people_digest,
        environment=needs.environment,
        reason=needs.reason,
        slots=tuple(tuple(sorted(slot.roles)) for slot in needs.slots),
        authority=draft.authority,
        class_name=needs.class_name,
        together=_stored(sum_),
    )


def required_now(current: Active, sealed: Sealed, evidence: Evidence, seen: str | None) -> Requirement:
    """The votes that the rules in force now ask for, of the same bytes in the environment that is seen now."""
    names = (seen, evidence.environment) if seen else (None,)
    involved, sum_ = (sealed.requester, *sealed.editors), _summed(sealed.policy.together, evidence)
    needs = _needs(current, filed_as(sealed.change), names, evidence, involved, sum_)
    emergency = sealed.policy.authority == BREAK_GLASS
    return _in_emergency(current, needs, filed_as(sealed.change), sealed.incident) if emergency else needs


def _needs(
    current: Active,
    kind: str,
    names: tuple[str | None, ...],
    evidence: Evidence,
    involved: tuple[str, ...],
    sum_: Summed | None,
) -> Requirement:
    held = frozenset(role for person in involved for role in current.people.roles(person))
    environment = current.rules.environment(*names)
    return current.rules.requirement(kind, environment, evidence.amount, evidence.currency, held, together=sum_)


def _in_emergency(current: Active, needs: Requirement, kind: str, incident: str | None) -> Requirement:
    """The emergency's own votes. Where break-glass was abolished meanwhile none are left, which is never a quorum."""
    if current.rules.break_glass is None:
        return replace(needs, slots=(), reason="the rules in force know no break-glass any more")
    found = emergency_requirement(kind, needs.environment, current.rules)
    return replace(found, reason=f"{incident}: {found.reason}")


def _stored(sum_: Summed) -> Together | None:
    if not sum_.others:
        return None
    amount = None if sum_.amount is None else format(sum_.amount, "f")
    return Together(amount=amount, others=sum_.others, unknown=sum_.unknown, scope=sum_.scope, days=sum_.days)


def _summed(stored: Together | None, evidence: Evidence) -> Summed | None:
    if stored is None:
        return None
    amount = None if stored.amount is None else Decimal(stored.amount)
    return Summed(
        amount=amount,
        currency=evidence.currency,
        alone=evidence.amount,
        others=stored.others,
        unknown=stored.unknown,
        scope=stored.scope,
        days=stored.days,
    )
