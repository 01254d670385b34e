"""Inventories as they are kept: read as they were written, and since when a disk is unattached carried from list to
list, never said to be earlier than what was seen."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lake.errors import LakeError
from lake.inventory import (
    AttachedDisk,
    Inventory,
    ListedDisk,
    ListedImage,
    ListedMachine,
    ListedSnapshot,
    keep,
    kept,
)

START = datetime(2026, 11, 1, 6, tzinfo=UTC)
DISK = ListedDisk("vol-0123456789abcdef0", 100, "gp3", "available", START - timedelta(days=400), {"team": "fraud"})
MACHINE = ListedMachine(
    "i-0123456789abcdef0", "stopped", "m6a.large", START - timedelta(days=40), "ebs", "", protected=False,
    product_codes=(), disks=(AttachedDisk("vol-0123456789abcdef1", goes=True),), tags={"Name": "old"},
)  # fmt: skip
SNAPSHOT = ListedSnapshot("snap-0123456789abcdef0", DISK.volume_id, 100, "completed", START - timedelta(days=500))
LIST = Inventory(
    "205918374466", "us-east-1", START, (MACHINE,), (DISK,), (SNAPSHOT,),
    (ListedImage("ami-0123456789abcdef0", (SNAPSHOT.snapshot_id,)),),
)  # fmt: skip


def test_a_list_is_read_as_it_was_kept(tmp_path: Path) -> None:
    known = keep(tmp_path, LIST)
    assert kept(tmp_path) == [known]
    assert known == replace(LIST, disks=(replace(DISK, unattached_since=START),))


def test_each_account_and_region_has_its_own(tmp_path: Path) -> None:
    for account, region in (("1", "us-east-1"), ("1", "eu-west-1"), ("2", "us-east-1"), ("1", "us-east-1")):
        keep(tmp_path, replace(LIST, account=account, region=region))
    assert {(one.account, one.region) for one in kept(tmp_path)} == {
        ("1", "us-east-1"), ("1", "eu-west-1"), ("2", "us-east-1"),
    }  # fmt: skip


CASES: list[tuple[str, Sequence[tuple[float, str]], float | None, float | None]] = [
    ("one list says that it is unattached now", [(0, "available")], 0, None),
    ("daily lists say so in a row", [(at, "available") for at in range(40)], 0, None),
    ("lists a week apart do", [(0, "available"), (7, "available"), (14, "available")], 0, None),
    (
        "a little more than a week: nobody knows what was in between",
        [(0, "available"), (7.01, "available")],
        7.01,
        None,
    ),
    ("attached in between", [(0, "available"), (1, "in-use"), (2, "available")], 2, 1),
    ("attached now", [(0, "available"), (1, "in-use")], None, 1),
    ("it was not on a list in between", [(0, "available"), (1, ""), (2, "available")], 2, None),
    ("a list that is older than the one before it", [(5, "available"), (1, "available")], 1, None),
    ("detached long ago, with a gap since", [(0, "in-use"), (1, "available"), (20, "available")], 20, 0),
]


@pytest.mark.parametrize(("what", "lists", "since", "attached"), CASES, ids=[row[0] for row in CASES])
def test_since_when_a_disk_is_unattached(
    tmp_path: Path, what: str, lists: Sequence[tuple[float, str]], since: float | None, attached: float | None
) -> None:
    for day, state in lists:
        disks = (replace(DISK, state=state),) if state else ()
        keep(tmp_path, replace(LIST, loaded_at=START + timedelta(days=day), disks=disks))
    (known,) = kept(tmp_path)
    (disk,) = known.disks
    assert disk.unattached_since == (None if since is None else START + timedelta(days=since))
    assert disk.attached_at == (None if attached is None else START + timedelta(days=attached))


WRONG: dict[str, tuple[str, str, Any]] = {
    "a disk of no size": ("disks", "size_gib", 0),
    "a disk of less than none": ("disks", "size_gib", -1),
    "a disk without end": ("disks", "size_gib", float("inf")),
    "a snapshot of no size": ("snapshots", "size_gib", 0),
    "a protection that is a word": ("machines", "protected", "no"),
    "tags that are a list": ("machines", "tags", ["Name"]),
    "a time without a zone": ("machines", "stopped_at", "2026-11-01T06:00:00"),
}
BODIES = {"half": "{", "a list": "[]", "no lists": '{"account": "1"}', "too deep": "[" * 200_000}


@pytest.mark.parametrize("body", [*BODIES, *WRONG, "naive"])
def test_a_damaged_list_is_told_and_neither_passed_over_nor_replaced(tmp_path: Path, body: str) -> None:
    keep(tmp_path, LIST)
    path = tmp_path / "inventory" / "205918374466-us-east-1.json"
    if body == "naive":
        body = json.dumps({**json.loads(path.read_text()), "loaded_at": "2026-11-01T06:00:00"})
    elif body in WRONG:
        rows, name, value = WRONG[body]
        told = json.loads(path.read_text())
        body = json.dumps({**told, rows: [{**one, name: value} for one in told[rows]]})
    else:
        body = BODIES[body]
    path.write_text(body)
    for read in (lambda: kept(tmp_path), lambda: keep(tmp_path, LIST)):
        with pytest.raises(LakeError, match="cannot be read") as told:
            read()
        assert "spendgate usage inventory" in told.value.do
    assert path.read_text() == body
