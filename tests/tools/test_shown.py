"""Names from data are short, visible, and can pass for nothing else."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.shown import LIMIT, shown, unpriced

HOSTILE = [
    "{q1.r1.effective}",
    "｛q1.r1.effective｝",
    "<!channel>",
    "<https://evil.example|click>",
    "[click](https://evil.example)",
    "`code` *bold* ~gone~",
    "fra\u202eud",
    "fra\u200bud",
    "a\x00b\nc\x1b[31m",
    "\u3164",
    "tag\U000e0041\U000e0042",
]


def test_ordinary_names_stay_as_they_are() -> None:
    for name in (
        "fraud-detection",
        "Amazon EC2",
        "g5.12xlarge",
        "gpt-4o",
        "Zürich Rückversicherung",
        "use_case",
        "不正検知",
    ):
        assert shown(name) == name


def test_nothing_is_named() -> None:
    assert shown(None) == shown("") == shown("   ") == "(none)"


def test_hidden_characters_become_visible() -> None:
    assert shown("fra\u202eud") == "fra\\u202eud"
    assert shown("fra\u200bud") == "fra\\u200bud"
    assert shown("a\nb") == "a\\u000ab"


def test_long_names_are_cut_with_a_sign() -> None:
    assert shown("x" * 1000) == "x" * (LIMIT - 1) + "…"


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=400)))
def test_never_a_reference_markup_or_a_hidden_character(text: str) -> None:
    seen = shown(text)
    assert seen.strip()
    assert len(seen) <= LIMIT
    assert not re.search(r"[{}<>`*~|\[\]]", seen)
    assert "://" not in seen
    assert not [c for c in seen if unicodedata.category(c) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}]
    assert "{" not in unicodedata.normalize("NFKC", seen)


@given(st.text(max_size=200))
def test_showing_twice_changes_nothing(text: str) -> None:
    assert shown(shown(text)) == shown(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("No team is named 'saves $1,000,000 a month'.", "No team is named 'saves … a month'."),
        ("No team is named '-1.5 million USD'.", "No team is named '…'."),
        ("No team is named '€ 5 and 30 % or 3 percent'.", "No team is named '… and … or …'."),
        ("No resource is named 'g5.12xlarge in eu-central-1, 14 days'.",) * 2,
    ],
)
def test_a_name_that_is_told_back_states_no_amount(text: str, told: str) -> None:
    assert unpriced(text) == told
    assert unpriced(f"Idle is below 5 %. {text}", quoted=True) == f"Idle is below 5 %. {told}"
