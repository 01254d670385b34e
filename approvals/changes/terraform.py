"""A change of something that Terraform owns: a patch for its configuration in place of requests to the cloud.

A live change would be undone by Terraform's next run, and until then the configuration would be untrue. So what people
vote on is the patch, and carrying it out is handing it over: nothing is sent to the cloud. Whether it was applied is
read off the resource afterwards, like the effect of any other change.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from approvals.changes.address import ReleaseAddress
from approvals.changes.endpoint import DeleteEndpoint
from approvals.changes.log_retention import SetLogRetention
from approvals.changes.resize import ResizeInstance
from approvals.changes.scaling_group import SetGroupMinimum
from approvals.changes.snapshot import DeleteSnapshot
from approvals.changes.step import Request, ReversibilityClass, Step
from approvals.changes.terminate import TerminateInstance
from approvals.changes.throughput import DeleteThroughput
from approvals.changes.volume import DeleteVolume
from approvals.changes.volume_type import ChangeVolumeType
from audit.canonical import canonical, sha256

Owned = (
    ResizeInstance | ChangeVolumeType | DeleteVolume | ReleaseAddress | SetLogRetention | SetGroupMinimum
    | DeleteEndpoint | DeleteThroughput | TerminateInstance | DeleteSnapshot
)  # fmt: skip
"""What Terraform would take back. Whether a machine or a notebook runs stands in no configuration: it stays live."""

HAND_OVER = "terraform:HandOver"
MOST_LINES = 40
USUAL_SPEED = (3000, 125)
"""IOPS and MB/s that every gp3 disk has."""
Line = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x08\x0a-\x1f\x7f]*$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class PatchTerraform(BaseModel):
    """The change that the patch would make (`of`), where its resource stands, and what to do about it in words.

    `address` is Terraform's own, empty where no state tells it; `diff` holds the lines of a unified diff without
    context, empty where the place could not be found beyond doubt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["patch_terraform"] = "patch_terraform"
    of: Annotated[Owned, Field(discriminator="kind")]
    address: Annotated[str, StringConstraints(max_length=300)] = ""
    instruction: Words
    diff: Annotated[tuple[Line, ...], Field(max_length=MOST_LINES)] = ()

    @property
    def account(self) -> str:
        """The account of what would change."""
        return self.of.account

    @property
    def region(self) -> str:
        """The region of what would change."""
        return self.of.region

    @property
    def provider(self) -> str:
        """Whose the resource is."""
        return self.of.provider

    @property
    def reversibility_class(self) -> ReversibilityClass:
        """That of what applying the patch does."""
        return self.of.reversibility_class

    @property
    def resource(self) -> str:
        """The resource's one name: a patch and a live change of it are never open at once."""
        return self.of.resource

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.of.target

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Hand over a patch for Terraform: {self.of.title()}"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return self.of.starts_from()

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return f"nothing is changed by handing it over; once applied {self.of.reversibility()}"

    def digest(self) -> str:
        """What names this very patch among the preconditions: another one is another change."""
        return sha256(canonical(self.model_dump()))[:16]

    def lines(self) -> tuple[str, ...]:
        """The patch for a person: the instruction, then the diff where there is one."""
        return (self.instruction, *self.diff)

    def steps(self) -> tuple[Step, ...]:
        """The one step: handing it over. In effect it is once the resource reads as the live change would leave it."""
        back = f"Take back: {self.instruction}" if self.of.reversibility_class == "reversible" else None
        inverse = self._request(back) if back else None
        return (Step(number=1, request=self._request(self.instruction), expect=self._expect(), inverse=inverse),)

    def _expect(self) -> dict[str, str]:
        expect: dict[str, str] = {}
        for step in self.of.steps():
            expect |= step.expect
        if isinstance(self.of, ChangeVolumeType) and (self.of.iops, self.of.throughput) == USUAL_SPEED:
            # Not set by the patch, and AWS gives what the disk had before where that is more.
            expect = {name: value for name, value in expect.items() if name not in ("iops", "throughput")}
        return expect

    def _request(self, instruction: str) -> Request:
        told: dict[str, Any] = {
            "Address": self.address or "not known",
            "Instruction": instruction,
            "Diff": sha256("\n".join(self.diff).encode()) if self.diff else "none",
        }
        return Request(operation=HAND_OVER, account=self.account, region=self.region, parameters=told)

    def back(self) -> Owned | None:
        """The change that would set back what applying it sets; None for what it removes."""
        if isinstance(self.of, ResizeInstance):
            return self.of.model_copy(update={"from_type": self.of.to_type, "to_type": self.of.from_type})
        return self.of.inverse() if isinstance(self.of, ChangeVolumeType | SetGroupMinimum) else None


def filed_as(change: Any) -> str:
    """The kind under which rules file a change: a patch needs the votes of what it would do."""
    return str(change.of.kind if isinstance(change, PatchTerraform) else change.kind)
