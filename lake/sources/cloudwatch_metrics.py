"""Which of CloudWatch's metrics tell what of an hour, and under which name a resource stands there.

Namespaces, metrics and dimensions are those of AWS's documentation of each service and of the CloudWatch agent. A
metric that is not here is not guessed from a similar one: `nvidia_smi_utilization_memory`, for one, is how busy the
memory's bus is, and says nothing of how much is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Stat(StrEnum):
    """How CloudWatch sums an hour up."""

    MAXIMUM = "Maximum"
    AVERAGE = "Average"
    SUM = "Sum"


@dataclass(frozen=True)
class Source:
    """One of CloudWatch's metrics. `by` is the dimension that names the resource; others may stand beside it."""

    namespace: str
    metric: str
    stat: Stat
    by: str


ENDPOINTS = "/aws/sagemaker/Endpoints"
ONE_SERIES = frozenset({ENDPOINTS})
"""Where several series of one resource are of variants whose machines may differ: then none of them speaks for all."""


@dataclass(frozen=True)
class Measure:
    """One column of the usage, from one or several metrics: all of them are needed, or the hour is not known.

    With `whole` it is the share of the first in the second, in percent; otherwise they are added.
    """

    column: str
    parts: tuple[Source, ...]
    whole: Source | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that is asked for."""
        return (*self.parts, self.whole) if self.whole else self.parts


def _ec2(metric: str, stat: Stat) -> Source:
    return Source("AWS/EC2", metric, stat, "InstanceId")


def _agent(metric: str, stat: Stat) -> Source:
    return Source("CWAgent", metric, stat, "InstanceId")


def _endpoint(metric: str) -> Source:
    return Source(ENDPOINTS, metric, Stat.MAXIMUM, "EndpointName")


MEASURES = (
    Measure("cpu_max_pct", (_ec2("CPUUtilization", Stat.MAXIMUM),)),
    Measure("network_bytes", (_ec2("NetworkIn", Stat.SUM), _ec2("NetworkOut", Stat.SUM))),
    Measure("memory_pct", (_agent("mem_used_percent", Stat.MAXIMUM),)),
    Measure("gpu_active_pct", (_agent("nvidia_smi_utilization_gpu", Stat.AVERAGE),)),
    Measure(
        "gpu_memory_pct",
        (_agent("nvidia_smi_memory_used", Stat.MAXIMUM),),
        whole=_agent("nvidia_smi_memory_total", Stat.MAXIMUM),
    ),
    Measure("invocations", (Source("AWS/SageMaker", "Invocations", Stat.SUM, "EndpointName"),)),
    Measure("invocations", (Source("AWS/Lambda", "Invocations", Stat.SUM, "FunctionName"),)),
    Measure("invocations", (Source("AWS/Bedrock", "Invocations", Stat.SUM, "ModelId"),)),
    Measure(
        "tokens",
        (
            Source("AWS/Bedrock", "InputTokenCount", Stat.SUM, "ModelId"),
            Source("AWS/Bedrock", "OutputTokenCount", Stat.SUM, "ModelId"),
        ),
    ),
    # By group, CPUUtilization is that of all its machines; a group counts itself only where somebody switched that on.
    Measure("cpu_avg_pct", (Source("AWS/EC2", "CPUUtilization", Stat.AVERAGE, "AutoScalingGroupName"),)),
    Measure("group_min", (Source("AWS/AutoScaling", "GroupMinSize", Stat.MAXIMUM, "AutoScalingGroupName"),)),
    Measure(
        "group_in_service",
        (Source("AWS/AutoScaling", "GroupInServiceInstances", Stat.MAXIMUM, "AutoScalingGroupName"),),
    ),
    # Of the busiest machine, the sum over its cores or cards.
    Measure("cpu_cores_pct", (_endpoint("CPUUtilization"),)),
    Measure("gpu_cards_pct", (_endpoint("GPUUtilization"),)),
    Measure("gpu_memory_cards_pct", (_endpoint("GPUMemoryUtilization"),)),
    Measure("memory_pct", (_endpoint("MemoryUtilization"),)),
    Measure("requests", (Source("AWS/ApplicationELB", "RequestCount", Stat.SUM, "LoadBalancer"),)),
)

# Beside the naming dimension these tell parts of one resource apart, whose sums add up to it; with any other dimension
# the same is told again by another cut, and is left out.
PARTS: Mapping[str, frozenset[str]] = {
    "CWAgent": frozenset({"ImageId", "InstanceType", "AutoScalingGroupName", "name", "index", "arch", "host"}),
    "AWS/SageMaker": frozenset({"VariantName"}),
    ENDPOINTS: frozenset({"VariantName"}),
}


def resource_of(source: Source, dimensions: Mapping[str, str]) -> str | None:
    """The resource that these dimensions are of; None if the metric is cut in a way that is not to be added up."""
    name = dimensions.get(source.by)
    beside = set(dimensions) - {source.by}
    if not name or not beside <= PARTS.get(source.namespace, frozenset()):
        return None
    if source.namespace in ("AWS/SageMaker", ENDPOINTS) and not beside:
        return None  # endpoints are measured by variant; without one it is the same once more
    if source.namespace == "AWS/ApplicationELB":
        return name.split("/")[-1]  # app/NAME/ID: the ARN ends with the id
    return name
