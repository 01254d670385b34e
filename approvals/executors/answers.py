"""Whether an answer answers the request that was sent. One that does not is no answer: only a read-back can tell then.

A proxy's page, half an answer, an answer about another resource or about a change that others had already made all
arrive with status 200.
"""

from collections.abc import Callable
from typing import Any

from approvals.changes.step import Request

CALLS = {
    "ec2:StopInstances": "stop_instances",
    "ec2:StartInstances": "start_instances",
    "ec2:ModifyInstanceAttribute": "modify_instance_attribute",
    "ec2:CreateImage": "create_image",
    "ec2:TerminateInstances": "terminate_instances",
    "ec2:DeleteVolume": "delete_volume",
    "ec2:CreateSnapshot": "create_snapshot",
    "ec2:DeleteSnapshot": "delete_snapshot",
    "ec2:ModifyVolume": "modify_volume",
    "ec2:CreateTags": "create_tags",
    "ec2:DeleteTags": "delete_tags",
    "ec2:ReleaseAddress": "release_address",
    "sagemaker:StopNotebookInstance": "stop_notebook_instance",
    "sagemaker:StartNotebookInstance": "start_notebook_instance",
    "sagemaker:DeleteEndpoint": "delete_endpoint",
    "sagemaker:CreateEndpoint": "create_endpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities": "update_endpoint_weights_and_capacities",
    "sagemaker:CreateEndpointConfig": "create_endpoint_config",
    "sagemaker:DeleteEndpointConfig": "delete_endpoint_config",
    "sagemaker:UpdateEndpoint": "update_endpoint",
    "application-autoscaling:RegisterScalableTarget": "register_scalable_target",
    "application-autoscaling:PutScalingPolicy": "put_scaling_policy",
    "application-autoscaling:DeregisterScalableTarget": "deregister_scalable_target",
    "logs:PutRetentionPolicy": "put_retention_policy",
    "autoscaling:UpdateAutoScalingGroup": "update_auto_scaling_group",
    "bedrock:DeleteProvisionedModelThroughput": "delete_provisioned_model_throughput",
    "scheduler:CreateSchedule": "create_schedule",
    "scheduler:DeleteSchedule": "delete_schedule",
    "eks:UpdateNodegroupConfig": "update_nodegroup_config",
    "iam:UpdateAccessKey": "update_access_key",
}
"""The boto3 method of each operation that AWS is sent."""


def fault_of(request: Request, answer: dict[str, Any], request_id: str | None) -> str | None:
    """What is wrong with the answer, in words; None if it says that this very request was taken."""
    if not request_id:
        return "it bears no request id, so AWS did not write it"
    judge = _JUDGES.get(request.operation)
    return judge(request, answer) if judge is not None else None


def _states(key: str, before: str, after: frozenset[str]) -> Callable[[Request, dict[str, Any]], str | None]:
    def judge(request: Request, answer: dict[str, Any]) -> str | None:
        wanted, told = request.parameters["InstanceIds"], answer.get(key) or []
        named = [str(one.get("InstanceId")) for one in told]
        if named != wanted:
            return f"it names {', '.join(named) or 'no instance'}, not {', '.join(wanted)}"
        was = str(told[0].get("PreviousState", {}).get("Name"))
        now = str(told[0].get("CurrentState", {}).get("Name"))
        if now not in after:
            return f"it says that {named[0]} is {now}"
        return None if was == before else f"it says that {named[0]} was {was} before, not {before}"

    return judge


def _scaled(request: Request, answer: dict[str, Any]) -> str | None:
    update = answer.get("update")
    if not isinstance(update, dict) or not update.get("id"):
        return "it names no update"
    if update.get("status") not in ("InProgress", "Successful"):
        return f"the update is {update.get('status')}"
    return f"the update has errors ({len(update['errors'])})" if update.get("errors") else None


def _modified(request: Request, answer: dict[str, Any]) -> str | None:
    told = answer.get("VolumeModification")
    if not isinstance(told, dict):
        return "it names no change of a volume"
    wanted = (request.parameters["VolumeId"], request.parameters["VolumeType"])
    named = (told.get("VolumeId"), told.get("TargetVolumeType"))
    if named != wanted:
        return f"it is about {named[0]} of type {named[1]}, not {wanted[0]} of type {wanted[1]}"
    return "it says that the change failed" if told.get("ModificationState") == "failed" else None


def _imaged(_request: Request, answer: dict[str, Any]) -> str | None:
    return None if str(answer.get("ImageId", "")).startswith("ami-") else "it names no image"


def _copied(request: Request, answer: dict[str, Any]) -> str | None:
    named, wanted = answer.get("VolumeId"), request.parameters["VolumeId"]
    if named != wanted or not str(answer.get("SnapshotId", "")).startswith("snap-"):
        return f"it is about a snapshot of {named}, not of {wanted}"
    return "it says that the snapshot failed" if answer.get("State") == "error" else None


def _of_endpoint(request: Request, answer: dict[str, Any]) -> str | None:
    made = str(answer.get("EndpointArn", ""))
    wanted = f":{request.region}:{request.account}:endpoint/{request.parameters['EndpointName']}"
    # SageMaker writes the names in its ARNs in small letters.
    return None if made.lower().endswith(wanted.lower()) else f"it names {made or 'no endpoint'}"


def _configured(request: Request, answer: dict[str, Any]) -> str | None:
    made = str(answer.get("EndpointConfigArn", ""))
    wanted = f":{request.region}:{request.account}:endpoint-config/{request.parameters['EndpointConfigName']}"
    return None if made.lower().endswith(wanted.lower()) else f"it names {made or 'no configuration'}"


def _registered(request: Request, answer: dict[str, Any]) -> str | None:
    made = str(answer.get("ScalableTargetARN", ""))
    wanted = f":{request.region}:{request.account}:scalable-target/"
    return None if wanted in made else f"it names {made or 'no scalable target'}"


def _policed(request: Request, answer: dict[str, Any]) -> str | None:
    made = str(answer.get("PolicyARN", ""))
    place, told = f":{request.region}:{request.account}:scalingPolicy:", request.parameters
    wanted = f":resource/sagemaker/{told['ResourceId']}:policyName/{told['PolicyName']}"
    return None if place in made and made.endswith(wanted) else f"it names {made or 'no policy'}"


def _scheduled(request: Request, answer: dict[str, Any]) -> str | None:
    made, place = str(answer.get("ScheduleArn", "")), f":{request.region}:{request.account}:schedule/"
    wanted = place in made and made.endswith(f"/{request.parameters['Name']}")
    return None if wanted else f"it names {made or 'no schedule'}"


_JUDGES: dict[str, Callable[[Request, dict[str, Any]], str | None]] = {
    "ec2:StopInstances": _states("StoppingInstances", "running", frozenset({"stopping", "stopped"})),
    "ec2:StartInstances": _states("StartingInstances", "stopped", frozenset({"pending", "running"})),
    "ec2:TerminateInstances": _states("TerminatingInstances", "stopped", frozenset({"shutting-down", "terminated"})),
    "ec2:CreateImage": _imaged,
    "ec2:CreateSnapshot": _copied,
    "ec2:ModifyVolume": _modified,
    "sagemaker:CreateEndpoint": _of_endpoint,
    "sagemaker:UpdateEndpointWeightsAndCapacities": _of_endpoint,
    "sagemaker:UpdateEndpoint": _of_endpoint,
    "sagemaker:CreateEndpointConfig": _configured,
    "application-autoscaling:RegisterScalableTarget": _registered,
    "application-autoscaling:PutScalingPolicy": _policed,
    "scheduler:CreateSchedule": _scheduled,
    "eks:UpdateNodegroupConfig": _scaled,
}
