"""What stands in moto now, as one word for each resource, and the few ways in which a fault may bend it."""

from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2.models.elastic_block_store import VolumeModification
from moto.eks.models import eks_backends
from moto.logs.models import logs_backends
from moto.sagemaker.models import sagemaker_backends

from sandbox.aws.access_keys import access_keys, hold_access_keys
from sandbox.aws.copies import arrive_snapshots, linger_snapshots, snapshots
from sandbox.aws.endpoints import (
    arrive_endpoints,
    endpoint_configs,
    endpoint_machines,
    endpoints,
    hold_endpoints,
    linger_endpoints,
)
from sandbox.aws.groups import group_minimums, hold_groups
from sandbox.aws.images import arrive_images, ec2_regions, hold_images, images, linger_images
from sandbox.aws.scaling import hold_scalings, scalings
from sandbox.aws.schedules import hold_schedules, schedules
from sandbox.aws.throughput import hold_throughputs, throughputs

SLOW = {"stopped": ("stopping", 64), "running": ("pending", 0), "terminated": ("shutting-down", 32)}
CODES = {"stopped": 80, "running": 16, "terminated": 48}
ON_THE_WAY = {"Stopped": "Stopping", "InService": "Pending"}

# moto calls every change of a volume completed at once; here one may be seen on its way.
type.__setattr__(
    VolumeModification, "modification_state", property(lambda told: vars(told).get("lingering", "completed"))
)


def instance_states() -> dict[str, str]:
    """The state of every instance in all accounts and regions, by id."""
    return {instance.id: instance.state for instance in _instances()}


def world() -> dict[str, str]:
    """Every instance's state, type and image, snapshot's state, volume's state and type, schedule, address, status of
    notebook, endpoint and throughput, an endpoint's machines, scaling and configuration, days for which log groups keep
    their lines, access keys, scaling group's minimum and node group's sizes.

    What is not there is absent.
    """
    told = instance_states()
    told |= {f"{instance.id} type": instance.instance_type for instance in _instances()}
    for backend in ec2_regions():
        told |= {volume.id: volume.status for volume in backend.volumes.values()}
        told |= tags_told(backend)
        told |= {f"{volume.id} type": volume.volume_type for volume in backend.volumes.values()}
        told |= {
            one.allocation_id: one.association_id or "unattached" for one in backend.addresses if one.allocation_id
        }
    told |= {name: notebook.status for name, notebook in _notebooks()}
    told |= endpoints() | endpoint_machines() | scalings() | group_minimums() | throughputs() | schedules()
    told |= access_keys() | images() | snapshots() | endpoint_configs()
    told |= {f"{name} retention": str(group.retention_in_days or "never") for name, group in _log_groups()}
    for name, group in _groups():
        sizes = group.scaling_config
        told[name] = f"{sizes['desiredSize']} ({sizes['minSize']} to {sizes['maxSize']})"
    return told


def tags_told(backend: Any) -> dict[str, str]:
    """The tags of every machine and disk, each as one word; of one without any an empty text."""
    ids = [*backend.volumes, *(one.id for one in backend.all_instances())]
    borne = {name: backend.tags.get(name, {}) for name in ids}
    return {
        f"{name} tags": " ".join(f"{key}={value}" for key, value in sorted(told.items()))
        for name, told in borne.items()
    }


def hold() -> Callable[[], None]:
    """Remembers how everything stands; the function that it returns puts it back."""
    tags = [(backend, {name: dict(told) for name, told in backend.tags.items()}) for backend in ec2_regions()]
    instances = [(one, one._state.name, one._state.code, one.instance_type) for one in _instances()]
    mapped = [(one, dict(one.block_device_mapping)) for one in _instances()]
    attached = [(one, one.attachment) for one in _volumes()]
    volumes = [(backend, dict(backend.volumes)) for backend in ec2_regions()]
    disks = [(one, _settings(one)) for one in _volumes()]
    addresses = [(backend, list(backend.addresses), [one.allocation_id for one in backend.addresses])
                 for backend in ec2_regions()]  # fmt: skip
    notebooks = [(notebook, notebook.status) for _, notebook in _notebooks()]
    groups = [(group, dict(group.scaling_config)) for _, group in _groups()]
    ours_back = (
        hold_endpoints(), hold_groups(), hold_throughputs(), hold_schedules(), hold_access_keys(), hold_scalings(),
        hold_images(),
    )  # fmt: skip
    log_groups = [(group, group.retention_in_days) for _, group in _log_groups()]

    def put_back() -> None:
        for instance, name, code, kind in instances:
            instance._state.name, instance._state.code, instance.instance_type = name, code, kind
        for backend, borne in tags:
            backend.tags.clear()
            backend.tags.update(borne)
        for instance, mapping in mapped:
            instance.block_device_mapping.clear()
            instance.block_device_mapping.update(mapping)
        for disk, attachment in attached:
            disk.attachment = attachment
        for backend, known in volumes:
            backend.volumes.clear()
            backend.volumes.update(known)
        for disk, settings in disks:
            vars(disk).update(settings)
        for backend, kept, ids in addresses:
            backend.addresses[:] = kept
            for address, allocation in zip(kept, ids, strict=True):
                address.allocation_id = allocation
        for notebook, status in notebooks:
            notebook.status = status
        for group, sizes in groups:
            group.scaling_config = sizes
        for one_back in ours_back:
            one_back()
        for log_group, days in log_groups:
            log_group.retention_in_days = days

    return put_back


def linger(changed: set[str]) -> None:
    """Lets what just changed be seen on its way for a while: stopping, pending, modifying, UPDATING."""
    for instance in _instances():
        if instance.id in changed and instance.state in SLOW:
            instance._state.name, instance._state.code = SLOW[instance.state]
    for volume in _volumes():
        if f"{volume.id} type" in changed and volume.modifications:
            volume.modifications[-1].lingering = "modifying"
    for name, notebook in _notebooks():
        if name in changed:
            notebook.status = ON_THE_WAY.get(notebook.status, notebook.status)
    for name, group in _groups():
        if name in changed:
            group.status = "UPDATING"
    linger_endpoints(changed)
    linger_images(changed)
    linger_snapshots(changed)


def arrive() -> list[str]:
    """Lets everything that is on its way arrive, and returns what did."""
    arrived = []
    for instance in _instances():
        for end, (passing, _) in SLOW.items():
            if instance.state == passing:
                instance._state.name, instance._state.code = end, CODES[end]
                arrived.append(str(instance.id))
    for volume in _volumes():
        for change in volume.modifications:
            if vars(change).pop("lingering", None):
                arrived.append(str(volume.id))
    for name, notebook in _notebooks():
        for end, on_the_way in ON_THE_WAY.items():
            if notebook.status == on_the_way:
                notebook.status = end
                arrived.append(name)
    for name, group in _groups():
        if group.status == "UPDATING":
            group.status = "ACTIVE"
            arrived.append(name)
    return arrived + arrive_endpoints() + arrive_images() + arrive_snapshots()


def modifying(volume_id: str) -> bool:
    """Whether a change of this volume is on its way."""
    return any(volume.id == volume_id and "lingering" in vars(change)
               for volume in _volumes() for change in volume.modifications)  # fmt: skip


def notebook_status(name: str) -> str:
    """The status of a notebook; empty for one that is not there."""
    return next((str(notebook.status) for known, notebook in _notebooks() if known == name), "")


def _settings(volume: Any) -> dict[str, Any]:
    """What a change of the volume may touch, kept apart from it."""
    kept = {name: vars(volume).get(name) for name in ("volume_type", "iops", "throughput")}
    return {**kept, "modifications": list(volume.modifications)}


def _volumes() -> Iterator[Any]:
    for backend in ec2_regions():
        yield from backend.volumes.values()


def _notebooks() -> Iterator[tuple[str, Any]]:
    for account in list(sagemaker_backends):
        for region in list(sagemaker_backends[account]):
            yield from sagemaker_backends[account][region].notebook_instances.items()


def _log_groups() -> Iterator[tuple[str, Any]]:
    for account in list(logs_backends):
        for region in list(logs_backends[account]):
            yield from logs_backends[account][region].groups.items()


def _instances() -> Iterator[Any]:
    for backend in ec2_regions():
        yield from backend.all_instances()


def _groups() -> Iterator[tuple[str, Any]]:
    for account in list(eks_backends):
        for region in list(eks_backends[account]):
            for cluster in eks_backends[account][region].clusters.values():
                for group in cluster.nodegroups.values():
                    yield f"{cluster.name}/{group.nodegroup_name}", group
