"""One source and billing period is one snapshot: what replaces it, what must never count twice, what a crash leaves."""

import multiprocessing
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.engine import Lake
from lake.errors import LakeError, SourceConflict
from lake.load import ingest
from lake.period import Period
from lake.question import Question

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OCTOBER = Question(period=Period.parse("2026-10"))


def total(lake: Lake) -> Decimal:
    return dict(lake.ask(OCTOBER).totals)["USD"]


def rules(report: Any) -> list[str]:
    return [finding.rule for finding in report.findings]


def test_the_same_bill_again_replaces(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    path = write("bill.csv", [charge("5.00"), charge("2.00")])
    assert load(path).snapshots == ["aws/2026-10/1"]
    again = load(path)
    assert again.snapshots == ["aws/2026-10/2"]
    assert "replaced" in rules(again)
    assert total(lake) == Decimal("7.00")


def test_another_file_of_the_same_provider_and_month_replaces_and_says_so(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    load(write("october-draft.csv", [charge("5.00"), charge("2.00")]))
    report = load(write("october-final.csv", [charge("6.50")]))
    assert total(lake) == Decimal("6.50")
    told = next(finding.text for finding in report.findings if finding.rule == "replaced")
    assert "october-draft.csv" in told
    assert "2 charges" in told


def test_what_a_restatement_moved_is_kept_to_the_last_digit(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    draft = [charge("5.00"), charge("2.000000000003"), charge("9.00", BillingCurrency="EUR")]
    load(write("draft.csv", draft))
    assert lake.store.current()[0].delta_vs_previous == ()
    final = [charge("5.00") | {"EffectiveCost": "4.50"}, charge("3.00"), charge("1.00", BillingCurrency="GBP")]
    report = load(write("final.csv", final))
    moved = {one.currency: (one.billed, one.effective) for one in lake.store.current()[0].delta_vs_previous}
    assert moved == {
        "EUR": (Decimal(-9), Decimal(-9)),
        "GBP": (Decimal(1), Decimal(1)),
        "USD": (Decimal("0.999999999997"), Decimal("0.499999999997")),
    }
    told = next(finding.text for finding in report.findings if finding.rule == "replaced")
    assert "billed +0.999999999997 and effective +0.499999999997 USD" in told
    again = load(write("final.csv", final))
    assert next(finding.text for finding in again.findings if finding.rule == "replaced").endswith("the same money")


def test_earlier_revisions_are_kept(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("one.csv", [charge("5.00")]))
    load(write("two.csv", [charge("6.00")]))
    first = lake.folder / "snapshots" / "aws" / "2026-10" / "1"
    assert (first / "manifest.json").is_file()
    assert duckdb.execute(f"SELECT sum(EffectiveCost) FROM '{first}/charges.parquet'").fetchall() == [(Decimal("5"),)]
    now = lake.store.current()[0]
    assert (now.revision, now.replaces.revision if now.replaces else 0) == (2, 1)


def test_two_files_of_one_call_are_one_snapshot(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    report = load(write("a.csv", [charge("5.00")]), write("b.csv", [charge("2.00", ServiceName="Disks")]))
    assert report.snapshots == ["aws/2026-10/1"]
    assert total(lake) == Decimal("7.00")
    assert [given.rows for given in lake.store.current()[0].inputs] == [1, 1]


def test_a_file_named_twice_counts_once(write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path) -> None:
    path = write("bills/a.csv", [charge("5.00")])
    load(path, path.parent, tmp_path / "bills" / "*.csv")
    assert total(lake) == Decimal("5.00")


def test_a_copy_under_another_name_counts_once(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    report = load(write("a.csv", [charge("5.00")]), write("copy of a.csv", [charge("5.00")]))
    assert "same-file" in rules(report)
    assert total(lake) == Decimal("5.00")


def test_a_csv_and_its_parquet_twin_count_once(write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path) -> None:
    path = write("a.csv", [charge("5.00"), charge("5.00"), charge("1.25", Tags='{"team": "risk"}')])
    twin = tmp_path / "a.parquet"
    duckdb.execute(f"COPY (SELECT * FROM read_csv('{path}', all_varchar = true)) TO '{twin}' (FORMAT parquet)")
    report = load(path, twin)
    assert "same-charges" in rules(report)
    assert total(lake) == Decimal("11.25")


def test_charges_that_two_files_share_are_told(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    shared = charge("5.00")
    report = load(write("a.csv", [shared, charge("1.00")]), write("b.csv", [shared, charge("2.00")]))
    assert "possible-double-count" in rules(report)
    assert total(lake) == Decimal("13.00")


def test_one_account_under_two_source_names_is_refused(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("a.csv", [charge("5.00")]))
    with pytest.raises(SourceConflict, match="twice in 2026-10") as refusal:
        load(write("b.csv", [charge("6.00")]), source="cloud")
    assert "--source aws" in refusal.value.do
    load(write("b.csv", [charge("6.00")]), source="aws")
    assert total(lake) == Decimal("6.00")


def test_an_account_does_not_vanish_unasked(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    one, two = charge("5.00", BillingAccountId="one"), charge("2.00", BillingAccountId="two")
    load(write("one.csv", [one]))
    with pytest.raises(SourceConflict, match="would drop the billing account one"):
        load(write("two.csv", [two]))
    assert total(lake) == Decimal("5.00")
    load(write("two.csv", [two]), source="second-payer")
    assert total(lake) == Decimal("7.00")


def test_an_account_may_be_let_go(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("one.csv", [charge("5.00", BillingAccountId="one")]))
    load(write("two.csv", [charge("2.00", BillingAccountId="two")]), replace=True)
    assert total(lake) == Decimal("2.00")


def test_months_and_providers_stand_beside_each_other(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    rows = [charge("1.00", day="2026-09-30"), charge("2.00", day="2026-10-01"), charge("4.00", ProviderName="Azure")]
    assert load(write("all.csv", rows)).snapshots == ["aws/2026-09/1", "aws/2026-10/1", "azure/2026-10/1"]
    load(write("september.csv", [charge("8.00", day="2026-09-30")]))
    assert total(lake) == Decimal("6.00")
    assert [item.id for item in lake.store.current()] == ["aws/2026-09/2", "aws/2026-10/1", "azure/2026-10/1"]


def test_killed_before_the_commit_nothing_is_loaded(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(write("one.csv", [charge("5.00")]))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("lake.store.Store.publish", killed)
        with pytest.raises(KeyboardInterrupt):
            load(write("two.csv", [charge("6.00")]))
    again = Lake(lake.folder)
    assert total(again) == Decimal("5.00")
    assert not again.store.incoming.exists()
    assert load(write("three.csv", [charge("7.00")])).snapshots == ["aws/2026-10/2"]
    assert total(lake) == Decimal("7.00")
    folder = lake.folder / "snapshots" / "aws" / "2026-10"
    assert sorted(path.name for path in folder.iterdir()) == ["1", "2"]


def test_killed_after_the_commit_everything_is_loaded(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    september, october = charge("1.00", day="2026-09-30"), charge("5.00")
    load(write("one.csv", [september, october]))
    count = 0
    whole = lake.store.__class__._finish

    def once(store: Any) -> None:
        nonlocal count
        count += 1
        if count == 2:  # the first call finishes earlier loads, the second this one's
            raise KeyboardInterrupt
        whole(store)

    with monkeypatch.context() as patched:
        patched.setattr("lake.store.Store._finish", once)
        with pytest.raises(KeyboardInterrupt):
            load(write("two.csv", [charge("2.00", day="2026-09-30"), charge("6.00")]))
    again = Lake(lake.folder)
    assert (lake.folder / "journal.json").exists()
    assert [item.revision for item in again.store.current()] == [2, 2]
    assert total(again) == Decimal("6.00")
    load(write("three.csv", [charge("7.00", ProviderName="Azure")]))
    assert not (lake.folder / "journal.json").exists()
    assert total(lake) == Decimal("13.00")


def _load_in_a_process(folder: str, path: str, now: Any) -> None:
    ingest(Lake(Path(folder)), [path], now=now)


@pytest.mark.slow
def test_two_processes_that_load_take_turns(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    paths = [write(f"{number}.csv", [charge(f"{number}.00")]) for number in (3, 4, 5)]
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_load_in_a_process, args=(str(lake.folder), str(path), NOW)) for path in paths]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert lake.store.current()[0].revision == 3
    assert total(lake) in {Decimal(3), Decimal(4), Decimal(5)}


@pytest.mark.slow
def test_a_reader_sees_all_of_a_load_or_none(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    def bill(name: str, cost: str) -> Path:
        made: Path = write(name, [charge(cost), charge(cost, ProviderName="Azure")])
        return made

    paths = [bill("a.csv", "1.00"), bill("b.csv", "10.00")]
    load(paths[0])
    seen: set[Decimal] = set()
    done = threading.Event()
    failed: list[Exception] = []

    def read() -> None:
        reader = Lake(lake.folder)
        while not done.is_set():
            try:
                seen.add(total(reader))
            except LakeError as error:
                failed.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for turn in range(4):
        load(paths[(turn + 1) % 2])
    done.set()
    thread.join()
    assert failed == []
    assert seen <= {Decimal("2.00"), Decimal("20.00")}


def test_a_later_load_has_a_later_time(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    early = datetime(2026, 11, 2, tzinfo=UTC)
    load(write("a.csv", [charge()]), now=early)
    load(write("a.csv", [charge()]), now=early + timedelta(days=9))
    assert lake.store.current()[0].loaded_at == early + timedelta(days=9)


def test_a_snapshot_of_an_earlier_version_lacks_later_columns_and_can_still_be_asked(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    load(write("bill.csv", [charge("5.00", x_cost_source="invoice")]))
    snapshot = lake.store.current()[0]
    later = "x_cost_source, x_service_tier, x_is_batch, x_api_key_id"
    rolled = "x_cost_source, x_service_tier, x_api_key_id"
    assert snapshot.rollup is not None
    assert snapshot.monthly is not None
    for file, columns in ((snapshot.files[0], later), (snapshot.rollup, rolled), (snapshot.monthly, rolled)):
        path = lake.folder / file.path
        older = path.with_name("older.parquet")
        duckdb.execute(f"COPY (SELECT * EXCLUDE ({columns}) FROM '{path}') TO '{older}' (FORMAT parquet)")
        older.replace(path)
    assert lake.ask(OCTOBER.model_copy(update={"by": ("cost_source",)})).rows == [
        {"cost_source": "(none)", "currency": "USD", "value": Decimal("5.00")}
    ]
    load(
        write("other.csv", [charge("2.00", x_cost_source="invoice", BillingAccountId="payer-2")]),
        source="other",
        now=NOW + timedelta(days=1),
    )
    by_source = lake.ask(OCTOBER.model_copy(update={"by": ("cost_source",)})).rows
    assert [(row["cost_source"], row["value"]) for row in by_source] == [
        ("(none)", Decimal("5.00")),
        ("invoice", Decimal("2.00")),
    ]
