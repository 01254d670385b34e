"""`spendgate allocation`: judge a file of allocation rules, and tell how much spend has no name."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import As, Json

allocation_app = typer.Typer(
    help="Whose the spend is: check the rules, see what lacks a name.", no_args_is_help=True, rich_markup_mode=None
)


@allocation_app.command("check")
def allocation_check(
    file: Annotated[Path, typer.Argument(help="A file of allocation rules (TOML).")], as_json: Json = False
) -> None:
    """Say what is wrong with a file of allocation rules, or in which order its rules count."""
    from app.commands import allocation

    allocation.check(file, as_json=as_json)


@allocation_app.command("show")
def allocation_show(
    period: Annotated[
        str | None, typer.Option(help="2026-10, 2026-Q3, 'last month' …; by default the last complete month.")
    ] = None,
    ai: Annotated[bool, typer.Option("--ai", help="Only AI spend.")] = False,
    person: As = None,
    as_json: Json = False,
) -> None:
    """How much spend has no team, use case, owner, project or environment, against the target."""
    from app.commands import allocation
    from app.commands.desk import desk_here

    allocation.show(desk_here(person), period=period, ai=ai, as_json=as_json)
