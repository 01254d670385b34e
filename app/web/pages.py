"""The log as pages: a list with its filters in the address, one entry, and a verification anyone may press.

Plain HTML that works without a script and prints. Each view is itself an entry, as reading a log must be.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine

from app.database import reading, writing
from app.errors import Problem
from app.home import Home
from app.settings import is_loopback
from app.web.login import COOKIE, LINK_SECONDS, reader
from app.web.logview import LogPage, entry_view, log_page
from approvals.active import active
from approvals.agree import disagreements
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.verify import verify

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)


def render(name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """One template as a page, with the headers that every page bears."""
    return HTMLResponse(templates.get_template(name).render(**values), status_code=status, headers=HEADERS)


def mount(api: FastAPI, *, engine: Engine, home: Home) -> None:
    """Adds `/`, `/audit`, `/audit/{seq}` and `/audit/verify`."""
    api.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    def guarded(request: Request, view: Callable[[str], Response]) -> Response:
        try:
            _local(request)
            return view(reader(home, request.cookies.get(COOKIE)))
        except Problem as problem:
            return render("problem.html", status=403, problem=problem)

    @api.get("/", response_class=HTMLResponse)
    def _front(request: Request) -> Response:
        return RedirectResponse("/audit", status_code=303)

    @api.get("/enter", response_class=HTMLResponse)
    def _enter(request: Request, token: str = "") -> Response:
        try:
            _local(request)
            reader(home, token)
        except Problem as problem:
            return render("problem.html", status=403, problem=problem)
        answer = RedirectResponse("/audit", status_code=303)
        answer.set_cookie(COOKIE, token, max_age=LINK_SECONDS, httponly=True, samesite="strict", path="/")
        return answer

    @api.get("/audit", response_class=HTMLResponse)
    def _log(request: Request, event: str = "", proposal: str = "", before: int | None = None) -> Response:
        def view(person: str) -> Response:
            page = _read(engine, person, what="log", event=event, proposal=proposal, before=before)
            return render("log.html", page=page, filters={"event": event, "proposal": proposal})

        return guarded(request, view)

    @api.get("/audit/verify", response_class=HTMLResponse)
    def _verify(request: Request) -> Response:
        def view(person: str) -> Response:
            with reading(engine) as (session, now):
                result = verify(session)
                differences = disagreements(session) if result.ok else []
                return render("verify.html", result=result, differences=differences, now=now)

        return guarded(request, view)

    @api.get("/audit/{seq}", response_class=HTMLResponse)
    def _entry(request: Request, seq: int) -> Response:
        def view(person: str) -> Response:
            with reading(engine) as (session, _):
                found = entry_view(session, seq, active(session).people)
            if found is None:
                problem = Problem(f"There is no entry {seq}.", why="The log ends before it.", do="Go back to the list.")
                return render("problem.html", status=404, problem=problem)
            return render("entry.html", entry=found)

        return guarded(request, view)


def _local(request: Request) -> None:
    """Refuses a page that a proxy passed on: what is meant for this machine must not follow Slack's address outside."""
    host = (request.headers.get("host") or "").rsplit(":", 1)[0]
    passed_on = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "via"))
    if passed_on or not is_loopback(host):
        raise Problem(
            "The log is shown on this machine only.",
            why="The request came through a proxy or under another host name, and the pages have no sign-in yet.",
            do="Open it on the machine itself, or through an SSH tunnel to the loopback port.",
        )


def _read(engine: Engine, person: str, *, what: str, event: str, proposal: str, before: int | None) -> LogPage:
    with writing(engine) as (session, now):
        data = {"view": what, "event": event, "proposal": proposal}
        log.append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, person), data=data)
        return log_page(session, active(session).people, event=event, proposal=proposal, before=before)
