"""Looks at one provisioned throughput of Amazon Bedrock before it is deleted. Bedrock has no dry run.

A term that it was bought for cannot be ended early: AWS refuses, and nothing would be saved. Whether the term is over
is asked of AWS's own clock, since it is AWS that refuses.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.throughput import DeleteThroughput
from approvals.inspectors.aws import account_seen, ask, code_of, environment_of, fingerprints, listed, team_of
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

GONE = "ResourceNotFoundException"
NONE = "none"


class ThroughputInspector(Trail):
    """`clients` gives a Bedrock client; its credential should be able to get, list tags and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition: it is there, in this account, in service, and bound to no term that still runs."""
        owner = account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        client = self._clients(change.account, change.region, "bedrock")
        found = _described(client, change)
        if found is None:
            return NotSealable(f"there is no throughput {change.throughput} in {change.region}", "not_found")
        tags = _tags(client, change)
        fields = _fields(found, tags)
        refused = _unfit(change, fields, _asked_at(found)) or managed_by(change.throughput, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        radius = f"{change.resource}: {fields['units']} model units of {fields['model']}, and whoever calls it"
        return Snapshot(
            fields, name=fields["name"], environment=environment_of(tags), team=team_of(tags), blast_radius=(radius,)
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"status": "gone"}` where there is no such throughput in this very account."""
        owner = account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        client = self._clients(change.account, change.region, "bedrock")
        found = _described(client, change)
        return {"status": "gone"} if found is None else _fields(found, _tags(client, change))


def _unfit(change: DeleteThroughput, fields: dict[str, Any], now: datetime) -> tuple[str, str] | None:
    """The first reason why it is not deleted: (code, sentence)."""
    which = f"{change.throughput} ({fields['name']})"
    for name, wanted in change.starts_from().items():
        if fields[name] != wanted:
            return "wrong_state", f"{which} is {fields[name]}, and only one that is {wanted} can be deleted"
    if fields["units"] != fields["units_wanted"]:
        return "wrong_state", f"{which} is on its way from {fields['units']} to {fields['units_wanted']} model units"
    if fields["commitment"] == NONE:
        return None
    until = fields["committed_until"]
    if until == NONE or datetime.fromisoformat(until) > now:
        ends = "nobody knows when" if until == NONE else f"on {until}"
        told = f"{which} was bought for a term ({fields['commitment']}) that ends {ends}"
        return "committed", f"{told}: until then AWS refuses to delete it, and it is paid whatever happens"
    return None


def _described(client: Any, change: DeleteThroughput) -> dict[str, Any] | None:
    try:
        answer = ask(client.get_provisioned_model_throughput, provisionedModelId=change.resource)
    except ClientError as error:
        if code_of(error) == GONE:
            return None
        raise CannotLook(code_of(error)) from error
    # Its ARN names the account, so that another account's is never taken for it.
    if answer.get("provisionedModelArn") != change.resource:
        raise CannotLook(f"asked for {change.resource}, the answer is not about it")
    return answer


def _asked_at(answer: dict[str, Any]) -> datetime:
    """When AWS answered, by its own clock."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(told).astimezone(UTC)
    except ValueError as error:
        raise CannotLook("the answer does not say when it was given") from error


def _tags(client: Any, change: DeleteThroughput) -> dict[str, str]:
    try:
        answer = ask(client.list_tags_for_resource, resourceARN=change.resource)
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
    return {str(one["key"]): str(one["value"]) for one in listed(answer, "tags")}


def _fields(found: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    """What must not change."""
    try:
        return {
            "account": (str(found["provisionedModelArn"]).split(":") + [""] * 5)[4],
            "name": str(found["provisionedModelName"]),
            "status": str(found["status"]),
            "model": str(found["modelArn"]).rpartition("/")[2],
            "units": str(found["modelUnits"]),
            "units_wanted": str(found["desiredModelUnits"]),
            "commitment": str(found.get("commitmentDuration") or NONE),
            "committed_until": _moment(found.get("commitmentExpirationTime")),
            "created_at": _moment(found["creationTime"]),
            "modified_at": _moment(found["lastModifiedTime"]),
            "tags": fingerprints(tags),
        }
    except (KeyError, AttributeError) as error:
        raise CannotLook(f"the answer lacks {error}") from error


def _moment(told: datetime | None) -> str:
    return NONE if told is None else told.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
