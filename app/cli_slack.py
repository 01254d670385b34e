"""The words of `spendgate slack`."""

from typing import Annotated

import typer

from app.cli_options import Json

slack_app = typer.Typer(
    help="The Slack app: its manifest, and its health.", no_args_is_help=True, rich_markup_mode=None
)


@slack_app.command("manifest")
def manifest(
    url: Annotated[
        str | None, typer.Option(help="Where Slack reaches `serve`, https://…; without it the app uses Socket Mode.")
    ] = None,
) -> None:
    """Print the app's manifest, to create it in Slack with every scope and event that it needs."""
    from app.commands import slack as command

    command.show_manifest(url=url)


@slack_app.command("doctor")
def doctor(as_json: Json = False) -> None:
    """Check the token, scopes, channels, clock and delivery of the installed app, and say what to mend."""
    from app.commands import slack as command

    command.doctor(as_json=as_json)
