"""The rollup of a snapshot answers as its charges do, and the answer says which of the two was read."""

import itertools
import json
import random
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.engine import Lake
from lake.load import ingest
from lake.period import Period
from lake.question import DIMENSIONS, METRIC_COLUMNS, Question
from lake.reading import Reader
from lake.rollup import Rolled
from lake.store import write_durably
from tests.lake.conftest import NOW, row, write_csv

AUTUMN, SEPTEMBER, OCTOBER = Period.parse("2026-09-01..2026-10-31"), Period.parse("2026-09"), Period.parse("2026-10")
TEAMS = ("fraud", "treasury", "claims", None)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred charges of two months and two currencies, some without a team, a region or a list cost."""
    dice = random.Random(20261123)
    rows = []
    for number in range(300):
        team = dice.choice(TEAMS)
        rows.append(
            row(
                f"{dice.randrange(-500, 99999)}.{dice.randrange(10**12):012}",
                day=f"2026-{dice.choice(('09', '10'))}-{dice.randrange(1, 29):02}",
                Tags=json.dumps({"team": team, "cost": dice.choice("ab")} if team else {}),
                ServiceName=dice.choice(("Machines", "Disks", "Learning")),
                ServiceCategory=dice.choice(("Compute", "AI and Machine Learning")),
                RegionId=dice.choice(("eu-1", "us-1", "")),
                ResourceId=f"r-{number % 40}",
                ListCost=dice.choice(("", "3.5")),
                BillingCurrency=dice.choice(("USD", "USD", "EUR")),
            )
        )
    folder = tmp_path_factory.mktemp("many")
    ingest(Lake(folder / "lake"), [write_csv(folder / "bill.csv", rows)], now=NOW)
    return folder / "lake"


@pytest.fixture
def many(loaded: Path, tmp_path: Path) -> Lake:
    """Its own copy: some tests take a rollup away."""
    return Lake(shutil.copytree(loaded, tmp_path / "lake"))


def without_rollups(lake: Lake) -> Lake:
    """The same lake as an earlier version wrote it."""
    for path in lake.store.manifests.glob("*.json"):
        manifest = json.loads(path.read_text())
        del manifest["rollup"], manifest["monthly"]
        write_durably(path, json.dumps(manifest).encode())
    for name in ("rollup.parquet", "monthly.parquet"):
        for rollup in lake.folder.rglob(name):
            rollup.unlink()
    return Lake(lake.folder)


def questions() -> list[Question]:
    dimensions = ("month", "day", *(name for name in DIMENSIONS if name != "resource"))
    some = random.Random(7).sample(list(itertools.combinations(dimensions, 2)), 12)
    pairs = [*some, *((name,) for name in dimensions), ()]
    found = [
        Question(period=AUTUMN, by=by, metric=list(METRIC_COLUMNS)[number % len(METRIC_COLUMNS)])
        for number, by in enumerate(pairs)
    ]
    fraud: dict[str, tuple[str, ...]] = {"team": ("fraud",)}
    found += [
        Question(period=OCTOBER, compare=SEPTEMBER, by=("service",), where=fraud),
        Question(period=OCTOBER, by=("team",), teams_seen=("claims", "treasury")),
        Question(period=OCTOBER, by=("team", "service"), ai=True, limit=3),
        Question(period=OCTOBER, by=("region",), currency="EUR", where={"region": ("(none)",)}),
    ]
    return found


@pytest.mark.slow
def test_every_question_has_the_same_answer_from_either(many: Lake) -> None:
    asked = questions()
    rolled = [many.ask(question) for question in asked]
    values = {name: many.values(name) for name in DIMENSIONS}
    daily = many.daily(by=("team",), until=date(2026, 10, 20))
    assert {answer.read for answer in rolled} == {"rollup", "rollup by month"}
    assert max(len(answer.rows) for answer in rolled) > 100
    old = without_rollups(many)
    plain = [old.ask(question) for question in asked]
    assert {answer.read for answer in plain} == {"charges"}
    for question, one, other in zip(asked, rolled, plain, strict=True):
        assert (one.rows, one.totals, one.previous_totals) == (other.rows, other.totals, other.previous_totals), (
            question
        )
    assert values == {name: old.values(name) for name in DIMENSIONS}
    assert daily == old.daily(by=("team",), until=date(2026, 10, 20))


@pytest.mark.parametrize("named", [{"by": ("resource",)}, {"by": ("tag:cost",)}, {"where": {"resource": ("r-1",)}}])
def test_what_a_rollup_does_not_hold_is_read_from_the_charges(many: Lake, named: dict[str, Any]) -> None:
    answered = many.ask(Question(period=AUTUMN, **named))
    assert answered.read == "charges"
    assert answered.totals


def test_one_snapshot_without_a_rollup_has_all_read_from_the_charges(many: Lake, write: Any, charge: Any) -> None:
    before = dict(many.ask(Question(period=AUTUMN)).totals)["USD"]
    old = without_rollups(many)
    ingest(old, [write("november.csv", [charge("7.00", day="2026-11-02")])], now=NOW)
    answered = old.ask(Question(period=Period.parse("2026-09-01..2026-11-30")))
    assert answered.read == "charges"
    assert dict(answered.totals)["USD"] == before + Decimal(7)


def test_a_rollup_that_was_not_summed_by_a_name_is_not_asked_for_it(many: Lake) -> None:
    """As one of an earlier version, from before people could ask by that name."""
    before = many.ask(Question(period=AUTUMN, by=("region",)))
    for path in many.store.manifests.glob("*.json"):
        manifest = json.loads(path.read_text())
        for kind in ("rollup", "monthly"):
            manifest[kind]["by"].remove("RegionId")
            rolled = many.folder / manifest[kind]["path"]
            older = rolled.with_name("older.parquet")
            duckdb.execute(f"COPY (SELECT * EXCLUDE (RegionId) FROM '{rolled}') TO '{older}' (FORMAT parquet)")
            older.replace(rolled)
        write_durably(path, json.dumps(manifest).encode())
    old = Lake(many.folder)
    by_region, by_service = (old.ask(Question(period=AUTUMN, by=(name,))) for name in ("region", "service"))
    monthly = "rollup by month"
    assert (before.read, by_region.read, by_service.read) == (monthly, "charges", monthly)
    assert by_region.rows == before.rows


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ({"period": OCTOBER, "by": ("team", "month")}, "rollup by month"),
        ({"period": AUTUMN}, "rollup by month"),
        ({"period": OCTOBER, "compare": SEPTEMBER}, "rollup by month"),
        ({"period": OCTOBER, "by": ("day",)}, "rollup"),
        ({"period": OCTOBER, "by": ("week",)}, "rollup"),
        ({"period": Period.parse("2026-10-02..2026-10-31")}, "rollup"),
        ({"period": OCTOBER, "compare": Period.parse("2026-09-01..2026-09-29")}, "rollup"),
    ],
)
def test_the_smallest_rollup_that_can_answer_is_read(many: Lake, asked: dict[str, Any], read: str) -> None:
    assert many.ask(Question(**asked)).read == read
    for snapshot in many.store.current():
        assert snapshot.rollup is not None
        assert snapshot.monthly is not None
        assert snapshot.monthly.rows < snapshot.rollup.rows


def test_a_whole_month_by_days_is_never_read_from_its_months(many: Lake) -> None:
    """Those have all charges of a month on its first day: a series of a whole month would be one day high."""
    series = many.daily(by=("team",), until=date(2026, 11, 1), settled=False)
    assert {len([value for value in one.values if value]) > 5 for one in series} == {True}


def test_a_rollup_is_smaller_and_keeps_every_cost_apart(many: Lake) -> None:
    for snapshot in many.store.current():
        assert snapshot.rollup is not None
        assert 0 < snapshot.rollup.rows <= snapshot.rows
    totals = {metric: dict(many.ask(Question(period=AUTUMN, metric=metric)).totals)["USD"] for metric in METRIC_COLUMNS}
    assert len(set(totals.values())) == 3  # billed and effective are alike in these charges


def test_names_are_looked_up_in_a_rollup_though_the_question_needs_charges(
    many: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Rolled | None] = []
    hold = Reader.hold

    def remembered(reader: Reader, snapshots: Any, *, rolled: Rolled | None = None) -> None:
        held.append(rolled)
        hold(reader, snapshots, rolled=rolled)

    monkeypatch.setattr(Reader, "hold", remembered)
    asked = many.ask(Question(period=OCTOBER, by=("resource",), where={"team": ("FRAUD",), "service": ("disks",)}))
    assert held == [None, Rolled.MONTHS, Rolled.MONTHS, Rolled.MONTHS, None]  # opened, two names, sources, the charges
    assert asked.read == "charges"
    assert asked.question.where == {"team": ("fraud",), "service": ("Disks",)}
