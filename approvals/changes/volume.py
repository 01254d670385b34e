"""Deleting one EBS volume that nothing is attached to, after a snapshot of it was made. There is no way back."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from approvals.changes.names import Placed, VolumeId
from approvals.changes.step import Request, ReversibilityClass, Step

COPY_OF, COPY = "spendgate:copy-of", "spendgate:copy"
"""The tags of a snapshot that was made before its disk was deleted: of which disk, and which one of its copies."""


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
    """Delete an unattached volume for good, after a snapshot of it was made where `snapshot` says so.

    A change that was sealed before there was this field makes none. `copy_number` tells this change's snapshot from
    those that earlier ones left; the worker fills it in before sealing.
    """

    kind: Literal["delete_volume"] = "delete_volume"
    reversibility_class: ClassVar[ReversibilityClass] = "irreversible"

    snapshot: Literal["none", "first"] = "none"
    copy_number: Annotated[int, Field(ge=0, le=9999, strict=True)] = 0

    def title(self) -> str:
        """What would happen, with every id in full."""
        first = f"Make a snapshot of EBS volume {self.volume_id}, then delete the volume"
        deed = first if self.snapshot == "first" else f"Delete EBS volume {self.volume_id}"
        return f"{deed} in {self.region} (account {self.account}) for good"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": "available"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        if self.snapshot == "first":
            return (
                "irreversible: its id is lost for good; people can make another disk with the same data of the snapshot"
                f" that is tagged {COPY_OF} {self.volume_id}, as long as they keep it"
            )
        return "irreversible: the data on it is lost for good, except what a snapshot holds"

    def steps(self) -> tuple[Step, ...]:
        """The snapshot where there is one, then the deletion, after which the volume is not there any more.

        Nothing undoes either: a person may delete the snapshot, or make a disk of it.
        """
        going: tuple[dict[str, str], ...] = ({"state": "deleting"},)
        request = self._request("ec2:DeleteVolume", VolumeId=self.volume_id)
        if self.snapshot == "none":
            return (Step(number=1, request=request, expect={"state": "gone"}, passing=going),)
        copied = {"copy": "completed"}
        return (
            Step(number=1, request=self._copying(), expect=copied, passing=({"copy": "pending"},)),
            Step(number=2, request=request, expect={"state": "gone"} | copied, passing=going),
        )

    def first_by_hand(self) -> str:
        """What people do first where the deletion is theirs: no tool that owns a disk keeps what is on it."""
        if self.snapshot == "none":
            return ""
        tags = " and ".join(f"{key} = {value}" for key, value in self.copy_tags.items())
        return f"First make a snapshot of {self.volume_id} with the tags {tags}, and wait until it is completed."

    @property
    def copy_tags(self) -> dict[str, str]:
        """The tags by which the snapshot that it leaves is known; none where it leaves none."""
        return {} if self.snapshot == "none" else {COPY_OF: self.volume_id, COPY: str(self.copy_number)}

    def _copying(self) -> Request:
        tags = [{"Key": key, "Value": value} for key, value in self.copy_tags.items()]
        marked = [{"ResourceType": "snapshot", "Tags": tags}]
        return self._request("ec2:CreateSnapshot", VolumeId=self.volume_id, TagSpecifications=marked)

    def _request(self, operation: str, **parameters: object) -> Request:
        return Request(operation=operation, account=self.account, region=self.region, parameters=dict(parameters))
