"""What a person types becomes Slack's text: escaped, with mentions, channels and addresses as references."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.clock import Ticker
from sandbox.slack.seed import default_seed
from sandbox.slack.typed import understood
from sandbox.slack.workspace import Workspace

WORKSPACE = Workspace(default_seed(), Ticker())


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("@spendgate why?", "<@U0SPENDGATE> why?"),
        ("ask @Arjun.", "ask <@U0ARJUN>."),
        ("me@arjun.example", "me@arjun.example"),
        ("@nobody", "@nobody"),
        ("<@U0ARJUN> and <@U0STRANGER>", "<@U0ARJUN> and &lt;@U0STRANGER&gt;"),
        ("see #ai-costs, not #other", "see <#C0AIOPS|ai-costs>, not #other"),
        ("at https://a.example/b?c=1&d=2.", "at <https://a.example/b?c=1&amp;d=2>."),
        ("<!channel>", "&lt;!channel&gt;"),
    ],
)
def test_what_is_typed_and_what_is_sent(typed: str, text: str) -> None:
    assert understood(WORKSPACE, typed)[0] == text


@given(st.text(alphabet=st.sampled_from("<>&@#!|* abU0ARJN:/.https"), max_size=60))
def test_nobody_can_type_a_control_sequence_that_is_not_theirs(typed: str) -> None:
    text, blocks = understood(WORKSPACE, typed)

    for inside in re.findall(r"<([^<>]*)>", text):
        assert re.fullmatch(r"@U0ARJUN|@U0SPENDGATE|@U0OLIVIA|@U0EDITH|#C0\w+\|[\w-]+|https?://[^|<>]*", inside)
    assert re.sub(r"<[^<>]*>", "", text).count("<") == 0
    pieces = blocks[0]["elements"][0]["elements"]
    shown = "".join(piece.get("text", piece.get("url", "")) for piece in pieces)
    plain = html.unescape(re.sub(r"<[@#][^<>]*>", "", text).replace("<", "").replace(">", ""))
    assert shown == plain
