"""The Web API as HTTP: `/api/METHOD` with a bearer token, and the response_url of interactions."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

from fastapi import APIRouter, Request, Response

from sandbox.slack.arguments import read_arguments
from sandbox.slack.clock import opaque
from sandbox.slack.errors import SlackError
from sandbox.slack.faults import AnswerFault, Fault
from sandbox.slack.methods.registry import APP_LEVEL, METHODS, OPEN, SCOPES
from sandbox.slack.responding import respond
from sandbox.slack.site import Site
from sandbox.slack.transcript import Call

Json = dict[str, Any]
SECRET = frozenset({"token", "access_token", "refresh_token", "code", "client_secret"})


def web_api(site: Site) -> APIRouter:
    """The routes that the app calls."""
    router = APIRouter()

    @router.api_route("/api/{method}", methods=["GET", "POST"])
    async def call(method: str, request: Request) -> Response:
        return await _answer(site, method, request)

    @router.post("/actions/{team}/{secret}")
    async def answer_interaction(team: str, secret: str, request: Request) -> Response:
        return respond(site.teams.get(team, site), team=team, secret=secret, body=await request.body())

    return router


async def _answer(site: Site, method: str, request: Request) -> Response:
    body = await request.body()
    arguments: Json = {}
    status, headers = 200, {"x-slack-req-id": opaque("", 20).lower()}
    fault = site.faults.for_call(method, unquote_plus(body.decode(errors="replace")))
    try:
        if fault is not None and fault.fault is not AnswerFault.LOST_ANSWER:
            refused = await _misfortune(fault)
            if refused is not None:
                site.transcript.called(Call(method, site.ticker.now(), {}, {"fault": fault.fault}, refused.status_code))
                return refused
        arguments = read_arguments(
            query=request.url.query, body=body, content_type=request.headers.get("content-type", "")
        )
        if method not in METHODS:
            raise SlackError("unknown_method", req_method=method)
        if method not in OPEN:
            site, scopes = _whose(site, request, arguments, method)
            headers["x-oauth-scopes"] = ",".join(scopes)
        elif method == "oauth.v2.access":
            arguments |= _basic(request)
        wait = site.tiers.too_much(method, arguments.get("channel")) if site.settings.rate_limits else None
        if wait is not None:
            site.transcript.called(Call(method, site.ticker.now(), {}, {"error": "ratelimited"}, 429))
            return _too_much(wait)
        answer = {"ok": True, **METHODS[method](site, arguments)}
    except SlackError as error:
        answer = error.as_slack()
    site.transcript.called(Call(method, site.ticker.now(), _unsecret(arguments), _unsecret(answer), status))
    if fault is not None and fault.fault is AnswerFault.LOST_ANSWER:
        return Response("the answer was lost", status_code=503, media_type="text/plain")
    return Response(json.dumps(answer), status_code=status, headers=headers, media_type="application/json")


def _unsecret(told: Json) -> Json:
    """The same without what would let a reader of the transcript act as the app."""
    return {name: value for name, value in told.items() if name not in SECRET}


def _basic(request: Request) -> Json:
    """The app's own credentials from an Authorization header, as the SDKs send them."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return {}
    return {"client_id": client_id, "client_secret": secret}


def _whose(site: Site, request: Request, arguments: Json, method: str) -> tuple[Site, Sequence[str]]:
    """The workspace whose token this is, and what the token was granted for."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if kind.lower() == "bearer" else str(arguments.get("token") or "")
    if not token:
        raise SlackError("not_authed")
    if method in APP_LEVEL:
        if token == site.settings.app_token:
            return site, site.workspace.seed.app.scopes
        raise SlackError("not_allowed_token_type" if token.startswith("xoxb-") else "invalid_auth")
    granted = site.grants.token(token)
    if granted is None:
        raise SlackError("not_allowed_token_type" if token.startswith("xapp-") else "invalid_auth")
    there = site.teams[granted.team]
    if there.workspace.revoked:
        raise SlackError("token_revoked")
    _check_scope(granted.scopes, method)
    return there, granted.scopes


def _too_much(seconds: int) -> Response:
    return Response(
        json.dumps({"ok": False, "error": "ratelimited"}),
        status_code=429,
        headers={"retry-after": str(seconds)},
        media_type="application/json",
    )


def _check_scope(provided: Sequence[str], method: str) -> None:
    """Slack names the scope that is missing and those that there are."""
    needed = SCOPES.get(method, ())
    if needed and not set(needed) & set(provided):
        raise SlackError("missing_scope", needed=needed[0], provided=",".join(provided))


async def _misfortune(fault: Fault) -> Response | None:
    if fault.fault is AnswerFault.RATE_LIMITED:
        return _too_much(fault.retry_after)
    if fault.fault is AnswerFault.SERVER_ERROR:
        return Response("<html><body>Service unavailable</body></html>", status_code=503, media_type="text/html")
    if fault.fault is AnswerFault.SLOW:
        await asyncio.sleep(fault.seconds)
        return None
    raise SlackError(fault.error)
