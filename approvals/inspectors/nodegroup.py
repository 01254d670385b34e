"""Looks at one EKS managed node group before it is scaled. EKS has no dry run: what may be done shows when it is."""

from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.nodegroup import ScaleNodeGroup
from approvals.inspectors.aws import ask, code_of, environment_of, fingerprints, team_of
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

GONE = frozenset({"ResourceNotFoundException"})


class NodeGroupInspector(Trail):
    """`clients` gives an EKS client; its credential should be able to describe and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition: it is there, in this account, at rest, healthy, and has the sizes that are expected."""
        group = self._describe(change)
        if group is None:
            return NotSealable(f"there is no node group {change.target} in {change.region}", "not_found")
        fields = _fields(group)
        if fields["account"] != change.account:
            why = f"{change.target} belongs to account {fields['account']}, not {change.account}"
            return NotSealable(why, "other_account", fields)
        for name, wanted in change.starts_from().items():
            if fields[name] != wanted:
                told = f"the {name} of {change.target} is {fields[name]}, and this change is for {wanted}"
                return NotSealable(told, "wrong_state" if name == "status" else "wrong_sizes", fields)
        if fields["issues"]:
            told = f"{change.target} has health issues ({', '.join(fields['issues'])}); scaling may not end"
            return NotSealable(told, "unhealthy", fields)
        tags = {str(key): str(value) for key, value in (group.get("tags") or {}).items()}
        fewer = change.before.desired - change.after.desired
        goes = f"{fewer} nodes go, with the pods on them" if fewer > 0 else f"{-fewer} nodes come"
        radius = (f"{change.resource} ({', '.join(fields['instance_types'])}): {goes}",)
        return Snapshot(
            fields, name=change.target, environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"status": "gone"}` for a group that is no longer there."""
        group = self._describe(change)
        if group is None:
            return {"status": "gone"}
        fields = _fields(group)
        if fields["account"] != change.account:
            raise CannotLook(f"the worker sees account {fields['account']}, not {change.account}")
        return fields

    def _describe(self, change: ScaleNodeGroup) -> dict[str, Any] | None:
        client = self._clients(change.account, change.region, "eks")
        try:
            answer = ask(client.describe_nodegroup, clusterName=change.cluster, nodegroupName=change.nodegroup)
        except ClientError as error:
            if code_of(error) in GONE:
                return None
            raise CannotLook(code_of(error)) from error
        group = answer.get("nodegroup")
        named = (group.get("clusterName"), group.get("nodegroupName")) if isinstance(group, dict) else None
        if not isinstance(group, dict) or named != (change.cluster, change.nodegroup):
            raise CannotLook(f"asked for {change.target}, the answer is not about it")
        return group


def _fields(group: dict[str, Any]) -> dict[str, Any]:
    """What must not change; sizes as text, as the steps expect them."""
    sizes = group.get("scalingConfig") or {}
    return {
        "account": (str(group.get("nodegroupArn", "")).split(":") + [""] * 5)[4],
        "cluster": group["clusterName"],
        "nodegroup": group["nodegroupName"],
        "status": group.get("status", "unknown"),
        "min": str(sizes.get("minSize", "unknown")),
        "max": str(sizes.get("maxSize", "unknown")),
        "desired": str(sizes.get("desiredSize", "unknown")),
        "instance_types": sorted(group.get("instanceTypes") or []),
        "capacity": group.get("capacityType", "unknown"),
        "issues": sorted(str(one.get("code")) for one in (group.get("health") or {}).get("issues", [])),
        "tags": fingerprints({str(key): str(value) for key, value in (group.get("tags") or {}).items()}),
    }
