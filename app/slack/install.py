"""`/slack/install` and `/slack/oauth_redirect`: how a workspace lets the app in, by Slack's OAuth v2.

Whoever comes back from Slack must be the browser that was sent there: the state is sealed with the time and with what
only that browser's cookie holds, and comes back once. Otherwise anybody could make a person's browser finish an
installation that somebody else began. Sending a browser there stores nothing, so that strangers cannot fill the
database. A workspace that is not on the list is refused, and the token that Slack gave for it is revoked at once.
"""

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import beside, reading, writing
from app.errors import Exit, Problem
from app.installations import Granted, comes_first, keep
from app.slack.manifest import SCOPES
from app.slack.patience import LOST, word
from app.slack.people import Speaker, who
from app.slack.tokens import Tokens, granted
from app.web.pages import HEADERS, render
from approvals.active import active
from audit import log
from audit.event import Actor, ActorKind, Event

logger = logging.getLogger(__name__)
INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"
COOKIE = "spendgate_install"
LASTS = timedelta(minutes=10)
"""As long as the code that Slack gives."""
STATE = "installation"
MANY = "installation in a whole organisation"
AGAIN = f"Open {INSTALL} again, and finish in the same browser within ten minutes."
SLACK = Actor(ActorKind.UNKNOWN, "slack")


class Installs:
    """Begins and ends installations; `tokens` has the keys and who may."""

    def __init__(self, engine: Engine, tokens: Tokens, *, app_id: str) -> None:
        self._engine, self._tokens, self._app_id = engine, tokens, app_id

    def begin(self, team: str) -> tuple[str, str]:
        """Where the browser is sent, and what its cookie is to hold."""
        browser, oauth = secrets.token_urlsafe(32), self._tokens.oauth
        with reading(self._engine) as (_, now):
            state = self._tokens.box.stamp(_hashed(browser), about=STATE, now=now)
        asked = {
            "client_id": oauth.client_id,
            "scope": ",".join(sorted(SCOPES)),
            "redirect_uri": oauth.redirect_url,
            "state": state,
            **({"team": team} if team in oauth.teams else {}),
        }
        return urljoin(self._tokens.base_url, "/oauth/v2/authorize") + "?" + urlencode(asked), browser

    def cookie(self) -> dict[str, Any]:
        """How the cookie is bound: to these two addresses as browsers see them, out of reach of scripts and of other
        sites' forms."""
        oauth = self._tokens.oauth
        under = urlsplit(oauth.redirect_url).path.rpartition("/")[0]
        return {"path": f"{under}/", "httponly": True, "samesite": "lax", "secure": oauth.secure}

    def comes_back(self, state: str, browser: str | None) -> bool:
        """Whether this browser was sent to Slack with this state a moment ago, and comes back for the first time."""
        with reading(self._engine) as (_, now):
            told = self._tokens.box.fresh(state[:1000], about=STATE, lasts=LASTS, now=now)
        if told is None or not browser or not hmac.compare_digest(told, _hashed(browser)):
            return False
        with beside(self._engine) as (session, now):
            return comes_first(session, _hashed(state), lasts=LASTS, now=now)

    async def end(self, code: str) -> Granted:
        """Exchanges the code and stores what it grants. A Problem where it grants nothing that may be stored."""
        oauth, client = self._tokens.oauth, self._tokens.plain()
        try:
            answer = await client.oauth_v2_access(
                client_id=oauth.client_id, client_secret=oauth.client_secret, code=code, redirect_uri=oauth.redirect_url
            )
        except SlackApiError as error:
            raise _nothing(f"Slack would not exchange the code ({word(error)}).", AGAIN) from None
        except LOST as error:
            raise _nothing(f"Slack could not be reached ({type(error).__name__}).", AGAIN) from None
        try:
            fresh = granted(answer.data)
        except SlackApiError:  # it names no workspace, or the token is no app's: what was given may act all the same
            for_many = bool(answer.get("is_enterprise_install"))
            token, why = str(answer.get("access_token") or ""), MANY if for_many else "installation without a bot token"
            raise await self._refuse(client, token, "no workspace", why) from None
        why_not = self._why_not(fresh, answer.get("app_id"), answer.get("is_enterprise_install"))
        if why_not is not None:
            raise await self._refuse(client, fresh.token, fresh.team, why_not)
        account = answer.get("authed_user") or {}
        await asyncio.to_thread(self._keep, fresh, str(account.get("id") or ""))
        logger.info("the app was installed in %s", fresh.team)
        return fresh

    def _why_not(self, fresh: Granted, app_id: object, for_many: object) -> str | None:
        if fresh.team not in self._tokens.oauth.teams:
            return "installation in a workspace that is not on the list"
        if app_id != self._app_id:
            return "installation of another app"
        return MANY if for_many else None

    async def _refuse(self, client: AsyncWebClient, token: str, team: str, why: str) -> Problem:
        """Gives the token back, and says so in the log; what to tell whoever installed it."""
        try:
            await client.auth_revoke(token=token)
            ended = "its token was revoked"
        except (SlackApiError, *LOST) as error:
            said = word(error) if isinstance(error, SlackApiError) else type(error).__name__
            ended = f"its token could not be revoked ({said}): remove the app there by hand"
        await asyncio.to_thread(self._note_refusal, team, why, ended)
        logger.warning("%s (%s) was refused; %s", why, team, ended)
        do = "Whoever runs Spendgate adds the workspace's id to SPENDGATE_SLACK_TEAMS, if it is to have the app."
        return _nothing(f"It was an {why} ({team}), and {ended}.", do)

    def _note_refusal(self, team: str, why: str, ended: str) -> None:
        with writing(self._engine) as (session, now):
            data = {"reason": why, "team": team[:40], "ended": ended}
            log.append(session, now=now, event=Event.SLACK_REFUSED, actor=SLACK, data=data)

    def _keep(self, fresh: Granted, account: str) -> None:
        with writing(self._engine) as (session, now):
            person = who(active(session).people, Speaker(fresh.team, account, ""))
            actor = Actor(ActorKind.PERSON, person.id) if person is not None else SLACK
            keep(session, self._tokens.box, fresh, actor=actor, now=now)


def mount(api: FastAPI, *, installs: Installs, stranger: Callable[[], None]) -> None:
    """Adds the two addresses. `stranger` is told of whoever comes back without having been sent, to be counted."""

    @api.get(INSTALL)
    def _install(team: str = "") -> Response:
        address, browser = installs.begin(team)
        answer = RedirectResponse(address, status_code=302, headers=HEADERS)
        answer.set_cookie(COOKIE, browser, max_age=int(LASTS.total_seconds()), **installs.cookie())
        return answer

    @api.get(REDIRECT)
    async def _back(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        browser = request.cookies.get(COOKIE)
        try:
            if not await asyncio.to_thread(installs.comes_back, state, browser):
                stranger()
                raise _nothing("This browser did not begin it, or did so more than ten minutes ago, or is done.", AGAIN)
            if error or not code:
                raise _nothing(_said(error), AGAIN)
            fresh = await installs.end(code)
        except Problem as problem:
            answer: Response = render("problem.html", status=403, problem=problem)
        else:
            answer = render("installed.html", called=fresh.name, team=fresh.team)
        answer.delete_cookie(COOKIE, **installs.cookie())
        return answer


def _said(error: str) -> str:
    if error == "access_denied":
        return "Somebody denied it on Slack's page."
    return f"Slack said: {error}." if re.fullmatch(r"[a-z_]{1,60}", error) else "Slack gave no code."


def _nothing(why: str, do: str) -> Problem:
    return Problem("Nothing was installed.", why=why, do=do, exit_code=Exit.DENIED)


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()
