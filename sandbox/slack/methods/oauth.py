"""oauth.v2.access, auth.revoke and apps.uninstall: how an installation begins, is renewed and ends."""

from __future__ import annotations

from typing import Any

from sandbox.slack.arguments import flag, required
from sandbox.slack.errors import SlackError
from sandbox.slack.grants import Token
from sandbox.slack.site import Site

Json = dict[str, Any]


def access(site: Site, arguments: Json) -> Json:
    """A token for a code, or for a refresh token."""
    _check_client(site, arguments)
    if str(arguments.get("grant_type") or "authorization_code") == "refresh_token":
        required(arguments, "refresh_token")
        return _told(site, site.grants.refresh(str(arguments["refresh_token"])))
    required(arguments, "code")
    uri = arguments.get("redirect_uri")
    token, code = site.grants.exchange(str(arguments["code"]), str(uri) if uri else None)
    return _told(site, token) | {"authed_user": {"id": code.user}}


def revoke(site: Site, arguments: Json) -> Json:
    """The token of this call ends, and the installation with it: the app has no other."""
    if flag(arguments, "test"):
        return {"revoked": False}
    uninstalled(site)
    return {"revoked": True}


def uninstall(site: Site, arguments: Json) -> Json:
    """The app leaves the workspace."""
    _check_client(site, arguments)
    uninstalled(site)
    return {}


def uninstalled(site: Site) -> None:
    """What happens when the app is removed, by itself or by a person: its tokens end, and it is told so."""
    seed = site.workspace.seed
    site.grants.end(seed.team.id)
    site.announce({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [seed.app.user]}}, name="tokens_revoked")
    site.announce({"type": "app_uninstalled"}, name="app_uninstalled")
    site.workspace.touch()


def _check_client(site: Site, arguments: Json) -> None:
    client = site.grants.client
    if arguments.get("client_id") != client.client_id:
        raise SlackError("invalid_client_id")
    if arguments.get("client_secret") != client.client_secret:
        raise SlackError("bad_client_secret")


def _told(site: Site, token: Token) -> Json:
    seed = site.teams[token.team].workspace.seed
    answer: Json = {
        "access_token": token.value,
        "token_type": "bot",
        "scope": ",".join(token.scopes),
        "bot_user_id": seed.app.user,
        "app_id": seed.app.id,
        "team": {"id": seed.team.id, "name": seed.team.name},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    if token.refresh is not None:
        answer |= {"refresh_token": token.refresh, "expires_in": site.grants.client.token_seconds}
    return answer
