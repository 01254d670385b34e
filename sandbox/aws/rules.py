"""What AWS refuses or promises and moto does not: checked before moto sees a request."""

import json
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sandbox.aws.endpoints import config_fault, endpoint_fault
from sandbox.aws.images import name_taken
from sandbox.aws.requests import AwsRequest
from sandbox.aws.scaling import scaling_fault
from sandbox.aws.world import instance_states, modifying, notebook_status


@dataclass(frozen=True)
class Refusal:
    """An answer in AWS's words."""

    status: int
    code: str
    message: str


def refusal(request: AwsRequest) -> Refusal | None:
    """AWS's own no: a type changes only while its instance is stopped, and nothing starts while stopping.

    A volume changes once at a time, a notebook stops only in service and starts only when stopped.
    """
    states = instance_states()
    changes_type = request.action == "ModifyInstanceAttribute" and "InstanceType.Value" in request.parameters
    for name in request.instance_ids:
        state = states.get(name)
        if changes_type and not request.dry_run and state is not None and state != "stopped":
            return Refusal(400, "IncorrectInstanceState", f"The instance '{name}' is not in the 'stopped' state.")
        if request.action == "StartInstances" and not request.dry_run and state == "stopping":
            told = f"The instance '{name}' is not in a state from which it can be started."
            return Refusal(400, "IncorrectInstanceState", told)
    if request.action == "CreateImage" and not request.dry_run and name_taken(request):
        told = f"AMI name {request.parameters.get('Name')} is already in use by another AMI."
        return Refusal(400, "InvalidAMIName.Duplicate", told)
    if request.action == "ReleaseAddress" and request.dry_run:
        # moto would release it.
        return Refusal(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    if request.action == "ModifyVolume" and not request.dry_run:
        name = request.parameters.get("VolumeId", "")
        if modifying(name):
            return Refusal(400, "IncorrectModificationState", f"The volume '{name}' is being modified.")
    wanted = NOTEBOOK_FROM.get(request.action)
    if wanted is not None:
        name = "".join(request.resources)
        status = notebook_status(name)
        if status and status != wanted:
            told = f"Status ({status}) not in ([{wanted}]). Unable to transition Notebook Instance ({name})"
            return Refusal(400, "ValidationException", told)
    unscalable = scaling_fault(request.action, request.body)
    if unscalable:
        return Refusal(400, *unscalable)
    no = config_fault(request.action, request.body) or endpoint_fault(request.action, "".join(request.resources))
    return Refusal(400, "ValidationException", no) if no else None


NOTEBOOK_FROM = {"StopNotebookInstance": "InService", "StartNotebookInstance": "Stopped"}


class Tokens:
    """EKS's clientRequestToken: the same request under a known token is answered as before and has no second effect."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[Any, Any]] = {}
        self._lock = Lock()

    def known(self, request: AwsRequest) -> Any:
        """The first answer under this token; a Refusal if that was for another request; None if it is new."""
        key = self._key(request)
        if key is None:
            return None
        with self._lock:
            asked, answer = self._known.get(key, (None, None))
        if answer is None:
            return None
        if asked != self._asked(request):
            told = "The client request token was used with other parameters."
            return Refusal(400, "InvalidParameterException", told)
        return answer

    def remember(self, request: AwsRequest, answer: Any) -> None:
        """Keeps the answer of a request that took effect."""
        key = self._key(request)
        if key is not None:
            with self._lock:
                self._known[key] = (self._asked(request), answer)

    @staticmethod
    def _key(request: AwsRequest) -> tuple[str, str, str] | None:
        if request.service != "eks" or not request.mutating:
            return None
        try:
            token = json.loads(request.body or b"{}").get("clientRequestToken")
        except (ValueError, AttributeError):
            return None
        return (request.access_key, request.region, str(token)) if token else None

    @staticmethod
    def _asked(request: AwsRequest) -> Any:
        return (request.resources, json.loads(request.body))
