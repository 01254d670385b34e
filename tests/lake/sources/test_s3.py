"""Bills from a bucket by the real client on loopback: what an address names, and that all of it comes or nothing."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.commands import ingest as command
from lake.engine import Lake
from lake.errors import CannotBeAsked, LakeError
from lake.load import ingest
from lake.period import Period
from lake.progress import Step, watched
from lake.question import Question
from lake.sources import aws_client, s3
from tests.lake.conftest import NOW, row

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    httpx.post(f"{moto}/moto-api/reset")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    store = aws_client.client("s3")
    store.create_bucket(Bucket="bills")
    return store


def put(store: Any, key: str, *costs: str) -> None:
    text = io.StringIO()
    rows = [row(cost, ServiceName=f"{key} {number}") for number, cost in enumerate(costs)]
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    store.put_object(Bucket="bills", Key=key, Body=text.getvalue().encode())


def load(lake: Lake, *paths: str | Path) -> Decimal:
    with s3.brought(paths, beside=lake.folder.parent) as ready:
        ingest(lake, ready.paths, now=NOW)
    ((_, total),) = lake.ask(Question(period=Period.parse("2026-10"))).totals
    return total


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("s3://bills/export/", ["export/a.csv", "export/month=2026-10/b.csv"]),
        ("s3://bills/export", ["export/a.csv", "export/month=2026-10/b.csv"]),
        ("s3://bills/export/a.csv", ["export/a.csv"]),
        ("s3://bills/export/*/*.csv", ["export/month=2026-10/b.csv"]),
        ("s3://bills", ["export/a.csv", "export/month=2026-10/b.csv", "exports/c.csv"]),
        ("s3://bills/odd", ["odd"]),
    ],
)
def test_what_an_address_names(bucket: Any, path: str, keys: list[str]) -> None:
    for key in ("export/a.csv", "export/month=2026-10/b.csv", "exports/c.csv", "export/notes.txt", "odd"):
        put(bucket, key, "1.00")
    put(bucket, "export/empty.csv")
    assert [one.key for one in s3.listed(bucket, path).objects] == keys


def test_a_folder_of_a_bucket_and_a_file_load_together(bucket: Any, lake: Lake, write: Any) -> None:
    put(bucket, "export/a.csv", "1.25", "2.00")
    put(bucket, "export/2026-10/a.csv", "0.000000000001")
    told: list[Step] = []
    here = write("more.csv", [row("5.00", ServiceName="here")])
    with watched(told.append), s3.brought(["s3://bills/export/", here], beside=lake.folder.parent) as ready:
        assert len(ready.paths) == 3
    assert load(lake, "s3://bills/export/", here) == Decimal("8.250000000001")
    assert not list(lake.folder.parent.glob(".s3-*"))
    assert [step.what for step in told] == ["fetching export/2026-10/a.csv", "fetching export/a.csv"]
    assert told[-1].done == told[-1].total != 0


def test_keys_that_are_one_path_are_all_loaded(bucket: Any, lake: Lake) -> None:
    long = "x" * 220
    for number, key in enumerate(("alike/a.csv", "alike//a.csv", f"alike/{long}1/b.csv", f"alike/{long}2/b.csv")):
        put(bucket, key, f"{10**number}.00")
    assert load(lake, "s3://bills/alike/") == Decimal(1111)


def test_a_thousand_objects_come_in_several_pages(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        bucket.put_object(Bucket="bills", Key=f"many/{number:04}.csv", Body=b"x")
    pages = bucket.get_paginator("list_objects_v2")
    monkeypatch.setattr(bucket, "get_paginator", lambda _: Small(pages))
    assert len(s3.listed(bucket, "s3://bills/many/").objects) == 25


class Small:
    """The real paginator, told to ask for ten keys a page."""

    def __init__(self, pages: Any) -> None:
        self.pages = pages

    def paginate(self, **asked: Any) -> Any:
        return self.pages.paginate(**asked, PaginationConfig={"PageSize": 10})


def test_half_a_listing_loads_nothing(bucket: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        put(bucket, f"many/{number:04}.csv", "1.00")
    pages = bucket.get_paginator("list_objects_v2")
    monkeypatch.setattr(bucket, "get_paginator", lambda _: Small(pages))
    monkeypatch.setattr(s3, "client", lambda _: bucket)
    asked: list[int] = []

    def lose(request: Any, **_: Any) -> None:
        asked.append(1)
        if len(asked) > 1:
            request.url = "http://127.0.0.1:9/"

    bucket.meta.events.register("before-send.s3.ListObjectsV2", lose)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with pytest.raises(LakeError, match="could not be listed") as refusal:
        load(lake, "s3://bills/many/")
    assert "connection failed" in refusal.value.why
    assert len(asked) == 1 + aws_client.TRIES
    assert lake.store.current() == ()


def test_an_object_that_changes_while_it_is_read_loads_nothing(
    bucket: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "a.csv", "1.00")
    before = s3.listed(bucket, "s3://bills/")
    put(bucket, "a.csv", "2.00")
    monkeypatch.setattr(s3, "listed", lambda *_: before)
    with pytest.raises(LakeError, match="changed while it was read"):
        load(lake, "s3://bills/")
    bucket.delete_object(Bucket="bills", Key="a.csv")
    with pytest.raises(LakeError, match="gone"):
        load(lake, "s3://bills/")
    assert not list(lake.folder.parent.glob(".s3-*"))


@pytest.mark.parametrize("key", ["../../out.csv", "/etc/a.csv", "a/./../b.csv", "x" * 900 + ".csv"])
def test_no_key_leads_out_of_the_folder(key: str, tmp_path: Path) -> None:
    assert s3._target(tmp_path, key).resolve().is_relative_to(tmp_path.resolve())


def test_what_cannot_be_had_is_told(bucket: Any, lake: Lake) -> None:
    for path, why in [("s3://none-such/x/", "There is no such bucket"), ("s3://bills/x/", "0 objects begin with that")]:
        with pytest.raises(LakeError) as refusal:
            load(lake, path)
        assert why in refusal.value.why
    for path in ("s3://", "s3:///key.csv", "s3://AKIA:secret@bills/x"):
        with pytest.raises(CannotBeAsked, match="names no bucket"):
            load(lake, path)


def test_who_may_not_read_is_told(bucket: Any, lake: Lake, moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket, "a.csv", "1.00")
    httpx.post(f"{moto}/moto-api/reset-auth", content="0")  # from now on the server asks who it is
    try:
        with pytest.raises(LakeError, match=r"not valid|may not do"):
            load(lake, "s3://bills/")
    finally:
        httpx.post(f"{moto}/moto-api/reset-auth", content="Infinity")


def test_no_credentials_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lake: Lake) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(LakeError, match="No AWS credentials were found"):
        load(lake, "s3://bills/")


def test_the_command_takes_an_address(
    bucket: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "export/a.csv", "1.00", "2.50")
    command.run(home=tmp_path / "home", now=NOW, paths=["s3://bills/export/"])
    assert capsys.readouterr().out == "USD\t3.50\t3.50\n"
    assert not list((tmp_path / "home").glob(".s3-*"))


def test_what_does_not_fit_is_not_brought(bucket: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bucket, "a.csv", "1.00")
    monkeypatch.setattr(s3, "LEAST_FREE_BYTES", 2**60)
    with pytest.raises(LakeError, match="do not fit on the disk"):
        load(lake, "s3://bills/")


def test_a_month_that_was_delivered_twice_is_its_newest_delivery(bucket: Any, lake: Lake, tmp_path: Path) -> None:
    """The second holds the first: both together would be 30.00. The report names what was left in the bucket."""
    for run, costs in (("a1", ("10.00",)), ("b2", ("10.00", "10.00"))):
        key = f"cur/bank/20261001-20261101/{run}/bank-1.csv"
        put(bucket, key, *costs)
        said = json.dumps({"reportKeys": [key]}).encode()
        bucket.put_object(Bucket="bills", Key="cur/bank/20261001-20261101/bank-Manifest.json", Body=said)
    assert load(lake, "s3://bills/cur/") == Decimal("20.00")
    assert load(lake, "s3://bills/cur/bank/20261001-20261101/a1/bank-1.csv") == Decimal("10.00")  # one may be named
    report = command.run(home=tmp_path / "home", now=NOW, paths=["s3://bills/cur/"])
    assert report.findings[0].rule == "earlier-delivery"
    assert report.findings[0].text.endswith("left out below cur/bank/20261001-20261101: a1/bank-1.csv")
    bucket.delete_object(Bucket="bills", Key="cur/bank/20261001-20261101/b2/bank-1.csv")
    with pytest.raises(LakeError, match="is not complete"):
        s3.listed(bucket, "s3://bills/cur/")
