"""What people do to proposals and to the gate: withdraw, undo, replace, review, stop, lend, propose other rules."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import As, Json, moment

switch_app = typer.Typer(
    help="The kill switch: on at once, off by a vote.", no_args_is_help=True, rich_markup_mode=None
)
delegations_app = typer.Typer(help="Roles lent for a while.", no_args_is_help=True, rich_markup_mode=None)


def account_number(text: str | None) -> str | None:
    """An account as AWS writes it; a usage error for anything else, which must not be taken for everything."""
    if text is not None and not (len(text) == 12 and text.isascii() and text.isdigit()):
        raise typer.BadParameter(f"{text!r} is no account of twelve digits; leave it away to mean everything")
    return text


def add_verbs(proposals: typer.Typer) -> None:
    """Adds to `spendgate proposals` what people may do besides voting."""
    for command in (withdraw, undo, replace, review):
        proposals.command()(command)
    proposals.command("new")(ask_for)
    proposals.command("break-glass")(break_glass)


def ask_for(
    file: Annotated[Path, typer.Option("--with", help="The change, as JSON or TOML: docs/executors.md tells each.")],
    person: As = None,
    as_json: Json = False,
) -> None:
    """Propose a change that no rule of savings leads to; it is checked and voted on like any other."""
    from app.commands import govern

    govern.ask_for(file, person=person, as_json=as_json)


def withdraw(proposal: str, person: As = None, as_json: Json = False) -> None:
    """Take your own proposal back, until the worker has claimed it."""
    from app.commands import govern

    govern.take_back(proposal, person=person, as_json=as_json)


def undo(proposal: str, person: As = None, as_json: Json = False) -> None:
    """Propose exactly the inverse that was sealed with what was carried out."""
    from app.commands import govern

    govern.undo(proposal, person=person, as_json=as_json)


def replace(
    proposal: str,
    file: Annotated[Path, typer.Option("--with", help="The change that takes its place, as JSON or TOML.")],
    person: As = None,
    as_json: Json = False,
) -> None:
    """Propose another change for the same resource; the votes on the old one end with it."""
    from app.commands import govern

    govern.replace(proposal, file, person=person, as_json=as_json)


def break_glass(
    proposal: str,
    incident: Annotated[str, typer.Option(help="The incident's number, for example INC-20417.")],
    person: As = None,
    as_json: Json = False,
) -> None:
    """Ask for an open proposal's change as an emergency; it is reviewed afterwards."""
    from app.commands import govern

    govern.break_glass(proposal, incident, person=person, as_json=as_json)


def review(
    proposal: str,
    justified: Annotated[bool, typer.Option("--justified/--not-justified", help="Whether it was an emergency.")],
    reason: Annotated[str, typer.Option(help="Why; kept encrypted under your key.")],
    person: As = None,
    as_json: Json = False,
) -> None:
    """Review an emergency change in which you had no part."""
    from app.commands import govern

    govern.judge(proposal, justified=justified, reason=reason, person=person, as_json=as_json)


Account = Annotated[
    str | None,
    typer.Option(help="Only this account (twelve digits); by default everything.", callback=account_number),
]


@switch_app.command("on")
def switch_on(
    reason: Annotated[str, typer.Option(help="Why; kept encrypted under your key.")] = "",
    account: Account = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Stop every change that was not sent yet, at once."""
    from app.commands import govern

    govern.switch_on(account=account, reason=reason, person=person, as_json=as_json)


@switch_app.command("release")
def switch_release(account: Account = None, person: As = None, as_json: Json = False) -> None:
    """Propose to turn it off again; people vote on that."""
    from app.commands import govern

    govern.switch_release(account=account, person=person, as_json=as_json)


@switch_app.command("status")
def switch_status(as_json: Json = False) -> None:
    """How it stands."""
    from app.commands import govern

    govern.switch_status(as_json=as_json)


@delegations_app.command("give")
def delegations_give(
    to: Annotated[str, typer.Option(help="Whom: the id in people.toml, for example p-4f1c22ab.")],
    role: Annotated[list[str], typer.Option(help="A role of yours; repeat for more.")],
    until: Annotated[str, typer.Option(help="Until when, for example 2026-12-24T18:00 (UTC).")],
    since: Annotated[str | None, typer.Option(help="From when; by default at once.")] = None,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Lend roles of yours to somebody for a while."""
    from app.commands import govern

    ends = moment(until)
    assert ends is not None  # noqa: S101 (a required option)
    govern.lend(receiver=to, roles=role, starts_at=moment(since), ends_at=ends, person=person, as_json=as_json)


@delegations_app.command("end")
def delegations_end(delegation: str, person: As = None, as_json: Json = False) -> None:
    """End a delegation that you gave or received."""
    from app.commands import govern

    govern.end_lending(delegation, person=person, as_json=as_json)


@delegations_app.command("list")
def delegations_list(as_json: Json = False) -> None:
    """All delegations, newest first."""
    from app.commands import govern

    govern.lendings(as_json=as_json)
