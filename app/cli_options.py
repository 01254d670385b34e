"""Options that several commands share, and how their text is read."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

import typer

from lake.money import as_written

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; decimals are text.")]
As = Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Act as this person (in a sandbox home only).")]
Period = Annotated[str | None, typer.Option(help="2026-10, 2026-Q3, 2026, 2026-10-05 or 2026-10-01..2026-10-31.")]
Where = Annotated[list[str] | None, typer.Option(metavar="K=V", help="Only where K is V; repeat for more.")]


def pairs(given: list[str] | None) -> dict[str, str] | None:
    """`K=V` texts as a dictionary; a usage error for anything else."""
    pairs: dict[str, str] = {}
    for one in given or []:
        key, equals, value = one.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise typer.BadParameter(f"{one!r} is not K=V, for example team=risk")
        if key.strip() in pairs:
            raise typer.BadParameter(f"{key.strip()} stands twice; give each once")
        pairs[key.strip()] = value.strip()
    return pairs or None


def amount(text: str | None) -> Decimal | None:
    """An amount like 100 or 99.50; a usage error for anything else, and for less than nothing."""
    if text is None:
        return None
    read = as_written(text)
    if read is None or read < 0:
        raise typer.BadParameter(f"{text[:40]!r} is no amount like 100 or 99.50")
    return read


def day(text: str | None) -> date | None:
    """A date like 2026-11-22; a usage error for anything else."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date like 2026-11-22") from error


def moment(text: str | None) -> datetime | None:
    """A time like 2026-12-24 or 2026-12-24T18:00, in UTC unless it says otherwise; a usage error for anything else."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text[:40]!r} is not a time like 2026-12-24 or 2026-12-24T18:00Z") from error
