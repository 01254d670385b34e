"""Disabling and enabling one access key of an IAM user. Nothing is deleted, so the way back is one request."""

from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from approvals.changes.names import Placed
from approvals.changes.step import Request, ReversibilityClass, Step

KeyId = Annotated[str, StringConstraints(pattern=r"^AKIA[A-Z0-9]{12,16}$")]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+=,.@_-]{1,64}$")]
GLOBAL: Literal["us-east-1"] = "us-east-1"
"""IAM is in no region; AWS writes its calls to the log of this one."""
Status = Literal["Active", "Inactive"]


class OnAccessKey(Placed):
    """A change of one key; who holds it is refused, or let in again, by AWS itself."""

    provider: Literal["aws"] = "aws"
    region: Literal["us-east-1"] = GLOBAL
    before: ClassVar[Status]
    after: ClassVar[Status]

    user: UserName
    key_id: KeyId

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:iam::{self.account}:access-key/{self.key_id}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.key_id

    def title(self) -> str:
        """What would happen, with every id in full."""
        verb = "Disable" if self.after == "Inactive" else "Enable"
        return f"{verb} access key {self.key_id} of IAM user {self.user} (account {self.account})"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": self.before}

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        there, back = self._request(self.after), self._request(self.before)
        return (Step(number=1, request=there, expect={"status": self.after}, inverse=back),)

    def _request(self, status: Status) -> Request:
        parameters = {"UserName": self.user, "AccessKeyId": self.key_id, "Status": status}
        return Request(operation="iam:UpdateAccessKey", account=self.account, region=GLOBAL, parameters=parameters)


class DisableAccessKey(OnAccessKey):
    """Disable a key: whatever still uses it is refused."""

    kind: Literal["disable_access_key"] = "disable_access_key"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"
    before: ClassVar[Status] = "Active"
    after: ClassVar[Status] = "Inactive"

    def inverse(self) -> "EnableAccessKey":
        """The change that undoes this one."""
        return EnableAccessKey(account=self.account, user=self.user, key_id=self.key_id)

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the key can be enabled again; requests that were refused meanwhile are lost"


class EnableAccessKey(OnAccessKey):
    """Enable a disabled key again."""

    kind: Literal["enable_access_key"] = "enable_access_key"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"
    before: ClassVar[Status] = "Inactive"
    after: ClassVar[Status] = "Active"

    def inverse(self) -> DisableAccessKey:
        """The change that undoes this one."""
        return DisableAccessKey(account=self.account, user=self.user, key_id=self.key_id)

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the key can be disabled again; what was done with it until then is done"
