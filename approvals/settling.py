"""How long is waited for what, before an outcome that cannot be seen is told as one: no proposal waits for ever."""

from datetime import timedelta
from typing import Any

SETTLE = timedelta(minutes=10)
"""After this long a provider's read answers are taken to show every request that took effect."""

PATIENCE = 6
"""A resource that is seen on its way (stopping) is waited for this many settle times, unless declared otherwise."""

UNREADABLE = timedelta(hours=24)
"""A resource that cannot be read at all for this long needs a person: nobody knows what happened to it."""

LOOK_LASTS = timedelta(minutes=1)
"""What was read longer ago says nothing of now: a worker that slept since then must look again before it sends."""

LOOK_AGAIN = timedelta(seconds=3)
LOOK_SELDOM = timedelta(minutes=1)
LOOK_RARELY = timedelta(minutes=10)
"""For a patch, which people take up within hours or days."""


def looks(fields: dict[str, Any], expected: dict[str, str]) -> bool:
    """Whether the fields that were read are as expected."""
    return all(fields.get(name) == value for name, value in expected.items())
