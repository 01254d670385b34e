"""Why a change is proposed: figures that tools computed, as values with their queries. Never a sentence of a model.

The gate reads only what it must judge by (amount, currency, environment); the rest is shown and kept as given.
"""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from approvals.errors import GateError
from audit.canonical import canonical


class Evidence(BaseModel):
    """`amount` is the annualised effective cost of the resource; `saving` is what the proposer expects, a year."""

    model_config = ConfigDict(frozen=True, extra="allow")

    amount: Decimal | None = None
    currency: str | None = None
    saving: Decimal | None = None
    environment: str | None = None
    team: str | None = None
    resource_name: str | None = None
    window: str | None = None
    figures: tuple[dict[str, Any], ...] = ()

    @field_validator("amount", "saving", mode="before")
    @classmethod
    def _no_float(cls, value: Any) -> Any:
        if isinstance(value, float):
            raise ValueError("money is text or a Decimal, never a float")  # noqa: TRY004 - pydantic collects ValueErrors
        return value

    @field_validator("amount", "saving")
    @classmethod
    def _finite(cls, value: Decimal | None) -> Decimal | None:
        if value is not None and not value.is_finite():
            raise ValueError("money is a finite number")
        return value


def read_evidence(given: dict[str, Any]) -> Evidence:
    """The evidence of `given`; a value that cannot be read is a GateError that names it."""
    try:
        evidence = Evidence.model_validate(given)
        canonical(evidence.model_dump())
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
    except (TypeError, ValueError) as error:
        faults = str(error)
    else:
        return evidence
    raise GateError(
        "the evidence cannot be read", why=faults, do="Give amounts as decimal text, with the currency beside"
    )
