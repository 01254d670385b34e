"""Makes the bank's machines exist in moto's EC2 under the ids that the bill uses.

moto draws its instance ids by chance, and its own seed repeats them only for the same order of calls from the start of
a process; so the function that draws them is replaced while the machines are made.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import moto.ec2.models.elastic_block_store as moto_volumes
import moto.ec2.models.instances as moto_instances
import moto.iam.models as moto_iam
from moto.ec2.models import ec2_backends
from moto.eks.models import eks_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.sagemaker.models import sagemaker_backends

from sandbox.aws.access_keys import make_access_key
from sandbox.aws.copies import make_image, make_snapshot
from sandbox.aws.endpoints import make_endpoint
from sandbox.aws.errors import AwsSandboxError
from sandbox.aws.groups import forget_groups, make_group
from sandbox.aws.moment import naive
from sandbox.aws.scaling import forget_scalings
from sandbox.aws.schedules import forget_schedules
from sandbox.aws.throughput import forget_throughputs, make_throughput

REQUIRED = ("instance_id", "instance_type", "region", "zone", "account", "state", "launch_time", "tags")
ADDITIONS = {
    "volumes": ("volume_id", "account", "region", "zone", "size"),
    "node_groups": ("cluster", "nodegroup", "account", "region", "min", "max", "desired"),
    "addresses": ("allocation_id", "account", "region"),
    "notebooks": ("notebook", "instance_type", "account", "region", "status"),
    "log_groups": ("log_group", "account", "region"),
    "throughputs": ("throughput", "name", "model", "units", "account", "region"),
    "scaling_groups": ("group", "account", "region", "zone", "min", "max"),
    "access_keys": ("account", "user", "key_id", "created_at"),
    "endpoints": ("endpoint", "config", "instance_type", "account", "region"),
    "snapshots": ("snapshot_id", "volume_id", "account", "region", "size", "started_at"),
    "images": ("image_id", "account", "region", "name", "snapshot"),
}


@dataclass(frozen=True)
class Seeded:
    """What now exists. A client with the key of an account sees that account; with any other, `default_account`."""

    machines: int
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    default_account: str

    def account_of(self, key: str) -> str:
        """Whose account a client with this key sees."""
        return next((account for account in self.accounts if access_key(account) == key), self.default_account)


def access_key(account: str) -> str:
    """The fake key that opens an account of the sandbox: 20 characters, as a client demands; its secret is ignored."""
    return f"AKIASBOX{account:0>12}"[:20]


@dataclass(frozen=True)
class Estate:
    """What a `machines.json` names: machines, and where it has them the other resources besides."""

    machines: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    node_groups: list[dict[str, Any]]
    addresses: list[dict[str, Any]]
    notebooks: list[dict[str, Any]]
    endpoints: list[dict[str, Any]]
    log_groups: list[dict[str, Any]]
    scaling_groups: list[dict[str, Any]]
    throughputs: list[dict[str, Any]]
    access_keys: list[dict[str, Any]]
    snapshots: list[dict[str, Any]]
    images: list[dict[str, Any]]


def read_machines(path: Path) -> Estate:
    """The machines of a `machines.json`, with the lists of `ADDITIONS` that there are. Raises AwsSandboxError."""
    do = "Make one with: spendgate sandbox bank --into DIR; it writes DIR/machines.json."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AwsSandboxError(f"{path} cannot be read.", why=f"{error.strerror}.", do=do) from error
    except ValueError as error:
        raise AwsSandboxError(f"{path} is not JSON.", why=f"{error}.", do=do) from error
    machines = content.get("machines") if isinstance(content, dict) else None
    if not isinstance(machines, list) or not machines:
        raise AwsSandboxError(f"{path} names no machines.", why='It has no list "machines".', do=do)
    for number, machine in enumerate(machines):
        missing = [name for name in REQUIRED if not isinstance(machine, dict) or name not in machine]
        if missing:
            raise AwsSandboxError(
                f"Machine {number + 1} in {path} is incomplete.", why=f"It lacks {', '.join(missing)}.", do=do
            )
    more = {name: content.get(name, []) for name in ADDITIONS}
    for name, needed in ADDITIONS.items():
        for number, one in enumerate(more[name]):
            missing = [key for key in needed if not isinstance(one, dict) or key not in one]
            if missing:
                raise AwsSandboxError(
                    f"Number {number + 1} of {name} in {path} is incomplete.", why=f"It lacks {', '.join(missing)}.",
                    do=do,
                )  # fmt: skip
    return Estate(machines, **more)


def seed(estate: Estate) -> Seeded:
    """Forgets what moto held and makes all this, each in its account and region, with its tags and state."""
    _forget()
    machines = estate.machines
    accounts = tuple(dict.fromkeys(str(machine["account"]) for machine in machines))
    default = next((str(machine["account"]) for machine in machines if machine.get("gpus")), accounts[0])
    vars(moto_iam)["DEFAULT_ACCOUNT_ID"] = default  # whose any key is that moto does not know
    for account in accounts:
        _register_key(account)
    for machine in machines:
        _make(machine)
    for volume in estate.volumes:
        _make_volume(volume)
    for group in estate.node_groups:
        _make_node_group(group)
    for address in estate.addresses:
        _make_address(address)
    for notebook in estate.notebooks:
        _make_notebook(notebook)
    for endpoint in estate.endpoints:
        make_endpoint(endpoint)
    for log_group in estate.log_groups:
        _make_log_group(log_group)
    for scaling_group in estate.scaling_groups:
        make_group(scaling_group)
    for throughput in estate.throughputs:
        make_throughput(throughput)
    for key in estate.access_keys:
        make_access_key(key)
    for snapshot in estate.snapshots:
        make_snapshot(snapshot)
    for image in estate.images:
        make_image(image)
    regions = tuple(dict.fromkeys(str(machine["region"]) for machine in machines))
    return Seeded(len(machines), accounts, regions, default)


def _forget() -> None:
    forget_groups()
    forget_throughputs()
    forget_schedules()
    forget_scalings()
    for backends in (ec2_backends, eks_backends, iam_backends, sagemaker_backends, logs_backends):
        for account in list(backends):
            for region in list(backends[account]):
                backends[account][region].reset()


def _register_key(account: str) -> None:
    backend = iam_backends[account]["aws"]
    backend.create_user("us-east-1", "sandbox")
    drawn = backend.create_access_key("sandbox")
    backend.access_keys.pop(drawn.access_key_id, None)
    drawn.access_key_id = access_key(account)
    backend.access_keys[drawn.access_key_id] = drawn


def _make(machine: dict[str, Any]) -> None:
    backend = ec2_backends[str(machine["account"])][machine["region"]]
    root = machine.get("root")
    named = _next_id(moto_volumes, "random_volume_id", root["volume_id"]) if root else nullcontext()
    with named, _next_id(moto_instances, "random_instance_id", machine["instance_id"]):
        reservation = backend.run_instances(
            _image(backend), 1, None, [], instance_type=machine["instance_type"], is_instance_type_default=False,
            region_name=machine["region"], placement=machine["zone"], tags={"instance": dict(machine["tags"])},
        )  # fmt: skip
    instance = reservation.instances[0]
    if root:
        made = backend.volumes[root["volume_id"]]
        made.size, made.volume_type = int(root["size"]), root["type"]
    instance.launch_time = naive(machine["launch_time"])
    for disk in instance.block_device_mapping.values():
        backend.volumes[disk.volume_id].create_time = instance.launch_time
    instance.disable_api_termination = bool(machine.get("protected", False))
    if machine["state"] == "stopped":
        instance.stop()
        instance._reason = machine.get("stop_reason", instance._reason)


@contextmanager
def _next_id(module: Any, function: str, wanted: str) -> Iterator[None]:
    names = vars(module)
    drawn_by_chance = names[function]
    names[function] = lambda: wanted
    try:
        yield
    finally:
        names[function] = drawn_by_chance


def _image(backend: Any) -> str:
    images = [image for image in backend.describe_images() if image.root_device_type == "ebs" and not image.platform]
    return str(images[0].id)


def _make_volume(volume: dict[str, Any]) -> None:
    backend = ec2_backends[str(volume["account"])][volume["region"]]
    with _next_id(moto_volumes, "random_volume_id", volume["volume_id"]):
        made = backend.create_volume(int(volume["size"]), volume["zone"], volume_type=volume.get("type", "gp3"))
    made.add_tags(dict(volume.get("tags", {})))
    if volume.get("created_at"):
        made.create_time = naive(volume["created_at"])
    if volume.get("attached_to"):
        device, goes = volume.get("device", "/dev/sdf"), bool(volume.get("goes", False))
        backend.attach_volume(made.id, volume["attached_to"], device, goes)
        made.create_time = backend.get_instance(volume["attached_to"]).launch_time


def _make_node_group(group: dict[str, Any]) -> None:
    account, region = str(group["account"]), group["region"]
    backend = eks_backends[account][region]
    role = f"arn:aws:iam::{account}:role/eks"
    if group["cluster"] not in backend.clusters:
        backend.create_cluster(group["cluster"], role, {})
    backend.create_nodegroup(
        group["cluster"], role, group["nodegroup"], [], tags=dict(group.get("tags", {})),
        scaling_config={"minSize": group["min"], "maxSize": group["max"], "desiredSize": group["desired"]},
    )  # fmt: skip


def _make_address(address: dict[str, Any]) -> None:
    backend = ec2_backends[str(address["account"])][address["region"]]
    made = backend.allocate_address("vpc", address.get("public_ip"))
    made.allocation_id = made.id = str(address["allocation_id"])
    made.add_tags(dict(address.get("tags", {})))
    if address.get("attached_to"):
        backend.associate_address(instance=backend.get_instance(address["attached_to"]), allocation_id=made.id)


def _make_log_group(told: dict[str, Any]) -> None:
    """A log group that keeps its lines for ever, unless `days` says for how long."""
    backend, name = logs_backends[str(told["account"])][told["region"]], told["log_group"]
    backend.create_log_group(name, dict(told.get("tags", {})))
    if told.get("days"):
        backend.put_retention_policy(name, told["days"])


def _make_notebook(notebook: dict[str, Any]) -> None:
    account, region = str(notebook["account"]), notebook["region"]
    made = sagemaker_backends[account][region].create_notebook_instance(
        notebook["notebook"], notebook["instance_type"], f"arn:aws:iam::{account}:role/notebooks",
        tags=[{"Key": key, "Value": value} for key, value in notebook.get("tags", {}).items()],
    )  # fmt: skip
    if notebook["status"] == "Stopped":
        made.stop()
