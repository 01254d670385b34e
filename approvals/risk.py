"""How risky a sealed change is, by the bytes that are approved and the rules in force. Pure.

Two questions use it: which proposals deserve a second reading, and by which way a person may approve. A click in Slack
says who somebody claims to be; what cannot be taken back, or touches production or the gate itself, needs more.
"""

from decimal import Decimal
from enum import StrEnum

from approvals.changes.reversibility import class_of
from approvals.errors import GateError
from approvals.governance import GOVERNANCE
from approvals.rules import PRODUCTION, Rules
from approvals.sealed import Sealed
from approvals.store import BREAK_GLASS

GRAVE = frozenset({"irreversible", "commitment"})
HIGH_COLUMN = 2
"""The third column of the matrix: from there on a change is dear enough for a second reading."""
MANDATE_COLUMN = 3
"""The fourth column: from there on the amount is beyond what one approver is mandated for."""


class Risk(StrEnum):
    """How a person may approve: by one confirmed click, with a written reason, or on a page bound to that person."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def risk_of(sealed: Sealed, rules: Rules) -> Risk:
    """High: an emergency, irreversible, a commitment, the gate itself or production. Medium: several votes or dear."""
    grave = sealed.policy.authority == BREAK_GLASS or _grave(sealed) or sealed.change.kind in GOVERNANCE
    if grave or sealed.policy.environment == PRODUCTION:
        return Risk.HIGH
    several = len(sealed.policy.needed()) > 1
    return Risk.MEDIUM if several or _beyond(sealed, rules, column=MANDATE_COLUMN) else Risk.LOW


def high_risk(sealed: Sealed, rules: Rules) -> tuple[str, ...]:
    """Why this is a high-risk change, a word or two each; empty if it is none."""
    reasons = {
        "break-glass": sealed.policy.authority == BREAK_GLASS,
        "irreversible or a commitment": _grave(sealed),
        "a change of the gate": sealed.change.kind in GOVERNANCE,
        "production": sealed.policy.environment == PRODUCTION,
        "a high amount": _beyond(sealed, rules, column=HIGH_COLUMN),
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def _grave(sealed: Sealed) -> bool:
    """By the rules' class or by what the code knows of its steps; what the code does not know counts as grave."""
    try:
        return bool({sealed.policy.class_name, class_of(sealed.change)} & GRAVE)
    except GateError:
        return True


def _beyond(sealed: Sealed, rules: Rules, *, column: int) -> bool:
    """An amount beyond that many columns; what is not known, or told in another currency, counts as beyond."""
    together = sealed.policy.together
    amounts = (
        [sealed.amount.value] if together is None or not together.others else [sealed.amount.value, together.amount]
    )
    if None in amounts or sealed.amount.currency != rules.currency or not rules.limits:
        return True
    limit = rules.limits[min(column, len(rules.limits)) - 1]
    return any(abs(Decimal(amount)) > limit for amount in amounts if amount is not None)
