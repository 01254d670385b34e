"""The response_url: the app's answer to a click, in place of the message, in the channel, or for one person alone."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

from sandbox.slack.elements import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.methods.chat import composed
from sandbox.slack.site import RESPONSE_SECONDS, RESPONSE_USES, ResponseUrl, Site

Json = dict[str, Any]


def respond(site: Site, *, team: str, secret: str, body: bytes) -> Response:
    """Does what the answer says. Errors in Slack's words: expired_url, used_url, invalid_payload …"""
    url = site.responses.get(secret)
    if url is None or team != site.workspace.seed.team.id:
        return _refusal(404, "invalid_url")
    if site.ticker.now() - url.at > RESPONSE_SECONDS:
        return _refusal(404, "expired_url")
    if url.uses >= RESPONSE_USES:
        return _refusal(404, "used_url")
    try:
        given = json.loads(body)
    except ValueError:
        return _refusal(400, "invalid_payload")
    if not isinstance(given, dict):
        return _refusal(400, "invalid_payload")
    try:
        _apply(site, url, given)
    except SlackError as error:
        return Response(json.dumps(error.as_slack()), status_code=400, media_type="application/json")
    url.uses += 1
    return Response("ok", media_type="text/plain")


def _apply(site: Site, url: ResponseUrl, given: Json) -> None:
    workspace = site.workspace
    room = workspace.rooms[url.channel]
    replace, remove = bool(given.get("replace_original")), bool(given.get("delete_original"))
    if replace or remove:
        original = workspace.shown_to(url.user, channel=url.channel, ts=url.ts)
        before = workspace.as_slack(original)
        if remove:
            workspace.remove(original)
        else:
            fresh = composed(site, given, room)
            original.text, original.blocks = fresh.text, with_ids(fresh.blocks)
            original.edited = {"user": workspace.seed.app.user, "ts": site.ticker.ts()}
            workspace.touch()
        if original.ephemeral_to is None:
            kind = "message_deleted" if remove else "message_changed"
            after = None if remove else workspace.as_slack(original)
            site.announce_change(room, subtype=kind, before=before, after=after)
        return
    message = composed(site, given, room)
    if given.get("response_type") == "in_channel":
        workspace.add(message)
        site.announce_message(message, room)
    else:
        message.ephemeral_to = url.user
        workspace.add_ephemeral(message)


def _refusal(status: int, error: str) -> Response:
    return Response(json.dumps({"ok": False, "error": error}), status_code=status, media_type="application/json")
