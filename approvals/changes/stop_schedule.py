"""Having AWS stop one machine every evening, by a schedule of Amazon EventBridge Scheduler, and ending that.

What is voted on is a standing order: from then on AWS stops the machine by itself, and asks neither the gate nor a
freeze. So it has an end, after which people vote anew, and it only ever stops: whoever wants the machine starts it,
which is why weekends and holidays need no list. AWS is told to delete it at its end, since it would keep its name
otherwise and be in the way of the next one.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints

from approvals.changes.instance import OnInstance
from approvals.changes.step import Request, ReversibilityClass, Step

Hour = Annotated[int, Field(ge=0, le=23, strict=True)]
Zone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,20}(/[A-Za-z0-9_+-]{1,30}){0,2}$")]


def _on_the_calendar(day: str) -> str:
    date.fromisoformat(day)
    return day


Day = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_on_the_calendar)]
TagKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 _.:/=+@-]{1,128}$")]
RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+=,.@_-]{1,64}$")]
NONE = "none"
EVERY_DAY = "1-31 1-12 ? 1970-2199"
"""Of every month of every year: asterisks would mean the same, and a card could not show them letter by letter."""
MOST_DAYS = 366
"""A standing order of more than a year is one that nobody remembers having voted on."""

NO = frozenset({"", "no", "false", "off"})
"""Values by which a tag that leaves a machine alone says that it does not."""

LATEST_SECONDS, ATTEMPTS = 3600, 10
"""For how long AWS may go on trying a stop that did not work; unless told it tries for a day, into working hours."""


def opted_out(tags: Mapping[str, str], keys: Iterable[str]) -> str | None:
    """The tag that leaves the machine alone, if any: what its value says counts only where it says no."""
    return next((key for key in keys if tags.get(key, "no").strip().lower() not in NO), None)


class OnSchedule(OnInstance):
    """The schedule of one machine: stopped daily at `hour` o'clock in `zone`, up to the end of `until` in UTC, by the
    IAM role `role` of its account, which EventBridge takes on.
    """

    provider: Literal["aws"] = "aws"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    hour: Hour
    zone: Zone
    until: Day
    role: RoleName

    @property
    def name(self) -> str:
        """What the schedule is called: a machine has one at most."""
        return f"spendgate-stop-{self.instance_id}"

    def words(self) -> str:
        """The schedule for a person, and as a read-back shows it."""
        return f"daily at {self.hour:02d}:00 {self.zone} until {self.until}"

    def wanted(self) -> dict[str, Any]:
        """The schedule as AWS is asked for it; the executor writes `Input` as the JSON text that AWS wants."""
        return {
            "Name": self.name,
            "ScheduleExpression": f"cron(0 {self.hour} {EVERY_DAY})",
            "ScheduleExpressionTimezone": self.zone,
            "EndDate": f"{self.until}T23:59:59Z",
            "ActionAfterCompletion": "DELETE",
            "State": "ENABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances",
                "RoleArn": f"arn:aws:iam::{self.account}:role/{self.role}",
                "Input": {"InstanceIds": [self.instance_id]},
                "RetryPolicy": {"MaximumEventAgeInSeconds": LATEST_SECONDS, "MaximumRetryAttempts": ATTEMPTS},
            },
        }

    def creating(self) -> Request:
        """The request that makes the schedule."""
        return self._request("scheduler:CreateSchedule", self.wanted())

    def deleting(self) -> Request:
        """The request that ends it."""
        return self._request("scheduler:DeleteSchedule", {"Name": self.name})

    def _request(self, operation: str, parameters: dict[str, Any]) -> Request:
        return Request(operation=operation, account=self.account, region=self.region, parameters=parameters)

    def _fields(self) -> dict[str, Any]:
        return self.model_dump(include={"account", "region", "instance_id", "hour", "zone", "until", "role"})


class ScheduleStop(OnSchedule):
    """Have the machine stopped every evening, unless it bears one of `opt_out_tags` when it is looked at."""

    kind: Literal["schedule_stop"] = "schedule_stop"

    opt_out_tags: Annotated[tuple[TagKey, ...], Field(max_length=20)] = ()

    def misplaced(self, now: datetime) -> str | None:
        """Why its end is no end that people could vote on at `now`; None for one that is."""
        end, today = date.fromisoformat(self.until), now.date()
        if end <= today:
            return f"it would end on {self.until}, and that is not after today"
        if end > today + timedelta(days=MOST_DAYS):
            return f"it would stand until {self.until}; the most is {MOST_DAYS} days, after which people vote anew"
        return None

    def title(self) -> str:
        """What would happen, with every id in full."""
        where = f"in {self.region} (account {self.account})"
        return f"Have AWS stop EC2 instance {self.instance_id} {where} {self.words()}"

    def inverse(self) -> "UnscheduleStop":
        """The change that undoes this one."""
        return UnscheduleStop(**self._fields())

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"schedule": NONE}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the schedule can be deleted; until then AWS stops it, whatever runs and whatever is frozen"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(number=1, request=self.creating(), expect={"schedule": self.words()}, inverse=self.deleting()),
        )  # fmt: skip


class UnscheduleStop(OnSchedule):
    """End the schedule: the machine runs on until somebody stops it."""

    kind: Literal["unschedule_stop"] = "unschedule_stop"

    def title(self) -> str:
        """What would happen, with every id in full."""
        where = f"in {self.region} (account {self.account})"
        return f"No longer have AWS stop EC2 instance {self.instance_id} {where} {self.words()}"

    def inverse(self) -> ScheduleStop:
        """The change that undoes this one."""
        return ScheduleStop(**self._fields())

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"schedule": self.words()}

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the same schedule can be made again"

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        return (
            Step(number=1, request=self.deleting(), expect={"schedule": NONE}, inverse=self.creating()),
        )  # fmt: skip
