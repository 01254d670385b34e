"""Images of machines as EC2 makes them: with a snapshot of each of the machine's own disks, ready after a while.

moto gives every image one snapshot of a disk of its own, calls it ready at once, and takes a name twice.
"""

from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami, AmiBackend

from sandbox.aws.requests import AwsRequest
from sandbox.aws.seed import access_key

_as_moto_makes_it = AmiBackend.create_image
_as_moto_filters_it = Ami.get_filter_value
_as_moto_maps_it = vars(Ami)["block_device_mappings"]


def _create_image(backend: Any, instance_id: str, name: str, description: str, tag_specifications: Any) -> Any:
    """moto's, with the machine's disks; it takes no tags for snapshots, so they are set here."""
    kinds = {told["ResourceType"]: told["Tags"] for told in tag_specifications}
    mine = [told for told in tag_specifications if told["ResourceType"] == "image"]
    made = _as_moto_makes_it(backend, instance_id, name, description, mine)
    disks = []
    for device, mapped in backend.get_instance(instance_id).get_block_device_mapping:
        snapshot = backend.create_snapshot(mapped.volume_id, f"Created by CreateImage({instance_id}) for {made.id}")
        snapshot.add_tags({tag["Key"]: tag["Value"] for tag in kinds.get("snapshot", [])})
        snapshot.from_ami = made.id  # so that moto refuses to delete it while the image stands
        disks.append((device, snapshot))
    vars(made)["disks"] = disks
    return made


def _mappings(image: Any) -> list[dict[str, Any]]:
    if "disks" not in vars(image):
        mapped: list[dict[str, Any]] = _as_moto_maps_it.fget(image)
        return mapped
    return [
        {
            "DeviceName": device,
            "Ebs": {"SnapshotId": one.id, "VolumeSize": one.volume.size, "DeleteOnTermination": True,
                    "VolumeType": one.volume.volume_type},
        } for device, one in image.disks
    ]  # fmt: skip


def _filter_value(image: Any, name: str, method: str | None = None) -> Any:
    """moto cannot look an image up by a snapshot."""
    if name == "block-device-mapping.snapshot-id":
        return [one["Ebs"]["SnapshotId"] for one in image.block_device_mappings]
    return _as_moto_filters_it(image, name, method)


type.__setattr__(AmiBackend, "create_image", _create_image)
type.__setattr__(Ami, "get_filter_value", _filter_value)
type.__setattr__(Ami, "block_device_mappings", property(_mappings))


def images() -> dict[str, str]:
    """The state of each machine's newest image, by the machine."""
    return {f"{image.instance_id} image": str(image.state) for image in _made()}


def name_taken(request: AwsRequest) -> bool:
    """Whether an image in the caller's account and region has the name that this request wants."""
    wanted = request.parameters.get("Name")
    return any(
        image.name == wanted for account in list(ec2_backends) if access_key(account) == request.access_key
        for image in ec2_backends[account][request.region].amis.values()
    )  # fmt: skip


def hold_images() -> Callable[[], None]:
    """Remembers which images and snapshots there are; the function that it returns puts them back."""
    kept = [(one, dict(one.amis), dict(one.snapshots)) for one in ec2_regions()]
    states = [(image, image.state) for image in _made()]

    def put_back() -> None:
        for backend, amis, snapshots in kept:
            for known, before in ((backend.amis, amis), (backend.snapshots, snapshots)):
                known.clear()
                known.update(before)
        for image, state in states:
            image.state = state

    return put_back


def linger_images(changed: set[str]) -> None:
    """Lets an image that was just made be seen as pending, with its snapshots."""
    for image in _made():
        if f"{image.instance_id} image" in changed:
            _set(image, "pending", "pending")


def arrive_images() -> list[str]:
    """Lets every pending image be ready, and returns the machines that they are of."""
    arrived = [image for image in _made() if image.state == "pending"]
    for image in arrived:
        _set(image, "available", "completed")
    return [str(image.instance_id) for image in arrived]


def fail_image(instance_id: str) -> None:
    """Lets the image of this machine fail, as AWS does where a snapshot could not be made; for tests."""
    for image in _made():
        if image.instance_id == instance_id:
            _set(image, "failed", "error")


def lose_snapshots(instance_id: str) -> None:
    """Lets the image of this machine stand over snapshots that are gone; for tests."""
    for backend in ec2_regions():
        for image in [one for one in _made() if one.instance_id == instance_id]:
            for _, snapshot in image.disks:
                backend.snapshots.pop(snapshot.id, None)


def _set(image: Any, state: str, snapshots: str) -> None:
    image.state = state
    for _, snapshot in image.disks:
        snapshot.status = snapshots


def _made() -> Iterator[Any]:
    for backend in ec2_regions():
        yield from (image for image in list(backend.amis.values()) if "disks" in vars(image))


def ec2_regions() -> Iterator[Any]:
    """EC2 of every account and region."""
    for account in list(ec2_backends):
        yield from (ec2_backends[account][region] for region in list(ec2_backends[account]))
