"""The hands for patches: they send nothing. What was approved is a text, which the configuration's owner takes up."""

from approvals.changes.step import Request
from approvals.changes.terraform import HAND_OVER
from approvals.executors.port import Receipt, Refused


class HandOver:
    """Answers that the patch is handed over; the receipt names the very request that was sealed."""

    name = "patch"
    rehearsal = False

    def send(self, request: Request, *, token: str) -> Receipt:
        """A receipt, however often it is asked for: it changes nothing."""
        if request.operation != HAND_OVER:
            raise Refused("unknown_operation", f"{request.operation} is nothing that is handed over")
        return Receipt(request_id=f"patch-{token[:12]}", response_hash=request.hash())
