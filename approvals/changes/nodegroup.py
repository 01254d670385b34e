"""Scaling one EKS managed node group: its smallest, largest and wanted number of nodes."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from approvals.changes.names import ClusterName, NodeGroupName, Placed
from approvals.changes.step import Request, ReversibilityClass, Step

Count = Annotated[int, Field(ge=0, le=10_000, strict=True)]


class Sizes(BaseModel):
    """How many nodes: at least, at most, and now. EKS refuses a largest number of 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: Count
    max: Annotated[Count, Field(ge=1)]
    desired: Count

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.min <= self.desired <= self.max:
            raise ValueError(f"desired {self.desired} is not between min {self.min} and max {self.max}")
        return self

    def fields(self) -> dict[str, str]:
        """The numbers as a read-back shows them."""
        return {"min": str(self.min), "max": str(self.max), "desired": str(self.desired)}

    def words(self) -> str:
        """The numbers for a person."""
        return f"{self.desired} ({self.min} to {self.max})"


class ScaleNodeGroup(Placed):
    """Scale a node group: pods on the nodes that go are evicted, and nodes that come cost from then on."""

    kind: Literal["scale_node_group"] = "scale_node_group"
    provider: Literal["aws"] = "aws"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    cluster: ClusterName
    nodegroup: NodeGroupName
    before: Sizes
    after: Sizes

    @model_validator(mode="after")
    def _other_sizes(self) -> Self:
        if self.before == self.after:
            raise ValueError("after is the same as before: at least one number must change")
        return self

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:eks:{self.region}:{self.account}:nodegroup/{self.cluster}/{self.nodegroup}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return f"{self.cluster}/{self.nodegroup}"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return (
            f"Scale EKS node group {self.target} from {self.before.words()} to {self.after.words()} nodes"
            f" in {self.region} (account {self.account})"
        )

    def inverse(self) -> "ScaleNodeGroup":
        """The change that undoes this one."""
        return self.model_copy(update={"before": self.after, "after": self.before})

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "ACTIVE", **self.before.fields()}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be scaled back; pods on nodes that go are evicted, and local data on them is lost"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self._request(self.after),
                expect={"status": "ACTIVE", **self.after.fields()},
                passing=({"status": "UPDATING"},),
                inverse=self._request(self.before),
            ),
        )

    def _request(self, sizes: Sizes) -> Request:
        scaling = {"minSize": sizes.min, "maxSize": sizes.max, "desiredSize": sizes.desired}
        parameters = {"clusterName": self.cluster, "nodegroupName": self.nodegroup, "scalingConfig": scaling}
        return Request(
            operation="eks:UpdateNodegroupConfig", account=self.account, region=self.region, parameters=parameters
        )
