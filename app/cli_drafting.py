"""The words of `spendgate savings drafting`: for which rules a scan drafts proposals."""

from typing import Annotated

import typer

from app.cli_options import As, Json


def add_drafting(savings: typer.Typer) -> None:
    """Adds drafting to `savings`."""
    savings.command(name="drafting")(drafting)


def drafting(
    on: Annotated[
        str | None, typer.Option("--on", metavar="RULE", help="Let scans draft by this rule, in your name.")
    ] = None,
    off: Annotated[str | None, typer.Option("--off", metavar="RULE", help="Let them no longer, in anybody's.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """By which rules a scan drafts proposals where spend is unusual, and in whose name; none until somebody says so."""
    from app.commands import drafting as command

    if on is not None and off is not None:
        raise typer.BadParameter("give --on or --off, not both")
    if on is None and off is None:
        command.show(as_json=as_json)
    else:
        command.turn(on or off or "", on=on is not None, person=person, as_json=as_json)
