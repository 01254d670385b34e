"""Contributions that add up to the change, to the last digit, and what lies within the largest."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from lake.engine import Lake
from tests.tools.small_bill import charge, desk_of, lake_of
from tools.detection.contributions import add
from tools.explain import explain_change
from tools.result import ToolResult

SEPTEMBER, OCTOBER = date(2026, 9, 15), date(2026, 10, 15)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    rows = [charge(date(2026, 11, 5), "1", team="fraud")]
    for number in range(9):
        rows.append(charge(SEPTEMBER, "100", team=f"team-{number}", service="Amazon SageMaker"))
        rows.append(charge(OCTOBER, f"100.{number}00000000001", team=f"team-{number}", service="Amazon SageMaker"))
    for day, cost in ((SEPTEMBER, "100"), (OCTOBER, "640.000000000003")):
        rows.append(charge(day, cost, team="kyc", service="Claude API", x_token_class="input_uncached"))
        rows.append(charge(day, "50", team="kyc", service="Claude API", x_token_class="output"))
    rows.append(charge(SEPTEMBER, "12", team="old"))
    rows.append(charge(OCTOBER, "8", team="new"))
    return lake_of(tmp_path_factory.mktemp("explain"), rows)


def changes(result: ToolResult, within: str = "") -> list[Decimal]:
    rows = [row for row in result.rows if row.texts.get("within", "") == within]
    return [result.figure(row.figures["change"]).value for row in rows]  # type: ignore[union-attr]


@pytest.mark.parametrize("by", [None, "team", "service", "resource", "region"])
def test_contributions_sum_to_the_change_exactly(lake: Lake, by: str | None) -> None:
    result = explain_change(desk_of(lake), by=by)
    whole = result.figure("q1.t1.change")
    assert whole is not None
    assert add(changes(result)) == whole.value


def test_the_largest_comes_first_and_what_is_new_or_gone_is_said(lake: Lake) -> None:
    result = explain_change(desk_of(lake), by="team", period="October 2026", compare="September 2026")
    assert result.rows[0].names == {"team": "kyc"}
    notes = {row.names["team"]: row.texts.get("note") for row in result.rows if row.names}
    assert (notes["new"], notes["old"]) == ("new", "gone")
    assert [row for row in result.rows if row.names][-1].names["team"].startswith("all others")


def test_it_looks_within_the_largest_and_that_sums_too(lake: Lake) -> None:
    result = explain_change(desk_of(lake))
    inner = next(row.texts["within"] for row in result.rows if "within" in row.texts)
    assert inner in ("team kyc", "service Claude API")
    part = result.figure(result.rows[0].figures["change"])
    assert part is not None
    assert add(changes(result, inner)) == part.value
    assert "input_uncached" in [name for row in result.rows for name in row.names.values()]


def test_shares_are_of_the_whole_change(lake: Lake) -> None:
    result = explain_change(desk_of(lake), by="team")
    for parts in (True, False):  # the contributions, and the reasons beside them
        rows = [row for row in result.rows if bool(row.names) is parts]
        shares = [figure.value for row in rows if (figure := result.figure(row.figures["share"]))]
        assert abs(add(shares) - 100) < Decimal("0.01")


def test_a_period_without_data_is_no_explanation(lake: Lake) -> None:
    result = explain_change(desk_of(lake), period="2026-09")
    assert result.error is not None
    assert "no data, which is not a zero" in result.error.why


def test_days_before_the_bill_are_no_explanation(lake: Lake) -> None:
    result = explain_change(desk_of(lake), period="2026-10", compare="2026-08-20..2026-09-20")
    assert result.error is not None
    assert "The bill begins on 1 September 2026; the comparison period" in result.error.why
    assert result.figures == ()


def test_days_that_are_not_complete_are_said_to_be(lake: Lake) -> None:
    notes = explain_change(desk_of(lake), period="2026-11", compare="2026-10").notes
    assert any(note.startswith("November 2026 is not complete: ") for note in notes)
    assert not any("not complete" in note for note in explain_change(desk_of(lake), period="2026-10").notes)


def test_unknown_words_are_refused(lake: Lake) -> None:
    for given in ({"by": "colour"}, {"where": {"team": "kycc"}}, {"period": "soon"}):
        result = explain_change(desk_of(lake), **given)
        assert result.error is not None, given
        assert result.figures == ()


def test_a_currency_of_one_period_alone_is_told(tmp_path: Path) -> None:
    rows = [charge(SEPTEMBER, "10", team="a"), charge(OCTOBER, "12", team="a")]
    rows += [charge(SEPTEMBER, "500", team="a", BillingCurrency="CHF"), charge(OCTOBER, "7", BillingCurrency="EUR")]
    result = explain_change(desk_of(lake_of(tmp_path, rows)), period="2026-10", compare="2026-09")
    told = {figure.unit: figure.display for figure in result.figures if ".t" in figure.id and ".before" in figure.id}
    assert told == {"USD": "$10.00", "CHF": "500.00 CHF"}
    assert "CHF has no data for October 2026, which is not a zero: its change is not explained." in result.notes
    assert "EUR has no data for September 2026, which is not a zero: its change is not explained." in result.notes


def test_a_cost_that_some_charges_lack_is_not_explained(tmp_path: Path) -> None:
    rows = [charge(SEPTEMBER, "5", team="fraud"), charge(OCTOBER, "9", team="fraud", ListCost="")]
    desk = desk_of(lake_of(tmp_path, rows, final=True))
    refused = explain_change(desk, metric="list", period="2026-10")
    assert refused.error is not None
    assert "Some of these charges have no list cost" in refused.error.why
    assert explain_change(desk, period="2026-10").error is None


def crossed(folder: Path, *, loud: bool = True) -> Lake:
    """Two teams that use two services alike, but for one team's use of one, and one model that took over another's."""
    rows = [charge(date(2026, 11, 5), "1", team="fraud")]
    for day, now in ((SEPTEMBER, False), (OCTOBER, True)):
        for team in ("fraud", "kyc", "risk"):
            for service in ("Claude API", "Amazon SageMaker", "Amazon Bedrock"):
                grown = loud and now and (team, service) == ("kyc", "Claude API")
                rows.append(charge(day, "900.07" if grown else "100", team=team, service=service))
    return lake_of(folder, rows)


def test_the_narrowest_slices_are_named_and_sum_with_what_they_leave(tmp_path: Path) -> None:
    result = explain_change(desk_of(crossed(tmp_path)), period="2026-10", compare="2026-09")
    rows = [row for row in result.rows if row.texts.get("within") == "the narrowest causes"]
    assert rows[0].names == {"service": "Claude API", "team": "kyc"}
    whole = result.figure("q1.t1.change")
    assert whole is not None
    assert whole.value == Decimal("800.07") == add(changes(result, "the narrowest causes"))


def test_where_one_name_says_it_all_no_slices_are_listed(tmp_path: Path) -> None:
    for result in (
        explain_change(desk_of(crossed(tmp_path / "still", loud=False)), period="2026-10", compare="2026-09"),
        explain_change(desk_of(crossed(tmp_path / "loud")), period="2026-10", compare="2026-09", by="team"),
    ):
        assert result.error is None
        assert not [row for row in result.rows if row.texts.get("within") == "the narrowest causes"]
