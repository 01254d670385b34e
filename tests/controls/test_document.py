"""The page of controls is what the tests say, and each requirement has a test of its name."""

import re

from tests.controls.document import PATH, document, marked, unshown
from tests.controls.frameworks import ROWS

C9_2 = [f"AISVS 9.2.{number}" for number in range(1, 11)]


def test_the_page_is_what_the_tests_say() -> None:
    assert PATH.read_text() == document(), "run ./dev controls"


def test_every_requirement_has_a_test_and_every_mark_a_requirement() -> None:
    assert unshown() == []
    assert len({row.reference for row in ROWS}) == len(ROWS)


def test_each_item_of_c9_2_has_a_test_named_after_it() -> None:
    for reference in C9_2:
        name = "test_c" + reference.removeprefix("AISVS ").replace(".", "_") + "_"
        mine = [test for test, control in marked().items() if reference in control.references]
        assert any(re.search(rf"::{name}", test) for test in mine), reference


def test_nothing_claims_to_be_certified() -> None:
    page = PATH.read_text().lower()
    assert "no certificate" in page
    for claim in ("is certified", "certified by", "fully compliant", "complies with", "is compliant"):
        assert claim not in page
