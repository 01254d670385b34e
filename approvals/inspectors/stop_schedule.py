"""Looks at one machine and its schedule before AWS is told to stop it every evening, or no longer to.

Whether the machine runs just now is left out of what must not change: a schedule is made for all the days to come. Nor
has EventBridge Scheduler a dry run; whether the role may stop the machine shows on the first evening.
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from approvals.changes.instance import StopInstance
from approvals.changes.stop_schedule import NONE, OnSchedule, ScheduleStop, UnscheduleStop, opted_out
from approvals.inspectors.aws import ask, code_of, environment_of, name_of, tags_of, team_of
from approvals.inspectors.ec2 import managed_by
from approvals.inspectors.instance import described_instance, instance_fields, unfit
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

GONE = "ResourceNotFoundException"
FLEETING = ("state", "launched_at")
PRODUCTION = frozenset({"production", "prod", "prd", "live"})


class StopScheduleInspector(Trail):
    """`clients` gives EC2 and Scheduler clients, whose credential should only be able to describe and to get."""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition: a stop would be fit for the machine, it is no production, its schedule is as expected."""
        client = self._clients(change.account, change.region, "ec2")
        found = described_instance(client, change)
        if isinstance(found, NotSealable):
            return found
        tags, fields = tags_of(found[0]), self._fields(client, change, found)
        environment = environment_of(tags)
        refused = _unfit(change, fields, environment, tags) or managed_by(change.instance_id, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        does = "stopped, whatever runs then" if isinstance(change, ScheduleStop) else "no longer stopped"
        radius = f"{change.resource} ({fields['type']}): {does}, {change.words()}; AWS does that by itself"
        return Snapshot(
            fields, name=name_of(tags), environment=environment, team=team_of(tags), blast_radius=(radius,)
        )  # fmt: skip

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"schedule": "gone"}` for a machine that is no longer there."""
        client = self._clients(change.account, change.region, "ec2")
        found = described_instance(client, change)
        if isinstance(found, NotSealable):
            if found.code == "other_account":
                raise CannotLook(found.reason)
            return {"schedule": "gone"}
        return self._fields(client, change, found)

    def _fields(self, client: Any, change: OnSchedule, found: tuple[dict[str, Any], str]) -> dict[str, Any]:
        """What must not change."""
        told = instance_fields(client, *found)
        kept = {name: value for name, value in told.items() if name not in FLEETING}
        return kept | {"schedule": self._schedule(change)}

    def _schedule(self, change: OnSchedule) -> str:
        """The schedule in words, if it is the one that the change is about; otherwise that it is another one."""
        client = self._clients(change.account, change.region, "scheduler")
        try:
            told = ask(client.get_schedule, Name=change.name)
        except ClientError as error:
            if code_of(error) == GONE:
                return NONE
            raise CannotLook(code_of(error)) from error
        try:
            ends = told["EndDate"].strftime("%Y-%m-%dT%H:%M:%SZ") if told.get("EndDate") else NONE
            target = told["Target"] | {"Input": json.loads(told["Target"]["Input"])}  # blanks in it mean nothing
            seen = {name: told[name] for name in change.wanted()} | {"EndDate": ends, "Target": target}
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise CannotLook("the answer is no schedule") from error
        same = seen == change.wanted() and not told.get("StartDate")
        return change.words() if same else f"another one: {seen['ScheduleExpression']}"


def _unfit(
    change: ScheduleStop | UnscheduleStop, fields: dict[str, Any], environment: str | None, tags: dict[str, str]
) -> tuple[str, str] | None:
    """The first reason why its schedule is left alone: (code, sentence)."""
    wanted = change.starts_from()["schedule"]
    if fields["schedule"] != wanted:
        told = f"the schedule of {change.instance_id} is '{fields['schedule']}', and this change is for '{wanted}'"
        return "wrong_schedule", told
    if not isinstance(change, ScheduleStop):
        return None
    if environment is None or environment.lower() in PRODUCTION:
        return "not_development", f"{change.instance_id} is not tagged as anything but production"
    tag = opted_out(tags, change.opt_out_tags)
    if tag is not None:
        return "opted_out", f"{change.instance_id} bears the tag {tag}, which says that it is to run"
    stop = StopInstance(account=change.account, region=change.region, instance_id=change.instance_id)
    return unfit(stop, fields | {"state": "running"})
