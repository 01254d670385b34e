"""Slack's user groups as the directory: read by `serve`, which holds the token, for the others to judge by."""

import asyncio
from collections.abc import Sequence

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading, writing
from app.slack.clients import at
from app.slack.patience import LOST, word
from app.slack.tokens import NOT_ALLOWED, NOT_INSTALLED
from approvals.active import active
from approvals.directory import Directory, DirectoryDown, Members, keep_reading
from approvals.person import Group
from audit.event import Actor, ActorKind

READ_SECONDS = 60.0
"""How often; a reading counts for ten minutes, so that a few that fail hold nobody up."""

SERVE = Actor(ActorKind.SERVICE, "serve")


class SlackGroups:
    """`usergroups.users.list` for each group: needs the scope usergroups:read."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def members(self, groups: Sequence[Group]) -> Members:
        """The accounts of each group, none where its workspace does not have the app; DirectoryDown where any of them
        cannot be read."""
        found: dict[tuple[str, str], Sequence[str]] = {}
        for group in groups:
            try:
                answer = await at(self._client, group.team).usergroups_users_list(
                    usergroup=group.id, team_id=group.team
                )
            except (SlackApiError, *LOST) as error:
                if isinstance(error, SlackApiError) and word(error) in (NOT_INSTALLED, NOT_ALLOWED):
                    # A workspace that removed the app takes its own groups' roles with it, and no other's.
                    found[(group.team, group.id)] = []
                    continue
                raise DirectoryDown(f"the group {group.id} cannot be read: {error}") from error
            accounts = answer.get("users")
            if not isinstance(accounts, list) or not all(isinstance(one, str) for one in accounts):
                raise DirectoryDown(f"the group {group.id} was answered without its members")
            found[(group.team, group.id)] = accounts
        return found


async def read_groups(engine: Engine, directory: Directory) -> bool:
    """Reads every group that people.toml names and stores what was told; False where it names none."""
    groups = await asyncio.to_thread(_named, engine)
    if not groups:
        return False
    members = await directory.members(groups)
    await asyncio.to_thread(_keep, engine, members)
    return True


async def watch_groups(engine: Engine, client: AsyncWebClient) -> None:
    """One reading and the rest until the next: what `serve` does again and again. DirectoryDown where it failed."""
    await read_groups(engine, SlackGroups(client))
    await asyncio.sleep(READ_SECONDS)


def _named(engine: Engine) -> tuple[Group, ...]:
    with reading(engine) as (session, _):
        return active(session).people.groups


def _keep(engine: Engine, members: Members) -> None:
    with writing(engine) as (session, now):
        keep_reading(session, now=now, members=members, people=active(session).people, actor=SERVE)
