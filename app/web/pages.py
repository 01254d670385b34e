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
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from app.database import now_by, reading, writing
from app.errors import Exit, Problem
from app.home import Home
from app.settings import is_loopback
from app.web.login import COOKIE, LINK_SECONDS, reader
from app.web.logview import entry_view, log_page
from app.whoami import NOBODY
from approvals.active import active
from approvals.agree import disagreements
from audit import log
from audit.lag import lag
from audit.verify import verify

HERE = Path(__file__).parent
DAMAGED = Problem(
    "Entries of the log are damaged and cannot be listed.",
    why="Their columns are not what was written.",
    do="Press Verify, which names the first bad entry; keep the database file as evidence.",
)
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "cf-connecting-ip", "via")
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


class Door:
    """Who may look: a known person with a valid link, on this machine. Each look is entered in the log first."""

    def __init__(self, engine: Engine, home: Home) -> None:
        self.engine, self.home = engine, home

    def open(self, request: Request, what: str, view: Callable[[Session], Response]) -> Response:
        """The page that `view` draws, or why it is not shown."""
        try:
            _local(request)
            person = reader(self.home, request.cookies.get(COOKIE))
            with writing(self.engine) as (session, now):
                _must_be_known(session, person)
                log.tell_reading(session, now=now, person=person, data={"view": what})
            with reading(self.engine) as (session, _):
                return view(session)
        except Problem as problem:
            return render("problem.html", status=403, problem=problem)
        except (ValueError, DatabaseError):
            return render("problem.html", status=500, problem=DAMAGED)


def mount(api: FastAPI, *, engine: Engine, home: Home) -> None:
    """Adds `/`, `/audit`, `/audit/{seq}` and `/audit/verify`."""
    api.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    door = Door(engine, home)

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
    def _log(request: Request, event: str = "", proposal: str = "", before: str = "") -> Response:
        def view(session: Session) -> Response:
            page = log_page(
                session, active(session).people, event=event, proposal=proposal[:20], before=_number(before)
            )
            signing = lag(session, now=now_by(session.connection()))
            filters = {"event": event, "proposal": proposal[:20]}
            return render("log.html", page=page, filters=filters, signing=signing)

        return door.open(request, "list", view)

    @api.get("/audit/verify", response_class=HTMLResponse)
    def _verify(request: Request) -> Response:
        def view(session: Session) -> Response:
            result = verify(session)
            differences = disagreements(session) if result.ok else []
            return render("verify.html", result=result, differences=differences)

        return door.open(request, "verify", view)

    @api.get("/audit/{seq}", response_class=HTMLResponse)
    def _entry(request: Request, seq: str) -> Response:
        def view(session: Session) -> Response:
            number = _number(seq)
            found = entry_view(session, number, active(session).people) if number else None
            if found is None:
                why = "The log has no entry of this number."
                problem = Problem("There is no such entry.", why=why, do="Go back to the list.")
                return render("problem.html", status=404, problem=problem)
            return render("entry.html", entry=found)

        return door.open(request, f"entry {_number(seq) or 'unknown'}", view)


def _number(text: str) -> int | None:
    """An entry's number; None for whatever else stands in an address."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _must_be_known(session: Session, person: str) -> None:
    """A link outlives its holder's removal; the people in force now decide, and nobody else is let in."""
    people = active(session).people
    if person not in people.by_id and not (person == NOBODY and not people.by_id):
        raise Problem(
            "This link is no longer yours to use.",
            why="The person for whom it was made is not among the people in force now.",
            do="Ask whoever runs Spendgate.",
            exit_code=Exit.DENIED,
        )


def _local(request: Request) -> None:
    """Refuses a page that a proxy passed on: what is meant for this machine must not follow Slack's address outside."""
    host = (request.headers.get("host") or "").rsplit(":", 1)[0]
    passed_on = any(name in request.headers for name in PROXY_HEADERS)
    if passed_on or not is_loopback(host):
        raise Problem(
            "The log is shown on this machine only.",
            why="The request came through a proxy or under another host name, and the pages have no sign-in yet.",
            do="Open it on the machine itself, or through an SSH tunnel to the loopback port.",
        )
