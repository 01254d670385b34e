"""`spendgate policy`: judge a rules or people file, explain what a change would need, show what is in force."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import As, Json

policy_app = typer.Typer(
    help="The rules: check a file, explain a change, show what is in force.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@policy_app.command("check")
def policy_check(
    file: Annotated[Path, typer.Argument(help="A rules or people file.")],
    people: Annotated[
        Path | None, typer.Option(help="Check the rules against these people instead of those in force.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 2 for a warning too.")] = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a rules or people file, and what nobody could approve. Exit code 2 if it is invalid."""
    from app.commands import policy

    policy.check_file(file, people=people, strict=strict, as_json=as_json)


@policy_app.command("explain")
def policy_explain(
    what: Annotated[
        str, typer.Argument(metavar="PROPOSAL|FILE", help="A proposal's id, or a TOML or JSON file with a change.")
    ],
    requester: Annotated[str | None, typer.Option(metavar="ID", help="Who would ask for it; by default you.")] = None,
    amount: Annotated[str | None, typer.Option(help="Annualised effective cost, for example 24000.")] = None,
    currency: Annotated[str | None, typer.Option(help="Its currency, for example USD.")] = None,
    environment: Annotated[str | None, typer.Option(help="production, development …")] = None,
    team: Annotated[str | None, typer.Option(help="The team whose cost it is.")] = None,
    account: Annotated[str | None, typer.Option(help="The account, where freezes or caps ask for it.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Which votes a change needs and why, who could give them, and which freezes and caps would hold it."""
    from app.commands import policy_explain

    given = {"amount": amount, "currency": currency, "environment": environment, "team": team, "account": account}
    policy_explain.explain_change(what, requester=requester, given=given, person=person, as_json=as_json)


@policy_app.command("show")
def policy_show(as_json: Json = False) -> None:
    """The versions and digests of the rules and people in force."""
    from app.commands import policy

    policy.show(as_json=as_json)


@policy_app.command("propose")
def policy_propose(
    kind: Annotated[str, typer.Argument(help="rules or people.")],
    file: Annotated[Path | None, typer.Argument(help="The file; by default the home's.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Propose other rules or people; they come into force by votes, like any other change."""
    from app.commands import govern

    govern.propose_policy(kind, file, person=person, as_json=as_json)
