"""The sandbox's own Bedrock: its answers hold what botocore's model of the service names, and nothing else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from sandbox.aws.serve import ServedAws, serve_aws
from tests.approvals.savings.estate import clients_of

ACCOUNT, REGION = "111122223333", "eu-central-1"
PLACE = {"account": ACCOUNT, "region": REGION}
FREE, BOUND = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
MODEL = botocore.session.get_session().get_service_model("bedrock")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedAws]:
    path = tmp_path_factory.mktemp("aws") / "machines.json"
    machine = {**PLACE, "instance_id": "i-0aaaaaaaaaaaaaaa1", "instance_type": "m5.large", "zone": f"{REGION}a",
               "state": "running", "launch_time": "2026-08-01T06:00:00Z", "tags": {}}  # fmt: skip
    units: dict[str, Any] = {**PLACE, "name": "summaries", "model": "anthropic.claude-v2", "units": 2}
    term = {"commitment": "SixMonths", "until": "2099-06-30T00:00:00Z"}
    throughputs = [{**units, "throughput": FREE, "tags": {"team": "risk"}}, {**units, "throughput": BOUND, **term}]
    path.write_text(json.dumps({"machines": [machine], "throughputs": throughputs}))
    with serve_aws(path) as served:
        yield served


def bedrock(aws: ServedAws) -> Any:
    return clients_of(aws)(ACCOUNT, REGION, "bedrock")


def arn(name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:bedrock:{REGION}:{account}:provisioned-model/{name}"


@pytest.mark.parametrize("name", [FREE, BOUND])
def test_it_answers_in_the_shape_of_the_service(aws: ServedAws, name: str) -> None:
    told = bedrock(aws).get_provisioned_model_throughput(provisionedModelId=arn(name))
    told.pop("ResponseMetadata")
    shape = MODEL.operation_model("GetProvisionedModelThroughput").output_shape
    assert set(told) <= set(shape.members)
    assert set(shape.required_members) <= set(told)
    assert told["status"] in shape.members["status"].enum
    assert all(isinstance(told[key], datetime) for key in told if key.endswith("Time"))
    assert ("commitmentExpirationTime" in told) == (name == BOUND)


def test_its_tags_are_told_apart(aws: ServedAws) -> None:
    told = bedrock(aws).list_tags_for_resource(resourceARN=arn(FREE))
    assert told["tags"] == [{"key": "team", "value": "risk"}]


NO = [
    ("bound to a term", arn(BOUND), "ValidationException"),
    ("not there", arn("cccccccccccc"), "ResourceNotFoundException"),
    ("another account's", arn(FREE, "999999999999"), "ResourceNotFoundException"),
]


@pytest.mark.parametrize(("what", "which", "code"), NO, ids=[row[0] for row in NO])
def test_it_refuses_to_delete_what_is(aws: ServedAws, what: str, which: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        bedrock(aws).delete_provisioned_model_throughput(provisionedModelId=which)
    assert refused.value.response["Error"]["Code"] == code
    assert code in [one.name for one in MODEL.operation_model("DeleteProvisionedModelThroughput").error_shapes]


def test_a_deletion_is_one_change_and_is_told_by_the_trail(aws: ServedAws) -> None:
    before = datetime.now(UTC)
    bedrock(aws).delete_provisioned_model_throughput(provisionedModelId=arn(FREE))
    assert aws.journal.changes()[-1] == (FREE, "InService", "absent")
    trail = clients_of(aws)(ACCOUNT, REGION, "cloudtrail")
    asked = [{"AttributeKey": "EventName", "AttributeValue": "DeleteProvisionedModelThroughput"}]
    event = trail.lookup_events(LookupAttributes=asked, StartTime=before)["Events"][0]
    assert event["EventSource"] == "bedrock.amazonaws.com"
    with pytest.raises(ClientError):
        bedrock(aws).get_provisioned_model_throughput(provisionedModelId=arn(FREE))
