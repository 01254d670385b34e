"""How long it is since something was decided, as far as it keeps a request back; no guard decides anything by it.

A process that was stopped, or a machine that slept, wakes up believing it is still then, while others may have
concluded meanwhile that its request was never sent.
"""

import time

PROMPT_SECONDS = 20.0
"""Within this time of deciding to send, a request is sent or not at all; storing the intent takes far less."""


def awake() -> float:
    """Seconds that also count while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
