"""Providers' own interfaces as sources of bills and of usage: what their keys see, and pulling them."""

from typing import Annotated

import typer

from app.cli_options import Json, day

sources_app = typer.Typer(
    help="Bills and usage from providers' interfaces: OpenAI, Anthropic, LiteLLM.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
usage_app = typer.Typer(help="How hard machines and models worked.", no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="openai, anthropic or litellm.")]


@sources_app.command("list")
def sources_list(as_json: Json = False) -> None:
    """Which sources have a key, when each was pulled last, and how far its data reaches."""
    from app.commands import sources

    sources.list_all(as_json=as_json)


@sources_app.command("check")
def sources_check(name: Name, as_json: Json = False) -> None:
    """Send one cheap request and tell what the key can see; nothing is loaded."""
    from app.commands import sources

    sources.check(name, as_json=as_json)


@sources_app.command("pull")
def sources_pull(
    name: Name,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Reach back to the month of this day; else what may have changed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Pull what may have changed and load it; a pull that was cut off goes on where it stopped."""
    from app.commands import sources

    sources.pull(name, since=day(since), as_json=as_json)


@usage_app.command("inventory")
def usage_inventory(
    region: Annotated[
        str | None, typer.Option(help="The AWS region to list; else the one that AWS's own tools would use.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List machines, disks, snapshots and images of this account and region; for the rules of what lies about."""
    from app.commands import usage

    usage.inventory(region=region, as_json=as_json)


@usage_app.command("keys")
def usage_keys(as_json: Json = False) -> None:
    """List the access keys of this account's users, with when each was last used; for the rule of unused keys."""
    from app.commands import usage

    usage.keys(as_json=as_json)


@usage_app.command("pull")
def usage_pull(
    region: Annotated[
        str | None, typer.Option(help="The AWS region to read; else the one that AWS's own tools would use.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Reach back to this day; else what is new or may have come late.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Pull hourly usage from Amazon CloudWatch and load it; a pull that was cut off goes on where it stopped."""
    from app.commands import usage

    usage.pull(region=region, since=day(since), as_json=as_json)
