"""A worker's right to carry out one proposal, for a while: who, which claim it is, and until when."""

from datetime import datetime, timedelta
from typing import NamedTuple

from approvals.errors import GateError

LEASE = timedelta(seconds=90)
"""Longer than one request may take, connecting and reading included; renewed at every step."""


class Claim(NamedTuple):
    """The right to carry out one proposal until `lease_until`; `fence` tells it from an earlier worker's."""

    proposal_id: str
    worker: str
    fence: int
    digest: str
    lease_until: datetime


class LostClaim(GateError):
    """The claim is no longer this worker's: its lease ended, or another has it. Nothing was sent."""
