"""OAuth's settings: half of them, both ways at once and a key that is none are refused, without telling a secret."""

import pytest
from cryptography.fernet import Fernet

from app.errors import Problem
from app.oauth_settings import load_oauth
from app.settings import load_slack
from tests.app.test_settings import SLACK

FIRST, SECOND = Fernet.generate_key().decode(), Fernet.generate_key().decode()
OAUTH = {
    "SPENDGATE_SLACK_CLIENT_ID": "1.2",
    "SPENDGATE_SLACK_CLIENT_SECRET": "very-secret",
    "SPENDGATE_SLACK_TOKEN_KEY": f"{FIRST}, {SECOND}",
    "SPENDGATE_SLACK_TEAM": "T1",
    "SPENDGATE_SLACK_TEAMS": "T2, T3,T2",
    "SPENDGATE_PUBLIC_URL": "https://spendgate.example.com/",
}

WRONG = [
    ("a bot token besides", {"SPENDGATE_SLACK_BOT_TOKEN": "xoxb-very-secret"}, "are both set"),
    ("no secret", {"SPENDGATE_SLACK_CLIENT_SECRET": ""}, "SPENDGATE_SLACK_CLIENT_SECRET is not set"),
    ("no id", {"SPENDGATE_SLACK_CLIENT_ID": ""}, "SPENDGATE_SLACK_CLIENT_ID is not set"),
    ("no key", {"SPENDGATE_SLACK_TOKEN_KEY": " , "}, "SPENDGATE_SLACK_TOKEN_KEY is not set"),
    ("a key that is none", {"SPENDGATE_SLACK_TOKEN_KEY": f"{FIRST},very-secret"}, "SPENDGATE_SLACK_TOKEN_KEY cannot"),
    ("nowhere to come back to", {"SPENDGATE_PUBLIC_URL": ""}, "SPENDGATE_PUBLIC_URL is not set"),
    ("a name for a workspace", {"SPENDGATE_SLACK_TEAMS": "T2,lab"}, "SPENDGATE_SLACK_TEAMS cannot be used: 'lab'"),
    ("plain http for browsers", {"SPENDGATE_PUBLIC_URL": "http://s.example"}, "SPENDGATE_PUBLIC_URL cannot be used"),
]  # fmt: skip


def test_home_is_on_the_list_and_the_address_is_fixed() -> None:
    found = load_oauth(OAUTH)
    assert found is not None
    assert found.teams == {"T1", "T2", "T3"}
    assert found.keys == (FIRST, SECOND)
    assert found.redirect_url == "https://spendgate.example.com/slack/oauth_redirect"
    assert found.secure
    assert "very-secret" not in repr(found)
    assert FIRST not in repr(found)


@pytest.mark.parametrize(("_sentence", "change", "says"), WRONG, ids=[row[0] for row in WRONG])
def test_what_cannot_work_is_refused_by_its_name(_sentence: str, change: dict[str, str], says: str) -> None:
    with pytest.raises(Problem) as refused:
        load_oauth({**OAUTH, **change})
    assert says in refused.value.what
    assert "very-secret" not in f"{refused.value.what} {refused.value.why} {refused.value.do}"


def test_one_workspace_by_its_token_needs_none_of_it() -> None:
    assert load_oauth(SLACK) is None
    assert load_slack(SLACK).bot_token == "xoxb-1"
    by_oauth = {**SLACK, **OAUTH, "SPENDGATE_SLACK_BOT_TOKEN": ""}
    assert load_slack(by_oauth).bot_token == ""
    with pytest.raises(Problem, match="SPENDGATE_SLACK_BOT_TOKEN"):
        load_slack({**SLACK, "SPENDGATE_SLACK_BOT_TOKEN": "", "SPENDGATE_SLACK_TEAMS": "T2"})
