"""Deleting a SageMaker endpoint whose configuration stays, and bringing it back from that configuration.

An endpoint is machines that run a configuration; the configuration, the model and its files are things of their own. So
deleting is undone by creating one of the same name, as long as it is sealed which configuration it ran.
"""

from typing import ClassVar, Literal

from approvals.changes.names import ConfigName, EndpointName, Placed
from approvals.changes.step import Request, ReversibilityClass, Step


class OnEndpoint(Placed):
    """A change of one endpoint, whatever it does to it."""

    provider: Literal["aws"] = "aws"
    endpoint: EndpointName

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:endpoint/{self.endpoint}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.endpoint

    def deleting(self) -> Request:
        """The request that deletes it."""
        return self._request("sagemaker:DeleteEndpoint", EndpointName=self.endpoint)

    def creating(self, config: str) -> Request:
        """The request that makes one of this name from the configuration."""
        return self._request("sagemaker:CreateEndpoint", EndpointName=self.endpoint, EndpointConfigName=config)

    def _request(self, operation: str, **parameters: str) -> Request:
        return Request(operation=operation, account=self.account, region=self.region, parameters=dict(parameters))


class DeleteEndpoint(OnEndpoint):
    """Delete an endpoint. No bill tells its configuration: a draft may leave it out, and it is read before sealing.

    Without it nothing would bring the endpoint back, so such a change counts as irreversible.
    """

    kind: Literal["delete_endpoint"] = "delete_endpoint"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    config: ConfigName | None = None

    def title(self) -> str:
        """What would happen, with every id in full."""
        runs = f", which runs {self.config}," if self.config else ""
        return f"Delete SageMaker endpoint {self.endpoint}{runs} in {self.region} (account {self.account})"

    def inverse(self) -> "CreateEndpoint | None":
        """The change that undoes this one; None while it is not known what the endpoint runs."""
        if self.config is None:
            return None
        return CreateEndpoint(account=self.account, region=self.region, endpoint=self.endpoint, config=self.config)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "InService"} | ({"config": self.config} if self.config else {})

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        if self.config is None:
            return "reversible only once its configuration is known"
        return (
            "reversible: can be created again from its configuration, in minutes and if such machines are to be had;"
            " its tags are not brought back"
        )

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self.deleting(),
                expect={"status": "gone"},
                passing=({"status": "Deleting"},),
                inverse=self.creating(self.config) if self.config else None,
            ),
        )


class CreateEndpoint(OnEndpoint):
    """Create an endpoint from a configuration that is there: its machines cost from then on."""

    kind: Literal["create_endpoint"] = "create_endpoint"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    config: ConfigName

    def title(self) -> str:
        """What would happen, with every id in full."""
        where = f"in {self.region} (account {self.account})"
        return f"Create SageMaker endpoint {self.endpoint} from configuration {self.config} {where}"

    def inverse(self) -> DeleteEndpoint:
        """The change that undoes this one."""
        return DeleteEndpoint(account=self.account, region=self.region, endpoint=self.endpoint, config=self.config)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "gone"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be deleted again; the hours run until then are paid"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self.creating(self.config),
                expect={"status": "InService", "config": self.config},
                passing=({"status": "Creating"},),
                inverse=self.deleting(),
            ),
        )
