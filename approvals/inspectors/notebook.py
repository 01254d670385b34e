"""Looks at one SageMaker notebook before it is stopped or started. SageMaker has no dry run."""

from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.notebook import StartNotebook, StopNotebook
from approvals.inspectors.aws import ask, code_of, environment_of, fingerprints, listed, tags_of, team_of
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

GONE = ("RecordNotFound", "not found", "does not exist", "Could not find")
"""SageMaker answers ValidationException for a name that it does not know; only its sentence tells that from others."""


class NotebookInspector(Trail):
    """`clients` gives a SageMaker client; its credential should be able to describe, list tags and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition: it is there, in this account, and in the state from which the change leads."""
        client = self._clients(change.account, change.region, "sagemaker")
        notebook = _describe(client, change)
        if notebook is None:
            return NotSealable(f"there is no notebook {change.notebook} in {change.region}", "not_found")
        tags = _tags(client, notebook)
        fields = _fields(notebook, tags)
        if fields["account"] != change.account:
            why = f"{change.notebook} belongs to account {fields['account']}, not {change.account}"
            return NotSealable(why, "other_account", fields)
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"{change.notebook} is {fields[name]}, and only one that is {wanted} can be changed so"
                return NotSealable(told, "wrong_state", fields)
        radius = (f"{change.resource} ({fields['instance_type']}): what runs in it now",)
        return Snapshot(
            fields, name=change.notebook, environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"status": "gone"}` for a notebook that is no longer there."""
        client = self._clients(change.account, change.region, "sagemaker")
        notebook = _describe(client, change)
        if notebook is None:
            return {"status": "gone"}
        fields = _fields(notebook, _tags(client, notebook))
        if fields["account"] != change.account:
            raise CannotLook(f"the worker sees account {fields['account']}, not {change.account}")
        return fields


def _describe(client: Any, change: StopNotebook | StartNotebook) -> dict[str, Any] | None:
    try:
        answer = ask(client.describe_notebook_instance, NotebookInstanceName=change.notebook)
    except ClientError as error:
        sentence = str(error.response.get("Error", {}).get("Message", ""))
        if code_of(error) == "ValidationException" and any(word in sentence for word in GONE):
            return None
        raise CannotLook(code_of(error)) from error
    if answer.get("NotebookInstanceName") != change.notebook:
        raise CannotLook(f"asked for {change.notebook}, the answer is not about it")
    return answer


def _tags(client: Any, notebook: dict[str, Any]) -> dict[str, str]:
    """Its tags; SageMaker tells them apart from the rest, in pages."""
    tags: dict[str, str] = {}
    asked = {"ResourceArn": notebook["NotebookInstanceArn"]}
    for _ in range(5):
        try:
            answer = ask(client.list_tags, **asked)
        except ClientError as error:
            raise CannotLook(code_of(error)) from error
        tags |= tags_of({"Tags": listed(answer, "Tags")})
        if not answer.get("NextToken"):
            return tags
        asked["NextToken"] = answer["NextToken"]
    raise CannotLook(f"{notebook['NotebookInstanceName']} has more tags than can be")


def _fields(notebook: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    """What must not change."""
    return {
        "account": (str(notebook.get("NotebookInstanceArn", "")).split(":") + [""] * 5)[4],
        "name": notebook["NotebookInstanceName"],
        "status": notebook.get("NotebookInstanceStatus", "unknown"),
        "instance_type": notebook.get("InstanceType", "unknown"),
        "created_at": notebook["CreationTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "modified_at": notebook["LastModifiedTime"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tags": fingerprints(tags),
    }
