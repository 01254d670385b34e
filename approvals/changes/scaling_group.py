"""Setting the minimum of one Auto Scaling group: how many machines it keeps however little there is to do.

Nothing else of the group is touched. A lower minimum stops nothing by itself: the group's own policy takes machines
away when it finds them idle, and the group starts what a higher minimum asks for at once.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from approvals.changes.names import Placed, ScalingGroupName
from approvals.changes.step import Request, ReversibilityClass, Step

Minimum = Annotated[int, Field(ge=0, le=10_000, strict=True)]


class SetGroupMinimum(Placed):
    """Set the minimum from `before` to `after` machines."""

    kind: Literal["set_group_minimum"] = "set_group_minimum"
    provider: Literal["aws"] = "aws"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    group: ScalingGroupName
    before: Minimum
    after: Minimum

    @model_validator(mode="after")
    def _other_minimum(self) -> Self:
        if self.before == self.after:
            raise ValueError("after is the same as before: there is nothing to change")
        return self

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:autoscaling:{self.region}:{self.account}:autoScalingGroupName/{self.group}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.group

    def title(self) -> str:
        """What would happen, with every id in full."""
        return (
            f"Set the minimum of scaling group {self.group} from {self.before} to {self.after} machines"
            f" in {self.region} (account {self.account})"
        )

    def inverse(self) -> "SetGroupMinimum":
        """The change that undoes this one."""
        return self.model_copy(update={"before": self.after, "after": self.before})

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"min": str(self.before)}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the minimum can be set back; what runs on machines that the group takes away ends"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self._request(self.after),
                expect={"min": str(self.after)},
                inverse=self._request(self.before),
            ),
        )

    def _request(self, minimum: int) -> Request:
        return Request(
            operation="autoscaling:UpdateAutoScalingGroup", account=self.account, region=self.region,
            parameters={"AutoScalingGroupName": self.group, "MinSize": minimum},
        )  # fmt: skip
