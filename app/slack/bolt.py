"""Slack's door: the guard, then Bolt, on one address of the web application."""

import asyncio
import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request, Response
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import Engine

from app.database import reading, writing
from app.inbox import known
from app.settings import SlackSettings
from app.slack import clicks, messages
from app.slack.guard import LARGEST_BODY, Admissible, RefusalCount, Refused, examine
from audit import log
from audit.event import Actor, ActorKind, Event


def slack_client(settings: SlackSettings) -> AsyncWebClient:
    """A client that waits when Slack asks it to; the SDK alone raises at the first 429."""
    client = AsyncWebClient(token=settings.bot_token, base_url=settings.base_url, timeout=10)
    client.retry_handlers = [AsyncConnectionErrorRetryHandler(), AsyncRateLimitErrorRetryHandler(max_retry_count=2)]
    return client


def mount(
    api: FastAPI, *, engine: Engine, settings: SlackSettings, client: AsyncWebClient, refusals: RefusalCount
) -> None:
    """Adds `POST /slack/events` for events, clicks and dialogs."""
    bolt_log = logging.getLogger("spendgate.bolt")
    bolt_log.setLevel(logging.ERROR)  # at INFO Bolt writes the body of a request whose signature is wrong
    # Bolt acknowledges an event before its listener has run, unless told to process it first: a message would be lost
    # by a failure in between, and Slack would never send it again.
    bolt = AsyncApp(
        client=client, signing_secret=settings.signing_secret, logger=bolt_log, process_before_response=True
    )
    messages.register(bolt, engine, settings.team)
    clicks.register(bolt, engine, settings.team)
    handler = AsyncSlackRequestHandler(bolt)

    @api.post("/slack/events")
    async def _slack(request: Request) -> Response:
        body = await limited_body(request)
        verdict = await asyncio.to_thread(_judge, engine, settings, request.headers, body)
        if isinstance(verdict, Refused):
            await asyncio.to_thread(note_refusal, engine, refusals, verdict)
            return Response(status_code=verdict.status, content=verdict.reason.value, media_type="text/plain")
        if verdict is None:
            return Response(status_code=200)
        return await handler.handle(request)


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
    engine: Engine, settings: SlackSettings, headers: Mapping[str, str], body: bytes
) -> Admissible | Refused | None:
    """The guard's verdict by the database's clock; None for what was taken in before."""
    with reading(engine) as (session, now):
        verdict = examine(
            headers=headers,
            body=body,
            secret=settings.signing_secret,
            team=settings.team,
            app_id=settings.app_id,
            now=now,
        )
        if isinstance(verdict, Admissible) and known(session, verdict.key):
            return None
        return verdict


def note_refusal(engine: Engine, refusals: RefusalCount, refused: Refused) -> None:
    """An entry each for what bore a right signature, a count for what did not."""
    if not refused.authenticated:
        refusals.add(refused.reason)
        return
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.UNKNOWN, "slack")
        log.append(session, now=now, event=Event.SLACK_REFUSED, actor=actor, data={"reason": refused.reason.value})


def summarise_refusals(engine: Engine, refusals: RefusalCount) -> None:
    """One entry for all requests without a valid signature since the last time."""
    counts = refusals.take()
    if not counts:
        return
    with writing(engine) as (session, now):
        actor = Actor(ActorKind.UNKNOWN, "unauthenticated")
        log.append(session, now=now, event=Event.SLACK_REFUSALS_COUNTED, actor=actor, data={"requests": dict(counts)})
