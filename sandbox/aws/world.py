"""What stands in moto now, as one word for each resource, and the few ways in which a fault may bend it."""

from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2.models import ec2_backends
from moto.eks.models import eks_backends

SLOW = {"stopped": ("stopping", 64), "running": ("pending", 0)}
CODES = {"stopped": 80, "running": 16}


def instance_states() -> dict[str, str]:
    """The state of every instance in all accounts and regions, by id."""
    return {instance.id: instance.state for instance in _instances()}


def world() -> dict[str, str]:
    """Every instance's state and type, every volume's state, every node group's sizes; what is not there is absent."""
    told = instance_states()
    told |= {f"{instance.id} type": instance.instance_type for instance in _instances()}
    for backend in _ec2():
        told |= {volume.id: volume.status for volume in backend.volumes.values()}
    for name, group in _groups():
        sizes = group.scaling_config
        told[name] = f"{sizes['desiredSize']} ({sizes['minSize']} to {sizes['maxSize']})"
    return told


def hold() -> Callable[[], None]:
    """Remembers how everything stands; the function that it returns puts it back."""
    instances = [(one, one._state.name, one._state.code, one.instance_type) for one in _instances()]
    volumes = [(backend, dict(backend.volumes)) for backend in _ec2()]
    groups = [(group, dict(group.scaling_config)) for _, group in _groups()]

    def put_back() -> None:
        for instance, name, code, kind in instances:
            instance._state.name, instance._state.code, instance.instance_type = name, code, kind
        for backend, known in volumes:
            backend.volumes.clear()
            backend.volumes.update(known)
        for group, sizes in groups:
            group.scaling_config = sizes

    return put_back


def linger(changed: set[str]) -> None:
    """Lets what just changed be seen on its way for a while: stopping, pending, UPDATING."""
    for instance in _instances():
        if instance.id in changed and instance.state in SLOW:
            instance._state.name, instance._state.code = SLOW[instance.state]
    for name, group in _groups():
        if name in changed:
            group.status = "UPDATING"


def arrive() -> list[str]:
    """Lets everything that is on its way arrive, and returns what did."""
    arrived = []
    for instance in _instances():
        for end, (passing, _) in SLOW.items():
            if instance.state == passing:
                instance._state.name, instance._state.code = end, CODES[end]
                arrived.append(str(instance.id))
    for name, group in _groups():
        if group.status == "UPDATING":
            group.status = "ACTIVE"
            arrived.append(name)
    return arrived


def _ec2() -> Iterator[Any]:
    for account in list(ec2_backends):
        yield from (ec2_backends[account][region] for region in list(ec2_backends[account]))


def _instances() -> Iterator[Any]:
    for backend in _ec2():
        yield from backend.all_instances()


def _groups() -> Iterator[tuple[str, Any]]:
    for account in list(eks_backends):
        for region in list(eks_backends[account]):
            for cluster in eks_backends[account][region].clusters.values():
                for group in cluster.nodegroups.values():
                    yield f"{cluster.name}/{group.nodegroup_name}", group
