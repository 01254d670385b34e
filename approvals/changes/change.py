"""Any change, as it is stored and read back: the word in `kind` says which class it is."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from approvals.changes.instance import StartInstance, StopInstance
from approvals.errors import GateError

AnyChange = Annotated[StopInstance | StartInstance, Field(discriminator="kind")]
KINDS = ("stop_instance", "start_instance")

_ADAPTER: TypeAdapter[StopInstance | StartInstance] = TypeAdapter(AnyChange)


def parse_change(stored: dict[str, Any]) -> StopInstance | StartInstance:
    """The typed change of `stored`; anything unknown, missing or too much is a GateError that names the field."""
    try:
        return _ADAPTER.validate_python(stored)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        raise GateError(
            "this is not a change that Spendgate knows",
            why=faults,
            do=f"Known kinds: {', '.join(KINDS)}",
        ) from None
