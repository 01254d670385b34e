"""Having a SageMaker endpoint run on another type of machine, and going back: a new configuration, then an update.

A configuration is never changed, only made. So the new one is the old one with nothing but the type exchanged, field by
field in the sealed bytes, under a name that follows from both; the old one stays, and the way back is an update to it.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from approvals.changes.endpoint import OnEndpoint
from approvals.changes.names import ConfigName
from approvals.changes.step import Request, ReversibilityClass, Step

MlType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z][a-z0-9-]{0,20}\.[a-z0-9-]{1,20}$")]
LONGEST_NAME = 63
MADE, ABSENT = "as approved", "absent"
"""What a read-back says of the new configuration."""
UPDATE = "sagemaker:UpdateEndpoint"
ON_THE_WAY = ({"status": "Updating"}, {"status": "RollingBack"})


class OnEndpointType(OnEndpoint):
    """From type `before` to `after`. No bill tells the configuration `config` that the endpoint runs, nor the fields of
    it that are `copied`: a draft leaves both out, and they are read before sealing.
    """

    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    before: MlType
    after: MlType
    config: ConfigName | None = None
    copied: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _another_type(self) -> Self:
        if self.before == self.after:
            raise ValueError(f"it is {self.before} already: after must be another type")
        return self

    @property
    def new_config(self) -> str:
        """The name of the new configuration: the old one's, with the type behind it."""
        own, new = (kind.replace(".", "-") for kind in (self.before, self.after))
        old = (self.config or self.endpoint).removesuffix(f"-{own}")
        return f"{old[: LONGEST_NAME - len(new) - 1].rstrip('-')}-{new}"

    def wanted(self) -> dict[str, Any]:
        """The new configuration: every field of the old one, and the type."""
        variants = [one | {"InstanceType": self.after} for one in self.copied.get("ProductionVariants", [])]
        return self.copied | {"ProductionVariants": variants}

    def making(self) -> Request:
        """The request that makes the new configuration."""
        return self._of("sagemaker:CreateEndpointConfig", EndpointConfigName=self.new_config, **self.wanted())

    def deleting_config(self) -> Request:
        """The request that takes it away again."""
        return self._of("sagemaker:DeleteEndpointConfig", EndpointConfigName=self.new_config)

    def updating(self, config: str | None) -> Request:
        """The request that has the endpoint run this configuration, on as many machines as before."""
        return self._of(
            UPDATE, EndpointName=self.endpoint, EndpointConfigName=config, RetainAllVariantProperties=True
        )  # fmt: skip

    def _of(self, operation: str, **parameters: Any) -> Request:
        return Request(operation=operation, account=self.account, region=self.region, parameters=parameters)

    def fields(self) -> dict[str, Any]:
        """What both directions have in common."""
        return self.model_dump(include={"account", "region", "endpoint", "before", "after", "config", "copied"})


class SetEndpointType(OnEndpointType):
    """Run it on machines of the other type."""

    kind: Literal["set_endpoint_type"] = "set_endpoint_type"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return (
            f"Run SageMaker endpoint {self.endpoint} on {self.after} instead of {self.before}"
            f" in {self.region} (account {self.account})"
        )

    def back(self, done: int) -> "RestoreEndpointType":
        """The change that undoes as many of its steps."""
        return RestoreEndpointType(**self.fields(), updated=done > 1)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "InService", "next_config": ABSENT} | ({"config": self.config} if self.config else {})

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return (
            "reversible: can be updated back to its old configuration, which stays; it answers meanwhile, and old and"
            " new machines are both paid for some minutes"
        )

    def steps(self) -> tuple[Step, ...]:
        """The new configuration, which costs nothing; then the update to it."""
        made = Step(number=1, request=self.making(), expect={"next_config": MADE}, inverse=self.deleting_config())
        updated = Step(
            number=2, request=self.updating(self.new_config),
            expect={"status": "InService", "config": self.new_config}, passing=ON_THE_WAY,
            inverse=self.updating(self.config),
        )  # fmt: skip
        return made, updated


class RestoreEndpointType(OnEndpointType):
    """Run it on its old configuration again, and take the new one away; `updated` False where it never ran that."""

    kind: Literal["restore_endpoint_type"] = "restore_endpoint_type"

    updated: bool = True

    def title(self) -> str:
        """What would happen, with every id in full."""
        where = f"in {self.region} (account {self.account})"
        if not self.updated:
            return (
                f"Delete {self.new_config}, a configuration that SageMaker endpoint {self.endpoint} never ran, {where}"
            )
        return f"Run SageMaker endpoint {self.endpoint} on {self.before} again, by configuration {self.config}, {where}"

    def back(self) -> SetEndpointType:
        """The change that undoes this one."""
        return SetEndpointType(**self.fields())

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        runs = self.new_config if self.updated else str(self.config)
        return {"status": "InService", "config": runs, "next_config": MADE}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the same change can be made again"

    def steps(self) -> tuple[Step, ...]:
        """The update back, then the end of the configuration that nothing runs any more."""
        back = Step(
            number=1, request=self.updating(self.config),
            expect={"status": "InService", "config": str(self.config)}, passing=ON_THE_WAY,
            inverse=self.updating(self.new_config),
        )  # fmt: skip
        steps = (back,) if self.updated else ()
        gone = Step(
            number=len(steps) + 1, request=self.deleting_config(), expect={"next_config": ABSENT}, inverse=self.making()
        )
        return (*steps, gone)
