"""The commands about unusual spend that a scan stored: scanning, listing, and saying what an event is."""

from typing import Annotated

import typer

from app.cli_options import As, Json, day
from tools.detection.marks import MarkKind


def add_scan(app: typer.Typer, anomalies: typer.Typer) -> None:
    """Adds scan to the command, and stored and mark to `anomalies`."""
    app.command(name="scan")(scan)
    anomalies.command(name="stored")(stored)
    anomalies.command(name="mark")(mark)


def scan(as_json: Json = False) -> None:
    """Look for unusual spend and store it, once for each state of the bill however many processes look."""
    from app.commands import scan as command

    command.run(as_json=as_json)


def stored(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    person: As = None,
    as_json: Json = False,
) -> None:
    """What scans stored, with what people said of it."""
    from app.commands import anomalies as command

    command.show_stored(person=person, every=every, as_json=as_json)


def mark(
    anomaly: str,
    kind: Annotated[MarkKind, typer.Option("--is", help="What it is.", case_sensitive=False)],
    reason: Annotated[str, typer.Option(help="Why; kept encrypted under your key.")] = "",
    first: Annotated[str | None, typer.Option("--from", help="The first day of the plan.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="The last day of the plan, or of the snooze.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Say what a stored event is: it stays listed, and is not told again for as long as that holds."""
    from app.anomaly_marks import Saying
    from app.commands import anomalies as command

    saying = Saying(anomaly, kind, reason, day(first), day(until))
    command.say(saying, person=person, as_json=as_json)
