"""Deleting one EBS snapshot that nothing is made of. There is no way back."""

from typing import ClassVar, Literal

from approvals.changes.names import Placed, SnapshotId
from approvals.changes.step import Request, ReversibilityClass, Step


class DeleteSnapshot(Placed):
    """Delete a snapshot for good: what it alone holds of its disk is gone; what later snapshots need of it stays."""

    kind: Literal["delete_snapshot"] = "delete_snapshot"
    provider: Literal["aws"] = "aws"
    reversibility_class: ClassVar[ReversibilityClass] = "irreversible"

    snapshot_id: SnapshotId

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:ec2:{self.region}:{self.account}:snapshot/{self.snapshot_id}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.snapshot_id

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Delete EBS snapshot {self.snapshot_id} in {self.region} (account {self.account}) for good"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": "completed"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "irreversible: no disk can be made of it any more; a Recycle Bin keeps it only where you set one up"

    def steps(self) -> tuple[Step, ...]:
        """The one request; its effect is that the snapshot is not there any more, and nothing undoes it."""
        request = Request(
            operation="ec2:DeleteSnapshot", account=self.account, region=self.region,
            parameters={"SnapshotId": self.snapshot_id},
        )  # fmt: skip
        return (Step(number=1, request=request, expect={"state": "gone"}),)
