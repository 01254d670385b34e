"""A group's minimum is changed only where its own policy would do the rest, and stays free of what it does all day."""

from typing import Any

import pytest

from approvals.changes.change import parse_change
from approvals.claim import Refusal, claim
from approvals.errors import GateError
from approvals.inspectors.port import NotSealable, Snapshot
from approvals.lease import Claim
from approvals.states import State
from sandbox.aws.serve import ServedAws
from tests.approvals.savings.estate import ACCOUNT, REGION, approved, clients_of, group


def autoscaling(aws: ServedAws) -> Any:
    return clients_of(aws)(ACCOUNT, REGION, "autoscaling")


def test_how_many_machines_run_may_change_between_votes_and_claim(cloud: Any, aws: ServedAws) -> None:
    change = group()
    row = approved(cloud, change)
    autoscaling(aws).set_desired_capacity(AutoScalingGroupName=change["group"], DesiredCapacity=9)
    got = claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector)
    assert isinstance(got, Claim)


def test_a_policy_that_changed_after_the_votes_stops_it(cloud: Any, aws: ServedAws) -> None:
    change = group()
    row = approved(cloud, change)
    name = change["group"]
    autoscaling(aws).delete_policy(AutoScalingGroupName=name, PolicyName=f"{name}-cpu")
    assert isinstance(claim(cloud.begin, proposal_id=row.id, worker="w1", inspector=cloud.inspector), Refusal)
    assert cloud.state(row) == State.STALE
    assert "policies" in str(cloud.row(row.id).reason)


def test_a_schedule_that_sets_the_minimum_would_undo_it(cloud: Any, aws: ServedAws) -> None:
    change = group()
    autoscaling(aws).put_scheduled_update_group_action(
        AutoScalingGroupName=change["group"], ScheduledActionName="mornings", Recurrence="0 7 * * 1-5", MinSize=8
    )
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert (seen.code, "mornings" in seen.reason) == ("scheduled", True)


def test_a_schedule_that_sets_only_the_wanted_number_is_none_of_its_concern(cloud: Any, aws: ServedAws) -> None:
    change = group()
    autoscaling(aws).put_scheduled_update_group_action(
        AutoScalingGroupName=change["group"], ScheduledActionName="rush", Recurrence="0 7 * * 1-5", DesiredCapacity=10
    )
    assert isinstance(cloud.inspector.look(parse_change(change)), Snapshot)


def test_a_group_that_takes_no_machine_away_would_save_nothing(cloud: Any, aws: ServedAws) -> None:
    change = group()
    autoscaling(aws).suspend_processes(AutoScalingGroupName=change["group"], ScalingProcesses=["Terminate"])
    seen = cloud.inspector.look(parse_change(change))
    assert isinstance(seen, NotSealable)
    assert (seen.code, "Terminate" in seen.reason) == ("suspended", True)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("the same minimum", {"after": 8}, "nothing to change"),
    ("less than none", {"after": -1}, "after"),
    ("a number as text", {"after": "3"}, "after"),
    ("a name with a colon", {"group": "a:b"}, "group"),
    ("a name of another script", {"group": "w\u0435b"}, "group"),
]


@pytest.mark.parametrize(("what", "wrong", "says"), BAD, ids=[row[0] for row in BAD])
def test_what_is_no_change_of_a_minimum_is_refused(what: str, wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(GateError, match=says):
        parse_change(group("web", **wrong))
