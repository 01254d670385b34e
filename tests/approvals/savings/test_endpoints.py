"""An endpoint is deleted only with its way back in the sealed bytes: its configuration, read before the votes."""

import json
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.changes.reversibility import class_of
from approvals.claim import Refusal, claim
from approvals.inspectors.port import NotSealable, Snapshot
from approvals.sealed import decode
from approvals.states import State
from sandbox.aws.serve import ServedAws
from tests.approvals.savings.estate import ACCOUNT, CHEAP, ENDPOINTS, REGION, approved, clients_of, endpoint, machines


def test_what_only_the_provider_knows_is_read_sealed_and_voted_on(cloud: Any) -> None:
    asked = endpoint()
    row = cloud.pending(change=asked, evidence=CHEAP)
    sealed = decode(row.sealed, row.digest)
    config = f"{asked['endpoint']}-v1"
    assert config in sealed.title
    assert sealed.steps[0].inverse is not None
    assert sealed.steps[0].inverse.parameters["EndpointConfigName"] == config
    assert json.loads(row.change)["config"] == config
    assert asked.get("config") is None


def test_an_endpoint_with_scaling_rules_is_left_alone_since_they_would_be_lost(cloud: Any, aws: ServedAws) -> None:
    change = endpoint()
    clients = clients_of(aws)
    clients(ACCOUNT, REGION, "application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{change['endpoint']}/variant/main",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=1, MaxCapacity=4,
    )  # fmt: skip
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert (seen.code, "would be lost" in seen.reason) == ("scaled", True)


def test_an_endpoint_whose_configuration_is_gone_could_not_be_brought_back(cloud: Any, aws: ServedAws) -> None:
    change = endpoint()
    clients = clients_of(aws)
    clients(ACCOUNT, REGION, "sagemaker").delete_endpoint_config(EndpointConfigName=f"{change['endpoint']}-v1")
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert seen.code == "no_config"


def replace_config(clients: Any, change: dict[str, Any]) -> None:
    """Somebody puts other machines and another model behind the configuration's name; the endpoint runs on."""
    client, config = clients(ACCOUNT, REGION, "sagemaker"), f"{change['endpoint']}-v1"
    variant = {"VariantName": "main", "ModelName": f"{ENDPOINTS[-3]}-v1", "InstanceType": "ml.p3.16xlarge"}
    client.delete_endpoint_config(EndpointConfigName=config)
    client.create_endpoint_config(
        EndpointConfigName=config, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )


def delete_model(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "sagemaker").delete_model(ModelName=f"{change['endpoint']}-v1")


BEHIND = [(replace_config, "config_variants: main"), (delete_model, "models: ")]


@pytest.mark.parametrize(("meddle", "says"), BEHIND, ids=["configuration", "model"])
def test_an_endpoint_whose_way_back_changed_after_the_votes_is_not_deleted(
    cloud: Any, aws: ServedAws, meddle: Any, says: str
) -> None:
    change = endpoint()
    row = approved(cloud, change)
    meddle(clients_of(aws), change)
    before = len(aws.journal.calls())
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert cloud.state(row) == State.STALE
    assert says in str(cloud.row(row.id).reason)
    assert len(aws.journal.calls()) == before


def test_a_way_back_without_a_model_is_none(cloud: Any, aws: ServedAws) -> None:
    change = endpoint()
    clients = clients_of(aws)
    delete_model(clients, change)
    creation = {**change, "kind": "create_endpoint", "config": f"{change['endpoint']}-v1"}
    seen = cloud.inspector.look(parse_change(change))
    assert (seen.code, f"{change['endpoint']}-v1" in seen.reason) == ("no_model", True)
    clients(ACCOUNT, REGION, "sagemaker").delete_endpoint(EndpointName=change["endpoint"])
    assert cloud.inspector.look(parse_change(creation)).code == "no_model"


def test_an_eye_that_makes_another_change_of_it_is_not_believed(cloud: Any) -> None:
    other = parse_change(endpoint(config="x"))

    class Crooked:
        def look(self, change: Any) -> Snapshot:
            return Snapshot({"status": "InService"}, resolved=other)

    cloud.inspector = Crooked()
    row = cloud.sealed(change=endpoint(), evidence=CHEAP)
    assert (cloud.state(row), row.code) == (State.UNSEALABLE, "other_change")


def test_without_its_configuration_a_deletion_counts_as_one_that_cannot_be_undone() -> None:
    assert class_of(parse_change(endpoint("x"))) == "irreversible"
    assert class_of(parse_change(endpoint("x", config="x-v1"))) == "reversible"


def test_an_endpoint_whose_number_scaling_rules_set_is_left_to_them(cloud: Any, aws: ServedAws) -> None:
    change = machines()
    clients_of(aws)(ACCOUNT, REGION, "application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{change['endpoint']}/variant/main",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount", MinCapacity=2, MaxCapacity=6,
    )  # fmt: skip
    seen = cloud.inspector.look(parse_change(change))
    assert (seen.code, "set its number themselves" in seen.reason) == ("scaled", True)


def test_of_an_endpoint_with_several_variants_nobody_knows_which_would_lose_machines(
    cloud: Any, aws: ServedAws
) -> None:
    client, change = clients_of(aws)(ACCOUNT, REGION, "sagemaker"), machines()
    variants = [
        {"VariantName": name, "ModelName": f"{change['endpoint']}-v1", "InstanceType": "ml.p3.16xlarge",
         "InitialInstanceCount": 6, "InitialVariantWeight": 1.0}
        for name in ("main", "next")
    ]  # fmt: skip
    client.create_endpoint_config(EndpointConfigName=f"{change['endpoint']}-two", ProductionVariants=variants)
    client.delete_endpoint(EndpointName=change["endpoint"])
    client.create_endpoint(EndpointName=change["endpoint"], EndpointConfigName=f"{change['endpoint']}-two")
    seen = cloud.inspector.look(parse_change(change))
    assert (seen.code, "2" in seen.reason) == ("several_variants", True)


def test_the_variant_that_no_bill_tells_is_sealed(cloud: Any) -> None:
    row = cloud.sealed(change=machines(), evidence=CHEAP)
    (step,) = decode(row.sealed, row.digest).steps
    assert step.request.parameters["DesiredWeightsAndCapacities"] == [
        {"VariantName": "main", "DesiredInstanceCount": 2}
    ]
    assert step.expect["machines"] == "2 of variant main"
    assert step.inverse is not None
    assert step.inverse.parameters["DesiredWeightsAndCapacities"][0]["DesiredInstanceCount"] == 6
