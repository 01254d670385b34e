"""Slack's request signature, version v0: HMAC-SHA-256 over the version, the timestamp and the raw body."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, *, timestamp: str, body: bytes) -> str:
    """The value of X-Slack-Signature."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def signed_headers(secret: str, *, timestamp: int, body: bytes, content_type: str) -> dict[str, str]:
    """All headers of one delivery, except the retry headers."""
    return {
        "content-type": content_type,
        "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "x-slack-request-timestamp": str(timestamp),
        "x-slack-signature": signature(secret, timestamp=str(timestamp), body=body),
    }
