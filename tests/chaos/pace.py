"""The gate's spans, shortened in one proportion, so that a campaign does not wait for hours.

What keeps them apart stays: a request is sent promptly or not at all (PROMPT), the cloud refuses a signature that is
older than SIGNED (AWS: five minutes), a lease is longer than a request takes, and only after SETTLE, which is longer
than all of these, is a resource that looks unchanged taken for a request that did not take effect.
"""

from datetime import timedelta

LEASE_SECONDS = 3.0
PROMPT_SECONDS = 1.0
SIGNED_SECONDS = 3.0
SETTLE_SECONDS = 6
LOOK_SECONDS = 0.4
COLD_LEASE_SECONDS = 90.0
"""A worker that starts cold is the shipped program, with the shipped lease."""


def shorten() -> None:
    """Changes the spans of this process; before the modules that take them by name are imported."""
    import approvals.lease

    approvals.lease.LEASE = timedelta(seconds=LEASE_SECONDS)
    import approvals.settling

    approvals.settling.LOOK_AGAIN = timedelta(seconds=LOOK_SECONDS)
    import approvals.awake

    approvals.awake.PROMPT_SECONDS = PROMPT_SECONDS
