"""Releasing one public address that is attached to nothing. There is no way back: AWS gives it to others."""

from typing import ClassVar, Literal

from approvals.changes.names import AllocationId, Placed
from approvals.changes.step import Request, ReversibilityClass, Step


class ReleaseAddress(Placed):
    """Release an Elastic IP address: whatever still names it would then reach somebody else's machine."""

    kind: Literal["release_address"] = "release_address"
    provider: Literal["aws"] = "aws"
    reversibility_class: ClassVar[ReversibilityClass] = "irreversible"

    allocation_id: AllocationId

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:ec2:{self.region}:{self.account}:elastic-ip/{self.allocation_id}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.allocation_id

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Release public address {self.allocation_id} in {self.region} (account {self.account}) for good"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": "unattached"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "irreversible: AWS gives a released address to others; what still names it would reach them"

    def steps(self) -> tuple[Step, ...]:
        """The one request; its effect is that the address is not there any more, and nothing undoes it."""
        parameters = {"AllocationId": self.allocation_id}
        request = Request(
            operation="ec2:ReleaseAddress", account=self.account, region=self.region, parameters=parameters
        )
        return (Step(number=1, request=request, expect={"state": "gone"}),)
