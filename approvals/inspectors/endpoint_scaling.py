"""Looks at one SageMaker endpoint before AWS is told to set how many machines it runs, or no longer to. There is no dry
run of either.

Under scaling the number changes all day, and SageMaker notes each change: neither is a precondition of ending it.
"""

import re
from typing import Any

from approvals.changes.endpoint_scaling import EndEndpointScaling, OnScaling, SetEndpointScaling
from approvals.inspectors.aws import account_seen, environment_of, team_of
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.endpoint import (
    behind,
    configuration,
    described_endpoint,
    endpoint_fields,
    one_variant,
    standby,
)
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.sagemaker import tags_told
from approvals.inspectors.scalable_targets import scaling_of
from approvals.inspectors.trail import Trail

BURSTABLE = re.compile(r"^ml\.t\d")
"""AWS does not scale these: they bear more by themselves, for a while."""
FLEETING = ("status", "machines", "modified_at")


class EndpointScalingInspector(Trail):
    """`clients` gives SageMaker, scaling and STS clients, whose credential should only be able to describe."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition; the variant's name goes into what is sealed."""
        client, owner = self._clients(change.account, change.region, "sagemaker"), account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        found = described_endpoint(client, change)
        if found is None:
            return NotSealable(f"there is no endpoint {change.endpoint} in {change.region}", "not_found")
        tags = tags_told(client, found["EndpointArn"])
        names = [str(one["VariantName"]) for one in found.get("ProductionVariants") or []]
        resolved = change.model_copy(update={"variant": change.variant or "".join(names[:1])})
        fields = self._fields(client, resolved, found, tags, owner)
        if isinstance(change, EndEndpointScaling):
            fields = {name: value for name, value in fields.items() if name not in FLEETING}
        refused = one_variant(change, found) or self._unfit(client, resolved, found, fields)
        refused = refused or standby(change.endpoint, tags) or managed_by(change.endpoint, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        then = "AWS sets their number by itself" if isinstance(change, SetEndpointScaling) else "their number stays"
        radius = f"{change.resource} ({change.between()}): {then} from then on"
        return Snapshot(
            fields, name=change.endpoint, environment=environment_of(tags), team=team_of(tags), blast_radius=(radius,),
            resolved=resolved,
        )  # fmt: skip

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; status and scaling "gone" where SageMaker knows no endpoint of this name."""
        client, owner = self._clients(change.account, change.region, "sagemaker"), account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        found = described_endpoint(client, change)
        if found is None:
            return {"account": owner, "name": change.endpoint, "status": "gone", "scaling": "gone"}
        return self._fields(client, change, found, tags_told(client, found["EndpointArn"]), owner)

    def _fields(
        self, client: Any, change: OnScaling, found: dict[str, Any], tags: dict[str, str], owner: str
    ) -> dict[str, Any]:
        """What must not change."""
        scaling = self._clients(change.account, change.region, "application-autoscaling")
        fields = endpoint_fields(found, tags, owner) | behind(client, configuration(client, found))
        return fields | {"scaling": scaling_of(scaling, change)}

    def _unfit(
        self,
        client: Any,
        change: SetEndpointScaling | EndEndpointScaling,
        found: dict[str, Any],
        fields: dict[str, Any],
    ) -> tuple[str, str] | None:
        """The first reason why its scaling is left alone: (code, sentence)."""
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"the {name} of {change.endpoint} is '{fields[name]}', and this change is for '{wanted}'"
                return f"wrong_{name}", told
        if isinstance(change, EndEndpointScaling):
            return None
        config = configuration(client, found)
        if config is None:
            return "no_config", f"the configuration {fields['config']} is not there any more: what runs is not known"
        if config.get("AsyncInferenceConfig"):
            told = f"{change.endpoint} answers later: its calls wait in a queue, and tell nothing of its load"
            return "asynchronous", told
        variant: dict[str, Any] = next(iter(config.get("ProductionVariants") or []), {})
        kind = str(variant.get("InstanceType") or "")
        if not kind or variant.get("ServerlessConfig") or variant.get("ManagedInstanceScaling"):
            return "scales_itself", f"{change.endpoint} runs no number of machines that could be scaled"
        if not variant.get("ModelName"):
            return "components", f"{change.endpoint} runs inference components, which are scaled one by one"
        if BURSTABLE.match(kind):
            return "not_scalable", f"AWS does not scale {kind}: such machines bear more by themselves, for a while"
        return None
