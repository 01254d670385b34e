"""Changing the type of one EBS volume between gp2 and gp3, with the speed that it is to have; it stays in use."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from approvals.changes.step import Request, ReversibilityClass, Step
from approvals.changes.volume import OnVolume

Type = Literal["gp2", "gp3"]
Iops = Annotated[int, Field(ge=3000, le=16_000, strict=True)]
Throughput = Annotated[int, Field(ge=125, le=1000, strict=True)]
SizeGib = Annotated[int, Field(ge=1, le=16_384, strict=True)]


class ChangeVolumeType(OnVolume):
    """Change a volume's type. `iops` and `throughput` (MB/s) are those that the type gp3 has or is to have.

    gp2 has no speed of its own to set: it follows from the size, which is why the size is part of what is expected.
    """

    kind: Literal["change_volume_type"] = "change_volume_type"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    size_gib: SizeGib
    from_type: Type
    to_type: Type
    iops: Iops
    throughput: Throughput

    @model_validator(mode="after")
    def _another_type(self) -> Self:
        if self.from_type == self.to_type:
            raise ValueError(f"it is {self.from_type} already: to_type must be another type")
        return self

    def title(self) -> str:
        """What would happen, with every id in full."""
        speed = f" with {self.iops} IOPS and {self.throughput} MB/s" if self.to_type == "gp3" else ""
        return (
            f"Change EBS volume {self.volume_id} ({self.size_gib} GiB) from {self.from_type} to {self.to_type}{speed}"
            f" in {self.region} (account {self.account})"
        )

    def inverse(self) -> "ChangeVolumeType":
        """The change that undoes this one."""
        return self.model_copy(update={"from_type": self.to_type, "to_type": self.from_type})

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return self._looks(self.from_type) | {"size_gib": str(self.size_gib)}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the type can be changed back, though AWS refuses a second change for some hours"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(
                number=1,
                request=self._request(self.to_type),
                expect=self._looks(self.to_type) | {"modification": "done"},
                passing=({"modification": "modifying"},),
                inverse=self._request(self.from_type),
            ),
        )

    def _looks(self, kind: Type) -> dict[str, str]:
        speed = {"iops": str(self.iops), "throughput": str(self.throughput)} if kind == "gp3" else {}
        return {"type": kind, **speed}

    def _request(self, kind: Type) -> Request:
        speed = {"Iops": self.iops, "Throughput": self.throughput} if kind == "gp3" else {}
        parameters = {"VolumeId": self.volume_id, "VolumeType": kind, **speed}
        return Request(operation="ec2:ModifyVolume", account=self.account, region=self.region, parameters=parameters)
