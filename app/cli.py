"""The `spendgate` command: every verb, its arguments and its exit code; the work itself is in `commands/`.

Nothing heavy is imported here, so that `--help` answers at once: a command imports what it needs when it runs.
"""

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from app.errors import Exit

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
audit_app = typer.Typer(help="The action log: list, show, verify.", no_args_is_help=True, rich_markup_mode=None)
db_app = typer.Typer(
    help="The database: make, upgrade, adopt rules or people.", no_args_is_help=True, rich_markup_mode=None
)
sandbox_app = typer.Typer(
    help="The outside world on loopback, one part at a time.", no_args_is_help=True, rich_markup_mode=None
)
for name, group in {
    "anomalies": anomalies_app,
    "savings": savings_app,
    "proposals": proposals_app,
    "audit": audit_app,
    "db": db_app,
    "sandbox": sandbox_app,
}.items():
    app.add_typer(group, name=name)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; decimals are text.")]
As = Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Act as this person (in a sandbox home only).")]


@app.command()
def ingest(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="FOCUS files, folders or globs.")],
    source: Annotated[str | None, typer.Option(help="Name of the source; by default the provider's.")] = None,
    final: Annotated[bool, typer.Option("--final", help="The period is closed: nothing will change any more.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="These files replace what other files loaded.")] = False,
    as_json: Json = False,
) -> None:
    """Load FOCUS 1.0 or 1.2 files (CSV, CSV.gz, Parquet) into the lake."""
    from app.commands import ingest as command
    from app.commands.here import place
    from app.intake import take_in

    here = place()
    take_in(
        here.engine,
        lambda now: command.run(
            home=here.home.folder,
            now=now,
            paths=paths,
            source=source,
            final=final,
            replace=replace,
            as_json=as_json,
        ),
    )


@app.command()
def spend(
    by: Annotated[
        str, typer.Option(help="Dimensions, with commas: team,service,model,use_case,provider,month,day…")
    ] = "",
    period: Annotated[
        str | None, typer.Option(help="2026-10, 2026-Q3, 2026, 2026-10-05 or 2026-10-01..2026-10-31.")
    ] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="Only rows where K is V; repeat for more.")
    ] = None,
    metric: Annotated[str, typer.Option(help="effective, billed, list or contracted.")] = "effective",
    compare: Annotated[str | None, typer.Option(help="A period to compare with.")] = None,
    top: Annotated[int | None, typer.Option(help="Only the largest N.")] = None,
    ai: Annotated[bool, typer.Option("--ai", help="Only AI spend.")] = False,
    currency: Annotated[str | None, typer.Option(help="Only charges in this currency, for example USD.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """What was spent, by what you name."""
    from app.commands import spend as command
    from app.commands.desk import desk_here

    desk = desk_here(person)
    command.run(
        home=desk.lake.folder.parent,
        now=desk.now,
        by=by,
        period=period,
        where=where or [],
        metric=metric,
        compare=compare,
        top=top,
        ai=ai,
        currency=currency,
        teams_seen=desk.scope,
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


Period = Annotated[str | None, typer.Option(help="2026-10, 2026-Q3, 2026, 2026-10-05 or 2026-10-01..2026-10-31.")]
Where = Annotated[list[str] | None, typer.Option(metavar="K=V", help="Only where K is V; repeat for more.")]


@anomalies_app.command("list")
def anomalies_list(
    period: Period = None,
    where: Where = None,
    ai: Annotated[bool, typer.Option("--ai", help="Only AI spend.")] = False,
    top: Annotated[int | None, typer.Option(help="Only the largest N.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Surprising days, with what was expected and the likely driver."""
    from app.commands import anomalies
    from app.commands.desk import desk_here

    anomalies.run(desk_here(person), period=period, where=_pairs(where), ai=ai, top=top, as_json=as_json)


@savings_app.command("list")
def savings_list(
    where: Where = None,
    top: Annotated[int | None, typer.Option(help="Only the largest N.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Idle GPU instances by their utilisation; what cannot be known is listed as unknown."""
    from app.commands import savings
    from app.commands.desk import desk_here

    savings.run(desk_here(person), where=_pairs(where), top=top, as_json=as_json)


@proposals_app.command("list")
def proposals_list(as_json: Json = False) -> None:
    """All proposals, newest first."""
    from app.commands import proposals

    proposals.list_all(as_json=as_json)


@proposals_app.command("show")
def proposals_show(proposal: str, as_json: Json = False) -> None:
    """One proposal: what, why, how risky, who decides, by when."""
    from app.commands import proposals

    proposals.show(proposal, as_json=as_json)


@app.command()
def decide(
    proposal: str,
    approve: Annotated[bool, typer.Option("--approve", help="Vote for it.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Vote against it.")] = False,
    reason: Annotated[str, typer.Option(help="Why; kept encrypted under your key.")] = "",
    digest: Annotated[str | None, typer.Option(help="The digest you were shown; refused if it has changed.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Vote on a proposal as the mapped operating-system user."""
    from app.commands import proposals

    proposals.decide(
        proposal, approve=approve, reject=reject, reason=reason, digest=digest, person=person, as_json=as_json
    )


@audit_app.command("list")
def audit_list(
    proposal: Annotated[str | None, typer.Option(help="Only this proposal's entries.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this kind, for example vote.refused.")] = None,
    after: Annotated[int, typer.Option(help="Only entries after this number.")] = 0,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 100,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Entries of the log, oldest first."""
    from app.commands import audit

    audit.list_entries(proposal=proposal, event=event, after=after, limit=limit, person=person, as_json=as_json)


@audit_app.command("show")
def audit_show(entry: int, person: As = None, as_json: Json = False) -> None:
    """One entry, whole."""
    from app.commands import audit

    audit.show(entry, person=person, as_json=as_json)


@audit_app.command("verify")
def audit_verify(
    head: Annotated[
        str | None, typer.Option(help="A head you kept (number:hash); it must still be in the log.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute every hash; names the first bad entry. Exit code 7 if there is one."""
    from app.commands import audit

    audit.verify_log(head=head, as_json=as_json)


@audit_app.command("link")
def audit_link(person: As = None) -> None:
    """An address, valid for eight hours, at which you may read the log in a browser."""
    from app.commands import audit

    audit.link(person=person)


@db_app.command("init")
def db_init() -> None:
    """Make the database; rules.toml and people.toml of the home become version 1."""
    from app.commands import db

    db.init()


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring a database of an older version up to this program's."""
    from app.commands import db

    db.upgrade_database()


@db_app.command("adopt")
def db_adopt(
    kind: Annotated[str, typer.Argument(help="rules or people.")],
    file: Annotated[Path | None, typer.Argument(help="The file; by default the home's.")] = None,
) -> None:
    """Make a changed rules or people file the active version; an entry of the log says who did."""
    from app.commands import db

    db.adopt_file(kind, file)


@app.command()
def serve() -> None:
    """Run Slack, the web pages and votes."""
    from app.commands import processes

    processes.serve()


@app.command()
def agent() -> None:
    """Run the agent: answers questions, drafts proposals; it can neither decide nor execute."""
    from app.commands import processes

    processes.agent()


@app.command()
def worker() -> None:
    """Run the worker: seals, claims, executes, reads back. The only process with cloud credentials."""
    from app.commands import processes

    processes.worker()


@app.command()
def demo(
    story: Annotated[
        bool, typer.Option("--story", help="Without a person: three acting people; ends by itself.")
    ] = False,
    bill: Annotated[
        Path | None, typer.Option(help="A FOCUS file (or folder) of your own instead of the bank's bill.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="With --story: JSON Lines.")] = False,
) -> None:
    """The whole product on this machine: sandbox Slack, sandbox AWS, a bank's bill."""
    from app.demo import start

    start.run(story=story, bill=bill, port=port, as_json=as_json)


@sandbox_app.command("bank")
def sandbox_bank(
    into: Annotated[Path, typer.Option(help="The folder to write into.")],
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day of the bill; by default yesterday.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another bank.")] = 7,
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of Parquet.")] = False,
    as_json: Json = False,
) -> None:
    """Write the generated bill of a mid-sized bank, with its utilisation and the planted truth."""
    from app.commands import sandbox_bank as command

    sys.exit(command.run(into=into, until=_date(until), seed=seed, csv=csv, as_json=as_json))


@sandbox_app.command("aws")
def sandbox_aws(
    machines: Annotated[Path, typer.Option(help="machines.json of a sandbox bank.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
) -> None:
    """Serve AWS EC2 on loopback, with the bank's machines."""
    from app.commands import sandbox_aws as command

    sys.exit(command.run(machines=machines, port=port))


@sandbox_app.command("slack")
def sandbox_slack(
    app_url: Annotated[str, typer.Option(help="Where Spendgate takes events: http://127.0.0.1:8470/slack/events")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    signing_secret: Annotated[str, typer.Option(help="Signs what is sent to Spendgate.")] = "sandbox-signing-secret",  # noqa: S107 (guards nothing: loopback)
    audit_link: Annotated[str, typer.Option(help="An address of the action log, shown on the page.")] = "",
    transcript: Annotated[Path | None, typer.Option(help="Write each delivery as a JSON line.")] = None,
) -> None:
    """Serve a Slack workspace on loopback, with a page to act in it."""
    from app.commands import sandbox_slack as command

    command.run(app_url=app_url, port=port, signing_secret=signing_secret, audit_link=audit_link, transcript=transcript)


@app.command()
def version() -> None:
    """The version of this program."""
    from importlib.metadata import version as installed

    typer.echo(f"spendgate {installed('spendgate')}")


def _pairs(given: list[str] | None) -> dict[str, str] | None:
    pairs: dict[str, str] = {}
    for one in given or []:
        key, equals, value = one.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise typer.BadParameter(f"{one!r} is not K=V, for example team=risk")
        if key.strip() in pairs:
            raise typer.BadParameter(f"{key.strip()} stands twice; give each once")
        pairs[key.strip()] = value.strip()
    return pairs or None


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date like 2026-11-22") from error


def main() -> None:
    """Runs the command; whatever goes wrong is said in what, why and what to do, and in the exit code."""
    try:
        app()
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.OK)
    except Exception as error:  # noqa: BLE001 (the last word to a person is never a stack trace)
        if not hasattr(error, "what"):
            _unexpected(error)
        say_problem(error)
        sys.exit(int(getattr(error, "exit_code", Exit.ERROR)))


def say_problem(error: Exception) -> None:
    """Prints what, why and what to do on stderr; as JSON too where `--json` was asked for."""
    lines = [str(getattr(error, name, "")) for name in ("what", "why", "do")]
    if "--json" in sys.argv:
        typer.echo(json.dumps({"error": dict(zip(("what", "why", "do"), lines, strict=True))}))
    typer.echo("\n".join(line for line in lines if line), err=True)


def _unexpected(error: Exception) -> None:
    if os.environ.get("SPENDGATE_DEBUG"):
        raise error
    typer.echo(f"Something went wrong that Spendgate did not expect: {type(error).__name__}: {error}", err=True)
    typer.echo("Run it again with SPENDGATE_DEBUG=1 to see where, and please report it.", err=True)
    sys.exit(Exit.ERROR)
