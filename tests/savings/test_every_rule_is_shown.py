"""What each rule must be shown by: rows that fire, do not and are unknown, a worked figure, and a run to its undoing.

A rule that is added without one of these is named here.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.savings.test_from_finding_to_undo import CHANGING, MEDDLES
from tests.tools import (
    test_bill_rules,
    test_endpoint_without_scaling,
    test_gateway_rules,
    test_idle_gpu,
    test_inventory_rules,
    test_model_rules,
    test_off_hours,
    test_oversized_endpoint,
    test_oversized_endpoint_type,
    test_project_runaway,
    test_rightsize,
    test_unused_capacity,
    test_unused_keys,
)
from tools.rules import idle_gpu, off_hours
from tools.rules.catalogue import FORMS
from tools.rules.form import Form

FIRES, NOT, UNKNOWN = "fires", "does not", "unknown"
MEANS = {"waste": FIRES, "idle": FIRES, "fine": NOT, "in use": NOT, "in_use": NOT, "None": NOT, "unknown": UNKNOWN}
NEVER_UNKNOWN = {"idle_address"}
"""Its evidence is one meter's name: where the bill lacks that, there is no address to say anything of."""
BY_PEOPLE = {"batch_work", "prompt_caching", "unused_capacity"}
"""What they find is carried out where the model is called or the capacity is held, by whoever owns it."""


TABLES = (
    test_bill_rules.CASES, test_oversized_endpoint.CASES, test_rightsize.CASES, test_model_rules.CASES,
    test_gateway_rules.CASES, test_unused_keys.CASES, test_project_runaway.CASES, test_inventory_rules.CASES,
    test_endpoint_without_scaling.CASES, test_oversized_endpoint_type.CASES, test_unused_capacity.CASES,
)  # fmt: skip


def rows() -> Iterator[tuple[str, str, Any, str]]:
    """Of every table of cases: the rule, the row's sentence, its verdict and the money that was worked out for it."""
    for table in TABLES:
        for sentence, rule, _, verdict, saving in table:
            yield rule.FORM.name, sentence, verdict, saving
    for sentence, _, _, verdict, saving in test_off_hours.CASES:
        yield off_hours.FORM.name, sentence, verdict, saving
    for sentence, _, verdict in test_idle_gpu.SENTENCES:
        yield idle_gpu.FORM.name, sentence, verdict, ""


SHOWN = list(rows())


@pytest.mark.parametrize("form", FORMS, ids=[form.name for form in FORMS])
def test_a_rule_is_shown_whole(form: Form) -> None:
    mine = [row for row in SHOWN if row[0] == form.name]
    assert all(sentence for _, sentence, _, _ in mine)
    told = {MEANS[str(verdict)] for _, _, verdict, _ in mine}
    assert told == {FIRES, NOT, UNKNOWN} - ({UNKNOWN} if form.name in NEVER_UNKNOWN else set())
    figures = [Decimal(saving) for *_, saving in mine if saving]
    # The rule of GPU machines has its figure in a test of its own: 5.672 dollars an hour are 4,140.56 a month.
    assert figures or form is idle_gpu.FORM
    assert (form.kind == "") == (form.name in BY_PEOPLE)
    if form.kind:
        assert form in CHANGING
        assert form.drift
        assert form.kind in MEDDLES
