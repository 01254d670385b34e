"""Giving one EC2 instance another type: stop, modify, start; or only modify, where it is stopped already."""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from approvals.changes.instance import OnInstance
from approvals.changes.names import InstanceType
from approvals.changes.step import Request, ReversibilityClass, Step


class ResizeInstance(OnInstance):
    """`found` is the state in which it is expected: it follows which steps there are, so both are sealed."""

    kind: Literal["resize_instance"] = "resize_instance"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    from_type: InstanceType
    to_type: InstanceType
    found: Literal["running", "stopped"] = "running"

    @model_validator(mode="after")
    def _another_type(self) -> Self:
        if self.from_type == self.to_type:
            raise ValueError(f"it is {self.from_type} already: to_type must be another type")
        return self

    def title(self) -> str:
        """What would happen, with every id in full."""
        how = "stop, change, start" if self.found == "running" else "it is stopped and stays so"
        return (
            f"Resize EC2 instance {self.instance_id} from {self.from_type} to {self.to_type} ({how})"
            f" in {self.region} (account {self.account})"
        )

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": self.found, "type": self.from_type}

    def from_state(self) -> str:
        """The state in which alone this change makes sense."""
        return self.found

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        if self.found == "stopped":
            return "reversible: the type can be changed back while it is stopped"
        return (
            "reversible: can be changed back by the same three steps; it is down meanwhile,"
            " and instance-store data and the public address are lost"
        )

    def steps(self) -> tuple[Step, ...]:
        """Stop, modify, start, each with its effect and its inverse; of a stopped instance only modify."""
        if self.found == "stopped":
            return (self._modifying(1),)
        started = self.starting(3)
        started = started.model_copy(update={"expect": started.expect | {"type": self.to_type}})
        return (self.stopping(1), self._modifying(2), started)

    def _modifying(self, number: int) -> Step:
        return Step(
            number=number,
            request=self._type(self.to_type),
            expect={"state": "stopped", "type": self.to_type},
            inverse=self._type(self.from_type),
        )

    def _type(self, name: str) -> Request:
        return self.request("ec2:ModifyInstanceAttribute", InstanceId=self.instance_id, InstanceType={"Value": name})
