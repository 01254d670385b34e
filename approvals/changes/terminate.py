"""Terminating one stopped EC2 instance for good, after an image of it was made: two steps, the second only after the
first is read back as done.

The image holds the disks. What no image holds is lost: the machine's id, its addresses, its instance store.
"""

from typing import Any, ClassVar, Literal

from approvals.changes.instance import OnInstance
from approvals.changes.names import ImageName, VolumeId
from approvals.changes.step import Request, ReversibilityClass, Step

IMAGE_OF = "spendgate:image-of"
"""The tag of the image and of its snapshots: which machine they are of."""


class TerminateInstance(OnInstance):
    """Make an image of a stopped instance under `image_name`, then terminate it.

    `disks` are its EBS volumes, of each of which the image must hold a completed snapshot. No bill tells them: the
    worker fills them in before sealing.
    """

    kind: Literal["terminate_instance"] = "terminate_instance"
    reversibility_class: ClassVar[ReversibilityClass] = "irreversible"

    image_name: ImageName
    disks: tuple[VolumeId, ...] = ()

    def title(self) -> str:
        """What would happen, with every id in full."""
        return (
            f"Make the image {self.image_name} of EC2 instance {self.instance_id}, then terminate the instance for good"
            f" in {self.region} (account {self.account})"
        )

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": self.from_state()}

    def from_state(self) -> str:
        """The state in which alone this change makes sense."""
        return "stopped"

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return (
            "irreversible: the machine's id, its addresses and its instance store are lost for good; people can launch"
            f" another machine with the same disks from the image {self.image_name}, as long as they keep it"
        )

    def steps(self) -> tuple[Step, ...]:
        """The image, then the termination. Nothing undoes either: a person may deregister the image, or launch it."""
        return (
            Step(number=1, request=self._imaging(), expect={"image": "available"}, passing=({"image": "pending"},)),
            Step(
                number=2,
                request=self.request("ec2:TerminateInstances"),
                expect={"state": "gone", "image": "available"},
                passing=({"state": "shutting-down"},),
            ),
        )

    def first_by_hand(self) -> str:
        """What people do first where the termination is theirs: no tool that owns a machine keeps its disks."""
        return f"First make an image named {self.image_name} of {self.instance_id} and wait until it is available."

    @property
    def copy_tags(self) -> dict[str, str]:
        """The tags by which the image that it leaves and its snapshots are known."""
        return {IMAGE_OF: self.instance_id}

    def _imaging(self) -> Request:
        """Without a reboot: somebody may start the machine at this very moment, and then it is left alone."""
        tags: list[dict[str, Any]] = [{"Key": key, "Value": value} for key, value in self.copy_tags.items()]
        marked = [{"ResourceType": kind, "Tags": tags} for kind in ("image", "snapshot")]
        return self.request(
            "ec2:CreateImage",
            InstanceId=self.instance_id,
            Name=self.image_name,
            NoReboot=True,
            TagSpecifications=marked,
        )
