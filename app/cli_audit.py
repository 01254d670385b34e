"""`spendgate audit …`: the log listed, shown, verified, proven."""

from typing import Annotated

import typer

from app.cli_options import As, Json

MOST = 2**53

audit_app = typer.Typer(help="The action log: list, show, verify.", no_args_is_help=True, rich_markup_mode=None)


@audit_app.command("list")
def audit_list(
    proposal: Annotated[str | None, typer.Option(help="Only this proposal's entries.")] = None,
    event: Annotated[str | None, typer.Option(help="Only this kind, for example vote.refused.")] = None,
    after: Annotated[int, typer.Option(min=0, max=MOST, help="Only entries after this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 100,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Entries of the log, oldest first."""
    from app.commands import audit

    audit.list_entries(proposal=proposal, event=event, after=after, limit=limit, person=person, as_json=as_json)


@audit_app.command("show")
def audit_show(
    entry: Annotated[int, typer.Argument(min=1, max=MOST)], person: As = None, as_json: Json = False
) -> None:
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
