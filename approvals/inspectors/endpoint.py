"""Looks at one SageMaker endpoint before it is deleted, made again, or given another number of machines. SageMaker has
no dry run.

A configuration is only a name to the request that brings an endpoint back. So what stands behind the name is looked at
and must not change either: which machines it asks for, which models it runs, and that these are there.
"""

import json
from typing import Any

from approvals.changes.endpoint import CreateEndpoint, DeleteEndpoint, OnEndpoint
from approvals.changes.endpoint_count import SetEndpointCount
from approvals.inspectors.aws import account_seen, environment_of, fingerprints, team_of
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.sagemaker import described, tags_told
from approvals.inspectors.scalable_targets import targets_of
from approvals.inspectors.trail import Trail

ABSENT = "absent"
STANDBY = ("standby", "stand-by", "dr", "disaster-recovery", "failover")
"""What a tag's key or value says of an endpoint that is kept for the day on which another one fails."""


class EndpointInspector(Trail):
    """`clients` gives SageMaker, scaling and STS clients, whose credential should only be able to describe."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition; for a deletion what the endpoint runs, too, since only that brings it back."""
        client, owner = self._clients(change.account, change.region, "sagemaker"), account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        found = described_endpoint(client, change)
        if isinstance(change, CreateEndpoint):
            return _to_create(client, change, found, owner)
        if found is None:
            return NotSealable(f"there is no endpoint {change.endpoint} in {change.region}", "not_found")
        tags = tags_told(client, found["EndpointArn"])
        if isinstance(change, SetEndpointCount):
            fields = endpoint_fields(found, tags, owner) | behind(client, configuration(client, found))
            return self._to_count(change, found, fields, tags)
        config = configuration(client, found)
        fields = endpoint_fields(found, tags, owner) | behind(client, config)
        refused = self._unfit(change, fields, tags)
        if refused is None and config is None:
            told = f"its configuration {fields['config']} is not there any more: nothing could bring it back"
            refused = "no_config", told
        refused = refused or modelless(fields, fields["config"])
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        resolved = change.model_copy(update={"config": fields["config"]})
        return _sealable(resolved, fields, tags, "whoever calls it gets an error from then on")

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; status "gone" where SageMaker knows no endpoint of this name in this account."""
        client, owner = self._clients(change.account, change.region, "sagemaker"), account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        found = described_endpoint(client, change)
        if found is None and not isinstance(change, CreateEndpoint):
            return _gone(change, owner)  # what stands behind its configuration says no more about whether it was done
        if found is None:
            return _gone(change, owner) | behind(client, config_of(client, change.config))
        fields = endpoint_fields(found, tags_told(client, found["EndpointArn"]), owner)
        return fields | behind(client, configuration(client, found))

    def _to_count(
        self, change: SetEndpointCount, found: dict[str, Any], fields: dict[str, Any], tags: dict[str, str]
    ) -> Snapshot | NotSealable:
        """Of an endpoint with one variant that nothing else scales; the variant's name goes into what is sealed."""
        refused, resolved = one_variant(change, found), change
        if refused is None:
            name = str(found["ProductionVariants"][0]["VariantName"])
            resolved = change.model_copy(update={"variant": name})
            refused = self._unfit(resolved, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        return _sealable(resolved, fields, tags, f"{change.after} answer all calls from then on")

    def _unfit(
        self, change: DeleteEndpoint | SetEndpointCount, fields: dict[str, Any], tags: dict[str, str]
    ) -> tuple[str, str] | None:
        """The first reason why it is not touched: (code, sentence)."""
        done = "deleted" if isinstance(change, DeleteEndpoint) else "given another number"
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"{change.endpoint} has the {name} {fields[name]}, and only one with {wanted} can be {done}"
                return f"wrong_{name}", told
        waits = standby(change.endpoint, tags)
        if waits is not None:
            return waits
        # Deleting the endpoint would drop the rules of its variants.
        scaled = targets_of(
            self._clients(change.account, change.region, "application-autoscaling"), change.endpoint
        )  # fmt: skip
        if scaled:
            lost = "which would be lost" if isinstance(change, DeleteEndpoint) else "which set its number themselves"
            told = f"{change.endpoint} has scaling rules ({scaled[0]['ResourceId']}), {lost}; deregister them first"
            return "scaled", told
        return managed_by(change.endpoint, tags)


def _sealable(
    resolved: DeleteEndpoint | SetEndpointCount, fields: dict[str, Any], tags: dict[str, str], then: str
) -> Snapshot:
    return Snapshot(
        fields,
        name=resolved.endpoint,
        environment=environment_of(tags),
        team=team_of(tags),
        blast_radius=(f"{resolved.resource} ({fields['machines']}): {then}",),
        resolved=resolved,
    )


def described_endpoint(client: Any, change: OnEndpoint) -> dict[str, Any] | None:
    """What SageMaker says of the endpoint; None where it knows none of this name."""
    return described(client.describe_endpoint, "EndpointName", change.endpoint)


def standby(endpoint: str, tags: dict[str, str]) -> tuple[str, str] | None:
    """(code, sentence) where a tag says that it waits for the day on which another one fails."""
    waits = sorted(key for key, value in tags.items() if key.lower() in STANDBY or value.lower() in STANDBY)
    return ("standby", f"{endpoint} stands by for another, as its tag {waits[0]} says") if waits else None


def one_variant(change: Any, found: dict[str, Any]) -> tuple[str, str] | None:
    """(code, sentence) where it runs several variants, or another than the change names."""
    names = [str(one["VariantName"]) for one in found.get("ProductionVariants") or []]
    if len(names) != 1 or found.get("ShadowProductionVariants"):
        told = f"{change.endpoint} runs several variants ({len(names)}): which of them to change is not told"
        return "several_variants", told
    if getattr(change, "variant", None) not in (None, names[0]):
        return "wrong_variant", f"{change.endpoint} has no variant {change.variant}"
    return None


def _to_create(
    client: Any, change: CreateEndpoint, found: dict[str, Any] | None, owner: str
) -> Snapshot | NotSealable:  # fmt: skip
    if found is not None:
        fields = endpoint_fields(found, tags_told(client, found["EndpointArn"]), owner)
        return NotSealable(f"there is an endpoint {change.endpoint} already: it is {fields['status']}", "taken", fields)
    config = config_of(client, change.config)
    if config is None:
        return NotSealable(f"there is no configuration {change.config} in {change.region}", "no_config")
    fields = _gone(change, owner) | behind(client, config)
    refused = modelless(fields, change.config)
    if refused is not None:
        return NotSealable(refused[1], refused[0], fields)
    tags = tags_told(client, config["EndpointConfigArn"])
    radius = (f"{change.resource}: machines of {change.config}, which cost from then on",)
    return Snapshot(
        fields,
        name=change.endpoint, environment=environment_of(tags), team=team_of(tags), blast_radius=radius,
    )  # fmt: skip


def configuration(client: Any, found: dict[str, Any]) -> dict[str, Any] | None:
    """The configuration that an endpoint runs; None where it is not there any more."""
    return config_of(client, found["EndpointConfigName"])


def config_of(client: Any, name: str) -> dict[str, Any] | None:
    """The configuration of this name; None where there is none."""
    return described(client.describe_endpoint_config, "EndpointConfigName", name)


def behind(client: Any, config: dict[str, Any] | None) -> dict[str, Any]:
    """What stands behind a configuration's name: anybody can delete one and make another of the same name.

    Of each variant a fingerprint, of each model when it was made; ABSENT for a model or a configuration that is not
    there, and for the model of a variant that names none.
    """
    if config is None:
        return {"config_created_at": ABSENT, "config_variants": {}, "models": {}}
    variants = [*(config.get("ProductionVariants") or []), *(config.get("ShadowProductionVariants") or [])]
    named = {str(one["VariantName"]): one for one in variants}
    models = {str(one.get("ModelName") or f"none of {name}"): one.get("ModelName") for name, one in named.items()}
    return {
        "config_created_at": _moment(config),
        "config_variants": fingerprints({name: json.dumps(one, sort_keys=True) for name, one in named.items()}),
        "models": {name: _model(client, known) for name, known in sorted(models.items())},
    }


def _model(client: Any, name: str | None) -> str:
    found = None if name is None else described(client.describe_model, "ModelName", name)
    return ABSENT if found is None else _moment(found)


def modelless(fields: dict[str, Any], config: str) -> tuple[str, str] | None:
    """(code, sentence) where the configuration could start nothing; a variant without a model runs what is lost."""
    absent = [name for name, made in fields["models"].items() if made == ABSENT]
    if not absent:
        return None
    return "no_model", f"a model that {config} runs is not there ({absent[0]}): nothing could bring the endpoint back"


def _moment(told: dict[str, Any], key: str = "CreationTime") -> str:
    moment: str = told[key].strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment


def _gone(change: DeleteEndpoint | CreateEndpoint | SetEndpointCount, owner: str) -> dict[str, Any]:
    return {"account": owner, "name": change.endpoint, "status": "gone"}


def endpoint_fields(endpoint: dict[str, Any], tags: dict[str, str], owner: str) -> dict[str, Any]:
    """What must not change."""
    variants = endpoint.get("ProductionVariants") or []
    return {
        "account": owner,
        "name": endpoint["EndpointName"],
        "status": endpoint["EndpointStatus"],
        "config": endpoint["EndpointConfigName"],
        "machines": ", ".join(
            f"{one.get('CurrentInstanceCount', 'unknown')} of variant {one['VariantName']}" for one in variants
        ),
        "created_at": _moment(endpoint),
        "modified_at": _moment(endpoint, "LastModifiedTime"),
        "tags": fingerprints(tags),
    }
