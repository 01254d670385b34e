"""Times as moto keeps them."""

from datetime import UTC, datetime


def naive(moment: str) -> datetime:
    """This ISO time as moto keeps it: naive, in UTC."""
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)
