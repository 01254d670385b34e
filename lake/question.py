"""A question about spend, typed: what is summed, over which days, of which charges, split by what."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lake.period import Period

UNTAGGED = "(untagged)"
NONE = "(none)"
OTHERS = "(all others)"
EVERY_TEAM = "*"
MAX_ROWS = 1000


class Metric(StrEnum):
    """The four costs of FOCUS, which answer different questions and are never added to each other; what was used; and
    what a unit of that cost (effectively)."""

    EFFECTIVE = "effective"
    BILLED = "billed"
    LIST = "list"
    CONTRACTED = "contracted"
    QUANTITY = "quantity"
    TOKENS = "tokens"
    GPU_HOURS = "gpu_hours"
    COST_PER_MILLION_TOKENS = "cost_per_million_tokens"
    COST_PER_GPU_HOUR = "cost_per_gpu_hour"


METRIC_COLUMNS = {
    Metric.EFFECTIVE: "EffectiveCost",
    Metric.BILLED: "BilledCost",
    Metric.LIST: "ListCost",
    Metric.CONTRACTED: "ContractedCost",
}

# A ratio, and what it is a ratio of.
RATIOS = {Metric.COST_PER_MILLION_TOKENS: Metric.TOKENS, Metric.COST_PER_GPU_HOUR: Metric.GPU_HOURS}
MEASURES = (Metric.QUANTITY, Metric.TOKENS, Metric.GPU_HOURS, *RATIOS)

# FOCUS lets a charge have none of these; then it is in no sum of them, and the answer says so.
OPTIONAL = {metric: METRIC_COLUMNS[metric] for metric in (Metric.LIST, Metric.CONTRACTED)}

DIMENSIONS = {
    "provider": "ProviderName",
    "service": "ServiceName",
    "category": "ServiceCategory",
    "account": "SubAccountId",
    "region": "RegionId",
    "resource": "ResourceId",
    "owner": "x_owner",
    "team": "x_team",
    "project": "x_project",
    "use_case": "x_use_case",
    "environment": "x_environment",
    "model": "x_model",
    "workload": "x_workload",
    "token_class": "x_token_class",
    "charge_category": "ChargeCategory",
    "cost_source": "x_cost_source",
    "service_tier": "x_service_tier",
    "api_key": "x_api_key_id",
    "allocation_method": "x_allocation_method",
    "allocation_rule": "x_allocation_rule_id",
}
TIME_DIMENSIONS = ("month", "week", "day")
ALLOCATED = (
    "owner",
    "team",
    "project",
    "use_case",
    "environment",
)  # missing ones are a gap in tagging, and shown as such
TAG = "tag:"


def is_dimension(name: str) -> bool:
    """Whether one can group or filter by this name; `tag:KEY` is any tag."""
    return name in DIMENSIONS or name in TIME_DIMENSIONS or (name.startswith(TAG) and len(name) > len(TAG))


class Question(BaseModel):
    """What `Lake.ask` answers. `teams_seen` is the asker's scope and is applied inside the query."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Metric = Metric.EFFECTIVE
    period: Period
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    by: tuple[str, ...] = ()
    compare: Period | None = None
    ai: bool | None = None
    currency: str | None = None
    limit: int | None = Field(default=None, ge=1)
    teams_seen: tuple[str, ...] = (EVERY_TEAM,)

    @model_validator(mode="after")
    def _dimensions_exist(self) -> Self:
        for name in (*self.by, *self.where):
            if not is_dimension(name):
                known = ", ".join((*DIMENSIONS, *TIME_DIMENSIONS, "tag:<key>"))
                raise ValueError(f"'{name}' is no dimension; known ones: {known}")
        if len(set(self.by)) != len(self.by):
            raise ValueError("a dimension stands twice in 'by'")
        if any(name in TIME_DIMENSIONS for name in self.where):
            raise ValueError("days, weeks and months are chosen by the period, not by a filter")
        if self.compare and any(name in TIME_DIMENSIONS for name in self.by):
            raise ValueError("two periods have no day, week or month in common: compare them without these")
        return self
