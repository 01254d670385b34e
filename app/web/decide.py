"""The page on which a change of high risk is decided: bound to one person, used once, over after five minutes.

A click in Slack is a claim of who somebody is. The link is told to that person alone, carries what was shown, and is
consumed by the form that it leads to; looking at the page decides nothing, so that a preview, a scanner or a second
look cannot. What is decided is judged like any other vote.

A signature alone proves nothing: other processes of the same home can read the key. So each link that was given is a
row, which only the role that tells people their links may write, and one that nobody was given is refused.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
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
from approvals.policy import no
from approvals.states import words
from approvals.store import find_proposal
from approvals.vote import PAGE, Ballot, refuse, vote
from audit import log
from audit.event import Actor, ActorKind, Event
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
    made_at: datetime
    token: str


class Unfit(NamedTuple):
    """Why a link lets nobody decide: for the log, and for whoever holds it. `given`: its person was told it once."""

    code: str
    problem: Problem
    given: bool = True


class DecisionLinks:
    """Gives and reads links, signed with the home's own key; the time is the database's."""

    def __init__(self, home: Home, public_url: str) -> None:
        self._home, self._public_url = home, public_url

    def offer(self, session: Session, *, person: str, proposal: str, digest: str, now: datetime) -> str:
        """A link for this person to decide on exactly these bytes, stored and logged in the caller's transaction: it
        opens nothing before that is committed."""
        told = {"p": person, "c": proposal, "d": digest, "n": secrets.token_hex(16), "t": utc_text(now)}
        token = str(self._signer().dumps(told))
        first_time(session, key=_offer_key(token), kind="offer", now=now)
        named = proposal if find_proposal(session, proposal) else None
        data = {"person": person, "digest": digest[:100], "lasts_seconds": int(LASTS.total_seconds())}
        actor = Actor(ActorKind.PERSON, person)
        log.append(session, now=now, event=Event.VOTE_PAGE_GIVEN, actor=actor, proposal=named, data=data)
        return f"{self._public_url}{PATH}?token={token}"

    def read(self, token: str) -> Grant:
        """What `token` says; a Problem where it does not bear our signature. Whether it may be used is `unfit`'s."""
        token = token[:2000]
        try:
            told = self._signer().loads(token)
            person, proposal, digest, nonce = (str(told[name]) for name in ("p", "c", "d", "n"))
            return Grant(person, proposal, digest, nonce, utc_time(str(told["t"])), token)
        except (BadSignature, KeyError, TypeError, ValueError) as error:
            why = "The address bears no valid token."
            raise Problem("This link leads nowhere.", why=why, do=OVER, exit_code=Exit.DENIED) from error

    def _signer(self) -> URLSafeSerializer:
        # The same key under another salt: a link to read the log is no link to decide, nor the other way round.
        return URLSafeSerializer(serializer(self._home).secret_key, salt="spendgate.decide.v1")


def unfit(session: Session, grant: Grant, *, now: datetime) -> Unfit | None:
    """Why this link may not be used at this moment; None where it may."""
    if not known(session, _offer_key(grant.token)):
        why = "Nobody was given this link, although it is signed: somebody has this installation's key."
        problem = Problem("This link leads nowhere.", why=why, do="Tell whoever runs Spendgate.", exit_code=Exit.DENIED)
        return Unfit("link_not_given", problem, given=False)
    if not timedelta(0) <= now - grant.made_at < LASTS:
        why = "A link to decide lasts five minutes."
        return Unfit("link_over", Problem("This link is over.", why=why, do=OVER, exit_code=Exit.DENIED))
    return _used() if known(session, _key(grant)) else None


def mount(api: FastAPI, *, engine: Engine, links: DecisionLinks, stranger: Callable[[], None] = lambda: None) -> None:
    """Adds `GET /decide`, which only shows, and `POST /decide`, which consumes the link.

    `stranger` is told of each form without a valid signature, to be counted: an entry each would let anybody fill the
    log.
    """

    @api.get(PATH, response_class=HTMLResponse)
    def _show(token: str = "") -> Response:
        try:
            with reading(engine) as (session, now):
                grant = links.read(token)
                refused = unfit(session, grant, now=now)
                if refused is not None:
                    raise refused.problem
                return _page(session, grant, now)
        except Problem as problem:
            return render("problem.html", status=403, problem=problem)

    @api.post(PATH, response_class=HTMLResponse)
    async def _decide(request: Request) -> Response:
        form = await _form(request)
        return await asyncio.to_thread(decide, form)

    def decide(form: dict[str, str]) -> Response:
        reason = form.get("reason", "").strip()[:MOST_REASON]
        try:
            grant = links.read(form.get("token", ""))
        except Problem as problem:
            stranger()
            return render("problem.html", status=403, problem=problem)
        try:
            with writing(engine) as (session, now):
                return _cast(session, grant, form.get("choice", ""), reason, now)
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


def _used() -> Unfit:
    why = "A link to decide works once, and this one was used."
    return Unfit("link_used", Problem("This link was used already.", why=why, do=OVER, exit_code=Exit.CONFLICT))


def _key(grant: Grant) -> str:
    return f"decide:{grant.nonce}"


def _offer_key(token: str) -> str:
    """The row of a link that was given: of all that it says, so that no other link can be made of it, and hashed, so
    that whoever reads the rows cannot use them."""
    return f"offer:{sha256(token.encode()).hexdigest()}"


def _page(session: Session, grant: Grant, now: datetime, missing: str = "") -> Response:
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
        token=grant.token,
        missing=missing,
        holder=holder.name if holder else grant.person,
        names=names,
        clean=one_line,
        stale=card.digest != grant.digest,
    )


def _cast(session: Session, grant: Grant, choice: str, reason: str, now: datetime) -> Response:
    """One vote for one link; a form that is not filled in does not use it up. A link that may not be used is refused
    with an entry, as a result: an exception would take the entry back."""
    # Without a choice it could have been either: what is refused is then told as the graver of the two.
    ballot = Ballot(
        proposal_id=grant.proposal,
        person=grant.person,
        choice="reject" if choice == "reject" else "approve",
        digest=grant.digest,
        via=PAGE,
        reason=reason,
    )
    refused = unfit(session, grant, now=now)
    if refused is not None:
        return _refused(session, ballot, refused, now)
    if choice != ballot.choice or len(reason) < 3:
        return _page(session, grant, now, missing="Choose one of the two, and say why in a few words.")
    if not first_time(session, key=_key(grant), kind="decide", now=now):
        return _refused(session, ballot, _used(), now)
    result = vote(session, now=now, ballot=ballot)
    state = words(result.proposal_state) if result.proposal_state else "unknown"
    return render("decided.html", result=result, proposal=grant.proposal, state=state)


def _refused(session: Session, ballot: Ballot, refused: Unfit, now: datetime) -> Response:
    """An entry each: whoever sent it holds a signed link, so no stranger can fill the log. Of a link that was never
    given nobody knows who made it, and the person whose name it bears did nothing."""
    person = ballot.person if refused.given else None
    verdict = no(refused.code, refused.problem.why)
    refuse(session, now=now, ballot=ballot.model_copy(update={"person": person}), verdict=verdict)
    return render("problem.html", status=403, problem=refused.problem)
