"""The guard before Bolt: only what is provably Slack's and for us goes further, and nothing makes it fail."""

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.slack.guard import LARGEST_BODY, Admissible, Reason, Refused, examine

SECRET = "sandbox-signing-secret"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVENT = {"type": "event_callback", "event_id": "Ev1", "team_id": "T0BANK", "api_app_id": "A0SPENDGATE", "event": {}}
CLICK = {
    "type": "block_actions",
    "trigger_id": "t1",
    "api_app_id": "A0SPENDGATE",
    "team": {"id": "T0BANK"},
    "user": {"id": "U0ARJUN", "team_id": "T0BANK"},
}


def signed(
    body: bytes, *, secret: str = SECRET, at: str | None = None, content_type: str = "application/json"
) -> dict[str, str]:
    timestamp = at if at is not None else str(int(NOW.timestamp()))
    signature = "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, sha256).hexdigest()
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature, "content-type": content_type}


def judge(headers: dict[str, str], body: bytes) -> Admissible | Refused:
    return examine(headers=headers, body=body, secret=SECRET, teams={"T0BANK"}, app_id="A0SPENDGATE", now=NOW)


def test_a_signed_event_is_known_by_slacks_own_id() -> None:
    body = json.dumps(EVENT).encode()
    verdict = judge(signed(body), body)
    assert isinstance(verdict, Admissible)
    assert verdict.key == "event_callback:Ev1"


def test_a_retry_with_a_new_signature_has_the_same_key() -> None:
    body = json.dumps(EVENT).encode()
    later = str(int(NOW.timestamp()) + 60)
    keys = {verdict.key for at in (None, later) if isinstance(verdict := judge(signed(body, at=at), body), Admissible)}
    assert keys == {"event_callback:Ev1"}


def test_a_signed_click_in_a_form_is_admissible() -> None:
    body = urlencode({"payload": json.dumps(CLICK)}).encode()
    verdict = judge(signed(body, content_type="application/x-www-form-urlencoded"), body)
    assert isinstance(verdict, Admissible)
    assert verdict.key == "block_actions:t1"


REFUSALS = [
    ("no headers at all", {}, Reason.NO_SIGNATURE, 401),
    ("a timestamp that is no number", {"at": "abc"}, Reason.BAD_TIMESTAMP, 401),
    ("a timestamp in other digits", {"at": "١٧٦٣"}, Reason.BAD_TIMESTAMP, 401),
    ("a timestamp five minutes and a second old", {"at": str(int(NOW.timestamp()) - 301)}, Reason.BAD_TIMESTAMP, 401),
    ("a timestamp from the future", {"at": str(int(NOW.timestamp()) + 301)}, Reason.BAD_TIMESTAMP, 401),
    ("another secret", {"secret": "other"}, Reason.BAD_SIGNATURE, 401),
    ("an empty secret", {"secret": ""}, Reason.BAD_SIGNATURE, 401),
]


@pytest.mark.parametrize(("_sentence", "how", "reason", "status"), REFUSALS, ids=[row[0] for row in REFUSALS])
def test_refused(_sentence: str, how: dict[str, str], reason: Reason, status: int) -> None:
    body = json.dumps(EVENT).encode()
    headers = signed(body, **how) if how else {}
    verdict = judge(headers, body)
    assert isinstance(verdict, Refused)
    assert (verdict.reason, verdict.status, verdict.authenticated) == (reason, status, False)


def test_a_changed_body_is_refused() -> None:
    body = json.dumps(EVENT).encode()
    verdict = judge(signed(body), body.replace(b"Ev1", b"Ev2"))
    assert isinstance(verdict, Refused)
    assert verdict.reason is Reason.BAD_SIGNATURE


CONTENT = [
    ("a body that is no JSON", b"{", Reason.UNREADABLE),
    ("a JSON list", b"[]", Reason.UNREADABLE),
    ("JSON nested beyond reason", b"[" * 5000, Reason.UNREADABLE),
    ("a team that is a list", json.dumps({**EVENT, "team_id": ["T0BANK"]}).encode(), Reason.UNREADABLE),
    ("an event that is none", json.dumps({**EVENT, "event": 3}).encode(), Reason.UNREADABLE),
    ("a user that is a number", json.dumps({**EVENT, "event": {"user": 3}}).encode(), Reason.UNREADABLE),
    ("a message from nowhere", json.dumps({**EVENT, "event": {"type": "message"}}).encode(), Reason.UNREADABLE),
    ("an event without an id", json.dumps({**EVENT, "event_id": None}).encode(), Reason.UNREADABLE),
    ("another app", json.dumps({**EVENT, "api_app_id": "A0OTHER"}).encode(), Reason.WRONG_APP),
    ("no app", json.dumps({k: v for k, v in EVENT.items() if k != "api_app_id"}).encode(), Reason.WRONG_APP),
    ("a click meant for another app", json.dumps({**CLICK, "api_app_id": "A0OTHER"}).encode(), Reason.WRONG_APP),
    ("another workspace", json.dumps({**EVENT, "team_id": "T0OTHER"}).encode(), Reason.WRONG_TEAM),
    (
        "a click by somebody of another workspace",
        json.dumps({**CLICK, "user": {"team_id": "T0OTHER"}}).encode(),
        Reason.WRONG_TEAM,
    ),
]


@pytest.mark.parametrize(("_sentence", "body", "reason"), CONTENT, ids=[row[0] for row in CONTENT])
def test_signed_but_not_for_us(_sentence: str, body: bytes, reason: Reason) -> None:
    verdict = judge(signed(body), body)
    assert isinstance(verdict, Refused)
    assert verdict.reason is reason
    assert verdict.authenticated


def test_one_of_several_workspaces_is_taken_but_no_request_of_two_of_them() -> None:
    """A person of one workspace that may does not act in another one that may as well."""
    both = {"secret": SECRET, "teams": {"T0BANK", "T0LAB"}, "app_id": "A0SPENDGATE", "now": NOW}
    for body, taken in (
        ({**EVENT, "team_id": "T0LAB"}, True),
        ({**CLICK, "team": {"id": "T0LAB"}, "user": {"team_id": "T0LAB"}}, True),
        ({**CLICK, "team": {"id": "T0LAB"}, "user": {"team_id": "T0BANK"}}, False),
        ({**EVENT, "team_id": "T0OTHER"}, False),
    ):
        raw = json.dumps(body).encode()
        verdict = examine(headers=signed(raw), body=raw, **both)  # type: ignore[arg-type]
        assert isinstance(verdict, Admissible) is taken, body


def test_a_body_above_a_megabyte_is_refused_before_it_is_hashed() -> None:
    body = b" " * (LARGEST_BODY + 1)
    verdict = judge(signed(body), body)
    assert isinstance(verdict, Refused)
    assert verdict.status == 413


@given(body=st.binary(max_size=300), timestamp=st.text(max_size=20), signature=st.text(max_size=80))
def test_no_unsigned_request_passes_and_none_raises(body: bytes, timestamp: str, signature: str) -> None:
    verdict = judge({"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}, body)
    assert isinstance(verdict, Refused)
    assert not verdict.authenticated


@given(
    body=st.binary(max_size=300),
    content_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", ""]),
)
def test_whatever_is_signed_is_judged_without_an_error(body: bytes, content_type: str) -> None:
    assert isinstance(judge(signed(body, content_type=content_type), body), Refused)
