"""Stopping and starting one EC2 instance."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from approvals.changes.step import Request, Step

Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
InstanceId = Annotated[str, StringConstraints(pattern=r"^i-[0-9a-f]{8,17}$")]


class _Instance(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["aws"] = "aws"
    account: Account
    region: Region
    instance_id: InstanceId

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:ec2:{self.region}:{self.account}:instance/{self.instance_id}"

    def _request(self, operation: str) -> Request:
        parameters = {"InstanceIds": [self.instance_id]}
        return Request(operation=operation, account=self.account, region=self.region, parameters=parameters)


class StopInstance(_Instance):
    """Stop a running instance: its disks and their cost stay, its memory and instance store are lost."""

    kind: Literal["stop_instance"] = "stop_instance"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Stop EC2 instance {self.instance_id} in {self.region} (account {self.account})"

    def inverse(self) -> "StartInstance":
        """The change that undoes this one."""
        return StartInstance(account=self.account, region=self.region, instance_id=self.instance_id)

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
        return (
            Step(
                number=1,
                request=self._request("ec2:StopInstances"),
                expect={"state": "stopped"},
                passing=({"state": "stopping"},),
                inverse=self._request("ec2:StartInstances"),
            ),
        )


class StartInstance(_Instance):
    """Start a stopped instance: its hours cost again."""

    kind: Literal["start_instance"] = "start_instance"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Start EC2 instance {self.instance_id} in {self.region} (account {self.account})"

    def inverse(self) -> StopInstance:
        """The change that undoes this one."""
        return StopInstance(account=self.account, region=self.region, instance_id=self.instance_id)

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
        return (
            Step(
                number=1,
                request=self._request("ec2:StartInstances"),
                expect={"state": "running"},
                passing=({"state": "pending"},),
                inverse=self._request("ec2:StopInstances"),
            ),
        )
