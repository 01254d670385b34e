"""The commands about the lake: what it holds, whether it ties to the invoices, handing it out, and its prices."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import As, Json, Period

lake_app = typer.Typer(help="What the lake holds.", no_args_is_help=True, rich_markup_mode=None)
Source = Annotated[str | None, typer.Option(help="Only this source, as `spendgate lake status` names it.")]


def add_lake(app: typer.Typer) -> None:
    """Adds lake, export, tie-out and prices to the command."""
    app.add_typer(lake_app, name="lake")
    app.command(name="export")(export)
    app.command(name="tie-out")(tie_out)
    app.command(name="prices")(prices)


@lake_app.command(name="status")
def lake_status(person: As = None, as_json: Json = False) -> None:
    """Each source: its billing periods, how far its charges reach, how many, and how many were held back."""
    from app.allocation import rules_here
    from app.commands import lake as command
    from app.commands.desk import desk_here
    from app.home import Home

    desk = desk_here(person)
    rules = rules_here(Home(desk.lake.folder.parent))
    command.status(lake=desk.lake, rules=rules, teams_seen=desk.scope, as_json=as_json)


@lake_app.command(name="quarantine")
def lake_quarantine(
    source: Source = None,
    top: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many rows.")] = 100,
    person: As = None,
    as_json: Json = False,
) -> None:
    """The rows of bills that count in no total, since money, time or currency cannot be read: where, why, what."""
    from app.commands import quarantine as command
    from app.commands.desk import desk_here

    desk = desk_here(person)
    command.run(lake=desk.lake, source=source, top=top, teams_seen=desk.scope, as_json=as_json)


@lake_app.command(name="publish")
def lake_publish(
    reader: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help="A role of that database that may read it; repeat.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send what is loaded to the PostgreSQL server of SPENDGATE_LAKE_URL, where it is asked from then on."""
    from app.commands import publish as command
    from app.commands.here import place
    from app.database import reading
    from lake.engine import Lake

    here = place("ingest")
    with reading(here.engine) as (_, now):
        pass
    command.run(Lake(here.home.lake), now=now, readers=reader or [], as_json=as_json)


def export(
    out: Annotated[Path, typer.Option(help="The file to write; its ending (.csv or .parquet) says the form.")],
    focus: Annotated[str, typer.Option(metavar="VERSION", help="The FOCUS version to write.")] = "1.2",
    period: Period = None,
    source: Source = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Write charges as a FOCUS file that any tool reads, and that loads here again as the same charges."""
    from app.commands import export as command
    from app.commands.desk import desk_here

    desk = desk_here(person)
    command.run(
        lake=desk.lake, focus=focus, out=out, period=period, source=source, teams_seen=desk.scope, as_json=as_json
    )


def tie_out(
    period: Annotated[str, typer.Option(help="The billing periods that begin in it: 2026-10, 2026-Q3, 2026…")],
    invoice: Annotated[
        list[str] | None, typer.Option(metavar="ID=TOTAL", help="What an invoice says; repeat for more.")
    ] = None,
    source: Source = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Billed cost by invoice, held against the totals that you state; exit code 7 if one does not tie."""
    from app.commands import lake as command
    from app.commands.desk import desk_here

    desk = desk_here(person)
    code = command.tie(
        lake=desk.lake, period=period, stated=invoice or [], source=source, teams_seen=desk.scope, as_json=as_json
    )
    raise typer.Exit(code)


def prices(
    instance_type: Annotated[str, typer.Argument(metavar="TYPE", help="A machine's type, such as g5.12xlarge.")],
    region: Annotated[str | None, typer.Option(help="Only this region, such as eu-central-1.")] = None,
    as_json: Json = False,
) -> None:
    """What a type of machine is and what its hour costs on demand, with the date and source of each price."""
    from app.commands import prices as command

    command.show(instance_type, region=region, as_json=as_json)
