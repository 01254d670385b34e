"""Letting one log group of CloudWatch keep its lines for so many days only: whatever is older is gone for good."""

from typing import ClassVar, Literal

from approvals.changes.names import LogGroupName, Placed
from approvals.changes.step import Request, ReversibilityClass, Step

Days = Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
"""What CloudWatch offers (PutRetentionPolicy), from a month on; shorter ones are not asked for here."""


class SetLogRetention(Placed):
    """Keep the lines of a log group for `days`. The setting can be taken back, the lines that it deletes cannot."""

    kind: Literal["set_log_retention"] = "set_log_retention"
    provider: Literal["aws"] = "aws"
    reversibility_class: ClassVar[ReversibilityClass] = "irreversible"

    log_group: LogGroupName
    days: Days

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.log_group}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.log_group

    def title(self) -> str:
        """What would happen, with every id in full."""
        where = f"in {self.region} (account {self.account})"
        return f"Delete what log group {self.log_group} {where} holds of more than {self.days} days ago, from now on"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense: nothing that is known beforehand."""
        return {}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "irreversible: lines older than that are deleted; keeping everything again brings none of them back"

    def steps(self) -> tuple[Step, ...]:
        """The one request; nothing undoes what it deletes."""
        parameters = {"logGroupName": self.log_group, "retentionInDays": self.days}
        request = Request(
            operation="logs:PutRetentionPolicy", account=self.account, region=self.region, parameters=parameters
        )
        return (Step(number=1, request=request, expect={"retention_days": str(self.days)}),)
