"""Faults for a generated year: each is planted with the finding that it must lead to, by name and what it is about."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from approvals.states import State
from audit.event import Event
from tests.audit.year import ADMIN, BEGIN, PEOPLE, Life, Year, shaped

OTHER = "arn:aws:sts::111122223333:assumed-role/break-glass/jo"
Fault = Callable[[Year], None]


def plant(year: Year, times: int = 1) -> None:
    """Every fault, so many times each; `year.truth` says what must be found."""
    for _ in range(times):
        for fault in FAULTS:
            fault(year)


def must_find(year: Year, name: str, about: str) -> None:
    year.truth[name, about] += 1


def first_event(life: Life) -> dict[str, Any]:
    return life.events[1]


def orphan(year: Year) -> None:
    place = year.place()
    parameters = {"instancesSet": {"items": [{"instanceId": f"i-{year.hexed(17)}"}]}}
    event = year.record("ec2:TerminateInstances", *place, parameters, BEGIN + year._seconds(0, 3e7))
    year.events.append(event)
    must_find(year, "orphan", event["eventID"])


def orphan_with_a_token_of_nobody(year: Year) -> None:
    life = year.pick("verified")
    request = life.sealed.steps[0].request
    parameters = shaped(request.operation, request.parameters, "")
    agent = f"Boto3 spendgate/{year.hexed(32)}"
    # Also as the very thing that is being carried out: a token of its own says that it belongs to nothing known.
    event = year.record(
        request.operation, request.account, request.region, parameters, life.at + timedelta(days=20), userAgent=agent
    )
    year.events.append(event)
    must_find(year, "orphan", event["eventID"])


def orphan_without_read_only(year: Year) -> None:
    orphan(year)
    del year.events[-1]["readOnly"]


def lies_that_it_only_reads(year: Year) -> None:
    place = year.place()
    parameters = {"instancesSet": {"items": [{"instanceId": f"i-{year.hexed(17)}"}]}}
    event = year.record("ec2:StopInstances", *place, parameters, BEGIN + year._seconds(0, 3e7), readOnly=True)
    year.events.append(event)
    must_find(year, "orphan", event["eventID"])


def rejected_and_done_under_its_token(year: Year) -> None:
    life = year.pick("rejected")
    event = year.event(life, 1, life.entries[-1].at + timedelta(seconds=30))
    year.events.append(event)
    must_find(year, "unapproved", event["eventID"])


def rejected_and_done_by_hand(year: Year) -> None:
    life = year.pick("rejected", "expired")
    event = year.event(life, 1, life.entries[-1].at + timedelta(hours=2), userAgent="console.amazonaws.com")
    event["requestParameters"].pop("clientRequestToken", None)
    year.events.append(event)
    must_find(year, "unapproved", event["eventID"])


def a_vote_short(year: Year) -> None:
    life = year.pick("verified", where=lambda one: len(one.sealed.policy.slots) > 1)
    life.entries = [one for one in life.entries if one.to != State.PARTIAL]
    must_find(year, "unapproved", first_event(life)["eventID"])


def votes_of_the_requester(year: Year) -> None:
    life = year.pick("verified", where=lambda one: len(one.sealed.steps) == 1 and len(one.sealed.policy.slots) == 1)
    for one in life.entries:
        if one.data.get("person") == PEOPLE[0]:
            one.data["person"] = life.sealed.requester
    must_find(year, "unapproved", first_event(life)["eventID"])


def approved_and_never_claimed(year: Year) -> None:
    life = year.pick("approved")
    event = year.event(life, 1, life.entries[-1].at + timedelta(minutes=3))
    year.events.append(event)
    must_find(year, "unclaimed", event["eventID"])


def twice_under_one_token(year: Year) -> None:
    life = year.pick("verified")
    again = first_event(life) | {"eventID": year.uuid(), "requestID": year.uuid()}
    year.events.append(again)
    must_find(year, "double", again["eventID"])


def twice_without_a_token(year: Year) -> None:
    life = year.pick("verified", where=lambda one: one.sealed.change.kind != "scale_node_group")
    again = first_event(life) | {"eventID": year.uuid(), "requestID": year.uuid(), "userAgent": "aws-internal"}
    year.events.append(again)
    must_find(year, "double", again["eventID"])


def resent_more_often_than_told(year: Year) -> None:
    life = year.pick("resent")
    again = first_event(life) | {"eventID": year.uuid(), "requestID": year.uuid()}
    year.events.append(again)
    # Which of the three is the surplus one cannot be told; the finding names one of them.
    must_find(year, "double", life.id)


def done_before_its_claim(year: Year) -> None:
    life = year.pick("verified")
    _moved(life, -timedelta(hours=3))
    must_find(year, "too_early", first_event(life)["eventID"])


def done_by_hand_before_its_claim(year: Year) -> None:
    life = year.pick("found", where=lambda one: len(one.sealed.steps) == 1 and bool(one.events))
    _moved(life, -timedelta(hours=1))
    first_event(life)["userAgent"] = "console.amazonaws.com"
    first_event(life)["requestParameters"].pop("clientRequestToken", None)
    must_find(year, "too_early", first_event(life)["eventID"])


def done_late(year: Year) -> None:
    life = year.pick("verified")
    _moved(life, timedelta(hours=2))
    must_find(year, "too_late", first_event(life)["eventID"])


def _moved(life: Life, by: timedelta) -> None:
    event = first_event(life)
    event["eventTime"] = f"{(life.told(Event.EXECUTION_INTENDED).at + by).isoformat()[:19]}Z"


def entries_dated_back(year: Year) -> None:
    """The deed first, and its approval written ten days later with times that fit it."""
    life = year.pick("verified", where=lambda one: len(one.sealed.steps) == 1 and one.at < BEGIN + timedelta(days=300))
    late = [one for one in life.entries if one.event.startswith(("vote.", "approval.", "execution."))]
    for one in late:
        one.chained = one.at + timedelta(days=10)
        must_find(year, "back_dated", life.id)
    must_find(year, "too_early", first_event(life)["eventID"])


def missing(year: Year) -> None:
    life = year.pick("verified", "diverged")
    number = max(life.events)
    del life.events[number]
    must_find(year, "missing", f"{life.id}#{number}")


def another_resource(year: Year) -> None:
    life = year.pick("verified", where=lambda one: "instance" in one.sealed.change.kind)
    first_event(life)["requestParameters"] = {"instancesSet": {"items": [{"instanceId": f"i-{year.hexed(17)}"}]}}
    must_find(year, "not_as_sealed", first_event(life)["eventID"])


def one_resource_more(year: Year) -> None:
    life = year.pick("verified", where=lambda one: one.sealed.change.kind == "stop_instance")
    first_event(life)["requestParameters"]["instancesSet"]["items"].append({"instanceId": f"i-{year.hexed(17)}"})
    must_find(year, "not_as_sealed", first_event(life)["eventID"])


def another_account(year: Year) -> None:
    life = year.pick("verified")
    first_event(life)["recipientAccountId"] = "999900001111"
    must_find(year, "not_as_sealed", first_event(life)["eventID"])


def another_region_and_no_key(year: Year) -> None:
    life = year.pick("verified", where=lambda one: len(one.sealed.steps) == 1)
    first_event(life).update(awsRegion="ap-south-1", userAgent="", requestID="")
    first_event(life)["requestParameters"].pop("clientRequestToken", None)
    must_find(year, "not_as_sealed", first_event(life)["eventID"])


def another_type(year: Year) -> None:
    life = year.pick("verified", where=lambda one: one.sealed.change.kind == "resize_instance")
    life.events[2]["requestParameters"]["instanceType"]["value"] = "p5.48xlarge"
    must_find(year, "not_as_sealed", life.events[2]["eventID"])


def other_sizes(year: Year) -> None:
    life = year.pick("verified", where=lambda one: one.sealed.change.kind == "scale_node_group")
    scaling = first_event(life)["requestParameters"]["scalingConfig"]
    first_event(life)["requestParameters"]["scalingConfig"] = scaling | {"minSize": 6, "desiredSize": 0}
    must_find(year, "not_as_sealed", first_event(life)["eventID"])


def no_resource(year: Year) -> None:
    life = year.pick("verified")
    first_event(life)["requestParameters"] = None
    must_find(year, "not_as_sealed", first_event(life)["eventID"])


def under_another_identity(year: Year) -> None:
    life = year.pick("verified")
    first_event(life)["userIdentity"] = {"type": "AssumedRole", "arn": OTHER, "accessKeyId": "ASIA" + "F" * 16}
    must_find(year, "other_identity", first_event(life)["eventID"])


def done_though_refused(year: Year) -> None:
    life = year.pick("refused", "absent")
    event = year.event(life, 1, life.told(Event.EXECUTION_INTENDED).at)
    year.events.append(event)
    must_find(year, "called_failed", event["eventID"])


def done_though_rehearsed(year: Year) -> None:
    life = year.pick("rehearsed")
    event = year.event(life, 1, life.told(Event.EXECUTION_INTENDED).at)
    year.events.append(event)
    must_find(year, "called_failed", event["eventID"])


def request_id_of_a_reading(year: Year) -> None:
    life = year.pick("verified", where=lambda one: len(one.sealed.steps) == 1)
    event = life.events.pop(1)
    request = life.sealed.steps[0].request
    at = life.told(Event.EXECUTION_INTENDED).at
    year.events.append(
        year.record(
            "ec2:DescribeVolumes", request.account, request.region, None, at, who=ADMIN, requestID=event["requestID"]
        )
    )
    must_find(year, "request_id", f"{life.id}#1")


def request_id_of_a_refusal(year: Year) -> None:
    life = year.pick("verified", where=lambda one: len(one.sealed.steps) == 1)
    first_event(life)["errorCode"] = "Client.UnauthorizedOperation"
    year.events.append(life.events.pop(1))
    must_find(year, "request_id", f"{life.id}#1")


def another_request_id(year: Year) -> None:
    life = year.pick("verified")
    first_event(life)["requestID"] = year.uuid()
    must_find(year, "request_id", first_event(life)["eventID"])


def no_time(year: Year) -> None:
    life = year.pick("verified")
    first_event(life)["eventTime"] = year.dice.choice(["yesterday", None, 1764000000, "2026-02-30T00:00:00Z"])
    must_find(year, "unknown_time", first_event(life)["eventID"])


def two_copies_that_differ(year: Year) -> None:
    life = year.pick("verified")
    copy = first_event(life) | {"requestID": year.uuid()}
    life.events[90] = copy
    must_find(year, "conflicting_copy", copy["eventID"])


def no_record(year: Year) -> None:
    broken: list[Any] = [
        "a sentence", {"eventID": year.uuid()}, 17, {"protoPayload": {}, "insertId": "x"},
        {"operationName": "Microsoft.Compute/virtualMachines/write", "correlationId": "x"}, None, [],
    ]  # fmt: skip
    year.events.append(year.dice.choice(broken))
    must_find(year, "unreadable", "")


FAULTS: tuple[Fault, ...] = (
    orphan, orphan_with_a_token_of_nobody, orphan_without_read_only, lies_that_it_only_reads,
    rejected_and_done_under_its_token, rejected_and_done_by_hand, a_vote_short, votes_of_the_requester,
    approved_and_never_claimed, twice_under_one_token, twice_without_a_token, resent_more_often_than_told,
    done_before_its_claim, done_by_hand_before_its_claim, done_late, entries_dated_back, missing, another_resource,
    one_resource_more, another_account, another_region_and_no_key, another_type, other_sizes, no_resource,
    under_another_identity, done_though_refused, done_though_rehearsed, request_id_of_a_reading,
    request_id_of_a_refusal, another_request_id, no_time, two_copies_that_differ, no_record,
)  # fmt: skip
