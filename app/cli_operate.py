"""What an operator runs: the three processes, the database, and the sandbox's parts."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import Json, day

db_app = typer.Typer(
    help="The database: make, upgrade, adopt rules or people.", no_args_is_help=True, rich_markup_mode=None
)
sandbox_app = typer.Typer(
    help="The outside world on loopback, one part at a time.", no_args_is_help=True, rich_markup_mode=None
)


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


def add_processes(app: typer.Typer) -> None:
    """Adds serve, agent, worker, signer and witness to the command."""
    for command in (serve, agent, worker, signer, witness):
        app.command()(command)


def serve() -> None:
    """Run Slack, the web pages and votes."""
    from app.commands import processes

    processes.serve()


def agent() -> None:
    """Run the agent: answers questions, drafts proposals; it can neither decide nor execute."""
    from app.commands import processes

    processes.agent()


def worker() -> None:
    """Run the worker: seals, claims, executes, reads back. The only process with cloud credentials."""
    from app.commands import processes

    processes.worker()


def signer(
    after_restore: Annotated[
        bool, typer.Option("--after-restore", help="Once, after a restore from a backup that you know of.")
    ] = False,
) -> None:
    """Run the signer: follows the log within a second and signs its tree. Holds the log's private key."""
    from app.commands import processes

    processes.signer(restored=after_restore)


def witness(
    folder: Annotated[Path, typer.Option(help="Where its key and what it cosigned lie; made at the first start.")],
    log: Annotated[list[str], typer.Option(metavar="VKEY", help="A log's key that it follows; repeat for more.")],
    name: Annotated[str, typer.Option(help="Its name, such as witness.example; stands before its signatures.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8475,
    host: Annotated[str, typer.Option(help="Address to listen on; by default only this machine.")] = "127.0.0.1",
    origin: Annotated[
        list[str] | None, typer.Option(help="A log's name that is not its key's, such as BASE/restored-1; repeat.")
    ] = None,
) -> None:
    """Run a witness: cosigns the checkpoints of logs that only grow. Needs no database and no home of its own."""
    from app.commands import witness as command

    command.run(folder=folder, logs=log, name=name, also=origin or [], host=host, port=port)


@sandbox_app.command("bank")
def sandbox_bank(
    into: Annotated[Path, typer.Option(help="The folder to write into.")],
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Last day of the bill; by default yesterday.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, another bank.")] = 7,
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of Parquet.")] = False,
    waste: Annotated[bool, typer.Option("--waste", help="With waste for every rule of savings to find.")] = False,
    as_json: Json = False,
) -> None:
    """Write the generated bill of a mid-sized bank, with its utilisation and the planted truth."""
    from app.commands import sandbox_bank as command

    sys.exit(command.run(into=into, until=day(until), seed=seed, csv=csv, waste=waste, as_json=as_json))


@sandbox_app.command("aws")
def sandbox_aws(
    machines: Annotated[Path, typer.Option(help="machines.json of a sandbox bank.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
) -> None:
    """Serve AWS EC2 on loopback, with the bank's machines."""
    from app.commands import sandbox_aws as command

    sys.exit(command.run(machines=machines, port=port))


@sandbox_app.command("slack")
def sandbox_slack(
    app_url: Annotated[
        str, typer.Option(help="Where the app takes events, for example http://127.0.0.1:8470/slack/events")
    ] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    signing_secret: Annotated[str, typer.Option(help="Signs what is sent to Spendgate.")] = "sandbox-signing-secret",  # noqa: S107 (guards nothing: loopback)
    audit_link: Annotated[
        str,
        typer.Option(envvar="SPENDGATE_SANDBOX_AUDIT_LINK", help="An address of the action log, shown on the page."),
    ] = "",
    transcript: Annotated[Path | None, typer.Option(help="Write each delivery as a JSON line.")] = None,
    workspace: Annotated[Path | None, typer.Option(help="YAML, TOML or JSON: team, app, people, channels.")] = None,
    bot_token: Annotated[str, typer.Option(help="The bot token that is accepted.")] = "xoxb-sandbox",  # noqa: S107
    app_token: Annotated[str, typer.Option(help="The app-level token for Socket Mode.")] = "xapp-sandbox",  # noqa: S107
    socket_mode: Annotated[bool, typer.Option(help="Deliver by Socket Mode instead of HTTP.")] = False,
    rate_limits: Annotated[bool, typer.Option(help="Answer 429 as Slack does, by tier and channel.")] = False,
    clock: Annotated[
        bool, typer.Option("--clock", help="A clock that POST /sandbox/clock moves on; retries wait by it, unscaled.")
    ] = False,
) -> None:
    """Serve a Slack workspace on loopback, for any Slack client library, with a page to act in it."""
    from app.commands import sandbox_slack as command

    command.run(
        app_url=app_url,
        port=port,
        signing_secret=signing_secret,
        audit_link=audit_link,
        transcript=transcript,
        workspace=workspace,
        bot_token=bot_token,
        app_token=app_token,
        socket_mode=socket_mode,
        rate_limits=rate_limits,
        clock=clock,
    )
