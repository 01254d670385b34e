"""Slack's door: the guard, then Bolt, on one address of the web application."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from aiohttp import ClientError
from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import known_among
from app.settings import SlackSettings
from app.slack import anomaly_presses, asks, clicks, commands, feedback, investigate, messages, removal, stop_button
from app.slack.admission import Admission
from app.slack.guard import LARGEST_BODY, Admissible, Reason, RefusalCount, Refused, examine
from app.slack.members import Members
from app.slack.patience import word
from app.slack.people import team_of
from app.slack.post import whisper_soon
from app.slack.together import Together
from app.slack.tokens import Tokens
from app.web.decide import DecisionLinks
from audit import log
from audit.event import Actor, ActorKind, Event

logger = logging.getLogger(__name__)
MOST_AT_ONCE = 250


def slack_client(settings: SlackSettings) -> AsyncWebClient:
    """A client that answers within its holder's lease, and does nothing twice of its own accord.

    The SDK's handlers would send a message again after a connection broke behind it, and sleep under a lease; whoever
    is due is due again, so what Slack did not take is tried in a later round.
    """
    return AsyncWebClient(token=settings.bot_token, base_url=settings.base_url, timeout=10, retry_handlers=[])


def mount(
    api: FastAPI,
    *,
    engine: Engine,
    settings: SlackSettings,
    client: AsyncWebClient,
    refusals: RefusalCount,
    links: DecisionLinks | None = None,
    tokens: Tokens | None = None,
) -> None:
    """Adds `POST /slack/events` for events, clicks and dialogs."""
    bolt = listeners(engine=engine, settings=settings, client=client, links=links, tokens=tokens)
    handler = AsyncSlackRequestHandler(bolt)
    door = Together(partial(_judge, engine, settings, teams_of(settings, tokens)), most=MOST_AT_ONCE)
    refused = Together(partial(note_refusals, engine, refusals), most=MOST_AT_ONCE)

    if not settings.signing_secret:
        return  # Socket Mode alone: without a secret nothing that comes by HTTP could be told from a stranger's

    @api.post("/slack/events")
    async def _slack(request: Request) -> Response:
        body = await limited_body(request)
        verdict = await door((request.headers, body))
        if isinstance(verdict, Refused):
            await refused(verdict)
            return Response(status_code=verdict.status, content=verdict.reason.value, media_type="text/plain")
        if verdict is None:
            return Response(status_code=200)
        try:
            return await handler.handle(request)
        except MALFORMED as error:  # Bolt reads parts of a payload before any listener, and trusts their types
            logger.warning("a payload could not be read (%s)", type(error).__name__)
            return Response(status_code=400)


def listeners(
    *,
    engine: Engine,
    settings: SlackSettings,
    client: AsyncWebClient,
    links: DecisionLinks | None,
    tokens: Tokens | None = None,
) -> AsyncApp:
    """Everything that people can do in Slack, bound to Bolt; the same for both ways of delivery."""
    bolt_log = logging.getLogger("spendgate.bolt")
    bolt_log.setLevel(logging.ERROR)  # at INFO Bolt writes the body of a request whose signature is wrong
    # Bolt acknowledges an event before its listener has run, unless told to process it first: a message would be lost
    # by a failure in between, and Slack would never send it again.
    bolt = AsyncApp(
        name="spendgate",
        client=client,
        signing_secret=settings.signing_secret,
        logger=bolt_log,
        process_before_response=True,
        authorize=_authorizer(settings, tokens),
    )
    bolt.error(_on_error)
    if tokens is not None:
        _of_one_workspace(bolt, engine)
    _only_members(bolt, engine, Members(client))
    messages.register(bolt, engine)
    commands.register(bolt, engine)
    admission = Admission(engine)
    clicks.register(bolt, engine, admission)
    asks.register(bolt, engine, links, admission)
    feedback.register(bolt, engine)
    anomaly_presses.register(bolt, engine)
    investigate.register(bolt, engine)
    stop_button.register(bolt, engine)
    if tokens is not None:
        removal.register(bolt, engine)
    return bolt


def _of_one_workspace(bolt: AsyncApp, engine: Engine) -> None:
    """Before every listener: what Bolt holds to be of one workspace, by which it chose the token, and the guard to be
    of another goes no further. Else a person of the one would be answered in the other."""

    @bolt.use
    async def _same(body: dict[str, Any], context: Any, next: Any) -> Any:
        if context.team_id == team_of(body):
            return await next()
        refused = Refused(Reason.WRONG_TEAM, 403, authenticated=True)
        await asyncio.to_thread(note_refusal, engine, RefusalCount({}), refused)
        return BoltResponse(status=200)


def _only_members(bolt: AsyncApp, engine: Engine, members: Members) -> None:
    """Before every listener but a vote's: guests, strangers and people who left are told so, and it stands in the
    log."""

    @bolt.use
    async def _member(body: dict[str, Any], context: Any, client: AsyncWebClient, respond: Any, next: Any) -> Any:
        user = context.user_id
        if clicks.is_vote(body):
            return await next()  # stored first, without waiting for Slack; whose it is, is looked at when it is judged
        why = await members.why_not(team_of(body), str(user)) if user and user != context.bot_user_id else None
        if why is None:
            return await next()
        refused = Refused(Reason.NO_MEMBER, 403, authenticated=True)
        await asyncio.to_thread(note_refusal, engine, RefusalCount({}), refused)
        told = f"That was not taken: {why}. Ask whoever runs Spendgate."
        if body.get("type") == "message_action":  # in a channel of which the app need not be a member
            investigate.respond_soon(respond, told)
        elif context.channel_id:
            whisper_soon(client, channel=str(context.channel_id), user=str(user), text=told)
        return BoltResponse(status=200)


def teams_of(settings: SlackSettings, tokens: Tokens | None) -> frozenset[str]:
    """The workspaces from which something may come: the one of the token, or those on the list."""
    return frozenset({settings.team}) if tokens is None else tokens.oauth.teams


def _authorizer(settings: SlackSettings, tokens: Tokens | None) -> Any:
    """Whose token a delivery is handled with: that of its workspace, known without asking. Left to itself Bolt asks
    Slack before it takes anything in, so that nothing could be stored while Slack cannot be reached from here."""

    async def authorize(team_id: str | None) -> AuthorizeResult | None:
        if tokens is not None:
            token = await tokens.stored(str(team_id))
            return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=token) if token else None
        return AuthorizeResult(enterprise_id=None, team_id=settings.team, bot_token=settings.bot_token)

    return authorize


MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError)
"""What reading a payload that lacks a part ends in."""


async def _on_error(error: Exception, body: dict[str, Any], context: Any, client: AsyncWebClient) -> BoltResponse:
    """A payload that lacks a part is a bad request, a dialog that Slack did not open is said; the rest stays an error,
    so that nothing is acknowledged which was not stored."""
    if isinstance(error, MALFORMED):
        logger.warning("a payload could not be read (%s)", type(error).__name__)
        return BoltResponse(status=400)
    if isinstance(error, SlackApiError | ClientError | TimeoutError):
        why = word(error) if isinstance(error, SlackApiError) else "Slack could not be reached"
        logger.warning("Slack would not do what a press asked for (%s)", why)
        if context.channel_id and context.user_id:
            told = f"That did not open ({why}). Nothing was changed; please press again."
            whisper_soon(client, channel=str(context.channel_id), user=str(context.user_id), text=told)
        return BoltResponse(status=200)
    logger.error("a delivery was not taken: %s: %s", type(error).__name__, error)
    return BoltResponse(status=500)


async def limited_body(request: Request) -> bytes:
    """The body, read no further than just above the largest that is accepted."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        chunks.append(chunk)
        if size > LARGEST_BODY:
            break
    body = b"".join(chunks)
    request._body = body  # Bolt's adapter reads it again; Starlette keeps it under this name
    return body


def _judge(
    engine: Engine,
    settings: SlackSettings,
    teams: Collection[str],
    requests: Sequence[tuple[Mapping[str, str], bytes]],
) -> list[Admissible | Refused | None]:
    """The guard's verdict on each, by the database's clock; None for what was taken in before."""
    with reading(engine) as (session, now):
        verdicts = [
            examine(
                headers=headers,
                body=body,
                secret=settings.signing_secret,
                teams=teams,
                app_id=settings.app_id,
                now=now,
            )
            for headers, body in requests
        ]
        before = known_among(session, [verdict.key for verdict in verdicts if isinstance(verdict, Admissible)])
        return [None if isinstance(one, Admissible) and one.key in before else one for one in verdicts]


def note_refusal(engine: Engine, refusals: RefusalCount, refused: Refused) -> None:
    """An entry each for what bore a right signature, a count for what did not."""
    note_refusals(engine, refusals, [refused])


def note_refusals(engine: Engine, refusals: RefusalCount, refused: Sequence[Refused]) -> list[None]:
    """The same for several at once."""
    signed = [one for one in refused if one.authenticated]
    for one in refused:
        if not one.authenticated:
            refusals.add(one.reason)
    if signed:
        with writing(engine) as (session, now):
            actor = Actor(ActorKind.UNKNOWN, "slack")
            for one in signed:
                data = {"reason": one.reason.value}
                log.append(session, now=now, event=Event.SLACK_REFUSED, actor=actor, data=data)
    return [None] * len(refused)


def summarise_refusals(engine: Engine, refusals: RefusalCount) -> None:
    """One entry for all requests without a valid signature since the last time."""
    counts = refusals.take()
    if not counts:
        return
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.UNKNOWN, "unauthenticated")
        log.append(session, now=now, event=Event.SLACK_REFUSALS_COUNTED, actor=actor, data={"requests": dict(counts)})
