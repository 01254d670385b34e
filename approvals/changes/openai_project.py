"""Changes of one project at OpenAI: its hard limit of spend, how fast a model may be called, which models it may use.

Each is a setting that OpenAI keeps until it is set again. What stands there now is read before sealing, since only that
can be set again; without it a change counts as irreversible.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from approvals.changes.gateway import NOTHING, GatewayName
from approvals.changes.step import Request, ReversibilityClass, Step

ProjectId = Annotated[str, StringConstraints(pattern=r"^proj_[A-Za-z0-9]{1,64}$")]
RateLimitId = Annotated[str, StringConstraints(pattern=r"^rl-[A-Za-z0-9._:-]{1,100}$")]
ModelId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]
Count = Annotated[int, Field(ge=0, le=10**12, strict=True)]
ADMIN = "admin"


class _Setting(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpendLimit(_Setting):
    """At most so many US cents in a calendar month, enforced by OpenAI; None for no limit."""

    cents: Annotated[int, Field(ge=1, le=10**12, strict=True)] | None = None

    def fields(self) -> dict[str, str]:
        """The limit as a read-back shows it."""
        return {"spend_limit": NOTHING if self.cents is None else str(self.cents)}

    def words(self) -> str:
        """The limit for a person."""
        return "no limit" if self.cents is None else f"{self.cents // 100}.{self.cents % 100:02} USD a month"

    def parameters(self) -> dict[str, Any]:
        """What the request carries."""
        return {"threshold_amount": self.cents}


class Rates(_Setting):
    """Requests and tokens a minute of one model."""

    requests: Count
    tokens: Count

    def fields(self) -> dict[str, str]:
        """The rates as a read-back shows them."""
        return {"requests": str(self.requests), "tokens": str(self.tokens)}

    def words(self) -> str:
        """The rates for a person."""
        return f"{self.requests} requests and {self.tokens} tokens a minute"

    def parameters(self) -> dict[str, Any]:
        """What the request carries."""
        return {"max_requests_per_1_minute": self.requests, "max_tokens_per_1_minute": self.tokens}


class Models(_Setting):
    """Which models may be used: only those listed, or all but those; None for whatever the organisation may use."""

    mode: Literal["allow_list", "deny_list"] | None = None
    models: tuple[ModelId, ...] = ()

    @field_validator("models")
    @classmethod
    def _in_order(cls, models: tuple[str, ...]) -> tuple[str, ...]:
        if list(models) != sorted(set(models)):
            raise ValueError("models stand in the order of their names, each once")
        return models

    @model_validator(mode="after")
    def _whole(self) -> "Models":
        if (self.mode is None) != (not self.models):
            raise ValueError("a list names its mode and at least one model")
        return self

    def fields(self) -> dict[str, str]:
        """The permissions as a read-back shows them."""
        return {"models": f"{self.mode}: {', '.join(self.models)}" if self.mode else NOTHING}

    def words(self) -> str:
        """The permissions for a person."""
        listed = ", ".join(self.models)
        return {"allow_list": f"only {listed}", "deny_list": f"all but {listed}"}.get(self.mode or "", "all models")

    def parameters(self) -> dict[str, Any]:
        """What the request carries."""
        return {"mode": self.mode, "model_ids": list(self.models)}


class OnProject(BaseModel):
    """A change of one setting of a project. `account` is the name that the worker's settings give the organisation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["openai"] = "openai"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"
    operation: ClassVar[str]
    called: ClassVar[str]

    account: GatewayName
    project: ProjectId

    @model_validator(mode="after")
    def _other(self) -> "OnProject":
        if self._settings()[0] == self._settings()[1]:
            raise ValueError("after is the same as before")
        return self

    def _settings(self) -> tuple[Any, Any]:
        return getattr(self, "before", None), self.after  # type: ignore[attr-defined]

    @property
    def region(self) -> str:
        """Where the request goes: an organisation is in no region."""
        return ADMIN

    @property
    def named(self) -> dict[str, str]:
        """What names the setting in the request, beside what it is set to."""
        return {"project_id": self.project}

    @property
    def resource(self) -> str:
        """The one name of the setting, by which there is at most one open proposal."""
        return f"openai:{self.account}:{self.project}/{self.called}"

    @property
    def target(self) -> str:
        """The project's id."""
        return self.project

    def title(self) -> str:
        """What would happen, with every id in full."""
        before, after = self._settings()
        was = f" (now: {before.words()})" if before else ""
        return f"Set the {self._what()} of OpenAI project {self.project} ({self.account}) to {after.words()}{was}"

    def _what(self) -> str:
        return self.called.replace("_", " ")

    def inverse(self) -> Any:
        """The change that undoes this one; None while it is not known what stands there now."""
        before, after = self._settings()
        return self.model_copy(update={"before": after, "after": before}) if before else None

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        before = self._settings()[0]
        return before.fields() if before else {}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        before = self._settings()[0]
        if before is None:
            return "reversible only once it is known what stands there now"
        return f"reversible: {before.words()} can be set again; requests that were refused meanwhile are lost"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        before, after = self._settings()
        back = self._request(before) if before else None
        return (Step(number=1, request=self._request(after), expect=after.fields(), inverse=back),)

    def _request(self, setting: Any) -> Request:
        parameters = {**self.named, **setting.parameters()}
        return Request(operation=self.operation, account=self.account, region=ADMIN, parameters=parameters)


class SetOpenAISpendLimit(OnProject):
    """Let a project spend so much a month and no more: beyond it OpenAI refuses its requests."""

    kind: Literal["set_openai_spend_limit"] = "set_openai_spend_limit"
    operation: ClassVar[str] = "openai:SetSpendLimit"
    called: ClassVar[str] = "spend_limit"

    after: SpendLimit
    before: SpendLimit | None = None


class SetOpenAIRateLimit(OnProject):
    """Let a project call one model so fast and no faster."""

    kind: Literal["set_openai_rate_limit"] = "set_openai_rate_limit"
    operation: ClassVar[str] = "openai:SetRateLimit"
    called: ClassVar[str] = "rate_limit"

    rate_limit: RateLimitId
    after: Rates
    before: Rates | None = None

    @property
    def named(self) -> dict[str, str]:
        """A rate limit has an id of its own within the project."""
        return {"project_id": self.project, "rate_limit_id": self.rate_limit}

    @property
    def resource(self) -> str:
        """One name for each model's limit."""
        return f"openai:{self.account}:{self.project}/rate_limit/{self.rate_limit}"

    def _what(self) -> str:
        return f"rate limit {self.rate_limit}"


class SetOpenAIModels(OnProject):
    """Let a project use only these models, or all but these."""

    kind: Literal["set_openai_models"] = "set_openai_models"
    operation: ClassVar[str] = "openai:SetModelPermissions"
    called: ClassVar[str] = "model_permissions"

    after: Models
    before: Models | None = None
