"""How far each change can be undone, computed from what it would send: no rules file and no model has a say in it.

A change says its class; its steps may say worse, and then the worst counts. One step that deletes makes the whole
change irreversible, wherever it stands in the chain, and so does a way back that would itself delete something.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final, get_args

from approvals.changes.change import CLOUD_KINDS, AnyChange, CloudChange
from approvals.changes.operation import Kind
from approvals.changes.operations import declared
from approvals.changes.step import Request, ReversibilityClass, Step

ORDER: Final[tuple[ReversibilityClass, ...]] = get_args(ReversibilityClass)
"""From what is easily undone to what binds money."""

BY_KIND: Final = MappingProxyType(
    {
        one.model_fields["kind"].default: one.reversibility_class
        for one in get_args(CloudChange)
        if one.model_fields["kind"].default in CLOUD_KINDS
    }
)
"""What the code says of each kind of change; what each single change sends is judged besides when it is sealed."""


def worst(classes: Iterable[ReversibilityClass]) -> ReversibilityClass:
    """The one that can be undone least; reversible of none."""
    return max(classes, key=ORDER.index, default=ORDER[0])


def class_of_request(request: Request) -> ReversibilityClass:
    """By what its operation is declared to do; a GateError for an operation that nobody declared."""
    operation = declared(request.operation)
    if operation.kind == Kind.PURCHASE:
        return "commitment"
    if operation.kind == Kind.DELETE:
        return "irreversible"
    if operation.inverse is not None:
        return "reversible"
    return "externally_reversible" if operation.undone_by is not None else "irreversible"


def class_of_step(step: Step) -> ReversibilityClass:
    """The worse of its request and its way back; a request that has an inverse, sealed without one, cannot go back."""
    own = class_of_request(step.request)
    if step.inverse is not None:
        return worst((own, class_of_request(step.inverse)))
    return worst((own, "irreversible")) if own == "reversible" else own


def class_of(change: AnyChange) -> ReversibilityClass:
    """The worst of what the change says of itself and of each of its steps."""
    return worst((change.reversibility_class, *(class_of_step(step) for step in change.steps())))
