"""One step of a change: exactly one request to a provider, what it is to lead to, and what would undo it.

The request's bytes follow from the step alone, so that the executor can compute them anew from what was sealed and
compare: what is sent is what was approved.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from audit.canonical import canonical, sha256

REQUEST = b"spendgate.request.v1\0"

ReversibilityClass = Literal["reversible", "externally_reversible", "irreversible", "commitment"]
"""How far a change can be undone, for rules: by its inverse; only by somebody outside; not; or money is bound."""


class Request(BaseModel):
    """One call: `operation` as "service:Operation", with the parameters exactly as they are sent.

    The provider's idempotency token is no parameter of it: the token follows from the digest of the bytes that hold
    this request, and the executor adds it where the operation takes one (`operations.py`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: str
    account: str
    region: str
    parameters: dict[str, Any]

    def hash(self) -> str:
        """SHA-256 over the canonical bytes of the request."""
        return sha256(REQUEST, canonical(self.model_dump()))


class Step(BaseModel):
    """A request with what its effect looks like when read back (`expect`), and on the way there (`passing`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    request: Request
    expect: dict[str, str]
    passing: tuple[dict[str, str], ...] = ()
    inverse: Request | None = None

    def sentence(self) -> str:
        """The step for a person, with nothing left out."""
        listed = "; ".join(f"{key} {_told(value)}" for key, value in sorted(self.request.parameters.items()))
        return f"{self.request.operation} in {self.request.region} of account {self.request.account}: {listed}"


def _told(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        if set(value) == {"Value"}:
            return _told(value["Value"])
        return ", ".join(f"{key} {_told(part)}" for key, part in sorted(value.items()))
    return ", ".join(_told(item) for item in value) if isinstance(value, list | tuple) else str(value)
