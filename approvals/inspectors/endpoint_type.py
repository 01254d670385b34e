"""Looks at one SageMaker endpoint before it is run on another type of machine, or on its old one again. There is no dry
run of it.

What is copied must be all that there is: a configuration with anything that this file does not know is left alone,
since the new one would lack it without anybody having voted on that.
"""

from typing import Any

from approvals.changes.endpoint_type import ABSENT, MADE, OnEndpointType, RestoreEndpointType, SetEndpointType
from approvals.inspectors.aws import account_seen, environment_of, team_of
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.endpoint import (
    behind,
    config_of,
    described_endpoint,
    endpoint_fields,
    modelless,
    one_variant,
    standby,
)
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.sagemaker import tags_told
from approvals.inspectors.scalable_targets import targets_of
from approvals.inspectors.trail import Trail

TOLD = ("EndpointConfigName", "EndpointConfigArn", "CreationTime", "ResponseMetadata")
"""What SageMaker tells of a configuration and takes for none."""
COPIED = ("ProductionVariants", "KmsKeyId", "ExecutionRoleArn", "VpcConfig", "EnableNetworkIsolation")
OF_VARIANT = (
    "VariantName", "ModelName", "InitialInstanceCount", "InstanceType", "InitialVariantWeight", "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds", "ContainerStartupHealthCheckTimeoutInSeconds", "EnableSSMAccess",
    "RoutingConfig", "CoreDumpConfig",
)  # fmt: skip
"""What means the same on another size; an image of the machine, pools or reservations may not."""
FLEETING = ("modified_at",)


class EndpointTypeInspector(Trail):
    """`clients` gives SageMaker, scaling and STS clients, whose credential should only be able to describe."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition; the configuration and all of its fields go into what is sealed."""
        client, owner = self._clients(change.account, change.region, "sagemaker"), account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        found = described_endpoint(client, change)
        if found is None:
            return NotSealable(f"there is no endpoint {change.endpoint} in {change.region}", "not_found")
        tags = tags_told(client, found["EndpointArn"])
        resolved = change if change.config else change.model_copy(update={"config": found["EndpointConfigName"]})
        config = config_of(client, resolved.config)
        if isinstance(change, SetEndpointType) and config is not None:
            resolved = resolved.model_copy(update={"copied": _copied(config)})
        fields = self._fields(client, resolved, found, tags, owner)
        if isinstance(change, RestoreEndpointType):
            fields = {name: value for name, value in fields.items() if name not in FLEETING}
        refused = self._unfit(resolved, found, config, fields) or standby(change.endpoint, tags)
        refused = refused or managed_by(change.endpoint, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        if change.copied not in ({}, resolved.copied):
            why = f"the configuration {resolved.config} has other fields than this change copies"
            return NotSealable(why, "wrong_config", fields)
        radius = f"{change.resource} ({fields['machines']}): answers from other machines once these are up"
        return Snapshot(
            fields, name=change.endpoint, environment=environment_of(tags), team=team_of(tags), blast_radius=(radius,),
            resolved=resolved,
        )  # fmt: skip

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; status "gone" where SageMaker knows no endpoint of this name."""
        client, owner = self._clients(change.account, change.region, "sagemaker"), account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        found = described_endpoint(client, change)
        if found is None:
            return {"account": owner, "name": change.endpoint, "status": "gone"}
        return self._fields(client, change, found, tags_told(client, found["EndpointArn"]), owner)

    def _fields(
        self, client: Any, change: OnEndpointType, found: dict[str, Any], tags: dict[str, str], owner: str
    ) -> dict[str, Any]:
        """What must not change: what stands behind the old configuration, whichever runs; and the new one."""
        fields = endpoint_fields(found, tags, owner) | behind(client, config_of(client, str(change.config)))
        made = config_of(client, change.new_config)
        told = ABSENT if made is None else MADE if _copied(made) == change.wanted() else "another one"
        return fields | {"next_config": told}

    def _unfit(
        self,
        change: SetEndpointType | RestoreEndpointType,
        found: dict[str, Any],
        config: dict[str, Any] | None,
        fields: dict[str, Any],
    ) -> tuple[str, str] | None:
        """The first reason why its type is left alone: (code, sentence)."""
        if config is None:
            return "no_config", f"its configuration {change.config} is not there any more: nothing could be copied"
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"the {name} of {change.endpoint} is '{fields[name]}', and this change is for '{wanted}'"
                return f"wrong_{name}", told
        several = one_variant(change, found)
        if several is not None:
            return several
        beyond = _beyond(config)
        if beyond:
            return "not_copied", f"{change.config} has {beyond}, which would not mean the same on another type"
        kind = config["ProductionVariants"][0].get("InstanceType")
        if kind != change.before:
            return "wrong_type", f"{change.endpoint} runs on {kind}, and this change is for {change.before}"
        scaling = self._clients(change.account, change.region, "application-autoscaling")
        if targets_of(scaling, change.endpoint):
            return "scaled", f"{change.endpoint} is scaled by rules that were made for {change.before}; end them first"
        return modelless(fields, str(change.config))


def _copied(config: dict[str, Any]) -> dict[str, Any]:
    """The fields of a configuration as they would be asked for again; whole numbers as such."""
    told = {name: value for name, value in config.items() if name not in TOLD and value not in ({}, [], "", None)}
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _beyond(config: dict[str, Any]) -> str:
    """What of it is not known to be copied: its first such field; empty where all is."""
    copied = _copied(config)
    strange = [name for name in copied if name not in COPIED]
    for variant in copied.get("ProductionVariants", []):
        strange += [name for name in variant if name not in OF_VARIANT]
        strange += [name for name, value in variant.items() if isinstance(value, float)]
    return strange[0] if strange else ""
