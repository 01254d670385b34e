"""Stopping and starting one EC2 instance, and what every change of an instance has in common."""

from typing import ClassVar, Literal

from approvals.changes.names import InstanceId, Placed
from approvals.changes.step import Request, ReversibilityClass, Step


class OnInstance(Placed):
    """A change of one EC2 instance, whatever it does to it."""

    provider: Literal["aws"] = "aws"
    instance_id: InstanceId

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:ec2:{self.region}:{self.account}:instance/{self.instance_id}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.instance_id

    def request(self, operation: str, **parameters: object) -> Request:
        """A request on this instance: stop and start name it in a list, an attribute's change by itself."""
        named = parameters or {"InstanceIds": [self.instance_id]}
        return Request(operation=operation, account=self.account, region=self.region, parameters=dict(named))

    def stopping(self, number: int) -> Step:
        """The step that stops it, undone by starting it."""
        return Step(
            number=number,
            request=self.request("ec2:StopInstances"),
            expect={"state": "stopped"},
            passing=({"state": "stopping"},),
            inverse=self.request("ec2:StartInstances"),
        )

    def starting(self, number: int) -> Step:
        """The step that starts it, undone by stopping it."""
        return Step(
            number=number,
            request=self.request("ec2:StartInstances"),
            expect={"state": "running"},
            passing=({"state": "pending"},),
            inverse=self.request("ec2:StopInstances"),
        )


class StopInstance(OnInstance):
    """Stop a running instance: its disks and their cost stay, its memory and instance store are lost."""

    kind: Literal["stop_instance"] = "stop_instance"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Stop EC2 instance {self.instance_id} in {self.region} (account {self.account})"

    def inverse(self) -> "StartInstance":
        """The change that undoes this one."""
        return StartInstance(account=self.account, region=self.region, instance_id=self.instance_id)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": self.from_state()}

    def from_state(self) -> str:
        """The state in which alone this change makes sense."""
        return "running"

    def effect(self) -> str:
        """The instance's state when the change took effect."""
        return "stopped"

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be started again; instance-store data and the public address are lost"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (self.stopping(1),)


class StartInstance(OnInstance):
    """Start a stopped instance: its hours cost again."""

    kind: Literal["start_instance"] = "start_instance"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Start EC2 instance {self.instance_id} in {self.region} (account {self.account})"

    def inverse(self) -> StopInstance:
        """The change that undoes this one."""
        return StopInstance(account=self.account, region=self.region, instance_id=self.instance_id)

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"state": self.from_state()}

    def from_state(self) -> str:
        """The state in which alone this change makes sense."""
        return "stopped"

    def effect(self) -> str:
        """The instance's state when the change took effect."""
        return "running"

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: can be stopped again; the hours run until then are paid"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (self.starting(1),)
