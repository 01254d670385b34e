"""Slack's OAuth from environment variables: one app for several workspaces, in place of one workspace's token."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.fernet import Fernet

from app.errors import Exit, Problem
from app.settings import missing, web_address, wrong

ID, SECRET, KEY, TEAMS = (
    "SPENDGATE_SLACK_CLIENT_ID",
    "SPENDGATE_SLACK_CLIENT_SECRET",
    "SPENDGATE_SLACK_TOKEN_KEY",
    "SPENDGATE_SLACK_TEAMS",
)
HOME, PUBLIC, BOT_TOKEN = "SPENDGATE_SLACK_TEAM", "SPENDGATE_PUBLIC_URL", "SPENDGATE_SLACK_BOT_TOKEN"
TEAM = re.compile(r"T[A-Z0-9]{1,20}")


@dataclass(frozen=True)
class OAuthSettings:
    """The app's own credentials, who may install it, and the keys of the stored tokens, of which the first encrypts."""

    client_id: str
    client_secret: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    teams: frozenset[str]
    """the workspaces that may install the app, the home workspace among them"""
    redirect_url: str

    @property
    def secure(self) -> bool:
        """Whether browsers come by https, so that a cookie may be bound to it; else it is this machine's loopback."""
        return self.redirect_url.startswith("https://")


def load_oauth(env: Mapping[str, str] = os.environ) -> OAuthSettings | None:
    """OAuth's settings; None where one workspace's token is used. A Problem where they are half there, or both are."""
    client_id, secret = env.get(ID, "").strip(), env.get(SECRET, "").strip()
    if not client_id and not secret:
        return None
    if env.get(BOT_TOKEN, "").strip():
        raise Problem(
            f"{BOT_TOKEN} and {ID if client_id else SECRET} are both set.",
            why="Either one workspace's token is used, or each workspace's own from the database.",
            do=f"Unset {BOT_TOKEN} to use OAuth, or {ID} and {SECRET} to go on with the one workspace.",
            exit_code=Exit.USAGE,
        )
    for name, value in ((ID, client_id), (SECRET, secret)):
        if not value:
            raise missing(name, "serve", "Find it under Basic Information of your Slack app.")
    public = (web_address(env, PUBLIC) or "").rstrip("/")
    if not public:
        raise missing(PUBLIC, "serve", "Slack sends people's browsers there after an installation; set it to https://…")
    return OAuthSettings(client_id, secret, _keys(env), _teams(env), f"{public}/slack/oauth_redirect")


def _keys(env: Mapping[str, str]) -> tuple[str, ...]:
    """The keys in their order. What is wrong with one is said without it."""
    keys = tuple(one.strip() for one in env.get(KEY, "").split(",") if one.strip())
    do = "Make one with `spendgate slack token-key`; several are separated by commas, the newest first."
    if not keys:
        raise missing(KEY, "serve", do)
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            why = f"Its key number {number} is not 32 bytes in URL-safe base64."
            raise Problem(f"{KEY} cannot be used.", why=why, do=do, exit_code=Exit.USAGE) from None
    return keys


def _teams(env: Mapping[str, str]) -> frozenset[str]:
    given = [one.strip() for one in (*env.get(TEAMS, "").split(","), env.get(HOME, "")) if one.strip()]
    for one in given:
        if not TEAM.fullmatch(one):
            why = "A workspace's id begins with T, like T0123ABCD; its name changes, its id does not."
            raise wrong(TEAMS, one[:40], why, "Copy it from the address of the workspace in a browser.")
    return frozenset(given)
