"""Looks at all that Slack has to do with us and says, line by line, what is right and what to do where it is not.

It asks Slack only what reading costs; it posts nothing and changes nothing.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from app.settings import SlackSettings
from app.slack.manifest import SCOPES
from app.slack.patience import LOST, needed, word

MOST_SKEW_SECONDS, WARN_SKEW_SECONDS = 300, 60
"""Slack refuses, and so do we, what is signed five minutes off."""


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what was found, what to do."""

    check: str
    verdict: Verdict
    found: str
    do: str = ""


async def examine(client: AsyncWebClient, settings: SlackSettings) -> list[Finding]:
    """Every check in order; where Slack cannot be reached or does not take the token, the later ones are left out."""
    found = await examine_token(client, settings, settings.team)
    if found[-1].check in ("token", "reachability"):
        return found
    found.append(await _channel(client, settings.approvals_channel, "SPENDGATE_SLACK_APPROVALS_CHANNEL"))
    for channel in settings.anomaly_channels:
        found.append(await _channel(client, channel, "SPENDGATE_ANOMALY_CHANNELS"))
    if settings.witness_channel:
        found.append(await _channel(client, settings.witness_channel, "SPENDGATE_SLACK_WITNESS_CHANNEL"))
    found.append(await _delivery(client, settings))
    found.append(_pages(settings))
    return found


async def examine_token(client: AsyncWebClient, settings: SlackSettings, team: str) -> list[Finding]:
    """What is to be checked of the token of one workspace; ends with the check that failed where it is of no use."""
    started = time.time()
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        do = "Copy the Bot User OAuth Token again from OAuth & Permissions; reinstall the app where it was removed."
        if not settings.bot_token:
            do = f"Install the app anew: open {settings.public_url}/slack/install?team={team} in a browser."
        return [Finding("token", Verdict.WRONG, f"auth.test answered {word(error)}", do)]
    except LOST as error:
        do = "Check the network and its proxy, or SPENDGATE_SLACK_BASE_URL."
        return [Finding("reachability", Verdict.WRONG, f"{settings.base_url}: {error}", do)]
    headers = {name.lower(): value for name, value in dict(answer.headers or {}).items()}
    data = answer.data if isinstance(answer.data, dict) else {}
    found = [
        Finding("reachability", Verdict.OK, f"{settings.base_url} answered in {time.time() - started:.2f} s"),
        Finding("token", Verdict.OK, f"bot {data.get('user')} in {data.get('team')}"),
        _same("workspace", team, data.get("team_id"), "SPENDGATE_SLACK_TEAM"),
        *_clock(headers, started),
        *_scopes(headers),
    ]
    if data.get("app_id"):
        found.append(_same("app", settings.app_id, data.get("app_id"), "SPENDGATE_SLACK_APP_ID"))
    return found


def _same(check: str, wanted: str, told: Any, variable: str) -> Finding:
    if wanted == told:
        return Finding(check, Verdict.OK, str(told))
    do = f"Set {variable} to {told}, or take the token of the other one."
    return Finding(check, Verdict.WRONG, f"{variable} is {wanted}, the token belongs to {told}", do)


def _clock(headers: Mapping[str, str], now: float) -> list[Finding]:
    try:
        skew = abs(parsedate_to_datetime(headers["date"]).timestamp() - now)
    except (KeyError, TypeError, ValueError):
        return []
    told = f"{skew:.0f} s from Slack's"
    if skew <= WARN_SKEW_SECONDS:
        return [Finding("clock", Verdict.OK, told)]
    verdict = Verdict.WRONG if skew > MOST_SKEW_SECONDS else Verdict.WARNING
    return [Finding("clock", verdict, told, "Turn on time synchronisation on this machine and the database's.")]


def _scopes(headers: Mapping[str, str]) -> list[Finding]:
    """What the app was installed with, against the manifest of this version."""
    given = headers.get("x-oauth-scopes")
    if given is None:
        return [
            Finding("scopes", Verdict.WARNING, "Slack did not tell them", "Compare them with the manifest by hand.")
        ]
    have = {one.strip() for one in given.split(",") if one.strip()}
    missing, more = sorted(set(SCOPES) - have), sorted(have - set(SCOPES))
    if missing:
        told = "; ".join(f"{scope} ({SCOPES[scope]})" for scope in missing)
        do = "Add them under OAuth & Permissions (or paste `spendgate slack manifest`), then reinstall the app."
        return [Finding("scopes", Verdict.WRONG, f"missing: {told}", do)]
    if more:
        do = "Remove them: what the app cannot do, nobody can do with its token."
        return [Finding("scopes", Verdict.WARNING, f"more than needed: {', '.join(more)}", do)]
    return [Finding("scopes", Verdict.OK, f"all {len(SCOPES)}, and none besides")]


async def _channel(client: AsyncWebClient, channel: str, variable: str) -> Finding:
    """Whether the app is in the channel; asked by reading one message of it, as is done after a broken connection."""
    try:
        await client.conversations_history(channel=channel, limit=1)
    except SlackApiError as error:
        said = word(error)
        does = {
            "not_in_channel": "Invite the app there: /invite @Spendgate.",
            "channel_not_found": f"Set {variable} to the channel's id (C…), and invite the app there.",
            "missing_scope": f"Add the scope {needed(error)}, then reinstall the app: without it nothing that was"
            " posted there is found again after a broken connection.",
            "is_archived": f"Set {variable} to a channel that is not archived.",
        }
        return Finding(variable, Verdict.WRONG, f"{channel}: {said}", does.get(said, "Look at the channel in Slack."))
    except LOST as error:
        return Finding(variable, Verdict.WARNING, f"{channel}: {error}", "Try again.")
    return Finding(variable, Verdict.OK, f"the app is in {channel}")


async def _delivery(client: AsyncWebClient, settings: SlackSettings) -> Finding:
    """By which way people's words and presses arrive."""
    if settings.app_token is None:
        address = f"{settings.public_url or 'https://YOUR-ADDRESS'}/slack/events"
        do = f"Slack must reach {address}: see that its Event Subscriptions page says Verified."
        return Finding("delivery", Verdict.OK, "by HTTP, signed", do)
    try:
        await client.apps_connections_open(app_token=settings.app_token)
    except SlackApiError as error:
        do = "Turn Socket Mode on, and make an app-level token with the scope connections:write."
        return Finding("delivery", Verdict.WRONG, f"Socket Mode: {word(error)}", do)
    except LOST as error:
        return Finding("delivery", Verdict.WARNING, f"Socket Mode: {error}", "Try again.")
    return Finding("delivery", Verdict.OK, "by Socket Mode")


def _pages(settings: SlackSettings) -> Finding:
    if settings.public_url:
        return Finding("pages", Verdict.OK, f"changes of high risk are decided at {settings.public_url}/decide")
    told = "SPENDGATE_PUBLIC_URL is not set: changes of high risk are decided by `spendgate decide` only"
    return Finding("pages", Verdict.WARNING, told, "Set it to where people's browsers reach `serve`, by https.")
