"""A schedule is what was voted on to the last field, for the days to come: not whether the machine runs just now."""

import json
from datetime import timedelta
from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.claim import claim
from approvals.errors import GateError
from approvals.executors.wire import wired
from approvals.inspectors.port import CannotLook
from approvals.lease import Claim
from approvals.states import State
from sandbox.aws.serve import ServedAws
from tests.approvals.savings.estate import ACCOUNT, CHEAP, DESKS, REGION, approved, clients_of, schedule


def scheduler(aws: ServedAws) -> Any:
    return clients_of(aws)(ACCOUNT, REGION, "scheduler")


def wanted(change: dict[str, Any]) -> dict[str, Any]:
    """The request as it is sent."""
    return wired(parse_change(change).steps()[0].request)


def seen(cloud: Any, change: dict[str, Any]) -> str:
    return str(cloud.inspector.read_back(parse_change(change))["schedule"])


def test_the_schedule_as_asked_for_is_read_back_in_words(cloud: Any, aws: ServedAws) -> None:
    change = schedule()
    assert seen(cloud, change) == "none"
    scheduler(aws).create_schedule(**wanted(change))
    assert seen(cloud, change) == "daily at 20:00 Europe/Berlin until 2027-01-31"


OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("another time zone", {"ScheduleExpressionTimezone": "UTC"}),
    ("another end", {"EndDate": "2099-01-01T00:00:00Z"}),
    ("one that is switched off", {"State": "DISABLED"}),
    ("one that begins later", {"StartDate": "2027-01-01T00:00:00Z"}),
    ("one that stays when it has ended", {"ActionAfterCompletion": "NONE"}),
    ("a window in which it may be late", {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 60}}),
]


@pytest.mark.parametrize(("what", "more"), OTHERS, ids=[row[0] for row in OTHERS])
def test_a_schedule_that_differs_is_another_one(cloud: Any, aws: ServedAws, what: str, more: dict[str, Any]) -> None:
    change = schedule()
    scheduler(aws).create_schedule(**(wanted(change) | more))
    assert seen(cloud, change).startswith("another one")


def test_a_schedule_that_stops_something_else_is_another_one(cloud: Any, aws: ServedAws) -> None:
    change = schedule()
    asked = wanted(change)
    asked["Target"] |= {"Input": json.dumps({"InstanceIds": [DESKS[-1]]})}
    scheduler(aws).create_schedule(**asked)
    assert seen(cloud, change).startswith("another one")


def test_a_schedule_that_is_tried_again_for_a_day_is_another_one(cloud: Any, aws: ServedAws) -> None:
    change = schedule()
    asked = wanted(change)
    asked["Target"] = {name: asked["Target"][name] for name in ("Arn", "RoleArn", "Input")}
    scheduler(aws).create_schedule(**asked)
    assert seen(cloud, change).startswith("another one")


def test_aws_deletes_a_schedule_at_its_end_and_stops_no_machine_hours_late() -> None:
    """One that stayed would keep its name, so that the next one could never be made."""
    asked = wanted(schedule("i-0123456789abcdef0"))
    assert asked["ActionAfterCompletion"] == "DELETE"
    assert asked["EndDate"]
    assert asked["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600


def test_a_machine_that_was_stopped_after_the_votes_gets_its_schedule(cloud: Any, aws: ServedAws) -> None:
    change = schedule()
    row = approved(cloud, change)
    clients_of(aws)(ACCOUNT, REGION, "ec2").stop_instances(InstanceIds=[change["instance_id"]])
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Claim)


def test_another_account_is_no_machine_that_is_gone(cloud: Any) -> None:
    with pytest.raises(CannotLook):
        cloud.inspector.read_back(parse_change(schedule(DESKS[-4], account="999999999999")))


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("an hour that is none", {"hour": 24}, "hour"),
    ("an hour as text", {"hour": "20"}, "hour"),
    ("a zone with a blank", {"zone": "Europe/Berlin or so"}, "zone"),
    ("an end without a day", {"until": "2027-01"}, "until"),
    ("an end on no day", {"until": "2027-02-29"}, "until"),
    ("an end that has a time", {"until": "2027-01-31T00:00"}, "until"),
    ("a role by its ARN", {"role": "arn:aws:iam::1:role/x"}, "role"),
]


@pytest.mark.parametrize(("what", "wrong", "says"), BAD, ids=[row[0] for row in BAD])
def test_what_is_no_schedule_is_refused(what: str, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(GateError, match=says):
        parse_change(schedule(DESKS[-4], **wrong))


@pytest.mark.parametrize(("days", "says"), [(0, "not after today"), (-40, "not after today"), (367, "366 days")])
def test_an_order_that_is_over_or_without_end_is_put_to_nobodys_vote(cloud: Any, days: int, says: str) -> None:
    until = (cloud.now + timedelta(days=days)).date().isoformat()
    row = cloud.sealed(change=schedule(DESKS[-4], until=until), evidence=CHEAP)
    assert (State(row.state), row.code) == (State.UNSEALABLE, "misplaced_end")
    assert says in row.reason


def test_a_year_and_a_day_is_the_longest(cloud: Any) -> None:
    until = (cloud.now + timedelta(days=366)).date().isoformat()
    assert State(cloud.sealed(change=schedule(DESKS[-4], until=until), evidence=CHEAP).state) == State.SEALED
