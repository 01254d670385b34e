"""Looks at one SageMaker notebook before it is stopped or started. SageMaker has no dry run."""

from typing import Any

from approvals.inspectors.aws import environment_of, fingerprints, team_of
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.sagemaker import described, tags_told
from approvals.inspectors.trail import Trail


class NotebookInspector(Trail):
    """`clients` gives a SageMaker client; its credential should be able to describe, list tags and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition: it is there, in this account, and in the state from which the change leads."""
        client = self._clients(change.account, change.region, "sagemaker")
        notebook = described(client.describe_notebook_instance, "NotebookInstanceName", change.notebook)
        if notebook is None:
            return NotSealable(f"there is no notebook {change.notebook} in {change.region}", "not_found")
        tags = tags_told(client, notebook["NotebookInstanceArn"])
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
        notebook = described(client.describe_notebook_instance, "NotebookInstanceName", change.notebook)
        if notebook is None:
            return {"status": "gone"}
        fields = _fields(notebook, tags_told(client, notebook["NotebookInstanceArn"]))
        if fields["account"] != change.account:
            raise CannotLook(f"the worker sees account {fields['account']}, not {change.account}")
        return fields


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
