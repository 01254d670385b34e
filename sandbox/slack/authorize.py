"""`/oauth/v2/authorize`: the page on which a person of one of the workspaces lets the app in, or does not."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from sandbox.slack.errors import ActionRefused, SlackError
from sandbox.slack.grants import Asked
from sandbox.slack.site import Site


def authorize_routes(site: Site) -> APIRouter:
    """The page, and where its links lead. Links, so that the redirect is no form's, which the page's policy forbids."""
    router = APIRouter(prefix="/oauth/v2")

    @router.get("/authorize")
    async def ask(
        client_id: str = "", scope: str = "", redirect_uri: str | None = None, state: str = "", team: str = ""
    ) -> Response:
        try:
            scopes = tuple(one for one in scope.replace(",", " ").split() if one)
            asked = site.grants.ask(client_id=client_id, scopes=scopes, redirect_uri=redirect_uri, state=state)
        except SlackError as error:
            return HTMLResponse(_page("Slack does not know this request", f"<p>{escape(error.error)}</p>"), 400)
        return HTMLResponse(_page("Let the app into a workspace?", _choices(site, asked, scopes, team)))

    @router.get("/decide")
    async def decide(request: str, team: str, user: str, allow: bool) -> Response:
        asked = site.grants.asked.get(request)
        if asked is None:
            raise ActionRefused("request_not_found", "this page was answered already", status=404)
        there = site.teams.get(team)
        person = there.workspace.people.get(user) if there else None
        if person is None or person.guest or person.deleted:
            raise ActionRefused("not_allowed", "only a full member of a workspace may install an app", status=403)
        del site.grants.asked[request]
        told = {"code": site.grants.consent(asked, team=team, user=user)} if allow else {"error": "access_denied"}
        return RedirectResponse(_back(asked, told), status_code=302)

    return router


def _choices(site: Site, request: str, scopes: tuple[str, ...], team: str) -> str:
    lines = [f"<p>It asks for: {escape(', '.join(scopes))}</p>"]
    for name, there in site.teams.items():
        if team not in ("", name):
            continue
        lines.append(f"<h2>{escape(there.workspace.seed.team.name)} ({name})</h2><ul>")
        for person in there.workspace.people.values():
            links = []
            for allow, word in (("true", "Allow"), ("false", "Deny")):
                query = urlencode({"request": request, "team": name, "user": person.id, "allow": allow})
                links.append(f'<a href="/oauth/v2/decide?{escape(query)}">{word}</a>')
            lines.append(f"<li>{escape(person.name)}: {' '.join(links)}</li>")
        lines.append("</ul>")
    return "".join(lines)


def _back(asked: Asked, told: dict[str, str]) -> str:
    parts = urlsplit(asked.redirect_uri)
    query = urlencode({**told, **({"state": asked.state} if asked.state else {})})
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def _page(title: str, body: str) -> str:
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{body}</html>'
