"""Snapshots and images as they stand in moto, with the ids and times of the estate."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

from sandbox.aws.moment import naive


@dataclass
class Gone:
    """A disk that a snapshot was made of and that is there no more: what EC2 still tells of it."""

    id: str
    size: int
    encrypted: bool = False


def make_snapshot(told: dict[str, Any]) -> None:
    """A completed snapshot of a disk, which need not stand any more."""
    backend = ec2_backends[str(told["account"])][told["region"]]
    disk = backend.volumes.get(told["volume_id"]) or Gone(told["volume_id"], int(told["size"]))
    made = Snapshot(backend, told["snapshot_id"], disk, "")
    made.start_time = naive(told["started_at"])
    backend.snapshots[made.id] = made
    made.add_tags(dict(told.get("tags", {})))
    for account in told.get("shared_with", []):
        made.create_volume_permission_userids.add(account)
    vars(made).update(lock=told.get("lock"), status=told.get("state", "completed"), seeded=True)


def snapshots() -> dict[str, str]:
    """The state of each snapshot of the estate, by its id, and of those that were asked for, by the disk."""
    made = {f"{one.volume.id} copy": str(one.status) for one in _asked_for()}
    return made | {one.id: str(one.status) for one in _seeded()}


def linger_snapshots(changed: set[str]) -> None:
    """Lets a snapshot that was just made be seen as pending."""
    for one in _asked_for():
        if f"{one.volume.id} copy" in changed:
            one.status = "pending"


def arrive_snapshots() -> list[str]:
    """Lets every pending snapshot be complete, and returns the disks that they are of."""
    arrived = [one for one in _asked_for() if one.status == "pending"]
    for one in arrived:
        one.status = "completed"
    return [str(one.volume.id) for one in arrived]


def fail_snapshot(volume_id: str) -> None:
    """Lets the snapshot of this disk fail; for tests."""
    for one in _asked_for():
        if one.volume.id == volume_id:
            one.status = "error"


def _locked(response: Any) -> Any:
    """moto knows no locks."""
    named = response._get_param("SnapshotIds", [])
    told = [{"SnapshotId": one.id, "LockState": vars(one)["lock"]} for one in _seeded()
            if one.id in named and vars(one)["lock"]]  # fmt: skip
    return ActionResult({"Snapshots": told})


type.__setattr__(ElasticBlockStore, "describe_locked_snapshots", _locked)


def _seeded() -> Iterator[Any]:
    return (one for one in _all() if "seeded" in vars(one))


def _asked_for() -> Iterator[Any]:
    """Those that neither the estate nor an image brought along."""
    return (one for one in _all() if "seeded" not in vars(one) and not one.from_ami)


def _all() -> Iterator[Any]:
    for account in list(ec2_backends):
        for region in list(ec2_backends[account]):
            yield from list(ec2_backends[account][region].snapshots.values())


def make_image(told: dict[str, Any]) -> None:
    """An image of the account's own that is made of one snapshot."""
    backend = ec2_backends[str(told["account"])][told["region"]]
    made = Ami(backend, told["image_id"], name=told["name"], root_device_type="ebs", image_type="machine")
    backend.snapshots.pop(made.ebs_snapshot.id)  # moto makes one of its own for each image
    made.ebs_snapshot = backend.snapshots[told["snapshot"]]
    made.ebs_snapshot.from_ami = made.id
    backend.amis[made.id] = made
    made.add_tags(dict(told.get("tags", {})))
