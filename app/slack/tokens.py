"""The token of each workspace, as it is at this moment: read from its row at each call, renewed before it ends.

Slack lets a token of twelve hours be exchanged by a refresh token that works once. So one process does it, the others
go on with the token that still lasts, and a token is never remembered beyond the call that it was read for.
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from sqlalchemy import Engine

from app.database import reading, writing
from app.errors import Problem
from app.installations import (
    Granted,
    HeldToken,
    all_installations,
    held_token,
    not_renewed,
    renewed,
    reseal,
    take_renewal,
)
from app.oauth_settings import OAuthSettings
from app.slack.patience import LOST, word
from app.token_box import TokenBox
from audit.event import Actor, ActorKind

logger = logging.getLogger(__name__)
SERVE = Actor(ActorKind.SERVICE, "serve")
EARLY, LATE = timedelta(hours=2), timedelta(minutes=5)
"""How long before its end a token is renewed in the background, and how long before it at the latest by whoever needs
it; Slack's own libraries take two hours."""
NOT_INSTALLED, NOT_ALLOWED, UNREADABLE = "not_installed", "team_not_allowed", "token_unreadable"
"""Our own words for a workspace without a token, as Slack's stand in its answers: what is due there waits for the app
to be installed again or the token to be readable, and is given up where the workspace may not have it any more."""


class Tokens:
    """The tokens of the workspaces that may have the app."""

    def __init__(self, engine: Engine, oauth: OAuthSettings, *, base_url: str) -> None:
        self.oauth, self.box, self.base_url = oauth, TokenBox(oauth.keys), base_url
        self.engine, self._by = engine, f"serve-{secrets.token_hex(4)}"
        self._exchanges: set[asyncio.Task[None]] = set()
        self._busy: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def check(self) -> list[str]:
        """Reads every token once, and seals it under the newest key; returns the workspaces that have none yet. A
        Problem where one cannot be read."""
        with writing(self.engine) as (session, _):
            if changed := reseal(session, self.box):
                logger.info("the tokens of %d workspaces were encrypted under the newest key", changed)
            return sorted(self.oauth.teams - {row.team for row in all_installations(session)})

    async def stored(self, team: str) -> str | None:
        """The token as it stands in its row, whether it lasts or not; None where the app is not installed."""
        held, _ = await asyncio.to_thread(self._held, team)
        return held.token if held is not None else None

    async def token(self, team: str) -> str:
        """A token to call Slack with; a SlackApiError where there is none."""
        held, now = await asyncio.to_thread(self._held, team)
        if held is not None and held.ends_at is not None and held.ends_at - now <= LATE:
            held = await self._renew(team, LATE)
        if held is None:
            raise no_token(team, NOT_INSTALLED if team in self.oauth.teams else NOT_ALLOWED)
        return held.token

    async def renew_due(self) -> None:
        """Renews every token that ends soon; one that cannot be read keeps no other from it."""
        for team in await asyncio.to_thread(self._teams):
            try:
                await self._renew(team, EARLY)
            except Problem as problem:
                logger.error("the token of %s was not renewed: %s %s", team, problem.what, problem.why)

    async def _renew(self, team: str, before: timedelta) -> HeldToken | None:
        """The token after it was renewed, if it was to be; one of this process at a time, and one of all by its row."""
        async with self._busy[team]:
            held, now = await asyncio.to_thread(self._held, team)
            if held is None or held.ends_at is None or held.ends_at - now > before:
                return held
            refresh = await asyncio.to_thread(self._take, team, before)
            if refresh is None:
                return held
            # Whoever needed it may lose patience; the refresh token is used up by then, and what came must be stored.
            exchange = asyncio.create_task(self._exchange(team, refresh))
            self._exchanges.add(exchange)
            exchange.add_done_callback(self._exchanges.discard)
            await asyncio.shield(exchange)
            return (await asyncio.to_thread(self._held, team))[0]

    async def settle(self) -> None:
        """Waits for the refreshes that are under way: a process that ended now would lose what came for them."""
        await asyncio.gather(*self._exchanges, return_exceptions=True)

    async def _exchange(self, team: str, refresh: str) -> None:
        try:
            answer = await self.plain().oauth_v2_access(
                client_id=self.oauth.client_id,
                client_secret=self.oauth.client_secret,
                grant_type="refresh_token",
                refresh_token=refresh,
            )
            await asyncio.to_thread(self._keep, granted(answer.data))
        except (SlackApiError, *LOST) as error:
            why = word(error) if isinstance(error, SlackApiError) else "Slack could not be reached"
            logger.warning("the token of %s was not renewed (%s)", team, why)
            await asyncio.to_thread(self._refused, team, why)

    def plain(self) -> AsyncWebClient:
        """A client without a token, for what the app does in its own name."""
        return AsyncWebClient(base_url=self.base_url, timeout=10, retry_handlers=[])

    def _held(self, team: str) -> tuple[HeldToken | None, datetime]:
        with reading(self.engine) as (session, now):
            return held_token(session, self.box, team) if team in self.oauth.teams else None, now

    def _teams(self) -> list[str]:
        with reading(self.engine) as (session, _):
            return [row.team for row in all_installations(session) if row.team in self.oauth.teams]

    def _take(self, team: str, before: timedelta) -> str | None:
        with writing(self.engine) as (session, now):
            return take_renewal(session, self.box, team, before=before, by=self._by, now=now)

    def _keep(self, fresh: Granted) -> None:
        with writing(self.engine) as (session, now):
            if not renewed(session, self.box, fresh, by=self._by, now=now):
                logger.info("the renewed token of %s came too late: the workspace was installed anew", fresh.team)

    def _refused(self, team: str, why: str) -> None:
        with writing(self.engine) as (session, now):
            not_renewed(session, team, by=self._by, why=why, actor=SERVE, now=now)


def no_token(team: str, said: str) -> SlackApiError:
    """That there is no token to call with, as Slack would say it."""
    answer = AsyncSlackResponse(
        client=None, http_verb="", api_url="", req_args={}, data={"ok": False, "error": said}, headers={},
        status_code=200,
    )  # fmt: skip
    return SlackApiError(f"the app has no token for {team}", answer)  # type: ignore[no-untyped-call]


def granted(answer: Any) -> Granted:
    """An answer of `oauth.v2.access` as what it grants. A SlackApiError where it is none of a workspace's bot token."""
    told = answer if isinstance(answer, dict) else {}
    team, lasts = told.get("team"), told.get("expires_in")
    token, name = told.get("access_token"), team.get("id") if isinstance(team, dict) else None
    if not isinstance(token, str) or not token.startswith(("xoxb-", "xoxe.xoxb-")) or not isinstance(name, str):
        said = {"ok": False, "error": "no_bot_token"}
        raise SlackApiError("no bot token of one workspace", said)  # type: ignore[no-untyped-call]
    return Granted(
        team=name,
        name=str(team.get("name") or name)[:80] if isinstance(team, dict) else name,
        bot_user=str(told.get("bot_user_id") or ""),
        scopes=str(told.get("scope") or ""),
        token=token,
        refresh_token=str(told["refresh_token"]) if told.get("refresh_token") else None,
        lasts=timedelta(seconds=lasts) if isinstance(lasts, int) and lasts > 0 else None,
    )
