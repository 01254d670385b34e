"""`spendgate slack workspaces`: where the app is installed by OAuth, and how an installation is ended from here."""

import asyncio
import sys
from datetime import datetime

from cryptography.fernet import Fernet
from slack_sdk.errors import SlackApiError

from app.commands.console import hint, print_json
from app.commands.here import person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.installations import SlackInstallation, all_installations, held_token, remove
from app.oauth_settings import OAuthSettings, load_oauth
from app.settings import load_slack
from app.slack.patience import LOST, word
from app.slack.tokens import Tokens
from app.whoami import NOBODY
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.moment import utc_text


def make_key() -> None:
    """Prints a new key for `SPENDGATE_SLACK_TOKEN_KEY`."""
    sys.stdout.write(Fernet.generate_key().decode() + "\n")
    hint("Keep it with serve's other secrets: without it the stored tokens cannot be read.")


def show(*, as_json: bool) -> None:
    """Lists the workspaces, without their tokens."""
    oauth, here = load_oauth(), place("command")
    with reading(here.engine) as (session, now):
        rows = [_row(one, oauth, now) for one in all_installations(session)]
    if as_json:
        print_json({"workspaces": rows})
        return
    for row in rows:
        sys.stdout.write(f"{row['team']}  {row['name']}  since {row['installed_at']}  {row['state']}\n")
    if not rows:
        hint("The app is installed nowhere by OAuth. With it set up, `serve` begins an installation at /slack/install.")


def end(team: str, *, person: str | None, as_json: bool) -> None:
    """Revokes the workspace's token at Slack and forgets it; forgets it also where Slack cannot be told."""
    here = place("command")
    who = person_at(here, person)
    with reading(here.engine) as (session, _):
        known = session.get(SlackInstallation, team) is not None
    if not known:
        raise Problem(
            f"The app is not installed in {team[:40]!r}.",
            why="No workspace of that id is stored.",
            do="`spendgate slack workspaces list` tells them.",
            exit_code=Exit.NOT_FOUND,
        )
    actor = Actor(ActorKind.SERVICE, "terminal") if who.id == NOBODY else Actor(ActorKind.PERSON, who.id)
    oauth, told = load_oauth(), "OAuth is not set up here, so its token was not revoked: remove the app in Slack"
    if oauth is not None:
        told = asyncio.run(_revoked(Tokens(here.engine, oauth, base_url=load_slack().base_url), team))
    with writing(here.engine) as (session, now):
        why = f"removed at the terminal; {told}"
        if not remove(session, team, why=why, actor=actor, now=now):
            # Slack told `serve` of it first: whose doing it was stands nowhere else.
            log.append(session, now=now, event=Event.SLACK_REMOVED, actor=actor, data={"team": team, "why": why})
    if as_json:
        print_json({"team": team, "removed": True, "slack": told})
    else:
        sys.stdout.write(f"{team} is removed: {told}.\n")


async def _revoked(tokens: Tokens, team: str) -> str:
    by_hand = "remove the app in Slack"
    try:
        token = await asyncio.to_thread(_token, tokens, team)
        await tokens.plain().auth_revoke(token=token)
    except Problem as problem:
        return f"its token could not be read ({problem.why.rstrip('.')}): {by_hand}"
    except SlackApiError as error:
        return f"Slack would not revoke its token ({word(error)}): {by_hand}, if it is still there"
    except LOST:
        return f"Slack could not be reached: {by_hand}"
    return "its token is revoked"


def _token(tokens: Tokens, team: str) -> str:
    with reading(tokens.engine) as (session, _):
        held = held_token(session, tokens.box, team)
    return held.token if held is not None else ""


def _row(one: SlackInstallation, oauth: OAuthSettings | None, now: datetime) -> dict[str, str]:
    if oauth is not None and one.team not in oauth.teams:
        state = "not on the list: nothing of it is taken"
    elif one.refused is not None:
        state = f"not renewed: {one.refused}"
    elif one.ends_at is None:
        state = "its token does not end"
    else:
        state = f"its token {'ended' if one.ends_at <= now else 'is good until'} {utc_text(one.ends_at)}"
    return {"team": one.team, "name": one.name, "installed_at": utc_text(one.installed_at), "state": state}
