"""What the cells of a change add up to by each dimension is what the lake says of that dimension alone."""

from datetime import date

import pytest

from lake.engine import Answered, Lake
from lake.question import Question
from tests.tools.small_bill import Charge, charge, days_of, desk_of, lake_of
from tools.asked import Asked, asked
from tools.cells import cells
from tools.desk import Desk
from tools.explain import TRIED, _split, explain_change

SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
MODELS = ("gpt-4o", "claude-haiku-4-5", "nova-pro")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Teams, services and models that rise, fall, end and begin; some without a tag, and a credit that takes all of a
    service's October back."""
    rows: list[Charge] = []
    for number, (first, count) in enumerate(((SEPTEMBER, 30), (OCTOBER, 31))):
        for day in days_of(first, count):
            for at, team in enumerate(("fraud", "claims", "kyc", "")):
                if team == "kyc" and number:
                    continue
                for one, model in enumerate(MODELS):
                    about = {"SkuPriceDetails": f'{{"model": "{model}"}}', "x_token_class": "output"}
                    cost = f"{(at + 1) * (one + 2) * (1.37 if number else 1) + day.day / 7:.6f}"
                    rows.append(charge(day, cost, team=team, **about))
        rows.append(charge(first, "50.25", team="fraud", service="Amazon S3", ServiceCategory="Storage"))
        if number:
            rows.append(charge(first, "-50.25", team="claims", service="Amazon S3", ServiceCategory="Storage"))
    return lake_of(tmp_path_factory.mktemp("cells"), rows, final=True)


def of_october(desk: Desk, **where: str) -> Asked:
    return asked(desk, metric="effective", period="2026-10", by=[], where=where, compare="2026-09", ai=None)


@pytest.mark.parametrize("dimension", TRIED)
def test_they_add_up_to_what_the_lake_says_of_one_dimension(lake: Lake, dimension: str) -> None:
    desk = desk_of(lake)
    whole = cells(desk, of_october(desk), TRIED)
    assert whole is not None
    assert whole.by == TRIED
    alone, _ = _split(desk, of_october(desk), dimension, currency="USD")
    assert whole.split(dimension) == (dict(alone.before), dict(alone.after))
    inner, _ = _split(desk, of_october(desk, team="fraud"), dimension, currency="USD")
    assert whole.split(dimension, ("team", "fraud")) == (dict(inner.before), dict(inner.after))


def test_what_the_lake_does_not_list_whole_is_not_taken_for_the_whole(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks, found = lake.ask, list[tuple[str, ...]]()

    def short(question: Question) -> Answered:
        answer = asks(question)
        found.append(question.by)
        return answer if len(question.by) < 3 else type(answer)(**{**vars(answer), "truncated": True})

    monkeypatch.setattr(lake, "ask", short)
    desk = desk_of(lake)
    whole = cells(desk, of_october(desk), TRIED)
    assert whole is not None
    assert [len(by) for by in found] == [4, 3, 2]
    assert whole.by == TRIED[:2]
    told = explain_change(desk, period="2026-10", compare="2026-09")
    assert told.error is None
    assert ("team",) in found, "a dimension that the cells do not have is asked for"


def test_a_change_is_explained_with_one_question_for_all_its_splits(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks, found = lake.ask, list[tuple[str, ...]]()

    def counted(question: Question) -> Answered:
        found.append(question.by)
        return asks(question)

    monkeypatch.setattr(lake, "ask", counted)
    assert explain_change(desk_of(lake), period="2026-10", compare="2026-09").error is None
    assert TRIED in found
    assert not {(name,) for name in TRIED} & set(found)
