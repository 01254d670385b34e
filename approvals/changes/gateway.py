"""Changes of a gateway to language models (LiteLLM): how much a key or a team may spend, and whether a key is let in.

A key is named by its hash, as the gateway's own log names it; the key itself is a secret and stands in no change.
"""

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from approvals.changes.step import Request, ReversibilityClass, Step

GatewayName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
KeyHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
TeamId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$")]
Dollars = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{0,3}[1-9])?$")]
"""An amount of which there is one way to write it, with no more digits than the gateway's own numbers keep."""
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}(s|m|h|d|w|mo)$")]
NOTHING = "none"
PROXY = "proxy"


class Budget(BaseModel):
    """At most `max_budget` US dollars in every `duration` ("1d": from midnight); None for neither.

    A duration without an amount limits nothing, so there is no such budget.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_budget: Dollars | None = None
    duration: Duration | None = None

    @model_validator(mode="after")
    def _of_an_amount(self) -> Self:
        if self.max_budget is None and self.duration is not None:
            raise ValueError("a budget without an amount has no duration")
        return self

    @property
    def value(self) -> Decimal | None:
        return None if self.max_budget is None else Decimal(self.max_budget)

    def fields(self) -> dict[str, str]:
        """The budget as a read-back shows it."""
        return {"max_budget": self.max_budget or NOTHING, "budget_duration": self.duration or NOTHING}

    def words(self) -> str:
        """The budget for a person."""
        if self.max_budget is None:
            return "no budget"
        return f"{self.max_budget} USD" + (f" every {self.duration}" if self.duration else " in all")


class OnGateway(BaseModel):
    """A change of one gateway, whatever it does to it. `account` is the name that the worker's settings give it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["litellm"] = "litellm"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    account: GatewayName

    @property
    def region(self) -> str:
        """Where the request goes: the gateway is in no region."""
        return PROXY

    def _request(self, operation: str, **parameters: Any) -> Request:
        return Request(operation=operation, account=self.account, region=PROXY, parameters=dict(parameters))


class OnKey(OnGateway):
    """A change of one key."""

    key: KeyHash

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"litellm:{self.account}:key/{self.key}"

    @property
    def target(self) -> str:
        """The key's hash, as the gateway's log names it."""
        return self.key

    def blocking(self) -> Request:
        """The request that blocks it."""
        return self._request("litellm:BlockKey", key=self.key)

    def unblocking(self) -> Request:
        """The request that lets it in again."""
        return self._request("litellm:UnblockKey", key=self.key)


class BlockGatewayKey(OnKey):
    """Block a key: whatever uses it is refused from then on; nothing of it is deleted."""

    kind: Literal["block_gateway_key"] = "block_gateway_key"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Block key {self.key} of gateway {self.account}"

    def inverse(self) -> "UnblockGatewayKey":
        """The change that undoes this one."""
        return UnblockGatewayKey(account=self.account, key=self.key)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"blocked": "no"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be let in again within seconds; requests that were refused meanwhile are lost"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (Step(number=1, request=self.blocking(), expect={"blocked": "yes"}, inverse=self.unblocking()),)


class UnblockGatewayKey(OnKey):
    """Let a blocked key in again: what it is used for costs again."""

    kind: Literal["unblock_gateway_key"] = "unblock_gateway_key"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Let key {self.key} of gateway {self.account} in again"

    def inverse(self) -> BlockGatewayKey:
        """The change that undoes this one."""
        return BlockGatewayKey(account=self.account, key=self.key)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"blocked": "yes"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be blocked again; what was spent until then is paid"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (Step(number=1, request=self.unblocking(), expect={"blocked": "no"}, inverse=self.blocking()),)


class SetGatewayBudget(OnGateway):
    """Let a key or a team spend so much and no more. What it may spend now is read before sealing, for the way back.

    Without that nothing would bring the earlier budget back, so such a change counts as irreversible.
    """

    kind: Literal["set_gateway_budget"] = "set_gateway_budget"

    key: KeyHash | None = None
    team: TeamId | None = None
    after: Budget
    before: Budget | None = None

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.key is None) == (self.team is None):
            raise ValueError("a budget is that of a key or that of a team")
        if self.before == self.after:
            raise ValueError("after is the same as before")
        return self

    @property
    def resource(self) -> str:
        """The one name of the resource; a key's is the same whatever is done to it."""
        return f"litellm:{self.account}:{f'key/{self.key}' if self.key else f'team/{self.team}'}"

    @property
    def target(self) -> str:
        """The key's hash, or the team's id."""
        return str(self.key or self.team)

    def title(self) -> str:
        """What would happen, with every id in full."""
        was = f" (now: {self.before.words()})" if self.before else ""
        return (
            f"Set the budget of {'key' if self.key else 'team'} {self.target} of gateway {self.account} to "
            f"{self.after.words()}{was}"
        )

    def inverse(self) -> "SetGatewayBudget | None":
        """The change that undoes this one; None while it is not known what it may spend now."""
        return self.model_copy(update={"before": self.after, "after": self.before}) if self.before else None

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return self.before.fields() if self.before else {}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        if self.before is None:
            return "reversible only once the earlier budget is known"
        return f"reversible: {self.before.words()} can be set again; requests that were refused meanwhile are lost"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        back = self._setting(self.before) if self.before else None
        return (Step(number=1, request=self._setting(self.after), expect=self.after.fields(), inverse=back),)

    def _setting(self, budget: Budget) -> Request:
        given = {"max_budget": budget.max_budget, "budget_duration": budget.duration}
        if self.key:
            return self._request("litellm:UpdateKey", key=self.key, **given)
        return self._request("litellm:UpdateTeam", team_id=self.team, **given)
