"""Looks at a machine or a disk before one tag of it is added or removed: whether it bears the key, in whatever case."""

from collections.abc import Mapping
from typing import Any

from approvals.changes.instance import StartInstance
from approvals.changes.tag import MOST_TAGS, plain
from approvals.inspectors.aws import account_seen, dry_run, environment_of, fingerprints, name_of, tags_of, team_of
from approvals.inspectors.ec2 import the_one
from approvals.inspectors.instance import described_instance
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail
from approvals.inspectors.volume_type import STACK

CALLS = {"ec2:CreateTags": "create_tags", "ec2:DeleteTags": "delete_tags"}
OWN = "aws:"
GONE = ("terminated", "shutting-down", "deleting", "deleted")


class TagInspector(Trail):
    """`clients` gives EC2 and STS clients; the credential should be able to describe and nothing else."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, then the dry run."""
        found = self._found(change)
        if isinstance(found, NotSealable):
            return found
        fields, tags = found
        refused = _unfit(change, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        (step,) = change.steps()
        client = self._clients(change.account, change.region, "ec2")
        denied = dry_run(getattr(client, CALLS[step.request.operation]), **step.request.parameters)
        if denied is not None:
            return NotSealable(f"the worker would not be permitted to do it: {denied}", "not_permitted", fields)
        radius = (f"{change.resource}: its tag {change.key}; whatever acts by that tag sees it",)
        return Snapshot(
            fields, name=name_of(tags), environment=environment_of(tags), team=team_of(tags), blast_radius=radius
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"state": "gone"}` for what is no longer there."""
        found = self._found(change)
        if isinstance(found, NotSealable):
            if found.code == "other_account":
                raise CannotLook(found.reason)
            return {"state": "gone"}
        return found[0]

    def _found(self, change: Any) -> tuple[dict[str, Any], dict[str, str]] | NotSealable:
        owner = account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        client = self._clients(change.account, change.region, "ec2")
        which = change.resource_id
        if change.resource_type == "volume":
            told = the_one(client.describe_volumes, "Volumes", "VolumeId", which, "InvalidVolume.NotFound")
            if told is None:
                return NotSealable(f"there is no volume {which} in {change.region}", "not_found")
            state = str(told["State"])
        else:
            machine = StartInstance(account=change.account, region=change.region, instance_id=which)
            seen = described_instance(client, machine)
            if isinstance(seen, NotSealable):
                return seen
            told, state = seen[0], str(seen[0]["State"]["Name"])
        tags = tags_of(told)
        fields = {
            "account": owner,
            "resource_id": which,
            "state": state,
            "tag": _tag(change, tags),
            "tags": fingerprints(tags),
        }
        return fields, tags


def _tag(change: Any, tags: Mapping[str, str]) -> str:
    """none, set (this key with this value), or another: the key in other letters, or with another value."""
    borne = {key: value for key, value in tags.items() if plain(key) == plain(change.key)}
    if not borne:
        return "none"
    return "set" if borne == {change.key: change.value} else "another"


def _unfit(change: Any, fields: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, str] | None:
    which = change.resource_id
    if fields["state"] in GONE:
        return "wrong_state", f"{which} is {fields['state']}"
    if STACK in tags:
        told = f"{which} belongs to the stack {tags[STACK]}: change its template, or the next run undoes this"
        return "managed", told
    if fields["tag"] != change.before:
        told = (
            f"{which} bears the tag {change.key} already"
            if change.before == "none"
            else (f"{which} does not bear the tag {change.key} with this very value")
        )
        return "wrong_tag", told
    if change.before == "none" and sum(not key.startswith(OWN) for key in tags) >= MOST_TAGS:
        return "too_many_tags", f"{which} has {MOST_TAGS} tags, and AWS allows no more"
    return None
