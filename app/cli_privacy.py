"""`spendgate audit forget` and `spendgate audit hold …`: personal data erased, or kept from being erased."""

from typing import Annotated

import typer

from app.cli_options import As, Json

Id = Annotated[str, typer.Argument(metavar="PERSON", help="The opaque id, for example p-0a11ce01.")]

hold_app = typer.Typer(help="Legal holds: place, lift, list.", no_args_is_help=True, rich_markup_mode=None)


def audit_forget(
    person: Id,
    reason: Annotated[str | None, typer.Option(help="Why, kept encrypted under your own key.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the id again.")] = False,
    acting_as: As = None,
    as_json: Json = False,
) -> None:
    """Erase a person's name, accounts and words for good; the log and its proofs stay as they are."""
    from app.commands import audit_forget as command

    command.forget(person, reason=reason, yes=yes, acting_as=acting_as, as_json=as_json)


@hold_app.command("place")
def hold_place(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The opaque id, or all.")],
    reason: Annotated[str, typer.Option(help="Why, kept encrypted under your own key.")],
    acting_as: As = None,
    as_json: Json = False,
) -> None:
    """Nothing of this person is erased until the hold is lifted."""
    from app.commands import audit_forget as command

    command.hold_place(person, reason=reason, acting_as=acting_as, as_json=as_json)


@hold_app.command("lift")
def hold_lift(
    hold: Annotated[str, typer.Argument(metavar="ID", help="The hold, for example h-0123456789.")],
    acting_as: As = None,
    as_json: Json = False,
) -> None:
    """End a hold."""
    from app.commands import audit_forget as command

    command.hold_lift(hold, acting_as=acting_as, as_json=as_json)


@hold_app.command("list")
def hold_list(acting_as: As = None, as_json: Json = False) -> None:
    """Every hold, with the reason for whoever may place one."""
    from app.commands import audit_forget as command

    command.hold_list(acting_as=acting_as, as_json=as_json)


def add_to(audit_app: typer.Typer) -> None:
    """Puts these commands under `spendgate audit`."""
    audit_app.command("forget")(audit_forget)
    audit_app.add_typer(hold_app, name="hold")
