"""Times as text of one fixed form, so that text order is time order and a stored time reads back as written."""

from datetime import UTC, datetime


def utc_text(moment: datetime) -> str:
    """`moment` (aware) as `2026-11-23T17:21:57.123456Z`."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment.isoformat()}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def utc_time(text: str) -> datetime:
    """The aware UTC time that `utc_text` wrote."""
    moment = datetime.fromisoformat(text)
    # ISO 8601 has many forms and a stored time has one: another would be a change that nobody sees.
    if moment.tzinfo is None or utc_text(moment) != text:
        raise ValueError(f"not a time as it is stored: {text[:40]!r}")
    return moment
