"""Setting how many machines one variant of a SageMaker endpoint runs: nothing else of the endpoint is touched.

SageMaker takes machines away, or brings more, while the endpoint goes on answering. Its configuration says only how
many it begins with, so a number that was set lasts until the endpoint is updated or made again.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from approvals.changes.endpoint import OnEndpoint
from approvals.changes.names import VariantName
from approvals.changes.step import Request, ReversibilityClass, Step

Machines = Annotated[int, Field(ge=1, le=10_000, strict=True)]


class SetEndpointCount(OnEndpoint):
    """Set the machines of an endpoint's one variant from `before` to `after`.

    No bill tells the variant's name: a draft may leave it out, and it is read before sealing.
    """

    kind: Literal["set_endpoint_count"] = "set_endpoint_count"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    before: Machines
    after: Machines
    variant: VariantName | None = None

    @model_validator(mode="after")
    def _another_number(self) -> Self:
        if self.before == self.after:
            raise ValueError("after is the same as before: there is nothing to change")
        return self

    def title(self) -> str:
        """What would happen, with every id in full."""
        return (
            f"Set SageMaker endpoint {self.endpoint} from {self.before} to {self.after} machines"
            f" in {self.region} (account {self.account})"
        )

    def inverse(self) -> "SetEndpointCount":
        """The change that undoes this one."""
        return self.model_copy(update={"before": self.after, "after": self.before})

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "InService"} | ({"machines": self._machines(self.before)} if self.variant else {})

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the number can be set back; more machines take minutes, and if such are to be had"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self._request_of(self.after),
                expect={"status": "InService", "machines": self._machines(self.after)},
                passing=({"status": "Updating"},),
                inverse=self._request_of(self.before),
            ),
        )

    def _machines(self, number: int) -> str:
        """As the inspector writes what runs."""
        return f"{number} of variant {self.variant}"

    def _request_of(self, number: int) -> Request:
        return setting_machines(self, self.variant, number)


def setting_machines(of: OnEndpoint, variant: str | None, number: int) -> Request:
    """The request that has an endpoint's variant run so many machines."""
    return Request(
        operation="sagemaker:UpdateEndpointWeightsAndCapacities", account=of.account, region=of.region,
        parameters={
            "EndpointName": of.endpoint,
            "DesiredWeightsAndCapacities": [{"VariantName": variant, "DesiredInstanceCount": number}],
        },
    )  # fmt: skip
