"""`spendgate mcp` and `spendgate token`: the tools for a person's own assistant."""

from typing import Annotated

import typer

from app.cli_options import As, Json

token_app = typer.Typer(
    help="Tokens with which your own assistant asks as you (spendgate mcp --http).",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_access(app: typer.Typer) -> None:
    """Adds both to the command."""
    app.command("mcp")(mcp)
    app.add_typer(token_app, name="token")


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Over HTTP on loopback, with tokens, instead of stdio.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http: its port; 0 takes a free one.")] = 8471,
    read_only: Annotated[bool, typer.Option("--read-only", help="Over stdio: without propose_change.")] = False,
    person: As = None,
) -> None:
    """Serve the tools to your own assistant by the Model Context Protocol; it reads as you, and at most proposes."""
    from app.commands import mcp as command

    command.run(http=http, port=port, read_only=read_only, person=person)


@token_app.command("make")
def token_make(
    days: Annotated[int, typer.Option(help="For how many days it is valid, 365 at most.")] = 30,
    propose: Annotated[bool, typer.Option("--propose", help="It may also propose changes, as you.")] = False,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Make a token and show it, once."""
    from app.commands import token

    token.make(days=days, may_propose=propose, person=person, as_json=as_json)


@token_app.command("list")
def token_list(person: As = None, as_json: Json = False) -> None:
    """Your tokens, without their texts."""
    from app.commands import token

    token.show(person=person, as_json=as_json)


@token_app.command("revoke")
def token_revoke(
    name: Annotated[str, typer.Argument(metavar="ID", help="As `spendgate token list` shows it (T-…).")],
    person: As = None,
    as_json: Json = False,
) -> None:
    """End a token at once."""
    from app.commands import token

    token.revoke(name, person=person, as_json=as_json)
