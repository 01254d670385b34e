"""The `spendgate` command: every verb, its arguments and its exit code; the work itself is in `commands/`.

Nothing heavy is imported here, so that `--help` answers at once: a command imports what it needs when it runs.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli_access import add_access
from app.cli_allocation import allocation_app
from app.cli_anomalies import add_scan
from app.cli_audit import audit_app
from app.cli_drafting import add_drafting
from app.cli_govern import add_verbs, delegations_app, switch_app
from app.cli_lake import add_lake
from app.cli_operate import add_processes, db_app, sandbox_app
from app.cli_options import As, Json, Period, Where, amount, pairs
from app.cli_policy import policy_app
from app.cli_slack import slack_app
from app.cli_sources import sources_app, usage_app
from app.errors import Exit, Problem, was_interrupted

app = typer.Typer(
    name="spendgate",
    help="Ask what AI costs, find what to save, let people approve it, execute it once, prove it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
anomalies_app = typer.Typer(help="Surprising days in the bill.", no_args_is_help=True, rich_markup_mode=None)
savings_app = typer.Typer(help="What could be saved, with the evidence.", no_args_is_help=True, rich_markup_mode=None)
proposals_app = typer.Typer(
    help="Changes that wait for people, or have ended.", no_args_is_help=True, rich_markup_mode=None
)
for name, group in {
    "anomalies": anomalies_app,
    "savings": savings_app,
    "allocation": allocation_app,
    "proposals": proposals_app,
    "audit": audit_app,
    "policy": policy_app,
    "sources": sources_app,
    "usage": usage_app,
    "db": db_app,
    "sandbox": sandbox_app,
    "kill-switch": switch_app,
    "delegations": delegations_app,
    "slack": slack_app,
}.items():
    app.add_typer(group, name=name)
add_verbs(proposals_app)
add_lake(app)
add_scan(app, anomalies_app)
add_drafting(savings_app)


@app.command()
def ingest(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Bills: files, folders, globs, s3://bucket/prefix/.")
    ],
    source: Annotated[str | None, typer.Option(help="Name of the source; by default the provider's.")] = None,
    final: Annotated[bool, typer.Option("--final", help="The period is closed: nothing will change any more.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="These files replace what other files loaded.")] = False,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="What the columns of any other invoice mean.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Load bills into the lake: FOCUS 1.0 to 1.4, the cost exports of AWS, Azure and Google Cloud, or any invoice.

    CSV, CSV.gz, Parquet or JSON lines; which kind a file is, its columns tell.
    """
    from app.allocation import rules_here
    from app.commands import ingest as command
    from app.commands import publish
    from app.commands.here import place
    from app.intake import take_in

    here = place("ingest")
    take_in(
        here.engine,
        lambda now: command.run(
            home=here.home.folder,
            now=now,
            paths=paths,
            source=source,
            final=final,
            replace=replace,
            mapping=mapping,
            rules=rules_here(here.home),
            as_json=as_json,
        ),
    )
    publish.after_load(here)


@app.command()
def spend(
    by: Annotated[
        str, typer.Option(help="Dimensions, with commas: team,service,model,use_case,provider,month,day…")
    ] = "",
    period: Annotated[
        str | None,
        typer.Option(help="2026-10, 2026-Q3, 2026, FY2026 Q1, 2026-10-01..2026-10-31, 'last 7 days', yesterday…"),
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Only rows where K is V; repeat for more.")
    ] = None,
    metric: Annotated[
        str,
        typer.Option(
            help="effective, billed, list or contracted; quantity, tokens or gpu_hours; cost_per_million_tokens or "
            "cost_per_gpu_hour."
        ),
    ] = "effective",
    compare: Annotated[
        str | None, typer.Option(help="A period to compare with: previous, 'last year', or one of its own.")
    ] = None,
    granularity: Annotated[str | None, typer.Option(help="A row for each day, week or month besides.")] = None,
    top: Annotated[int | None, typer.Option(help="Only the largest N, and the others as one.")] = None,
    ai: Annotated[bool, typer.Option("--ai", help="Only AI spend.")] = False,
    currency: Annotated[str | None, typer.Option(help="Only charges in this currency, for example USD.")] = None,
    person: As = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV with a heading on stdout; exact amounts.")] = False,
) -> None:
    """What was spent, by what you name."""
    from app.commands import spend as command
    from app.commands.desk import desk_here

    desk = desk_here(person)
    command.run(
        home=desk.lake.folder.parent,
        today=desk.today,
        by=by,
        period=period,
        where=where or [],
        metric=metric,
        compare=compare,
        top=top,
        ai=ai,
        currency=currency,
        teams_seen=desk.scope,
        granularity=granularity,
        fiscal=desk.fiscal,
        as_json=as_json,
        as_csv=as_csv,
    )


@app.command()
def explain(
    period: Annotated[
        str | None, typer.Option(help="2026-10, Q3, FY2026 Q1, 'last month' …; by default the last complete month.")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(help="A period to compare with: previous (the default), 'last year', or one of its own."),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Split by this dimension; by default by the most telling.")] = None,
    where: Where = None,
    metric: Annotated[str, typer.Option(help="effective, billed, list or contracted.")] = "effective",
    ai: Annotated[bool, typer.Option("--ai", help="Only AI spend.")] = False,
    currency: Annotated[str | None, typer.Option(help="Only charges in this currency, for example USD.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Why spend changed: who contributed how much, and what is price, volume, mix, new and gone."""
    from app.commands import explain as command
    from app.commands.desk import desk_here

    command.run(
        desk_here(person),
        period=period,
        compare=compare,
        by=by,
        where=pairs(where),
        metric=metric,
        ai=ai,
        currency_named=currency,
        as_json=as_json,
    )


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question in plain words.")],
    person: As = None,
    thread: Annotated[str | None, typer.Option(help="Go on with an earlier conversation.")] = None,
    as_json: Json = False,
) -> None:
    """Ask the agent; it answers with figures that tools computed."""
    from app.commands import ask as command

    command.run(question, person=person, thread=thread, as_json=as_json)


@anomalies_app.command("list")
def anomalies_list(
    period: Period = None,
    where: Where = None,
    ai: Annotated[bool, typer.Option("--ai", help="Only AI spend.")] = False,
    top: Annotated[int | None, typer.Option(help="Only the largest N.")] = None,
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw them too: .svg, .png, or .json for the Vega-Lite document."),
    ] = None,
    event: Annotated[int | None, typer.Option(metavar="N", help="With --picture: only the N-th.")] = None,
    hours: Annotated[bool, typer.Option("--hours", help="Bursts of hours, estimated before any bill.")] = False,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Surprising days, with what was expected and the likely driver."""
    from app.commands import anomalies
    from app.commands.desk import desk_here

    if event is not None and picture is None:
        raise typer.BadParameter("--event says what to draw; name the file with --picture")
    if hours:
        if picture is not None or ai:
            raise typer.BadParameter("--hours knows neither --picture nor --ai: it lists what gateways count")
        anomalies.run_hours(desk_here(person), period=period, where=pairs(where), top=top, as_json=as_json)
        return
    anomalies.run(
        desk_here(person),
        period=period,
        where=pairs(where),
        ai=ai,
        top=top,
        picture=picture,
        event=event,
        as_json=as_json,
    )


@savings_app.callback(invoke_without_command=True)
def savings_stages(
    context: typer.Context,
    proposed: Annotated[bool, typer.Option("--proposed", help="What waits for votes.")] = False,
    approved: Annotated[bool, typer.Option("--approved", help="What is approved and not yet carried out.")] = False,
    realised: Annotated[bool, typer.Option("--realised", help="What was carried out, measured on the bill.")] = False,
    shadow: Annotated[bool, typer.Option("--shadow", help="What rehearsals would have saved.")] = False,
    person: As = None,
    as_json: Json = False,
) -> None:
    """What could be saved, with the evidence; and how far savings got."""
    asked = {"proposed": proposed, "approved": approved, "realised": realised, "shadow": shadow}
    chosen = [name for name, given in asked.items() if given]
    if context.invoked_subcommand is not None and not chosen:
        return
    if len(chosen) != 1 or context.invoked_subcommand is not None:
        raise typer.BadParameter(f"give exactly one of --{', --'.join(asked)}, or the command 'list'")
    from app.commands import savings_follow
    from app.saved import Stage

    savings_follow.run(Stage(chosen[0]), person=person, as_json=as_json)


@savings_app.command("list")
def savings_list(
    where: Where = None,
    top: Annotated[int | None, typer.Option(help="Only the largest N.")] = None,
    minimum: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Only savings of so much a month.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """What could be saved, by rule and with its evidence; what cannot be known is listed as unknown."""
    from app.commands import savings
    from app.commands.desk import desk_here

    least = amount(minimum)
    savings.run(desk_here(person), where=pairs(where), top=top, minimum=least, as_json=as_json)


@proposals_app.command("list")
def proposals_list(person: As = None, as_json: Json = False) -> None:
    """All proposals, newest first."""
    from app.commands import proposals

    proposals.list_all(person=person, as_json=as_json)


@proposals_app.command("show")
def proposals_show(proposal: str, person: As = None, as_json: Json = False) -> None:
    """One proposal: what, why, how risky, who decides, by when."""
    from app.commands import proposals

    proposals.show(proposal, person=person, as_json=as_json)


@app.command()
def decide(
    proposal: str,
    approve: Annotated[bool, typer.Option("--approve", help="Vote for it.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Vote against it.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take your approval back.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept encrypted under your key.")] = "",
    digest: Annotated[str | None, typer.Option(help="The digest you were shown; refused if it has changed.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Vote on a proposal as the mapped operating-system user."""
    from app.commands import proposals

    proposals.decide(
        proposal,
        approve=approve,
        reject=reject,
        withdraw=withdraw,
        reason=reason,
        digest=digest,
        person=person,
        as_json=as_json,
    )


add_processes(app)
add_access(app)


@app.command()
def demo(
    story: Annotated[
        bool, typer.Option("--story", help="Without a person: three acting people; ends by itself.")
    ] = False,
    bill: Annotated[
        Path | None, typer.Option(help="A FOCUS file (or folder) of your own instead of the bank's bill.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="With --story: JSON Lines.")] = False,
) -> None:
    """The whole product on this machine: sandbox Slack, sandbox AWS, a bank's bill."""
    from app.demo import start

    start.run(story=story, bill=bill, port=port, as_json=as_json)


@app.command()
def version() -> None:
    """The version of this program."""
    from importlib.metadata import version as installed

    typer.echo(f"spendgate {installed('spendgate')}")


def main() -> None:
    """Runs the command; whatever goes wrong is said in what, why and what to do, and in the exit code."""
    os.umask(0o077)  # questions, keys and bills are written here; nobody else on the machine needs to read them
    try:
        app(prog_name="spendgate")
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.OK)
    except Exception as error:  # noqa: BLE001 (the last word to a person is never a stack trace)
        if was_interrupted(error):
            typer.echo("Stopped.", err=True)
            sys.exit(Exit.INTERRUPTED)
        if not hasattr(error, "what"):
            _not_text()
            _unexpected(error)
        say_problem(error)
        sys.exit(int(getattr(error, "exit_code", Exit.ERROR)))


def say_problem(error: Exception) -> None:
    """Prints what, why and what to do on stderr; as JSON too where `--json` was asked for."""
    lines = [str(getattr(error, name, "")) for name in ("what", "why", "do")]
    if "--json" in sys.argv:
        typer.echo(json.dumps({"error": dict(zip(("what", "why", "do"), lines, strict=True))}))
    typer.echo("\n".join(line for line in lines if line), err=True)


def _not_text() -> None:
    """Says so where an argument holds bytes that are no UTF-8: a name of a file may, a text that is stored may not."""
    if any("\ud800" <= character <= "\udfff" for given in sys.argv[1:] for character in given):
        say_problem(
            Problem("An argument is not text.", why="It holds bytes that are no UTF-8.", do="Write it as UTF-8.")
        )
        sys.exit(Exit.USAGE)


def _unexpected(error: Exception) -> None:
    if os.environ.get("SPENDGATE_DEBUG"):
        raise error
    typer.echo(f"Something went wrong that Spendgate did not expect: {type(error).__name__}: {error}", err=True)
    typer.echo("Run it again with SPENDGATE_DEBUG=1 to see where, and please report it.", err=True)
    sys.exit(Exit.ERROR)
