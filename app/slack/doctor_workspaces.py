"""The doctor where the app is installed in several workspaces by OAuth: each one's token, and what waits there."""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine

from app.database import reading
from app.installations import SlackInstallation, all_installations, held_token
from app.settings import SlackSettings
from app.slack.clients import WorkspaceClient, at
from app.slack.doctor import Finding, Verdict, examine, examine_token
from app.slack.tokens import Tokens
from app.turns import unposted
from audit.moment import utc_text


class _Known(NamedTuple):
    """What the database holds of the workspaces."""

    rows: dict[str, SlackInstallation]
    waiting: Counter[str]
    now: datetime


async def examine_workspaces(engine: Engine, tokens: Tokens, settings: SlackSettings) -> list[Finding]:
    """Every check of the home workspace, then what is to be checked of each other one.

    A token that is about to end is renewed, as by every call. A Problem where the stored tokens cannot be read.
    """
    home, known = WorkspaceClient(tokens, settings.team), _known(engine, tokens)
    found: list[Finding] = []
    for team in (settings.team, *sorted(tokens.oauth.teams - {settings.team})):
        row = known.rows.get(team)
        if row is None:
            found.append(_absent(team, known.waiting[team], settings))
            continue
        if team == settings.team:
            found += await examine(home, settings)
        else:
            looked = await examine_token(at(home, team), settings, team)
            found += [Finding(f"{team} {one.check}", one.verdict, one.found, one.do) for one in looked]
        found += _lasts(row, known.now)
    strangers = sorted(set(known.rows) - tokens.oauth.teams)
    return found + [_stranger(team) for team in strangers]


def _known(engine: Engine, tokens: Tokens) -> _Known:
    with reading(engine) as (session, now):
        for team in sorted(tokens.oauth.teams):
            held_token(session, tokens.box, team)
        waiting = Counter(place.team for _, place in unposted(session, surface="slack"))
        return _Known({row.team: row for row in all_installations(session)}, waiting, now)


def _absent(team: str, waiting: int, settings: SlackSettings) -> Finding:
    told = f"the app is not installed in {team}" + (f"; {waiting} answers wait there" if waiting else "")
    home = team == settings.team
    does = "Cards are posted in this workspace: " if home else ""
    do = f"{does}open {settings.public_url}/slack/install?team={team} in a browser, signed in there."
    return Finding(f"{team} installed", Verdict.WRONG if home else Verdict.WARNING, told, do[:1].upper() + do[1:])


def _lasts(row: SlackInstallation, now: datetime) -> list[Finding]:
    check = f"{row.team} renewal"
    if row.refused is not None:
        do = f"Install the app anew: /slack/install?team={row.team}. Until then it works while the token lasts."
        return [Finding(check, Verdict.WRONG, f"Slack would not renew the token ({row.refused})", do)]
    if row.ends_at is None:
        return [Finding(check, Verdict.OK, "the token does not end")]
    ended = row.ends_at <= now
    told = f"the token {'ended' if ended else 'is good until'} {utc_text(row.ends_at)}"
    return [Finding(check, Verdict.WARNING if ended else Verdict.OK, told, "Start `serve`." if ended else "")]


def _stranger(team: str) -> Finding:
    told = f"the app is installed in {team}, which is not in SPENDGATE_SLACK_TEAMS: nothing of it is taken"
    return Finding(f"{team} installed", Verdict.WARNING, told, f"`spendgate slack workspaces remove {team}` ends it.")
