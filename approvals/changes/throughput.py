"""Deleting one provisioned throughput of Amazon Bedrock: model units that are paid by the hour, called or not.

It cannot be taken back. One that is bought again has another id, which every caller would have to be told, at the price
of that day, and only as far as AWS has units of the model to sell.
"""

from typing import ClassVar, Literal

from approvals.changes.names import Placed, ThroughputId
from approvals.changes.step import Request, ReversibilityClass, Step


class DeleteThroughput(Placed):
    """Delete a provisioned throughput; whoever still calls it gets an error from then on."""

    kind: Literal["delete_throughput"] = "delete_throughput"
    provider: Literal["aws"] = "aws"
    reversibility_class: ClassVar[ReversibilityClass] = "irreversible"

    throughput: ThroughputId

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:bedrock:{self.region}:{self.account}:provisioned-model/{self.throughput}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.throughput

    def title(self) -> str:
        """What would happen, with every id in full."""
        which = f"{self.throughput} in {self.region} (account {self.account})"
        return f"Delete Bedrock provisioned throughput {which}; whoever calls it fails from then on"

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"status": "InService"}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return (
            "irreversible: one bought again has another id that every caller must be told, costs what it costs then,"
            " and may not be had at all"
        )

    def steps(self) -> tuple[Step, ...]:
        """The one request; nothing undoes it."""
        request = Request(
            operation="bedrock:DeleteProvisionedModelThroughput", account=self.account, region=self.region,
            parameters={"provisionedModelId": self.resource},
        )  # fmt: skip
        return (Step(number=1, request=request, expect={"status": "gone"}),)
