"""Before Bolt: what is not provably Slack's, or not for this workspace and app, goes no further.

Bolt parses a body before it checks the signature and answers a malformed timestamp with a 500; anybody on the network
could then make errors at will. Here the raw bytes are checked first, every malformed input is a plain refusal, and the
workspace and the app are compared on every surface, not only on events.
"""

import hmac
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

LARGEST_BODY = 1024 * 1024
MOST_SKEW_SECONDS = 300


class Reason(StrEnum):
    """Why a request was refused, in words for the log."""

    TOO_LARGE = "body too large"
    NO_SIGNATURE = "no signature"
    BAD_TIMESTAMP = "timestamp is no number or too far from now"
    BAD_SIGNATURE = "signature does not match"
    UNREADABLE = "body is not JSON or a form with a payload"
    WRONG_APP = "meant for another app"
    WRONG_TEAM = "from another workspace"
    NO_MEMBER = "from an account that is no full member"
    NO_STATE = "end of an installation that this browser did not begin"
    NO_LINK = "form of a decision without a link of ours"
    SHARED = "from a channel that is shared with another organisation"


@dataclass(frozen=True)
class Refused:
    """A request that goes no further; `authenticated` when the signature was right and only its content was not."""

    reason: Reason
    status: int
    authenticated: bool


@dataclass(frozen=True)
class Admissible:
    """A request that is Slack's and for us. `key` is Slack's own id for it, the same at each redelivery."""

    key: str
    kind: str
    payload: Mapping[str, Any]


def examine(
    *, headers: Mapping[str, str], body: bytes, secret: str, teams: Collection[str], app_id: str, now: datetime
) -> Admissible | Refused:
    """Judges one request by its raw bytes (Slack's signing scheme v0: HMAC-SHA-256 over `v0:timestamp:body`)."""
    if len(body) > LARGEST_BODY:
        return Refused(Reason.TOO_LARGE, 413, authenticated=False)
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not timestamp or not signature:
        return Refused(Reason.NO_SIGNATURE, 401, authenticated=False)
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return Refused(Reason.BAD_TIMESTAMP, 401, authenticated=False)
    if abs(now.timestamp() - int(timestamp)) > MOST_SKEW_SECONDS:
        return Refused(Reason.BAD_TIMESTAMP, 401, authenticated=False)
    expected = "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        return Refused(Reason.BAD_SIGNATURE, 401, authenticated=False)
    payload = _payload(headers.get("content-type", ""), body)
    if payload is None:
        return Refused(Reason.UNREADABLE, 400, authenticated=True)
    if payload.get("type") == "url_verification":
        return Admissible(f"url:{signature}", "url_verification", payload)
    return for_us(payload, teams=teams, app_id=app_id, signature=signature)


def _payload(content_type: str, body: bytes) -> dict[str, Any] | None:
    try:
        if "json" in content_type:
            found = json.loads(body)
        else:
            form = parse_qs(body.decode("utf-8"), strict_parsing=True)
            found = json.loads(form["payload"][0]) if "payload" in form else {k: v[0] for k, v in form.items()}
    except (ValueError, KeyError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def for_us(payload: dict[str, Any], *, teams: Collection[str], app_id: str, signature: str) -> Admissible | Refused:
    """Judges what is known to be Slack's: whether it is meant for this app and one of its workspaces, by somebody of
    that same one."""
    if payload.get("api_app_id") != app_id:
        return Refused(Reason.WRONG_APP, 403, authenticated=True)
    user = payload.get("user")
    home = payload.get("team")
    if not _shaped(payload):
        return Refused(Reason.UNREADABLE, 400, authenticated=True)
    named = {
        payload.get("team_id"),
        home.get("id") if isinstance(home, dict) else None,
        user.get("team_id") if isinstance(user, dict) else None,
    } - {None}
    if len(named) != 1 or not named <= set(teams):
        return Refused(Reason.WRONG_TEAM, 403, authenticated=True)
    if payload.get("is_ext_shared_channel") is True:
        return Refused(Reason.SHARED, 403, authenticated=True)
    kind = str(payload.get("type") or ("slash_command" if "command" in payload else "unknown"))
    key = payload.get("event_id" if kind == "event_callback" else "trigger_id")
    # A surface without an id of its own is told apart by its signature, which a replay repeats.
    return Admissible(f"{kind}:{key or signature}", kind, payload)


def _shaped(payload: dict[str, Any]) -> bool:
    """Whether the parts that are read later are there and are texts: what is odd is refused here, not in a listener."""
    texts = [
        payload.get(name, "")
        for name in ("type", "team_id", "event_id", "trigger_id", "user_id", "channel_id", "command")
    ]
    for name in ("team", "user", "channel"):
        part = payload.get(name)
        if isinstance(part, dict):
            texts += [part.get("id", ""), part.get("team_id", "")]
    if payload.get("type") == "event_callback":
        event = payload.get("event")
        if not isinstance(event, dict) or not payload.get("event_id"):
            return False
        texts += [event.get(name, "") for name in ("user", "channel", "ts", "thread_ts", "channel_type")]
        if not isinstance(event.get("text", ""), str):
            return False
        if event.get("type") in ("message", "app_mention") and not (event.get("channel") and event.get("ts")):
            return False
    return all(text is None or (isinstance(text, str) and text.isprintable() and text.isascii()) for text in texts)


@dataclass
class RefusalCount:
    """How many requests without a valid signature came since the last summary, by reason.

    One entry a minute: an entry each would let a stranger fill the log.
    """

    counts: dict[str, int]

    def add(self, reason: Reason) -> None:
        """Counts one."""
        self.counts[reason.value] = self.counts.get(reason.value, 0) + 1

    def take(self) -> dict[str, int]:
        """What was counted, and starts anew."""
        taken, self.counts = self.counts, {}
        return taken
