"""Deleting one EBS volume that nothing is attached to. There is no way back."""

from typing import ClassVar, Literal

from approvals.changes.names import Placed, VolumeId
from approvals.changes.step import Request, ReversibilityClass, Step


class OnVolume(Placed):
    """What every change of one EBS volume has in common."""

    provider: Literal["aws"] = "aws"

    volume_id: VolumeId

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:ec2:{self.region}:{self.account}:volume/{self.volume_id}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.volume_id


class DeleteVolume(OnVolume):
    """Delete an unattached volume for good: its data is gone unless a snapshot holds it."""

    kind: Literal["delete_volume"] = "delete_volume"
    reversibility_class: ClassVar[ReversibilityClass] = "irreversible"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Delete EBS volume {self.volume_id} in {self.region} (account {self.account}) for good"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": "available"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "irreversible: the data on it is lost for good, except what a snapshot holds"

    def steps(self) -> tuple[Step, ...]:
        """The one request; its effect is that the volume is not there any more, and nothing undoes it."""
        parameters = {"VolumeId": self.volume_id}
        request = Request(operation="ec2:DeleteVolume", account=self.account, region=self.region, parameters=parameters)
        return (Step(number=1, request=request, expect={"state": "gone"}, passing=({"state": "deleting"},)),)
