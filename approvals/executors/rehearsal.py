"""The executor that changes nothing: the default outside the demo, so that a first installation cannot do harm."""

from approvals.changes.step import Request
from approvals.executors.port import Receipt
from audit.canonical import sha256


class Rehearsal:
    """Walks through every step and sends nothing."""

    name = "rehearsal"
    rehearsal = True

    def send(self, request: Request, *, token: str) -> Receipt:
        """A receipt without a request id: there was no request."""
        return Receipt(request_id=None, response_hash=sha256(b"rehearsal\0", request.hash().encode()))
