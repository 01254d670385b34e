"""The words of `spendgate slack`."""

from typing import Annotated

import typer

from app.cli_options import As, Json

slack_app = typer.Typer(
    help="The Slack app: its manifest, its health, and what people think of its answers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@slack_app.command("manifest")
def manifest(
    url: Annotated[
        str | None, typer.Option(help="Where Slack reaches `serve`, https://…; without it the app uses Socket Mode.")
    ] = None,
    several_at: Annotated[
        str | None,
        typer.Option(help="Where browsers reach `serve`, https://…: then several workspaces may install the app."),
    ] = None,
) -> None:
    """Print the app's manifest, to create it in Slack with every scope and event that it needs."""
    from app.commands import slack as command

    command.show_manifest(url=url, several=several_at)


@slack_app.command("doctor")
def doctor(as_json: Json = False) -> None:
    """Check the token, scopes, channels, clock and delivery of the installed app, and say what to mend."""
    from app.commands import slack as command

    command.doctor(as_json=as_json)


@slack_app.command("feedback")
def feedback(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How many days back.")] = 30,
    person: As = None,
    as_json: Json = False,
) -> None:
    """Show how people received the answers: helpful or not, by model, and why not."""
    from app.commands import feedback as command

    command.show(days=days, person=person, as_json=as_json)


@slack_app.command("token-key")
def token_key() -> None:
    """Make a key for the stored tokens of several workspaces (SPENDGATE_SLACK_TOKEN_KEY)."""
    from app.commands import slack_workspaces as command

    command.make_key()


workspaces_app = typer.Typer(
    help="The workspaces in which the app is installed by OAuth.", no_args_is_help=True, rich_markup_mode=None
)
slack_app.add_typer(workspaces_app, name="workspaces")


@workspaces_app.command("list")
def workspaces_list(as_json: Json = False) -> None:
    """List them, with how long their tokens last."""
    from app.commands import slack_workspaces as command

    command.show(as_json=as_json)


@workspaces_app.command("remove")
def workspaces_remove(
    team: Annotated[str, typer.Argument(help="The workspace's id (T…).")], person: As = None, as_json: Json = False
) -> None:
    """Revoke a workspace's token and forget it: the app leaves, and what is due there waits."""
    from app.commands import slack_workspaces as command

    command.end(team, person=person, as_json=as_json)
