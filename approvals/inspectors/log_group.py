"""Looks at one log group before lines of it are deleted: that nobody must keep them, and how long they are kept now."""

from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.kept import held_by_tag, kept_by_name
from approvals.changes.log_retention import SetLogRetention
from approvals.inspectors.aws import account_seen, ask, code_of, environment_of, fingerprints, listed, team_of
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

NEVER = "never"
MOST_PAGES = 20


class LogGroupInspector(Trail):
    """`clients` gives CloudWatch Logs and STS clients, whose credential should only be able to describe."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition. CloudWatch Logs has no dry run."""
        owner = account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        client = self._clients(change.account, change.region, "logs")
        group = _described(client, change)
        if group is None:
            return NotSealable(f"there is no log group {change.log_group} in {change.region}", "not_found")
        tags = _tags(client, change)
        fields = _fields(group, tags, owner)
        refused = _unfit(change, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        radius = f"{change.resource}: every line older than {change.days} days; it kept them {_kept(fields)} so far"
        return Snapshot(
            fields,
            name=change.log_group, environment=environment_of(tags), team=team_of(tags), blast_radius=(radius,),
        )  # fmt: skip

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"retention_days": "gone"}` where there is no such group in this account."""
        owner = account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        client = self._clients(change.account, change.region, "logs")
        group = _described(client, change)
        return {"retention_days": "gone"} if group is None else _fields(group, _tags(client, change), owner)


def _unfit(change: SetLogRetention, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
    """The first reason why its lines are not deleted: (code, sentence)."""
    kept = fields["retention_days"]
    if kept != NEVER and int(kept) <= change.days:
        return "shorter_already", f"{change.log_group} keeps its lines for {kept} days already"
    named = kept_by_name(change.log_group)
    if named is not None:
        return "kept", f"somebody must keep what is in {change.log_group}, as its name says ({named})"
    held = held_by_tag(tags)
    if held is not None:
        return "held", f"somebody must keep what is in {change.log_group}, as its tag {held} says"
    return managed_by(change.log_group, tags)


def _kept(fields: dict[str, Any]) -> str:
    return "for ever" if fields["retention_days"] == NEVER else f"for {fields['retention_days']} days"


def _described(client: Any, change: SetLogRetention) -> dict[str, Any] | None:
    """The group of exactly this name; CloudWatch lists all whose names begin so, in pages."""
    asked = {"logGroupNamePrefix": change.log_group}
    for _ in range(MOST_PAGES):
        try:
            answer = ask(client.describe_log_groups, **asked)
        except ClientError as error:
            raise CannotLook(code_of(error)) from error
        found = [one for one in listed(answer, "logGroups") if one.get("logGroupName") == change.log_group]
        if found or not answer.get("nextToken"):
            return found[0] if found else None
        asked["nextToken"] = answer["nextToken"]
    raise CannotLook(f"the list of log groups that begin with {change.log_group} does not end")


def _tags(client: Any, change: SetLogRetention) -> dict[str, str]:
    try:
        answer = ask(client.list_tags_for_resource, resourceArn=change.resource)
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
    tags = answer.get("tags")
    if not isinstance(tags, dict):
        raise CannotLook("the answer has no tags")
    return {str(key): str(value) for key, value in tags.items()}


def _fields(group: dict[str, Any], tags: dict[str, str], owner: str) -> dict[str, Any]:
    """What must not change. How much it holds may: lines arrive all the time."""
    return {
        "account": owner,
        "name": group["logGroupName"],
        "retention_days": str(group.get("retentionInDays") or NEVER),
        "created_at": int(group["creationTime"]),
        "tags": fingerprints(tags),
    }
