"""A month that was delivered three times is the newest delivery, by its manifest; without one, every file counts."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.load import expand
from lake.period import Period
from lake.question import Question
from lake.sources.deliveries import Counted, Manifest, newest

OLD, NEW = "cur/bank/20261001-20261101/a1/bank-1.csv", "cur/bank/20261001-20261101/b2/bank-1.csv"


def manifest(name: str, written: float, **said: Any) -> Manifest:
    return Manifest(name, written, json.dumps(said).encode())


def test_of_two_deliveries_the_newest_counts_whatever_its_name() -> None:
    told = [manifest("m-2", 2.0, reportKeys=[NEW]), manifest("m-9", 1.0, reportKeys=[OLD])]
    assert newest([OLD, NEW], told).files == [NEW]
    assert newest([OLD, NEW], reversed(told)).files == [NEW]
    assert newest([OLD, NEW], []).files == [OLD, NEW]


def test_what_the_newest_does_not_name_is_left_out_below_its_period_alone() -> None:
    """A part of a longer delivery stays behind when a shorter one takes its place."""
    left, other, loose = f"{NEW}-left.csv", "cur/bank/20260901-20261001/z/bank-1.csv", "cur/notes.csv"
    told = [manifest("m", 1.0, reportKeys=[NEW])]
    assert newest([NEW, left, other, loose], told).files == [NEW, other, loose]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("cur/bank/20261001-20261101/b2/bank-1.csv", {"reportKeys": ["cur/bank/20261001-20261101/b2/bank-1.csv"]}),
        ("x/data/BILLING_PERIOD=2026-10/run/f.parquet", {"dataFiles": ["s3://b/x/data/BILLING_PERIOD=2026-10/run/f.parquet"]}),
        ("x/20261001-20261031/run/part_0.parquet", {"blobs": [{"blobName": "x/20261001-20261031/run/part_0.parquet"}]}),
    ],
)  # fmt: skip
def test_each_providers_way_to_name_files(key: str, said: dict[str, Any]) -> None:
    elsewhere = key.replace("b2", "a1").replace("run", "earlier")
    assert newest([elsewhere, key], [manifest("m", 1.0, **said)]).files == [key]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"reportKeys": 3}', b'{"blobs": [{}, 7]}', b"\xff\xfe", b"[" * 200_000]
)
def test_a_file_of_another_form_is_no_manifest(body: bytes) -> None:
    assert newest([OLD, NEW], [Manifest("x-Manifest.json", 1.0, body)]).files == [OLD, NEW]


def test_an_address_that_is_none_names_what_is_not_there() -> None:
    with pytest.raises(LakeError, match="is not complete"):
        newest(["other.csv"], [manifest("manifest.json", 1.0, dataFiles=["s3://[x/20261001-20261101/a.csv"])])


def test_half_a_character_is_no_key() -> None:
    told = manifest("manifest.json", 1.0, dataFiles=["\ud800/20261001-20261101/a.csv"])
    assert newest(["other.csv"], [told]).files == ["other.csv"]


@pytest.mark.parametrize("run", [7, {}, {"submittedTime": 3}, {"submittedTime": "soon"}])
def test_a_time_that_cannot_be_read_is_none(run: Any) -> None:
    told = [manifest("m", 1.0, reportKeys=[OLD], runInfo=run), manifest("n", 2.0, reportKeys=[NEW])]
    assert newest([OLD, NEW], told).files == [NEW]


def test_a_delivery_that_has_not_arrived_whole_is_refused() -> None:
    second = NEW.replace("-1.csv", "-2.csv")
    with pytest.raises(LakeError) as refusal:
        newest([OLD, NEW], [manifest("bank-Manifest.json", 2.0, reportKeys=[NEW, second])])
    assert "is not complete" in refusal.value.what
    assert second in refusal.value.why


def test_an_older_delivery_whose_files_are_gone_is_no_matter() -> None:
    gone = manifest("old", 1.0, reportKeys=[OLD])
    assert newest([NEW], [gone, manifest("new", 2.0, reportKeys=[NEW])]).files == [NEW]


def test_a_copied_folder_counts_the_newest_delivery(
    tmp_path: Path, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """Ten dollars on the fifth, twenty on the sixth with the first ten among them: twenty, and never thirty."""
    folder = tmp_path / "copied"
    for run, (costs, written) in {"a1": (("10.00",), 1_000), "b2": (("10.00", "10.00"), 2_000)}.items():
        below = folder / "20261001-20261101" / run
        below.mkdir(parents=True)
        bill = write(f"{run}.csv", [charge(cost, SkuId=f"sku-{at}") for at, cost in enumerate(costs)])
        bill.rename(below / "bank-1.csv")
        said = {"reportKeys": [f"cur/bank/20261001-20261101/{run}/bank-1.csv"]}
        (below / "bank-Manifest.json").write_text(json.dumps(said))
        os.utime(below / "bank-Manifest.json", (written, written))
    assert [path.parent.name for path in expand([folder]).paths] == ["b2"]
    load(folder)
    assert lake.ask(Question(period=Period.parse("2026-10"))).totals == [("USD", Decimal(20))]


OCTOBER = "20261001-20261101"


def test_a_folder_that_is_named_for_a_year_is_no_bills_period() -> None:
    """What lies in it without a manifest counts, and each month of it is a bill of its own."""
    months = [f"books/20260101-20261231/bank/{month}/r/bank-1.csv" for month in ("20260901-20261001", OCTOBER)]
    vendor = "books/20260101-20261231/openai/oct.csv"
    told = [manifest(f"{key}-Manifest.json", at, reportKeys=[key]) for at, key in enumerate(months)]
    assert newest([*months, vendor], told) == Counted([*months, vendor], [])
    inner = [manifest(f"{key}-Manifest.json", at, reportKeys=[key[6:]]) for at, key in enumerate(months)]
    assert newest([*months, vendor], inner) == Counted([*months, vendor], [])


def test_exports_of_one_layout_side_by_side_each_count() -> None:
    """The keys are alike in two buckets; each manifest means the files that it was copied with."""
    keys = [f"cur/bank/{OCTOBER}/{run}/bank-1.csv" for run in ("a1", "b2")]
    for whose in (("copy/payerA/cur/", "copy/payerB/cur/"), ("copy/payerA/", "copy/payerB/cur/")):
        files = [f"{payer}{key.removeprefix('cur/')}" for payer in whose for key in keys]
        told = [
            manifest(f"{file.rsplit('/', 1)[0]}/bank-Manifest.json", at, reportKeys=[keys[at % 2]])
            for at, file in enumerate(files)
        ]
        for manifests in (told, told[2:] + told[:2]):
            assert newest(files, manifests).files == [files[1], files[3]]
    with pytest.raises(LakeError, match=r"payerA/.* is not complete"):
        newest(files[2:], [*told[:2], *told[2:]])


@pytest.mark.parametrize("of_data_exports", [False, True])
def test_a_newer_delivery_of_which_nothing_arrived_is_refused(of_data_exports: bool) -> None:
    file, lies = "x/data/BILLING_PERIOD=2026-10/{}/f.csv", "x/data/BILLING_PERIOD=2026-10/{}/f-Manifest.json"
    lies = lies.replace("data", "metadata") if of_data_exports else lies
    told = [
        manifest(f"copy/{lies.format(run)}", at, dataFiles=[f"s3://b/{file.format(run)}"])
        for at, run in enumerate(("a", "b"))
    ]
    assert newest([f"copy/{file.format('b')}"], told).files == [f"copy/{file.format('b')}"]
    with pytest.raises(LakeError, match=r"/b/.* is not complete"):
        newest([f"copy/{file.format('a')}"], told)


def test_what_a_delivery_says_of_its_time_counts_before_when_a_copy_was_written() -> None:
    """A run of the morning that was copied last is no newer; what was left out is named."""
    runs = {"f0": "2026-10-06T05:00:00.1234567Z", "a1": "2026-10-07T01:00:00+02:00", "c3": "2026-10-06T22:30:00"}
    keys = {run: f"x/20261001-20261031/{run}/part_0.csv" for run in runs}
    told = [
        manifest(
            f"x/20261001-20261031/{run}/manifest.json",
            -at,
            blobs=[{"blobName": keys[run]}],
            runInfo={"submittedTime": time},
        )
        for at, (run, time) in enumerate(runs.items())
    ]
    counted = newest(list(keys.values()), told)
    assert counted.files == [keys["a1"]]
    (note,) = counted.noticed
    assert (note.rule, note.file) == ("earlier-delivery", "part_0.csv")
    assert "a1/manifest.json, the newest by the time that it states" in note.text
    assert note.text.endswith("left out below x/20261001-20261031: f0/part_0.csv, c3/part_0.csv")


def test_the_manifest_in_the_periods_own_folder_names_the_newest() -> None:
    """AWS writes it again with each delivery; those of the runs keep no order when they are copied."""
    told = [
        manifest(f"cur/bank/{OCTOBER}/bank-Manifest.json", 1.0, reportKeys=[NEW]),
        manifest(f"cur/bank/{OCTOBER}/b2/bank-Manifest.json", 2.0, reportKeys=[NEW]),
        manifest(f"cur/bank/{OCTOBER}/a1/bank-Manifest.json", 3.0, reportKeys=[OLD]),
    ]
    counted = newest([OLD, NEW], told)
    assert counted.files == [NEW]
    assert "whose manifest lies in the period's own folder" in counted.noticed[0].text
    (by_the_clock,) = newest([OLD, NEW], told[1:]).noticed
    assert "only by when its manifest was written" in by_the_clock.text
    assert by_the_clock.text.endswith("left out below cur/bank/20261001-20261101: b2/bank-1.csv")


def test_deliveries_that_nothing_tells_apart_are_refused() -> None:
    told = [manifest("a-Manifest.json", 1.0, reportKeys=[OLD]), manifest("b-Manifest.json", 1.0, reportKeys=[NEW])]
    with pytest.raises(LakeError, match=r"cannot be told.*a-Manifest\.json, b-Manifest\.json.*Name the folder"):
        newest([OLD, NEW], told)


def test_several_runs_without_a_manifest_are_told() -> None:
    counted = newest([OLD, NEW, f"cur/shop/{OCTOBER}/a1/shop-1.csv", f"cur/shop/{OCTOBER}/a2/notes.csv"], [])
    assert len(counted.files) == 4
    (note,) = counted.noticed
    assert note.rule == "no-manifest"
    assert "2 folders below cur/bank/20261001-20261101 (a1, b2), and no manifest says" in note.text


@pytest.mark.parametrize(
    ("below", "lies"),
    [
        ("{period}/b2/", "{period}/b2/"),  # from within the period's folder
        ("oct/b2/", "oct/b2/"),  # the period's folder, by another name
        ("oct/b2/", "oct/"),  # with the manifest of the newest
        ("b2/", "b2/"),  # one run
        ("bills/newest/", "bills/newest/"),  # one run, by another name
        ("bills/", "bills/"),
    ],
)
def test_a_copy_from_further_inside_or_by_another_name_is_whole(below: str, lies: str) -> None:
    file, lies = f"{below}bank-1.csv".format(period=OCTOBER), lies.format(period=OCTOBER)
    second = file.replace("-1.csv", "-2.csv")
    other = "bills/openai-oct.csv"
    told = [manifest(f"{lies}bank-Manifest.json", 1.0, reportKeys=[NEW, NEW.replace("-1.csv", "-2.csv")])]
    assert newest([file, second, other], told) == Counted([file, second, other], [])
    with pytest.raises(LakeError, match="is not complete"):
        newest([file, other], told)


def test_runs_that_were_copied_beside_each_other_are_still_one_bill() -> None:
    """Of another month's run and of an invoice beside them nothing is taken away."""
    files = ["bills/b2/bank-1.csv", "bills/older/bank-1.csv", "bills/older/bank-2.csv", "bills/z9/bank-1.csv"]
    keys = [NEW, OLD, OLD.replace("-1.csv", "-2.csv")]
    september = "cur/bank/20260901-20261001/z9/bank-1.csv"
    told = [
        manifest("bills/b2/bank-Manifest.json", 2.0, reportKeys=keys[:1]),
        manifest("bills/older/bank-Manifest.json", 1.0, reportKeys=keys[1:]),
        manifest("bills/z9/bank-Manifest.json", 3.0, reportKeys=[september]),
    ]
    assert newest([*files, "bills/oct.csv"], told).files == [files[0], files[3], "bills/oct.csv"]
    unmarked = newest([*files, "bills/oct.csv"], [told[0], told[2]])
    assert unmarked.files == [files[0], files[3], "bills/oct.csv"]
    assert "older/bank-1.csv, older/bank-2.csv" in unmarked.noticed[0].text


def test_a_stale_file_above_the_run_is_not_the_runs() -> None:
    with pytest.raises(LakeError, match="is not complete"):
        newest(
            [f"cur/bank/{OCTOBER}/bank-1.csv"],
            [manifest(f"cur/bank/{OCTOBER}/bank-Manifest.json", 1.0, reportKeys=[NEW])],
        )


def test_a_folder_is_read_alike_however_it_is_typed(
    tmp_path: Path, write: Any, charge: Any, load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From inside the folder of the period, by its path, or by that of the folder above; the report tells the rest."""
    period = tmp_path / "20260101-20261231" / "bank" / OCTOBER
    for at, run in enumerate(("a1", "b2")):
        below = period / run
        below.mkdir(parents=True)
        write("made.csv", [charge("10.00", SkuId=f"{run}")]).rename(below / "bank-1.csv")
        said = {"reportKeys": [f"cur/bank/{OCTOBER}/{run}/bank-1.csv"]}
        (below / "bank-Manifest.json").write_text(json.dumps(said))
        os.utime(below / "bank-Manifest.json", (at, at))
    monkeypatch.chdir(period)
    for typed in (".", period, "../..", "../../../20260101-20261231"):
        ready = expand([typed])
        assert ready.paths == [period / "b2" / "bank-1.csv"], typed
        assert ready.noticed[0].text.endswith(f"{OCTOBER}: a1/bank-1.csv")
    assert [finding.rule for finding in load(".").findings] == ["earlier-delivery"]
