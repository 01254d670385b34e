"""Having AWS set how many machines one variant of a SageMaker endpoint runs, by its calls, and ending that.

What is voted on is a standing order within two bounds: never fewer machines than the least, never more than run today.
Application Auto Scaling follows the calls for each machine, the one measure that SageMaker counts for every endpoint.
Ending it deletes the policy, which leaves the number where it happens to be; so the number is set back besides.
"""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from approvals.changes.endpoint import OnEndpoint
from approvals.changes.endpoint_count import Machines, setting_machines
from approvals.changes.names import VariantName
from approvals.changes.step import Request, ReversibilityClass, Step

Calls = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]
NONE = "none"
POLICY, METRIC = "spendgate-calls", "SageMakerVariantInvocationsPerInstance"
DIMENSION, NAMESPACE = "sagemaker:variant:DesiredInstanceCount", "sagemaker"
COOLDOWN_SECONDS = 300
"""AWS's own for endpoints, both ways; written out, so that what is approved does not follow AWS's defaults."""
REGISTER, DEREGISTER = (f"application-autoscaling:{name}ScalableTarget" for name in ("Register", "Deregister"))
PUT = "application-autoscaling:PutScalingPolicy"


class OnScaling(OnEndpoint):
    """The scaling of an endpoint's one variant: from `least` to `most` machines, so that each answers about `calls`
    calls a minute. `most` is what runs without it.

    No bill tells the variant's name: a draft may leave it out, and it is read before sealing.
    """

    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    least: Machines
    most: Machines
    calls: Calls
    variant: VariantName | None = None

    @model_validator(mode="after")
    def _room_to_scale(self) -> Self:
        if self.least >= self.most:
            raise ValueError("least must be below most: there is nothing to scale")
        return self

    def between(self) -> str:
        """Its bounds, as the inspector writes them."""
        return f"{self.least} to {self.most} machines"

    def words(self) -> str:
        """The scaling for a person, and as a read-back shows it."""
        return f"{self.between()} at {self.calls} calls a minute each"

    def bare(self) -> str:
        """Bounds that no policy makes use of, as a read-back shows them."""
        return f"{self.between()}, no policy"

    def wanted(self) -> dict[str, Any]:
        """The policy as AWS is asked for it."""
        return {
            "TargetValue": self.calls,
            "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
            "ScaleInCooldown": COOLDOWN_SECONDS,
            "ScaleOutCooldown": COOLDOWN_SECONDS,
            "DisableScaleIn": False,
        }

    def registering(self) -> Request:
        """The request that sets the bounds."""
        return self._scaling(REGISTER, MinCapacity=self.least, MaxCapacity=self.most)

    def policing(self) -> Request:
        """The request that makes the policy."""
        return self._scaling(
            PUT, PolicyName=POLICY, PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=self.wanted(),
        )  # fmt: skip

    def deregistering(self) -> Request:
        """The request that ends it: AWS deletes the policy with the bounds."""
        return self._scaling(DEREGISTER)

    def _scaling(self, operation: str, **more: Any) -> Request:
        named = {
            "ServiceNamespace": NAMESPACE,
            "ResourceId": f"endpoint/{self.endpoint}/variant/{self.variant}",
            "ScalableDimension": DIMENSION,
        }
        return Request(operation=operation, account=self.account, region=self.region, parameters=named | more)

    def fields(self) -> dict[str, Any]:
        """What both directions have in common."""
        return self.model_dump(include={"account", "region", "endpoint", "least", "most", "calls", "variant"})


class SetEndpointScaling(OnScaling):
    """Have AWS set the number from now on."""

    kind: Literal["set_endpoint_scaling"] = "set_endpoint_scaling"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return (
            f"Have AWS scale SageMaker endpoint {self.endpoint} by its calls: {self.words()}"
            f" in {self.region} (account {self.account})"
        )

    def back(self, done: int) -> "EndEndpointScaling":
        """The change that undoes as many of its steps."""
        return EndEndpointScaling(**self.fields(), policy=done > 1)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        runs = {"machines": f"{self.most} of variant {self.variant}"} if self.variant else {}
        return {"status": "InService", "scaling": NONE} | runs

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return (
            "reversible: the scaling can be ended and the number set back; until then AWS sets it between the two"
            " bounds, whatever is frozen"
        )

    def steps(self) -> tuple[Step, ...]:
        """Bounds first, since AWS takes no policy without them; then the policy."""
        return (
            Step(number=1, request=self.registering(), expect={"scaling": self.bare()}, inverse=self.deregistering()),
            Step(number=2, request=self.policing(), expect={"scaling": self.words()}, inverse=self.deregistering()),
        )


class EndEndpointScaling(OnScaling):
    """End the scaling and set the number back; `policy` False where only the bounds were ever set, so that nothing
    moved the number.
    """

    kind: Literal["end_endpoint_scaling"] = "end_endpoint_scaling"

    policy: bool = True

    def title(self) -> str:
        """What would happen, with every id in full."""
        then = f" and run {self.most} machines" if self.policy else ""
        return (
            f"No longer have AWS scale SageMaker endpoint {self.endpoint}{then}"
            f" in {self.region} (account {self.account})"
        )

    def back(self) -> SetEndpointScaling:
        """The change that undoes this one."""
        return SetEndpointScaling(**self.fields())

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"scaling": self.words() if self.policy else self.bare()}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the same scaling can be set again"

    def steps(self) -> tuple[Step, ...]:
        """The end of the scaling, once no change of it is on its way any more; then the number."""
        ended = Step(
            number=1, request=self.deregistering(), expect={"scaling": NONE, "status": "InService"},
            passing=({"scaling": NONE, "status": "Updating"},), inverse=self.registering(),
        )  # fmt: skip
        if not self.policy:
            return (ended,)
        runs = {"scaling": NONE, "status": "InService", "machines": f"{self.most} of variant {self.variant}"}
        back = Step(
            number=2, request=setting_machines(self, self.variant, self.most), expect=runs,
            passing=({"scaling": NONE, "status": "Updating"},),
            # How many ran is nothing that lasts under scaling: the least that may have.
            inverse=setting_machines(self, self.variant, self.least),
        )  # fmt: skip
        return ended, back
