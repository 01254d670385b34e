"""Applies the policy in force to one change: what is fixed at sealing, and computed anew at the claim."""

from approvals.active import Active
from approvals.evidence import Evidence
from approvals.sealed import Pinned


def pin(current: Active, kind: str, evidence: Evidence, seen: str | None, involved: tuple[str, ...]) -> Pinned:
    """The policy in force, applied: the environment that the cloud tells counts, and the bill's may only raise it."""
    names = (seen, evidence.environment) if seen else (None,)
    environment = current.rules.environment(*names)
    held = frozenset(role for person in involved for role in current.people.roles(person))
    needs = current.rules.requirement(kind, environment, evidence.amount, evidence.currency, held)
    return Pinned(
        rules_version=current.rules_version,
        rules_digest=current.rules_digest,
        people_version=current.people_version,
        people_digest=current.people_digest,
        environment=environment,
        reason=needs.reason,
        slots=tuple(tuple(sorted(slot.roles)) for slot in needs.slots),
    )
