"""The page on which a change of high risk is decided: bound to one person, used once, over after five minutes.

A click in Slack is a claim of who somebody is. The link is told to that person alone, carries what was shown, and is
consumed by the form that it leads to; looking at the page decides nothing, so that a preview, a scanner or a second
look cannot. What is decided is judged like any other vote.
"""

import asyncio
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import Engine
from sqlmodel import Session

from app.database import reading, writing
from app.errors import Exit, Problem
from app.home import Home
from app.inbox import first_time, known
from app.web.login import serializer
from app.web.pages import render
from approvals.active import active
from approvals.card import project
from approvals.errors import NotFound
from approvals.states import words
from approvals.vote import Ballot, vote
from audit.moment import utc_text, utc_time
from tools.shown import one_line

LASTS = timedelta(minutes=5)
MOST_REASON = 1000
LARGEST_FORM = 20_000
PATH = "/decide"
OVER = "Press the button on the card again to get a new one."


class Grant(NamedTuple):
    """What a link lets its holder do."""

    person: str
    proposal: str
    digest: str
    nonce: str


class DecisionLinks:
    """Makes and reads links, signed with the home's own key; the time is the database's."""

    def __init__(self, home: Home, public_url: str) -> None:
        self._home, self._public_url = home, public_url

    def address(self, *, person: str, proposal: str, digest: str, now: datetime) -> str:
        """A link for this person to decide on exactly these bytes."""
        told = {"p": person, "c": proposal, "d": digest, "n": secrets.token_hex(16), "t": utc_text(now)}
        return f"{self._public_url}{PATH}?token={self._signer().dumps(told)}"

    def grant(self, token: str, now: datetime) -> Grant:
        """What `token` lets its holder do; a Problem where it is not ours or its time is over."""
        try:
            told = self._signer().loads(token[:2000])
            made_at = utc_time(str(told["t"]))
            found = Grant(*(str(told[name]) for name in ("p", "c", "d", "n")))
        except (BadSignature, KeyError, TypeError, ValueError) as error:
            why = "The address bears no valid token."
            raise Problem("This link leads nowhere.", why=why, do=OVER, exit_code=Exit.DENIED) from error
        if not timedelta(0) <= now - made_at < LASTS:
            why = "A link to decide lasts five minutes."
            raise Problem("This link is over.", why=why, do=OVER, exit_code=Exit.DENIED)
        return found

    def _signer(self) -> URLSafeSerializer:
        # The same key under another salt: a link to read the log is no link to decide, nor the other way round.
        return URLSafeSerializer(serializer(self._home).secret_key, salt="spendgate.decide.v1")


def mount(api: FastAPI, *, engine: Engine, links: DecisionLinks) -> None:
    """Adds `GET /decide`, which only shows, and `POST /decide`, which consumes the link."""

    @api.get(PATH, response_class=HTMLResponse)
    def _show(token: str = "") -> Response:
        try:
            with reading(engine) as (session, now):
                grant = links.grant(token, now)
                _unused(session, grant)
                return _page(session, grant, token, now)
        except Problem as problem:
            return render("problem.html", status=403, problem=problem)

    @api.post(PATH, response_class=HTMLResponse)
    async def _decide(request: Request) -> Response:
        form = await _form(request)
        return await asyncio.to_thread(decide, form)

    def decide(form: dict[str, str]) -> Response:
        token, reason = form.get("token", ""), form.get("reason", "").strip()[:MOST_REASON]
        try:
            with writing(engine) as (session, now):
                grant = links.grant(token, now)
                return _cast(session, grant, form.get("choice", ""), reason, token, now)
        except Problem as problem:
            return render("problem.html", status=403, problem=problem)


async def _form(request: Request) -> dict[str, str]:
    """The form's fields; nothing for a body that is none, or longer than any of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _unused(session: Session, grant: Grant) -> None:
    if known(session, _key(grant)):
        raise _used()


def _used() -> Problem:
    why = "A link to decide works once, and this one was used."
    return Problem("This link was used already.", why=why, do=OVER, exit_code=Exit.CONFLICT)


def _key(grant: Grant) -> str:
    return f"decide:{grant.nonce}"


def _page(session: Session, grant: Grant, token: str, now: datetime, missing: str = "") -> Response:
    people = active(session).people
    try:
        card = project(session, grant.proposal, people, now=now)
    except NotFound as error:
        raise Problem(error.what, why=error.why, do=error.do, exit_code=Exit.NOT_FOUND) from error
    holder = people.by_id.get(grant.person)
    names = {one.id: one.name for one in people.by_id.values()}
    return render(
        "decide.html",
        card=card,
        token=token,
        missing=missing,
        holder=holder.name if holder else grant.person,
        names=names,
        clean=one_line,
        stale=card.digest != grant.digest,
    )


def _cast(session: Session, grant: Grant, choice: str, reason: str, token: str, now: datetime) -> Response:
    """One vote for one link; a form that is not filled in does not use it up."""
    _unused(session, grant)
    if choice not in ("approve", "reject") or len(reason) < 3:
        return _page(session, grant, token, now, missing="Choose one of the two, and say why in a few words.")
    if not first_time(session, key=_key(grant), kind="decide", now=now):
        raise _used()
    ballot = Ballot(
        proposal_id=grant.proposal,
        person=grant.person,
        choice="approve" if choice == "approve" else "reject",
        digest=grant.digest,
        via="page",
        reason=reason,
    )
    result = vote(session, now=now, ballot=ballot)
    state = words(result.proposal_state) if result.proposal_state else "unknown"
    return render("decided.html", result=result, proposal=grant.proposal, state=state)
