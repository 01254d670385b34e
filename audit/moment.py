"""Times as text of one fixed form, so that text order is time order and a stored time reads back as written."""

from datetime import UTC, datetime


def utc_text(moment: datetime) -> str:
    """`moment` (aware) as `2026-11-23T17:21:57.123456Z`."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment.isoformat()}")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_time(text: str) -> datetime:
    """The aware UTC time that `utc_text` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
