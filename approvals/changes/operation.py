"""What a declaration of an operation says, and the rules that it must keep.

The rules are checked when the declarations are imported, so that one that would let a purchase or a deletion go out
twice never starts.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an operation does to the world, as far as a second one matters."""

    MUTATION = "mutation"
    PURCHASE = "purchase"
    DELETE = "delete"


class Again(StrEnum):
    """Whether a request without an answer may be sent a second time."""

    NEVER = "never"
    SAME_TOKEN = "same token"  # noqa: S105 - the provider's idempotency token, no secret
    IF_ABSENT = "if proven absent"


class Proof(StrEnum):
    """How it is found out whether a request without an answer took effect."""

    READ_BACK = "read back"
    PROVIDER_TOKEN = "provider token"  # noqa: S105
    MARKER_TAG = "marker tag"
    CHANGE_HISTORY = "change history"


@dataclass(frozen=True)
class Operation:
    """One operation of one provider.

    `token`: the parameter that takes the provider's idempotency token, or None. `proof` and `proven_by`: how an effect
    or its absence is proven, and by which fields of the read-back. `settles`: after how many settle times an unchanged
    resource proves absence. `patience`: for how many settle times a resource on its way is waited for.
    `provider_checks`: what the provider itself refuses. `inverse`: the operation that undoes it; `undone_by`: who can
    undo it where no operation does. `stoppable`: False only for what must go out while the kill switch is on: the
    release of the switch itself.
    """

    name: str
    kind: Kind
    again: Again
    proof: Proof
    proven_by: tuple[str, ...]
    provider_checks: str
    token: str | None = None
    inverse: str | None = None
    undone_by: str | None = None
    settles: int = 1
    patience: int = 6
    stoppable: bool = True


def checked(*declared: Operation) -> dict[str, Operation]:
    """The declarations by name; ValueError for one that breaks a rule, naming it."""
    found: dict[str, Operation] = {}
    for operation in declared:
        for broken in _broken(operation):
            raise ValueError(f"{operation.name}: {broken}")
        if operation.name in found:
            raise ValueError(f"{operation.name} is declared twice")
        found[operation.name] = operation
    for operation in declared:
        if operation.inverse is not None and operation.inverse not in found:
            raise ValueError(f"{operation.name}: its inverse {operation.inverse} is not declared")
    return found


def _broken(operation: Operation) -> list[str]:
    broken = []
    if operation.kind in (Kind.PURCHASE, Kind.DELETE) and operation.again != Again.NEVER:
        broken.append(f"a {operation.kind} is never sent again, whatever the provider promises")
    if operation.kind in (Kind.PURCHASE, Kind.DELETE) and operation.inverse is not None:
        broken.append(f"a {operation.kind} has no inverse")
    if operation.undone_by is not None and (operation.inverse is not None or operation.kind != Kind.MUTATION):
        broken.append("who can undo it is said only of a mutation that no operation undoes")
    if operation.again == Again.SAME_TOKEN and operation.token is None:
        broken.append("sending again with the same token needs a parameter that takes one")
    if operation.proof == Proof.PROVIDER_TOKEN and operation.token is None:
        broken.append("a proof by the provider's token needs a parameter that takes one")
    if not operation.proven_by:
        broken.append("nothing would tell whether it took effect")
    if ":" not in operation.name or operation.settles < 1 or operation.patience < operation.settles:
        broken.append("a name is service:Operation, and patience is at least the settle time")
    return broken
