"""Machines, disks, snapshots and images of EC2 as they were last listed, one account and region apart from the others.

No bill tells whether a disk is attached or when a machine was stopped. What is kept here bears the time at which it was
listed, since a list of last month says nothing of now. EC2 does not tell since when a disk is unattached either: that
is carried from list to list, and never said to be earlier than what was seen.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from lake.errors import LakeError
from lake.store import write_durably

FOLDER = "inventory"
LONGEST_GAP = timedelta(days=7)
"""Between lists further apart than this a disk may have been attached for a while, so what was seen begins anew."""


@dataclass(frozen=True)
class AttachedDisk:
    """A disk of a machine; `goes` says that EC2 deletes it together with the machine."""

    volume_id: str
    goes: bool


@dataclass(frozen=True)
class ListedMachine:
    """A machine. `stopped_at` is None where EC2 tells no time, `protected` (against termination) where it was not
    asked: of machines that are not stopped. `root` is `ebs` or `instance-store`, `lifecycle` empty for on demand.
    """

    instance_id: str
    state: str
    instance_type: str
    stopped_at: datetime | None
    root: str
    lifecycle: str
    protected: bool | None
    product_codes: tuple[str, ...]
    disks: tuple[AttachedDisk, ...]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedDisk:
    """A disk. `unattached_since` is the first of the lists in a row that saw it attached to nothing, `attached_at` the
    last list that saw it attached; None: none did.
    """

    volume_id: str
    size_gib: int
    type: str
    state: str
    created_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    unattached_since: datetime | None = None
    attached_at: datetime | None = None

    @property
    def unattached(self) -> bool:
        return self.state == "available"


@dataclass(frozen=True)
class ListedSnapshot:
    """A snapshot; `volume_id` is the disk that it was made of, or EC2's word for none on a copy."""

    snapshot_id: str
    volume_id: str
    size_gib: int
    state: str
    started_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ListedImage:
    """An image of the account's own, and the snapshots that it is made of."""

    image_id: str
    snapshots: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """Everything of one account and region, as it was at `loaded_at`."""

    account: str
    region: str
    loaded_at: datetime
    machines: tuple[ListedMachine, ...] = ()
    disks: tuple[ListedDisk, ...] = ()
    snapshots: tuple[ListedSnapshot, ...] = ()
    images: tuple[ListedImage, ...] = ()

    @cached_property
    def disk(self) -> Mapping[str, ListedDisk]:
        """The disks by their ids."""
        return {one.volume_id: one for one in self.disks}

    @cached_property
    def snapshot(self) -> Mapping[str, ListedSnapshot]:
        """The snapshots by their ids."""
        return {one.snapshot_id: one for one in self.snapshots}

    @cached_property
    def snapshots_of(self) -> Mapping[str, tuple[ListedSnapshot, ...]]:
        """The snapshots by the disk that they were made of."""
        found: dict[str, list[ListedSnapshot]] = {}
        for one in self.snapshots:
            found.setdefault(one.volume_id, []).append(one)
        return {name: tuple(many) for name, many in found.items()}

    @cached_property
    def images_of(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of images by the snapshot that they are made of."""
        found: dict[str, list[str]] = {}
        for one in self.images:
            for name in one.snapshots:
                found.setdefault(name, []).append(one.image_id)
        return {name: tuple(many) for name, many in found.items()}


def keep(lake: Path, listed: Inventory) -> Inventory:
    """Keeps the list in place of the one before, with what that one knew of its disks; LakeError for a damaged one."""
    folder = lake / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{listed.account}-{listed.region}.json"
    known = replace(listed, disks=_carried(listed, _read(path) if path.exists() else None))
    write_durably(path, json.dumps(asdict(known), default=datetime.isoformat).encode())
    return known


def kept(lake: Path) -> list[Inventory]:
    """The newest list of each account and region; LakeError for a damaged one."""
    return [_read(path) for path in sorted((lake / FOLDER).glob("*.json"))]


def _carried(listed: Inventory, earlier: Inventory | None) -> tuple[ListedDisk, ...]:
    """The disks with since when each was seen unattached, list after list."""
    before = {one.volume_id: one for one in earlier.disks} if earlier else {}
    close = earlier is not None and timedelta(0) <= listed.loaded_at - earlier.loaded_at <= LONGEST_GAP
    return tuple(_seen(one, before.get(one.volume_id), listed.loaded_at, close=close) for one in listed.disks)


def _seen(disk: ListedDisk, before: ListedDisk | None, at: datetime, *, close: bool) -> ListedDisk:
    if not disk.unattached:
        return replace(disk, unattached_since=None, attached_at=at)
    since = before.unattached_since if before is not None and close else None
    attached = before.attached_at if before is not None else None
    # A list whose clock was ahead says nothing of a time that has not come.
    return replace(disk, unattached_since=since or at, attached_at=attached if attached and attached <= at else None)


def _read(path: Path) -> Inventory:
    try:
        told = json.loads(path.read_bytes())
        return Inventory(
            account=str(told["account"]), region=str(told["region"]), loaded_at=_time(told["loaded_at"]),
            machines=tuple(_machine(one) for one in told["machines"]),
            disks=tuple(_disk(one) for one in told["disks"]),
            snapshots=tuple(_snapshot(one) for one in told["snapshots"]),
            images=tuple(ListedImage(str(one["image_id"]), tuple(one["snapshots"])) for one in told["images"]),
        )  # fmt: skip
    except (OSError, ArithmeticError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise LakeError(
            f"{path} cannot be read.",
            why="It is no inventory as they are kept here.",
            do="Remove it and list again: spendgate usage inventory. Since when disks are unattached then begins anew.",
        ) from error


def _machine(told: dict[str, Any]) -> ListedMachine:
    stopped = told["stopped_at"]
    return ListedMachine(
        **{name: str(told[name]) for name in ("instance_id", "state", "instance_type", "root", "lifecycle")},
        stopped_at=_time(stopped) if stopped else None,
        protected=_known(told["protected"]),
        product_codes=tuple(str(one) for one in told["product_codes"]),
        disks=tuple(AttachedDisk(str(one["volume_id"]), bool(one["goes"])) for one in told["disks"]),
        tags=_tags(told),
    )


def _disk(told: dict[str, Any]) -> ListedDisk:
    since, attached = told["unattached_since"], told["attached_at"]
    return ListedDisk(
        volume_id=str(told["volume_id"]), size_gib=_size(told), type=str(told["type"]),
        state=str(told["state"]), created_at=_time(told["created_at"]), tags=_tags(told),
        unattached_since=_time(since) if since else None, attached_at=_time(attached) if attached else None,
    )  # fmt: skip


def _snapshot(told: dict[str, Any]) -> ListedSnapshot:
    return ListedSnapshot(
        snapshot_id=str(told["snapshot_id"]), volume_id=str(told["volume_id"]), size_gib=_size(told),
        state=str(told["state"]), started_at=_time(told["started_at"]), tags=_tags(told),
    )  # fmt: skip


def _known(told: bool | None) -> bool | None:
    if told is not None and not isinstance(told, bool):
        raise TypeError("neither yes, no nor unknown")
    return told


def _size(told: dict[str, Any]) -> int:
    """GiB; of none or fewer a copy would cost nothing, and everything were saved."""
    size = int(told["size_gib"])
    if size <= 0:
        raise ValueError("a size of nothing")
    return size


def _tags(told: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in dict(told["tags"]).items()}


def _time(text: str) -> datetime:
    """An aware time; ValueError for one without a zone, which would be compared with none."""
    told = datetime.fromisoformat(text)
    if told.tzinfo is None:
        raise ValueError("a time without a zone")
    return told
