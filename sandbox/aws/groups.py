"""Auto Scaling groups as they stand in moto. moto follows no load: a group runs what it was given, whatever its policy.

The machines are the estate's own, so that a group's machines bear the ids of the bill.
"""

from collections.abc import Callable, Iterator
from typing import Any

from moto.autoscaling.models import autoscaling_backends


def make_group(told: dict[str, Any]) -> None:
    """A group of these machines, which must stand already; with `tracks_cpu` a policy that holds their CPU."""
    backend: Any = autoscaling_backends[str(told["account"])][told["region"]]
    name, members = told["group"], list(told.get("members", []))
    if "estate" not in backend.launch_configurations:
        backend.create_launch_configuration(
            name="estate", image_id="ami-12c6146b", key_name=None, kernel_id=None, ramdisk_id=None, security_groups=[],
            user_data=None, instance_type="m7i.xlarge", instance_monitoring=False, instance_profile_name=None,
            spot_price=None, ebs_optimized=False, associate_public_ip_address=False, block_device_mappings=[],
            classic_link_vpc_id=None, classic_link_vpc_security_groups=[], metadata_options=None,
        )  # fmt: skip
    tags = [
        {"key": key, "value": value, "resource_id": name, "resource_type": "auto-scaling-group",
         "propagate_at_launch": "false"}
        for key, value in told.get("tags", {}).items()
    ]  # fmt: skip
    backend.create_auto_scaling_group(
        name=name, availability_zones=[told["zone"]], desired_capacity=0, max_size=told["max"], min_size=0,
        launch_config_name="estate", launch_template={}, vpc_zone_identifier=None, default_cooldown=None,
        health_check_period=None, health_check_type=None, load_balancers=[], target_group_arns=[],
        placement_group=None, termination_policies=[], tags=tags,
    )  # fmt: skip
    if members:
        backend.attach_instances(name, members)
    backend.autoscaling_groups[name].min_size = told["min"]
    if told.get("tracks_cpu"):
        backend.put_scaling_policy(
            f"{name}-cpu", "TargetTrackingScaling", None, None, name, None, None, None,
            {"TargetValue": told["tracks_cpu"],
             "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}},
            [], None, None,
        )  # fmt: skip


def forget_groups() -> None:
    """Nothing of what moto held."""
    for backend in _backends():
        backend.reset()


def group_minimums() -> dict[str, str]:
    """The minimum of every group in all accounts and regions, by name."""
    return {f"{name} minimum": str(group.min_size) for name, group in _groups()}


def hold_groups() -> Callable[[], None]:
    """Remembers how they stand; the function that it returns puts them back."""
    kept = [(group, group.min_size, group.desired_capacity) for _, group in _groups()]

    def put_back() -> None:
        for group, minimum, desired in kept:
            group.min_size, group.desired_capacity = minimum, desired

    return put_back


def _groups() -> Iterator[tuple[str, Any]]:
    for backend in _backends():
        yield from backend.autoscaling_groups.items()


def _backends() -> Iterator[Any]:
    for account in list(autoscaling_backends):
        for region in list(autoscaling_backends[account]):
            yield autoscaling_backends[account][region]
