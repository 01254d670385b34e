"""What the inspectors of savings' changes see: what is sealed, what is refused, and what changed after the votes."""

from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.executors.wire import wired
from approvals.inspectors.port import CannotLook
from approvals.states import State
from sandbox.aws.faults import Fault, FaultMode
from sandbox.aws.serve import ServedAws
from sandbox.aws.throughput import change_throughput
from tests.approvals.looking import refusal_of
from tests.approvals.savings.estate import (
    ACCOUNT,
    ADDRESSES,
    CASE,
    COPIES,
    DESKS,
    DISKS,
    ENDPOINTS,
    GROUPS,
    KEYS,
    LOG_GROUPS,
    MACHINE,
    NAMES,
    NOTEBOOKS,
    REGION,
    SERVING,
    TRAIL,
    UNITS,
    Make,
    access_key,
    address,
    approved,
    clients_of,
    copy,
    disk,
    endpoint,
    group,
    log_group,
    machines,
    notebook,
    schedule,
    tag,
    units,
)

OTHER = "999999999999"


def meddle_with_disk(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "ec2").modify_volume(VolumeId=change["volume_id"], Size=200)


def meddle_with_address(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "ec2").associate_address(InstanceId=MACHINE, AllocationId=change["allocation_id"])


def meddle_with_notebook(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "sagemaker").stop_notebook_instance(NotebookInstanceName=change["notebook"])


def meddle_with_endpoint(clients: Any, change: dict[str, Any]) -> None:
    """Somebody puts another configuration under the same name."""
    client, name = clients(ACCOUNT, REGION, "sagemaker"), change["endpoint"]
    variant = {"VariantName": "main", "ModelName": f"{name}-v1", "InstanceType": "ml.g4dn.xlarge"}
    client.create_endpoint_config(
        EndpointConfigName=f"{name}-v2", ProductionVariants=[{**variant, "InitialInstanceCount": 2}]
    )
    client.delete_endpoint(EndpointName=name)
    client.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-v2")


def meddle_with_log_group(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "logs").put_retention_policy(logGroupName=change["log_group"], retentionInDays=3653)


def meddle_with_key(clients: Any, change: dict[str, Any]) -> None:
    clients(ACCOUNT, REGION, "iam").tag_user(UserName=change["user"], Tags=[{"Key": "note", "Value": "ask Ann"}])


def meddle_with_group(clients: Any, change: dict[str, Any]) -> None:
    """Somebody raises it for a rush to come."""
    client = clients(ACCOUNT, REGION, "autoscaling")
    client.update_auto_scaling_group(AutoScalingGroupName=change["group"], MinSize=10)


def meddle_with_units(clients: Any, change: dict[str, Any]) -> None:
    """Somebody binds it to a term: from then on nothing is saved by deleting it, if AWS did so at all."""
    term = {"commitmentDuration": "SixMonths", "commitmentExpirationTime": "2099-01-01T00:00:00Z"}
    change_throughput(change["throughput"], lastModifiedTime="2026-11-02T08:00:00Z", **term)


def meddle_with_schedule(clients: Any, change: dict[str, Any]) -> None:
    """Somebody makes a schedule of that name, for another hour."""
    (step,) = parse_change(change | {"hour": 18}).steps()
    clients(ACCOUNT, REGION, "scheduler").create_schedule(**wired(step.request))


def meddle_with_machines(clients: Any, change: dict[str, Any]) -> None:
    """Somebody takes one away."""
    clients(ACCOUNT, REGION, "sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=change["endpoint"],
        DesiredWeightsAndCapacities=[{"VariantName": "main", "DesiredInstanceCount": 5}],
    )


def meddle_with_tag(clients: Any, change: dict[str, Any]) -> None:
    """Somebody tags it otherwise, in other letters."""
    tags = [{"Key": "Use-Case", "Value": "claims"}]
    clients(ACCOUNT, REGION, "ec2").create_tags(Resources=[change["resource_id"]], Tags=tags)


def meddle_with_copy(clients: Any, change: dict[str, Any]) -> None:
    """Somebody lets another account read it."""
    clients(ACCOUNT, REGION, "ec2").modify_snapshot_attribute(
        SnapshotId=change["snapshot_id"], Attribute="createVolumePermission", OperationType="add", UserIds=[OTHER]
    )


DRIFT = [
    (disk, meddle_with_disk, "size_gib: 100, now 200"),
    (address, meddle_with_address, "state: unattached, now attached"),
    (notebook, meddle_with_notebook, "status: InService, now Stopped"),
    (endpoint, meddle_with_endpoint, "-v1, now "),
    (machines, meddle_with_machines, "machines: 6 of variant main, now 5 of variant main"),
    (log_group, meddle_with_log_group, "retention_days: never, now 3653"),
    (schedule, meddle_with_schedule, "schedule: none, now another one"),
    (units, meddle_with_units, "commitment: none, now SixMonths"),
    (group, meddle_with_group, "min: 8, now 10"),
    (access_key, meddle_with_key, "tags: note"),
    (tag, meddle_with_tag, "tag: none, now another"),
    (copy, meddle_with_copy, "shared_with: [], now ['999999999999']"),
]


@pytest.mark.parametrize(("make", "meddle", "says"), DRIFT, ids=NAMES)
def test_what_changed_after_the_votes_is_not_carried_out(
    cloud: Any, aws: ServedAws, make: Make, meddle: Any, says: str
) -> None:
    change = make()
    row = approved(cloud, change)
    meddle(clients_of(aws), change)
    before = len(aws.journal.calls())
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Refusal)
    assert cloud.state(row) == State.STALE
    assert says in str(cloud.row(row.id).reason)
    assert len(aws.journal.calls()) == before


LOOKS: list[tuple[str, dict[str, Any], str | None]] = [
    ("a gp2 disk", disk(DISKS[-3]), None),
    ("a disk of a stack: its template decides", disk(DISKS[-1]), "managed"),
    ("a disk that is gp3 already", disk(DISKS[-2]), "wrong_type"),
    ("a disk of another size than the bill shows", disk(DISKS[-3], size_gib=200), "wrong_size_gib"),
    ("a disk that is not there", disk("vol-0ccccccccccccccc1"), "not_found"),
    ("a disk of another account", disk(DISKS[-3], account="999999999999"), "other_account"),
    ("an unattached address", address(ADDRESSES[-3]), None),
    ("an attached address", address(ADDRESSES[-1]), "attached"),
    ("a cluster's address", address(ADDRESSES[-2]), "managed"),
    ("an address that is not there", address("eipalloc-0cccccccccccccc1"), "not_found"),
    ("an address of another account", address(ADDRESSES[-3], account="999999999999"), "other_account"),
    ("a notebook", notebook(NOTEBOOKS[-2]), None),
    ("a stopped notebook", notebook(NOTEBOOKS[-1]), "wrong_state"),
    ("a stopped notebook that is to start", notebook(NOTEBOOKS[-1], kind="start_notebook"), None),
    ("a notebook that is not there", notebook("none"), "not_found"),
    ("a notebook of another account", notebook(NOTEBOOKS[-2], account="999999999999"), "other_account"),
    ("an endpoint", endpoint(ENDPOINTS[-3]), None),
    ("an endpoint that runs what it should", endpoint(ENDPOINTS[-3], config=f"{ENDPOINTS[-3]}-v1"), None),
    ("an endpoint that runs something else", endpoint(ENDPOINTS[-3], config="other"), "wrong_config"),
    ("an endpoint of a stack", endpoint(ENDPOINTS[-1]), "managed"),
    ("an endpoint that stands by for another", endpoint(ENDPOINTS[-2]), "standby"),
    ("an endpoint that is not there", endpoint("none"), "not_found"),
    ("an endpoint to have fewer machines", machines(SERVING[-3]), None),
    ("an endpoint of a stack, to have fewer", machines(SERVING[-1]), "managed"),
    ("an endpoint that has another number", machines(SERVING[-3], before=9), "wrong_machines"),
    ("a variant that it does not have", machines(SERVING[-3], variant="other"), "wrong_variant"),
    ("no such endpoint to have fewer", machines("none"), "not_found"),
    ("one to have fewer that stands by for another", machines(ENDPOINTS[-2], before=1, after=3), "standby"),
    ("an endpoint of another account", endpoint(ENDPOINTS[-3], account="999999999999"), "other_account"),
    ("one to create whose name is taken", endpoint(ENDPOINTS[-3], kind="create_endpoint", config="x"), "taken"),
    ("a log group that keeps everything", log_group(LOG_GROUPS[-5]), None),
    ("a log group that keeps five years", log_group(LOG_GROUPS[-4]), None),
    ("a log group that keeps less already", log_group(LOG_GROUPS[-3]), "shorter_already"),
    ("a log group that somebody must keep", log_group(LOG_GROUPS[-2]), "held"),
    ("a log group whose lines an auditor asks for, by its name", log_group(TRAIL), "kept"),
    ("a log group that is kept for ten years, by a tag in other words", log_group(CASE), "held"),
    ("a log group of a stack", log_group(LOG_GROUPS[-1]), "managed"),
    ("a log group that is not there, though others begin so", log_group("/bank/service-0"), "not_found"),
    ("a log group of another account", log_group(LOG_GROUPS[-5], account="999999999999"), "other_account"),
    ("a machine without a schedule", schedule(DESKS[-4]), None),
    ("a machine that is stopped just now", schedule(DESKS[-3]), None),
    ("a schedule for a machine of a scaling group", schedule(DESKS[-2]), "in_scaling_group"),
    ("a schedule for production", schedule(DESKS[-1]), "not_development"),
    ("a schedule for a machine that stands by", schedule(DESKS[-5], opt_out_tags=["standby"]), "opted_out"),
    ("a machine whose tag nobody named", schedule(DESKS[-5], opt_out_tags=["always-on"]), None),
    ("a schedule that is not there, to be ended", schedule(DESKS[-4], kind="unschedule_stop"), "wrong_schedule"),
    ("a schedule for a machine that is not there", schedule("i-0cccccccccccccc01"), "not_found"),
    ("a schedule for a machine of another account", schedule(DESKS[-4], account="999999999999"), "other_account"),
    ("a throughput", units(UNITS[-4]), None),
    ("a throughput whose term is over", units(UNITS[-3]), None),
    ("a throughput that is bound to a term", units(UNITS[-2]), "committed"),
    ("a throughput of a stack", units(UNITS[-1]), "managed"),
    ("a throughput that is not there", units("zzzzzzzzzzzz"), "not_found"),
    ("a throughput of another account", units(UNITS[-4], account="999999999999"), "other_account"),
    ("a scaling group", group(GROUPS[-5]), None),
    ("a scaling group whose minimum is to rise", group(GROUPS[-3], before=8, after=9), None),
    ("a scaling group that follows no load", group(GROUPS[-3]), "no_policy"),
    ("a scaling group of another minimum than was measured", group(GROUPS[-4]), "wrong_min"),
    ("a minimum above the most that it may have", group(GROUPS[-5], after=13), "above_max"),
    ("a scaling group whose size a cluster sets", group(GROUPS[-2]), "managed"),
    ("a scaling group of a stack", group(GROUPS[-1]), "managed"),
    ("a scaling group that is not there", group("none"), "not_found"),
    ("a scaling group of another account", group(GROUPS[-5], account="999999999999"), "other_account"),
    ("an access key that is in use by nobody", access_key(KEYS[-3]), None),
    ("one that was used", access_key(KEYS[-2]), None),
    ("one that is disabled already", access_key(KEYS[-1]), "wrong_state"),
    ("a disabled one that is to be enabled", access_key(KEYS[-1], kind="enable_access_key"), None),
    ("another user's key", access_key(KEYS[-3], user="job-000"), "not_found"),
    ("a key of a user that is not there", access_key(KEYS[-3], user="nobody"), "not_found"),
    ("a key of another account", access_key(KEYS[-3], account="999999999999"), "other_account"),
    ("a disk without the tag", tag(DISKS[-3]), None),
    ("a machine without the tag", tag(MACHINE, resource_type="instance"), None),
    ("a disk that bears the key, with another value", tag(DISKS[-3], key="team"), "wrong_tag"),
    ("a disk that bears the key in another case", tag(DISKS[-3], key="Team", value="Risk Models"), "wrong_tag"),
    ("a disk of a stack, to be tagged", tag(DISKS[-1]), "managed"),
    ("a tag that is to go and is not there", tag(DISKS[-3], kind="remove_tag"), "wrong_tag"),
    ("a tag that is to go and has another value", tag(DISKS[-3], kind="remove_tag", key="team"), "wrong_tag"),
    ("a tag for a disk that is not there", tag("vol-0ccccccccccccccc1"), "not_found"),
    ("a tag for a machine that is not there", tag("i-0cccccccccccccc01", resource_type="instance"), "not_found"),
    ("a tag for a disk of another account", tag(DISKS[-3], account=OTHER), "other_account"),
    ("a snapshot", copy(COPIES[-9]), None),
    ("a snapshot whose lock is over", copy(COPIES[-8]), None),
    ("a snapshot that an image is made of", copy(COPIES[-7]), "in_use"),
    ("a snapshot that is not complete", copy(COPIES[-6]), "wrong_state"),
    ("a snapshot that another account may read", copy(COPIES[-5]), "shared"),
    ("a snapshot that is locked", copy(COPIES[-4]), "locked"),
    ("a snapshot that somebody must keep", copy(COPIES[-3]), "held"),
    ("a snapshot of a lifecycle plan", copy(COPIES[-2]), "managed"),
    ("a snapshot of a backup plan", copy(COPIES[-1]), "managed"),
    ("a snapshot that is not there", copy("snap-0cccccccccccc0001"), "not_found"),
    ("a snapshot of another account", copy(COPIES[-9], account=OTHER), "other_account"),
    ("one to create from nothing", endpoint("new", kind="create_endpoint", config="x"), "no_config"),
]


@pytest.mark.parametrize(("what", "change", "code"), LOOKS, ids=[row[0] for row in LOOKS])
def test_a_look_at(cloud: Any, aws: ServedAws, what: str, change: dict[str, Any], code: str | None) -> None:
    assert refusal_of(cloud.inspector, aws, change) == code


SILENT = [
    ("DescribeVolumes", disk(DISKS[-3])),
    ("DescribeVolumesModifications", disk(DISKS[-3])),
    ("DescribeAddresses", address(ADDRESSES[-3])),
    ("DescribeNotebookInstance", notebook(NOTEBOOKS[-2])),
    ("ListTags", notebook(NOTEBOOKS[-2])),
    ("DescribeEndpoint", endpoint(ENDPOINTS[-3])),
    ("DescribeEndpointConfig", endpoint(ENDPOINTS[-3])),
    ("DescribeModel", endpoint(ENDPOINTS[-3])),
    ("DescribeLogGroups", log_group(LOG_GROUPS[-5])),
    ("ListTagsForResource", log_group(LOG_GROUPS[-5])),
    ("GetSchedule", schedule(DESKS[-4])),
    ("GetProvisionedModelThroughput", units(UNITS[-4])),
    ("DescribeAutoScalingGroups", group(GROUPS[-5])),
    ("DescribePolicies", group(GROUPS[-5])),
    ("DescribeScheduledActions", group(GROUPS[-5])),
    ("ListAccessKeys", access_key(KEYS[-3])),
    ("GetAccessKeyLastUsed", access_key(KEYS[-3])),
    ("ListUserTags", access_key(KEYS[-3])),
    ("DescribeSnapshots", copy(COPIES[-9])),
    ("DescribeImages", copy(COPIES[-9])),
    ("DescribeSnapshotAttribute", copy(COPIES[-9])),
    ("DescribeLockedSnapshots", copy(COPIES[-9])),
    ("DescribeScalableTargets", endpoint(ENDPOINTS[-3])),
]


@pytest.mark.slow
@pytest.mark.parametrize("mode", [FaultMode.NONSENSE, FaultMode.ERROR, FaultMode.THROTTLE, FaultMode.DROP_RESPONSE])
@pytest.mark.parametrize(("action", "change"), SILENT, ids=[row[0] for row in SILENT])
def test_a_look_without_an_answer_decides_nothing(
    cloud: Any, aws: ServedAws, action: str, change: dict[str, Any], mode: FaultMode
) -> None:
    aws.faults.add(Fault(action=action, mode=mode))
    with pytest.raises(CannotLook):
        cloud.inspector.look(parse_change(change))
