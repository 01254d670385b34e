"""The rules that go by a list of what stands in EC2, as a table: a sentence, what it is of, the verdict, the money.

Prices: 0.08 dollars a GB-month of gp3, 0.05 of a snapshot; a month of 730 hours is 30.4167 of October's 31 days.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from approvals.changes.change import parse_change
from lake.inventory import AttachedDisk, Inventory, ListedDisk, ListedImage, ListedMachine, ListedSnapshot
from lake.metered import Metered
from tests.tools import test_bill_rules
from tests.tools.test_bill_rules import AT, FINE, LAST, UNKNOWN, WASTE, assert_says, eip, meter, resource
from tools.rules import long_stopped, old_snapshot, unattached_disk
from tools.rules.evidence import Verdict
from tools.rules.judged import Judgement, Look
from tools.rules.long_stopped import Stopped, stopped_machines
from tools.rules.money import Confidence
from tools.rules.portfolio import Part, booked

ACCOUNT, REGION = "205918374466", "us-east-1"
VOL, SNAP, MACHINE_ID = "vol-0123456789abcdef0", "snap-0123456789abcdef0", "i-0123456789abcdef0"
LOOK = replace(test_bill_rules.LOOK, disk_prices={("USD", REGION, "gp3"): Decimal("0.08")})
LISTED = AT - timedelta(hours=3)


def billed(gib: int = 500, name: str = VOL, kind: str = "gp3", price: str = "0.08", **more: Any) -> Metered:
    held = format(Decimal(gib) / 31, "f")
    return resource(name, meter(f"EBS:VolumeUsage.{kind}", "GB-Mo", held, price, **more))


def loose(days: float = 40, **more: Any) -> ListedDisk:
    """A disk of 500 GiB that was seen unattached for so many days."""
    made = ListedDisk(VOL, 500, "gp3", "available", LISTED - timedelta(days=900), {"team": "t"})
    return replace(made, **{"unattached_since": LISTED - timedelta(days=days), **more})


def listing(hours: int = 3, **more: Any) -> Inventory:
    return Inventory(ACCOUNT, REGION, AT - timedelta(hours=hours), **more)


def at(listed: Inventory | None, look: Look = LOOK) -> Look:
    return replace(look, inventories={(ACCOUNT, REGION): listed} if listed else {})


def disk(one: ListedDisk, what: Metered | None = None, hours: int = 3, look: Look = LOOK) -> tuple[Metered, Look]:
    return what or billed(), at(listing(hours, disks=(one,)), look)


TAGGED: dict[str, Any] = {"tags": {"Keep": "yes"}}
DISKS: list[tuple[str, Any, Verdict | None, str]] = [
    ("500 GiB unattached for forty days: 39.25 dollars less 25.00 of its snapshot", disk(loose()), WASTE, "14.25"),
    ("for thirty days, to the day", disk(loose(30)), WASTE, "14.25"),
    ("seen for a day less, and nobody knows what was before", disk(loose(29)), UNKNOWN, ""),
    ("on the first list: it says nothing of thirty days", disk(loose(0)), UNKNOWN, ""),
    ("seen attached twenty days ago", disk(loose(19, attached_at=LISTED - timedelta(days=20))), FINE, ""),
    ("made ten days ago", disk(loose(9, created_at=LISTED - timedelta(days=10))), FINE, ""),
    ("attached", disk(replace(loose(), state="in-use", unattached_since=None)), None, ""),
    ("a tag says to keep it", disk(loose(tags={"Keep": "yes"})), FINE, ""),
    ("a tag's value says that it stands by", disk(loose(tags={"role": "Standby"})), FINE, ""),
    ("Kubernetes made it for a claim, whose work may come back",
     disk(loose(tags={"kubernetes.io/created-for/pvc/name": "data-0"})), FINE, ""),
    ("the list is three days old: somebody may have attached it since", disk(loose(), hours=72), UNKNOWN, ""),
    ("the list is of an hour from now: a clock was wrong", disk(loose(), hours=-1), UNKNOWN, ""),
    ("an old list, by which it was attached not long ago: that is known",
     disk(loose(19, attached_at=LISTED - timedelta(days=20)), hours=72), FINE, ""),
    ("at gp2's price, where the bill shows no gp3: 49.06 less 25.00",
     disk(loose(), billed(kind="gp2", price="0.10"),
          look=replace(LOOK, disk_prices={("USD", REGION, "gp2"): Decimal("0.10")})), WASTE, "24.06"),
    ("what a snapshot costs there nothing tells", disk(loose(), look=replace(LOOK, disk_prices={})), UNKNOWN, ""),
    ("on the bill for thirteen days only", disk(loose(), billed(days=13)), FINE, ""),
    ("a cold disk is cheaper than its snapshot", disk(loose(), billed(kind="sc1", price="0.015")), FINE, ""),
    ("a commitment covers no disk, but if one did it would save no cash", disk(loose(), billed(bare="0")), FINE, ""),
    ("gone from the bill two days ago", disk(loose(), billed(last=LAST - timedelta(days=2))), None, ""),
    ("not on the list", (billed(), at(listing())), None, ""),
    ("nobody listed its account", (billed(), at(None)), None, ""),
    ("an address is no disk", (eip(), at(listing(disks=(loose(),)))), None, ""),
]  # fmt: skip


def snapshot(days: int = 500, **more: Any) -> ListedSnapshot:
    made = ListedSnapshot(SNAP, "vol-0aaaaaaaaaaaaaaaa", 500, "completed", LISTED - timedelta(days=days))
    return replace(made, **more)


def stored(**more: Any) -> Metered:
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:snapshot/{SNAP}"
    return resource(arn, meter("EBS:SnapshotUsage", "GB-Mo", format(Decimal(400) / 31, "f"), "0.05", **more))


def old(one: ListedSnapshot, *, hours: int = 3, what: Metered | None = None, **more: Any) -> tuple[Metered, Look]:
    others = more.pop("others", ())
    return what or stored(), at(listing(hours, snapshots=(one, *others), **more))


STANDS = replace(loose(), volume_id="vol-0aaaaaaaaaaaaaaaa")
NEWER = snapshot(100, snapshot_id="snap-0bbbbbbbbbbbbbbbb")
SNAPSHOTS: list[tuple[str, Any, Verdict | None, str]] = [
    ("five hundred days old, its disk is gone: 400 GB at 0.05", old(snapshot()), WASTE, "19.62"),
    ("its disk stands and has a newer one", old(snapshot(), others=(NEWER,), disks=(STANDS,)), WASTE, "19.62"),
    ("its disk stands, and it is the newest", old(snapshot(), disks=(STANDS,)), FINE, ""),
    ("the newer one of its disk is not completed",
     old(snapshot(), others=(replace(NEWER, state="error"),), disks=(STANDS,)), FINE, ""),
    ("a year old, to the day", old(snapshot(365)), WASTE, "19.62"),
    ("a day less", old(snapshot(364)), FINE, ""),
    ("an image is made of it", old(snapshot(), images=(ListedImage("ami-1", (SNAP,)),)), FINE, ""),
    ("another image is made of another", old(snapshot(), images=(ListedImage("ami-1", ("snap-1",)),)), WASTE, "19.62"),
    ("AWS Backup made it", old(snapshot(tags={"aws:backup:source-resource": "arn"})), FINE, ""),
    ("Data Lifecycle Manager made it", old(snapshot(tags={"aws:dlm:lifecycle-policy-id": "p"})), FINE, ""),
    ("a tag says to keep it", old(snapshot(tags={"legal-hold": "2019-44"})), FINE, ""),
    ("it was copied: of which disk it is nobody knows", old(snapshot(volume_id="vol-ffffffff")), UNKNOWN, ""),
    ("the list is three days old: somebody may have made an image of it", old(snapshot(), hours=72), UNKNOWN, ""),
    ("not completed", old(snapshot(state="pending")), FINE, ""),
    ("on the bill for thirteen days only", old(snapshot(), what=stored(days=13)), FINE, ""),
    ("gone from the bill", old(snapshot(), what=stored(last=LAST - timedelta(days=2))), None, ""),
    ("not on the list", (stored(), at(listing())), None, ""),
    ("nobody listed its account", (stored(), at(None)), None, ""),
]  # fmt: skip

ROOT, DATA = "vol-0000000000000000a", "vol-0000000000000000b"
BOTH = (billed(100, ROOT), billed(500, DATA))


def machine(days: float | None = 40, **more: Any) -> ListedMachine:
    stopped = None if days is None else LISTED - timedelta(days=days)
    made = ListedMachine(
        MACHINE_ID, "stopped", "m6a.large", stopped, "ebs", "", protected=False, product_codes=(),
        disks=(AttachedDisk(ROOT, goes=True), AttachedDisk(DATA, goes=True)), tags={"Name": "old-job"},
    )  # fmt: skip
    return replace(made, **more)


def stopped(
    one: ListedMachine, bill: tuple[Metered, ...] = BOTH, hours: int = 3, look: Look = LOOK
) -> tuple[Stopped | None, Look]:
    sizes = {ROOT: 100, DATA: 500}
    attached: dict[str, Any] = {"state": "in-use", "unattached_since": None, "attached_at": LISTED}
    disks = tuple(replace(loose(), volume_id=name, size_gib=gib, **attached) for name, gib in sizes.items())
    listed = listing(hours, machines=(one,), disks=disks)
    found = stopped_machines([listed], bill)
    return (found[0] if found else None), look


MORE = (*machine().disks, AttachedDisk("vol-0000000000000000c", goes=False))
STAYS = (AttachedDisk(ROOT, goes=False), AttachedDisk(DATA, goes=True))
RAN = replace(test_bill_rules.machine("m6a.large", "0.0864"), resource_id=MACHINE_ID)
MACHINES: list[tuple[str, Any, Verdict | None, str]] = [
    ("600 GiB, stopped for forty days: 47.10 dollars less 30.00 of its image", stopped(machine()), WASTE, "17.10"),
    ("for thirty days, to the day", stopped(machine(30)), WASTE, "17.10"),
    ("a day less", stopped(machine(29)), FINE, ""),
    ("a disk of 100 GiB stays, and its image costs all the same: 39.25 less 30.00", stopped(machine(disks=STAYS)),
     WASTE, "9.25"),
    ("EC2 tells no time since when", stopped(machine(None)), UNKNOWN, ""),
    ("the list is three days old: somebody may have started it", stopped(machine(), hours=72), UNKNOWN, ""),
    ("an old list, by which it had just been stopped: that is known", stopped(machine(2), hours=72), FINE, ""),
    ("one of its disks is not on the bill", stopped(machine(), BOTH[:1]), UNKNOWN, ""),
    ("one of its disks is new", stopped(machine(), (BOTH[0], billed(500, DATA, days=9))), UNKNOWN, ""),
    ("the size of one of its disks is on no list, and its image would hold it", stopped(machine(disks=MORE)), UNKNOWN,
     ""),
    ("by the bill it ran within the look-back", stopped(machine(), (*BOTH, RAN)), UNKNOWN, ""),
    ("what an image costs there nothing tells", stopped(machine(), look=replace(LOOK, disk_prices={})), UNKNOWN, ""),
    ("whether it is protected nobody asked", stopped(machine(protected=None)), UNKNOWN, ""),
    ("it is protected against termination", stopped(machine(protected=True)), FINE, ""),
    ("a scaling group holds it", stopped(machine(tags={"aws:autoscaling:groupName": "web"})), FINE, ""),
    ("a spot request would start it again", stopped(machine(lifecycle="spot")), FINE, ""),
    ("its root disk is in the host", stopped(machine(root="instance-store")), FINE, ""),
    ("a product of the Marketplace", stopped(machine(product_codes=("abc",))), FINE, ""),
    ("it stands by for a disaster", stopped(machine(tags={"purpose": "dr"})), FINE, ""),
    ("a commitment covers no disk, but if one did it would save no cash",
     stopped(machine(), tuple(billed(gib, name, bare="0") for gib, name in ((100, ROOT), (500, DATA)))), FINE, ""),
    ("none of its disks is on the bill that one may see", stopped(machine(), ()), None, ""),
    ("it runs", stopped(machine(state="running")), None, ""),
]  # fmt: skip

CASES: list[tuple[str, Any, Any, Verdict | None, str]] = [
    (sentence, rule, *rest)
    for rule, rows in ((unattached_disk, DISKS), (old_snapshot, SNAPSHOTS), (long_stopped, MACHINES))
    for sentence, *rest in rows
]


def said(rule: Any, what: tuple[Any, Look]) -> Judgement | None:
    judged: Judgement | None = None if what[0] is None else rule.judge(*what)
    return judged


@pytest.mark.parametrize(
    ("sentence", "rule", "what", "verdict", "saving"), CASES, ids=[f"{row[1].FORM.name}: {row[0]}" for row in CASES]
)
def test_the_rule_says(sentence: str, rule: Any, what: Any, verdict: Verdict | None, saving: str) -> None:
    assert_says(said(rule, what), sentence, verdict, saving)


def test_a_copy_that_stays_is_the_difference_between_cash_and_the_most() -> None:
    for rule, what, copy in ((unattached_disk, disk(loose()), "25.00"), (long_stopped, stopped(machine()), "30.00")):
        told = said(rule, what)
        assert told is not None
        assert told.money is not None
        assert told.money.high - told.money.cash == Decimal(copy)
        assert f"up to {copy}" in told.why


def test_of_a_snapshot_nothing_may_be_freed() -> None:
    told = said(old_snapshot, old(snapshot()))
    assert told is not None
    assert told.money is not None
    assert (told.money.low, told.money.confidence) == (Decimal(0), Confidence.LOW)
    assert "this is its last snapshot" in told.why
    assert parse_change(told.change).target == SNAP


def test_a_disk_goes_only_after_a_snapshot_of_it() -> None:
    told = said(unattached_disk, disk(loose()))
    assert told is not None
    change = parse_change(told.change)
    assert (change.target, [step.request.operation for step in change.steps()]) == (
        VOL, ["ec2:CreateSnapshot", "ec2:DeleteVolume"],
    )  # fmt: skip


def test_the_image_is_named_by_the_machine_and_the_day_of_the_list() -> None:
    told = said(long_stopped, stopped(machine()))
    assert told is not None
    assert told.change == {
        "kind": "terminate_instance", "account": ACCOUNT, "region": REGION, "instance_id": MACHINE_ID,
        "image_name": f"spendgate-{MACHINE_ID}-2026-11-01",
    }  # fmt: skip
    assert parse_change(told.change).target == MACHINE_ID


def test_what_goes_with_a_machine_is_not_saved_on_its_disks_again() -> None:
    gone = said(long_stopped, stopped(machine()))
    assert gone is not None
    assert gone.also == (ROOT, DATA)
    parts = [
        Part(ROOT, 30, Decimal(2), Decimal("0.2")), Part(MACHINE_ID, 5, Decimal(17), Decimal(1), gone.also),
        Part(VOL, 30, Decimal(3), Decimal("0.2")),
    ]  # fmt: skip
    assert booked(parts) == [0, 17, 3]


def test_what_an_earlier_rule_took_of_one_part_is_not_promised_again() -> None:
    both = [Part(ROOT, 1, Decimal(2), Decimal("0.5")), Part(MACHINE_ID, 5, Decimal(10), Decimal(1), (ROOT, DATA))]
    assert booked(both) == [2, 5]
