"""Another model behind a name that a gateway's team or key calls: one alias of LiteLLM's, and none of the others.

LiteLLM takes a team's or a key's aliases only whole: what a request leaves out is gone. So the whole map is read before
sealing and stands in the sealed bytes; where anything in it changed since, nothing is sent.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from approvals.changes.gateway import NOTHING, KeyHash, OnGateway, TeamId
from approvals.changes.step import Request, ReversibilityClass, Step
from audit.canonical import canonical, sha256

ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}$")]
"""A model as the gateway calls it; a name that is called "none" would be told from no alias by nobody."""
Others = Annotated[dict[ModelName, ModelName], Field(max_length=50)]


class Route(BaseModel):
    """Which model answers for a name; None for no alias: the name means itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName | None = None

    @model_validator(mode="after")
    def _told_from_none(self) -> Self:
        if self.model == NOTHING:
            raise ValueError(f"a model is not called {NOTHING!r}")
        return self

    def fields(self) -> dict[str, str]:
        """The route as a read-back shows it."""
        return {"model_alias": self.model or NOTHING}

    def words(self) -> str:
        """The route for a person."""
        return self.model or "the model of that name itself"


class SetModelAlias(OnGateway):
    """Let another model answer for a name that a team or a key calls. What answers for it now, and all other aliases,
    are read before sealing, for the way back and since the gateway takes them only together.

    Without that nothing would bring the earlier ones back, so such a change counts as irreversible.
    """

    kind: Literal["set_model_alias"] = "set_model_alias"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    key: KeyHash | None = None
    team: TeamId | None = None
    model: ModelName
    after: Route
    before: Route | None = None
    others: Others | None = None

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if (self.key is None) == (self.team is None):
            raise ValueError("an alias is that of a key or that of a team")
        if self.model in (self.others or {}):
            raise ValueError("the alias itself is none of the others")
        if self.model in (self.after.model, self.before.model if self.before else None):
            raise ValueError("a name that stands for itself needs no alias")
        if (self.before is None) != (self.others is None):
            raise ValueError("what answers now and the other aliases are known together or not at all")
        if self.before == self.after:
            raise ValueError("after is the same as before")
        return self

    @property
    def resource(self) -> str:
        """The one name of the key or team; the same whatever is done to it."""
        return f"litellm:{self.account}:{f'key/{self.key}' if self.key else f'team/{self.team}'}"

    @property
    def target(self) -> str:
        """The key's hash, or the team's id."""
        return str(self.key or self.team)

    def title(self) -> str:
        """What would happen, with every id in full."""
        was = f" (now: {self.before.words()})" if self.before else ""
        return (
            f"Let {self.after.words()} answer for {self.model} of {'key' if self.key else 'team'} {self.target} of"
            f" gateway {self.account}{was}"
        )

    def inverse(self) -> "SetModelAlias | None":
        """The change that undoes this one; None while it is not known what answers now."""
        return self.model_copy(update={"before": self.after, "after": self.before}) if self.before else None

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        if self.before is None or self.others is None:
            return {}
        return {**self.before.fields(), "other_aliases": fingerprint(self.others)}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        if self.before is None:
            return "reversible only once it is known what answers now"
        return f"reversible: {self.before.words()} can answer again, unless other aliases were changed meanwhile"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        back = self._setting(self.before) if self.before else None
        expect = self.after.fields() | ({"other_aliases": fingerprint(self.others)} if self.others is not None else {})
        return (Step(number=1, request=self._setting(self.after), expect=expect, inverse=back),)

    def _setting(self, route: Route) -> Request:
        aliases = {**(self.others or {}), **({self.model: route.model} if route.model else {})}
        given: dict[str, Any] = {"key": self.key, "aliases": aliases}
        if self.team:
            given = {"team_id": self.team, "model_aliases": aliases}
        operation = "litellm:UpdateTeamAliases" if self.team else "litellm:UpdateKeyAliases"
        return self._request(operation, **given)


def fingerprint(aliases: dict[str, str]) -> str:
    """What tells one map of aliases from another."""
    return sha256(canonical(aliases))[:16]
