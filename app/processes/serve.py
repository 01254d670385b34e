"""`spendgate serve`: Slack, the web pages and votes; the only writer to Slack.

It holds Slack's tokens and nothing else: no model, no cloud credentials.
"""

import asyncio
import json
import logging
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.errors import Exit, Problem
from app.home import Home
from app.oauth_settings import OAuthSettings
from app.settings import Settings, SlackSettings
from app.slack import bolt, install
from app.slack.anomalies import Place, tell_anomalies
from app.slack.at_work import AtWork
from app.slack.clients import WorkspaceClient
from app.slack.draw import CardPlace, draw_cards
from app.slack.ends import tell_requesters
from app.slack.groups import watch_groups
from app.slack.guard import Reason, RefusalCount
from app.slack.judge import Judge, Teller
from app.slack.patience import Patience, word
from app.slack.post import post_answers
from app.slack.remind import remind
from app.slack.sessions import Sessions
from app.slack.socket import Socket, keep_connected
from app.slack.threads import Threads
from app.slack.tokens import Tokens
from app.slack.unsigned import watch_signer
from app.slack.waiting import WorkingHours, call_deciders
from app.slack.witness import post_checkpoint
from app.web import decide, pages

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.25
MOST_PAUSE_SECONDS = 30.0
SUMMARY_SECONDS = 60.0
REMIND_SECONDS = 10.0


async def keep_doing(name: str, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Runs `work` again and again; a failure is noted and tried again later, ever more slowly up to half a minute."""
    pause = POLL_SECONDS
    while True:
        try:
            await work()
            pause = POLL_SECONDS
        except Exception as error:  # noqa: BLE001 (a loop that stops would leave people without cards)
            pause = min(pause * 2, MOST_PAUSE_SECONDS)
            logger.warning("%s did not work (%s); trying again in %.1f s", name, _short(error), pause)
        await asyncio.sleep(pause)


def _short(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return f"Slack answered {word(error)}"
    return f"{type(error).__name__}: {error}"


def build(
    *,
    engine: Engine,
    home: Home,
    slack: SlackSettings,
    client: AsyncWebClient | None = None,
    oauth: OAuthSettings | None = None,
) -> FastAPI:
    """The web application with its loops, which start and stop with it. With `oauth` each workspace has a token of its
    own, and `client` is not used."""
    tokens = Tokens(engine, oauth, base_url=slack.base_url) if oauth is not None else None
    client = WorkspaceClient(tokens, slack.team) if tokens else client or bolt.slack_client(slack)
    refusals = RefusalCount({})
    links = decide.DecisionLinks(home, slack.public_url) if slack.public_url else None

    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(loop) for loop in _loops(engine, client, slack, refusals, tokens)]
        if slack.app_token:
            listeners = bolt.listeners(engine=engine, settings=slack, client=client, links=links, tokens=tokens)

            async def connect() -> None:
                # The connection is the app's, not a workspace's: it is opened with the app's own token.
                plain, teams = bolt.slack_client(slack), bolt.teams_of(slack, tokens)
                socket = Socket(
                    listeners, engine=engine, settings=slack, client=plain, refusals=refusals, teams=teams
                )  # fmt: skip
                await keep_connected(socket)

            tasks.append(asyncio.create_task(keep_doing("being connected to Slack", connect)))
        yield
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
        if tokens is not None:
            await tokens.settle()
        await asyncio.to_thread(bolt.summarise_refusals, engine, refusals)

    api = FastAPI(title="Spendgate", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    bolt.mount(api, engine=engine, settings=slack, client=client, refusals=refusals, links=links, tokens=tokens)
    pages.mount(api, engine=engine, home=home)
    if links is not None:
        decide.mount(api, engine=engine, links=links, stranger=lambda: refusals.add(Reason.NO_LINK))

    if tokens is not None:
        installs = install.Installs(engine, tokens, app_id=slack.app_id)
        strangers = lambda: refusals.add(Reason.NO_STATE)  # noqa: E731
        install.mount(api, installs=installs, stranger=strangers)

    @api.get("/healthz")
    def _health() -> dict[str, str]:
        return {"status": "ok"}

    return api


def _loops(
    engine: Engine, client: AsyncWebClient, slack: SlackSettings, refusals: RefusalCount, tokens: Tokens | None
) -> list[Coroutine[Any, Any, None]]:
    """Everything that `serve` does again and again: it looks for what is due, and does it."""
    patience = Patience()
    name = f"serve-{secrets.token_hex(4)}"
    place = CardPlace(channel=slack.approvals_channel, team=slack.team, pages=slack.public_url is not None)
    threads = Threads(engine, client, team=slack.team, by=name)
    judge, teller = Judge(engine, client), Teller(engine, client)
    others = bolt.teams_of(slack, tokens) - {slack.team}
    at_work, sessions = AtWork(engine, client, by=name), Sessions(engine, client)

    async def summarise() -> None:
        await asyncio.sleep(SUMMARY_SECONDS)
        await asyncio.to_thread(bolt.summarise_refusals, engine, refusals)

    return [
        keep_doing("judging votes", judge.judge_all),
        keep_doing("telling voters", teller.tell_all),
        keep_doing("drawing cards", lambda: draw_cards(engine, client, place=place, by=name, patience=patience)),
        keep_doing("posting answers", lambda: post_answers(engine, client, by=name, patience=patience)),
        keep_doing("showing what goes on", at_work.show),
        keep_doing("telling where conversations stand", sessions.tell),
        keep_doing("telling what happened", lambda: threads.tell(patience)),
        keep_doing(
            "telling requesters",
            lambda: tell_requesters(engine, client, team=slack.team, others=others, by=name, patience=patience),
        ),
        keep_doing("summing up refusals", summarise),
        keep_doing("reading groups", lambda: watch_groups(engine, client)),
        *_unhurried(engine, client, slack, tokens, name=name, patience=patience),
    ]


def _unhurried(
    engine: Engine,
    client: AsyncWebClient,
    slack: SlackSettings,
    tokens: Tokens | None,
    *,
    name: str,
    patience: Patience,
) -> list[Coroutine[Any, Any, None]]:
    """What may come some seconds later: nobody waits for it."""
    told_by: dict[str, Any] = {"by": name, "patience": patience}
    hours, places = WorkingHours(client), Place(slack.team, slack.anomaly_channels)

    def every(seconds: float, what: str, work: Callable[[], Coroutine[Any, Any, object]]) -> Coroutine[Any, Any, None]:
        async def once() -> None:
            await work()
            await asyncio.sleep(seconds)

        return keep_doing(what, once)

    channel, others = slack.approvals_channel, bolt.teams_of(slack, tokens) - {slack.team}
    loops = [
        every(REMIND_SECONDS, "reminding", lambda: remind(engine, client, team=slack.team, **told_by)),
        every(
            SUMMARY_SECONDS, "calling deciders",
            lambda: call_deciders(engine, client, team=slack.team, others=others, hours=hours, **told_by),
        ),
        every(REMIND_SECONDS, "watching the signer", lambda: watch_signer(engine, client, channel=channel, **told_by)),
    ]  # fmt: skip
    if tokens is not None:
        loops.append(every(SUMMARY_SECONDS, "renewing tokens", tokens.renew_due))
    if slack.anomaly_channels:
        tell = partial(tell_anomalies, engine, client, place=places, **told_by)
        loops.append(every(REMIND_SECONDS, "telling what is unusual", tell))
    if slack.witness_channel:
        show = partial(post_checkpoint, engine, client, channel=slack.witness_channel, **told_by)
        loops.append(every(REMIND_SECONDS, "showing the log's checkpoint", show))
    return loops


async def check_slack(client: AsyncWebClient, slack: SlackSettings) -> None:
    """Refuses to start with a token that Slack refuses, or that belongs to another workspace."""
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        raise Problem(
            "Slack does not accept SPENDGATE_SLACK_BOT_TOKEN.",
            why=f"auth.test answered {word(error)}.",
            do="Copy the Bot User OAuth Token again from OAuth & Permissions of your Slack app.",
            exit_code=Exit.USAGE,
        ) from error
    except OSError as error:
        raise Problem(
            f"Slack cannot be reached at {slack.base_url}.",
            why=f"{error}.",
            do="Check the network, or SPENDGATE_SLACK_BASE_URL.",
        ) from error
    if answer.get("team_id") != slack.team:
        raise Problem(
            "SPENDGATE_SLACK_TEAM is not the workspace of the bot token.",
            why=f"The token belongs to {answer.get('team_id')}, the variable says {slack.team}.",
            do="Set the variable to the token's workspace, or take the other workspace's token.",
            exit_code=Exit.USAGE,
        )


def bind(settings: Settings) -> socket.socket:
    """The listening socket, taken before anything else so that a port in use is a sentence, not a stack trace."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        raise Problem(
            f"Port {settings.port} on {settings.host} cannot be used.",
            why=f"{error.strerror or error}: another program, perhaps another `spendgate serve`, listens there.",
            do="Stop it, or choose another port in SPENDGATE_PORT.",
            exit_code=Exit.CONFLICT,
        ) from error
    return listener


def run(
    *, engine: Engine, home: Home, settings: Settings, slack: SlackSettings, oauth: OAuthSettings | None = None
) -> None:
    """Serves until it is told to stop."""
    listener = bind(settings)
    client = bolt.slack_client(slack)
    if oauth is not None:
        for team in Tokens(engine, oauth, base_url=slack.base_url).check():
            logger.warning("the app is not installed in %s: open %s/slack/install", team, slack.public_url)
    api = build(engine=engine, home=home, slack=slack, client=client, oauth=oauth)
    config = uvicorn.Config(api, log_level="warning", access_log=False, lifespan="on", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)

    async def main() -> None:
        if oauth is None:
            await check_slack(client, slack)
        host, port = listener.getsockname()[:2]
        sys.stdout.write(json.dumps({"ready": "serve", "address": f"http://{host}:{port}"}) + "\n")
        sys.stdout.flush()
        await server.serve(sockets=[listener])

    asyncio.run(main())
