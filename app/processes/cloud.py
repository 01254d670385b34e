"""The worker's eyes and hands, made from its own settings and nothing else.

Credentials come from the worker's variables or its named profile; the machine's ordinary AWS variables are not asked,
so that a shell prepared for something else does not lend the worker an account.
"""

import logging

import boto3

from app.errors import Exit, Problem
from app.processes.gateways import gateway_eyes, gateway_hands
from app.worker_settings import REHEARSAL, WorkerSettings
from approvals.executors.aws import AwsExecutor, Clients, aws_clients
from approvals.executors.hand_over import HandOver
from approvals.executors.local import LocalExecutor
from approvals.executors.port import Executor
from approvals.executors.rehearsal import Rehearsal
from approvals.executors.router import Router as Hands
from approvals.governance import GOVERNANCE
from approvals.inspectors.access_key import AccessKeyInspector
from approvals.inspectors.address import AddressInspector
from approvals.inspectors.endpoint import EndpointInspector
from approvals.inspectors.endpoint_scaling import EndpointScalingInspector
from approvals.inspectors.endpoint_type import EndpointTypeInspector
from approvals.inspectors.instance import InstanceInspector
from approvals.inspectors.local import LocalInspector
from approvals.inspectors.log_group import LogGroupInspector
from approvals.inspectors.nodegroup import NodeGroupInspector
from approvals.inspectors.notebook import NotebookInspector
from approvals.inspectors.port import Inspector
from approvals.inspectors.router import Router as Eyes
from approvals.inspectors.scaling_group import ScalingGroupInspector
from approvals.inspectors.snapshot import SnapshotInspector
from approvals.inspectors.stop_schedule import StopScheduleInspector
from approvals.inspectors.tag import TagInspector
from approvals.inspectors.terminate import TerminateInspector
from approvals.inspectors.terraform import TerraformEyes
from approvals.inspectors.throughput import ThroughputInspector
from approvals.inspectors.volume import VolumeInspector
from approvals.inspectors.volume_type import VolumeTypeInspector
from audit.transaction import Begin

logger = logging.getLogger(__name__)
SERVICES = (
    "ec2:", "eks:", "sagemaker:", "logs:", "autoscaling:", "bedrock:", "scheduler:", "iam:", "application-autoscaling:",
)  # fmt: skip


def cloud(settings: WorkerSettings, begin: Begin, worker: str) -> tuple[Inspector, Hands]:
    """An inspector for each kind of change, and for each provider the executor that the settings name; what Terraform
    owns becomes a patch.

    The gate's own changes are never rehearsed: they touch no cloud, and a rehearsing gate must be governable too.
    """
    own = LocalInspector(begin)
    patches: Executor = HandOver() if "aws" in settings.executors else Rehearsal()
    owned, clients = settings.terraform, _clients(settings)
    looks = eyes(clients) if clients else Eyes({})
    looks = looks.also(dict.fromkeys(GOVERNANCE, own)).also(gateway_eyes(settings))
    hands = Hands(
        {"terraform:": patches, "spendgate:": LocalExecutor(begin, worker=worker)},
        name=", ".join(sorted(settings.executors)) or REHEARSAL,
    )
    if clients:
        executor: Executor = AwsExecutor(clients) if "aws" in settings.executors else Rehearsal()
        hands = hands.also(dict.fromkeys(SERVICES, executor))
    owners = TerraformEyes(looks, states=owned.states, sources=owned.sources, tags=owned.tags)
    for why in owners.unreadable():
        logger.warning("%s; until it can, nothing that Terraform might own is sealed", why)
    return owners, hands.also(gateway_hands(settings))


def eyes(clients: Clients) -> Eyes:
    """An inspector for each kind of change of the cloud."""
    instance, notebook, endpoint = InstanceInspector(clients), NotebookInspector(clients), EndpointInspector(clients)
    schedule, key, tag = StopScheduleInspector(clients), AccessKeyInspector(clients), TagInspector(clients)
    scaling, machine_type = EndpointScalingInspector(clients), EndpointTypeInspector(clients)
    return Eyes(
        {
            "stop_instance": instance,
            "start_instance": instance,
            "resize_instance": instance,
            "undo_instance": instance,
            "delete_snapshot": SnapshotInspector(clients),
            "terminate_instance": TerminateInspector(clients),
            "delete_volume": VolumeInspector(clients),
            "scale_node_group": NodeGroupInspector(clients),
            "change_volume_type": VolumeTypeInspector(clients),
            "release_address": AddressInspector(clients),
            "stop_notebook": notebook,
            "start_notebook": notebook,
            "delete_endpoint": endpoint,
            "create_endpoint": endpoint,
            "set_endpoint_count": endpoint,
            "set_endpoint_scaling": scaling,
            "end_endpoint_scaling": scaling,
            "set_endpoint_type": machine_type,
            "restore_endpoint_type": machine_type,
            "set_log_retention": LogGroupInspector(clients),
            "set_group_minimum": ScalingGroupInspector(clients),
            "delete_throughput": ThroughputInspector(clients),
            "schedule_stop": schedule,
            "unschedule_stop": schedule,
            "disable_access_key": key,
            "enable_access_key": key,
            "add_tag": tag,
            "remove_tag": tag,
        }
    )


def _clients(settings: WorkerSettings) -> Clients | None:
    """AWS's clients; None for a worker that was given a gateway to look after and no cloud."""
    credentials = _credentials(settings)
    if credentials is None:
        return None
    access, secret, token = credentials
    return aws_clients(endpoint_url=settings.endpoint_url, access_key=access, secret_key=secret, session_token=token)


def _credentials(settings: WorkerSettings) -> tuple[str, str, str | None] | None:
    if settings.access_key and settings.secret_key:
        return settings.access_key, settings.secret_key, settings.session_token
    if settings.profile:
        found = boto3.session.Session(profile_name=settings.profile).get_credentials()
        if found is not None:
            frozen = found.get_frozen_credentials()
            return str(frozen.access_key), str(frozen.secret_key), frozen.token
    elif not (settings.access_key or settings.secret_key or "aws" in settings.executors) and (
        settings.litellm or settings.openai
    ):
        return None
    raise Problem(
        "The worker has no cloud credentials.",
        why="It reads resources before sealing, also when the executor is the rehearsal.",
        do="Set SPENDGATE_WORKER_AWS_ACCESS_KEY_ID and SPENDGATE_WORKER_AWS_SECRET_ACCESS_KEY, "
        "or SPENDGATE_WORKER_AWS_PROFILE; or a key of LiteLLM's or OpenAI's alone.",
        exit_code=Exit.USAGE,
    )
