"""Which workspaces the app is installed in, and the codes and tokens by which: OAuth v2, as Slack documents it.

A code works once and for ten minutes, under the redirect URL that it was asked for with. With token rotation a token
ends after twelve hours and comes with a refresh token, which works once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.slack.clock import opaque
from sandbox.slack.errors import SlackError
from sandbox.slack.seed import OAuthClient

CODE_SECONDS = 600


@dataclass(frozen=True)
class Asked:
    """An authorisation that a person has before them: what the app wants, and where the answer goes."""

    scopes: tuple[str, ...]
    redirect_uri: str
    given_uri: str | None
    state: str


@dataclass
class Code:
    """What a person's consent is worth to the app, once."""

    team: str
    user: str
    asked: Asked
    at: float
    used: bool = False


@dataclass(frozen=True)
class Token:
    """One bot token. `ends_at` is None without rotation."""

    value: str
    team: str
    scopes: tuple[str, ...]
    ends_at: float | None = None
    refresh: str | None = None


class Grants:
    """The app's registration and everything that was granted to it. Not for several threads."""

    def __init__(self, client: OAuthClient, now: Callable[[], float]) -> None:
        self.client, self.now = client, now
        self.asked: dict[str, Asked] = {}
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._revoked: set[str] = set()

    def begin(self, team: str, value: str, scopes: tuple[str, ...]) -> None:
        """The app is installed there from the start, with this token."""
        self._tokens[value] = Token(value, team, scopes)

    def installed(self, team: str) -> bool:
        """Whether the workspace has the app."""
        return any(token.team == team for token in self._tokens.values())

    def token(self, value: str) -> Token | None:
        """A token that was granted, if it is one. Raises token_revoked, and token_expired for one that is over."""
        if value in self._revoked:
            raise SlackError("token_revoked")
        found = self._tokens.get(value)
        if found is not None and found.ends_at is not None and self.now() >= found.ends_at:
            raise SlackError("token_expired")
        return found

    def ask(self, *, client_id: str, scopes: tuple[str, ...], redirect_uri: str | None, state: str) -> str:
        """A page for a person to decide on; returns its id. Raises invalid_client_id, bad_redirect_uri, no_scopes."""
        if client_id != self.client.client_id:
            raise SlackError("invalid_client_id")
        if not scopes:
            raise SlackError("no_scopes")
        goes_to = redirect_uri or next(iter(self.client.redirect_urls), "")
        if not goes_to or not any(_under(goes_to, known) for known in self.client.redirect_urls):
            raise SlackError("bad_redirect_uri")
        self.asked[made := opaque("", 24)] = Asked(scopes, goes_to, redirect_uri, state)
        return made

    def consent(self, asked: Asked, *, team: str, user: str) -> str:
        """A code for what this person agreed to."""
        self._codes[made := f"{team}.{opaque('', 32)}"] = Code(team, user, asked, self.now())
        return made

    def exchange(self, code: str, redirect_uri: str | None) -> tuple[Token, Code]:
        """The token for a code. Raises invalid_code, code_already_used, bad_redirect_uri."""
        found = self._codes.get(code)
        if found is None or self.now() >= found.at + CODE_SECONDS:
            raise SlackError("invalid_code")
        if found.used:
            raise SlackError("code_already_used")
        if redirect_uri != found.asked.given_uri:
            raise SlackError("bad_redirect_uri")
        found.used = True
        return self._grant(found.team, found.asked.scopes), found

    def refresh(self, value: str) -> Token:
        """A new token for a refresh token, which is used up. Raises invalid_refresh_token."""
        old = self._refresh.pop(value, None)
        if old is None or not self.installed(old.team):
            raise SlackError("invalid_refresh_token")
        return self._grant(old.team, old.scopes)

    def end(self, team: str) -> None:
        """Every token of the workspace is over."""
        self._revoked |= {value for value, one in self._tokens.items() if one.team == team}
        self._tokens = {value: one for value, one in self._tokens.items() if one.team != team}
        self._refresh = {value: one for value, one in self._refresh.items() if one.team != team}

    def _grant(self, team: str, scopes: tuple[str, ...]) -> Token:
        if not self.client.token_rotation:
            # An installation that stands keeps its token: Slack gives the same one again.
            standing = next((one for one in self._tokens.values() if one.team == team and one.ends_at is None), None)
            made = replace(standing, scopes=scopes) if standing else Token(_secret("xoxb-"), team, scopes)
        else:
            ends_at = self.now() + self.client.token_seconds
            made = Token(_secret("xoxe.xoxb-1-"), team, scopes, ends_at, _secret("xoxe-1-"))
            self._refresh[str(made.refresh)] = made
        self._tokens[made.value] = made
        return made


def _secret(prefix: str) -> str:
    return prefix + opaque("", 32)


def _under(url: str, known: str) -> bool:
    """A redirect URL is one of those that were registered, or lies under one."""
    return url == known or url.startswith(known.rstrip("/") + "/")
