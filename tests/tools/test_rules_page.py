"""The page about the rules is made of them."""

from pathlib import Path

from tools.rules.catalogue import FORMS, SECTIONS, document
from tools.rules.thresholds import SavingsThresholds


def test_the_page_is_made_of_the_rules() -> None:
    page = Path(__file__).parents[2] / "docs" / "rules.md"
    assert page.read_text() == document(SavingsThresholds())
    assert [one.name for one in FORMS] == list(SECTIONS)
