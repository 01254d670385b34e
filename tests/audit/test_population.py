"""The edges of the comparison: clocks, periods, copies, and records that pretend to belong to something."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audit.moment import utc_text
from audit.population import DONE, NAMES, OPEN, UNSEEN, Effect, Judged, Logged, Period, Planned, Proposed
from audit.reconcile import MOST_TOLD
from audit.trail_event import leaves_of, ours
from audit.trail_files import Raw
from tests.audit.compared import NOW, reconcile

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::111122223333:role/worker"
TOKEN = "ab" * 16
SECOND = timedelta(seconds=1)


def effect(**changed: Any) -> Effect:
    planned = Planned(
        "P-1", 1, TOKEN, "ec2:StopInstances", "111122223333", "eu-central-1", leaves_of({"InstanceIds": ["i-1"]}), "i-1"
    )
    told: dict[str, Any] = {
        "planned": planned, "entry": 6, "claimed_at": AT - SECOND, "sent_at": [AT], "refusal": "", "outcome": DONE,
        "request_id": "r-1", "answered_at": AT + SECOND,
    }  # fmt: skip
    return Effect(**(told | changed))


def logged(*effects: Effect) -> Logged:
    log = Logged()
    for one in effects:
        named = one.planned.proposal
        log.proposals[named] = Proposed(named, 1, AT - timedelta(hours=1), "d", "p-1", "i-1", refusal="")
        log.planned[one.key], log.effects[one.key] = one.planned, one
    return log


def record(at: datetime = AT, **changed: Any) -> dict[str, Any]:
    return {
        "eventID": "e-1", "eventTime": utc_text(at)[:19] + "Z", "eventSource": "ec2.amazonaws.com",
        "eventName": "StopInstances", "readOnly": False, "awsRegion": "eu-central-1",
        "recipientAccountId": "111122223333", "requestID": "r-1", "userAgent": f"Boto3 spendgate/{TOKEN}",
        "userIdentity": {"type": "Role", "arn": ROLE},
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}]}},
    } | changed  # fmt: skip


def judged(log: Logged, *records: Any, period: Period | None = None) -> Judged:
    raws = [Raw("f", number, one) for number, one in enumerate(records, 1)]
    return reconcile(log, raws, ours([ROLE]), period or Period())


def names(told: Judged) -> list[str]:
    """Without the sentence that no record names the role, which is so wherever a test has no records."""
    return [one.name for one in told.findings if one.name != UNSEEN]


@pytest.mark.parametrize(
    ("seconds", "found"),
    [(0, []), (-60, []), (-61, ["too_early"]), (61, []), (62, ["too_late"]), (-86_000, ["too_early"])],
)
def test_clocks_may_differ_by_the_skew_and_by_the_second_that_cloudtrail_cuts(seconds: int, found: list[str]) -> None:
    told = judged(logged(effect()), record(AT + timedelta(seconds=seconds)))
    assert names(told) == found


def test_without_an_answer_an_effect_may_come_about_until_it_is_settled() -> None:
    lost = effect(outcome=DONE, request_id="", answered_at=None, concluded_at=AT + timedelta(minutes=14))
    assert names(judged(logged(lost), record(AT + timedelta(minutes=14)))) == []
    assert names(judged(logged(lost), record(AT + timedelta(minutes=16)))) == ["too_late"]
    unknown = effect(outcome=OPEN, request_id="", answered_at=None)
    assert names(judged(logged(unknown), record(AT + timedelta(minutes=10)))) == []
    assert judged(logged(unknown)).effects == {"open": 1}


@pytest.mark.parametrize(
    ("period", "effects", "found"),
    [
        (Period(), {"findings": 1}, ["missing"]),
        (Period(since=AT, to=AT + timedelta(hours=1)), {"findings": 1}, ["missing"]),
        (Period(since=AT + SECOND), {"outside": 1}, []),
        (Period(to=AT), {"outside": 1}, []),
        (Period(to=AT + timedelta(seconds=30)), {"not_due": 1}, []),
    ],
)
def test_what_is_missing_is_missed_only_inside_the_period(
    period: Period, effects: dict[str, int], found: list[str]
) -> None:
    told = judged(logged(effect()), period=period)
    assert (told.effects, names(told)) == (effects, found)


def test_a_change_at_the_border_is_matched_whichever_side_its_clock_puts_it_on() -> None:
    for period in (Period(since=AT), Period(to=AT)):
        for at in (AT - SECOND, AT, AT + SECOND):
            told = judged(logged(effect()), record(at), period=period)
            assert names(told) == []
            assert told.calls.get("matched", 0) + told.calls.get("outside", 0) == 1
    alone = record(AT - SECOND, requestID="x", userAgent="", eventName="TerminateInstances")
    assert judged(logged(), alone, period=Period(since=AT)).calls == {"records": 1, "outside": 1}


def test_copies_of_one_event_are_one_whether_delivered_twice_or_to_two_accounts() -> None:
    shared: dict[str, Any] = {"sharedEventID": "s-1"}
    told = judged(
        logged(effect()),
        record(**shared),
        record(**shared),
        record(eventID="e-2", recipientAccountId="9" * 12, **shared),
    )
    assert (names(told), told.calls) == ([], {"records": 3, "copies": 2, "matched": 1})


def test_a_copy_in_another_account_is_none_unless_the_accounts_share_the_event() -> None:
    told = judged(logged(effect()), record(), record(recipientAccountId="9" * 12))
    assert (names(told), told.calls) == (["conflicting_copy"], {"records": 2, "matched": 1, "findings": 1})


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"force": True}, True),
        ({"hibernate": "true"}, True),
        ({"policyDocument": "{*}"}, True),
        ({"cidrIp": "0.0.0.0/0"}, True),
        ({"desiredCount": 0}, True),
        ({"tagSet": {"items": [{"key": "a", "value": "b"}]}}, True),
        ({"instanceId": "i-2"}, True),
        ({"items": [{"x": "y"}] * 5000}, True),
        ({"force": False, "hibernate": "", "dryRun": None, "tagSet": {}, "clientToken": TOKEN}, False),
    ],
)
def test_a_parameter_that_was_not_sealed_is_a_difference_unless_it_asks_for_nothing(
    more: dict[str, Any], found: bool
) -> None:
    parameters = record()["requestParameters"] | more
    assert names(judged(logged(effect()), record(requestParameters=parameters))) == ["not_as_sealed"] * found


def test_a_value_that_was_sealed_under_one_name_does_not_excuse_another() -> None:
    scaled = effect()
    wants = leaves_of({"clusterName": "batch", "scalingConfig": {"minSize": 0, "desiredSize": 1}})
    scaled.planned = scaled.planned._replace(wants=wants)
    as_sealed = {"name": "batch", "scalingConfig": {"minSize": 0, "desiredSize": 1}}
    assert names(judged(logged(scaled), record(requestParameters=as_sealed))) == []
    for more in ({"maxSize": 0}, {"updateConfig": {"maxUnavailable": 1}}, {"nodegroupName": "batch"}):
        told = judged(logged(scaled), record(requestParameters=as_sealed | more))
        assert (more, names(told)) == (more, ["not_as_sealed"])


@pytest.mark.parametrize("at", ["2099-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_that_cannot_be_takes_a_change_out_of_no_period(at: str) -> None:
    """With the operation of an effect, which is looked for around the call's time."""
    untied: dict[str, Any] = {"eventID": "e-2", "requestID": "x", "userAgent": "", "eventTime": at}
    told = judged(logged(effect(request_id="")), record(**untied), period=Period(to=AT + timedelta(days=1)))
    assert sorted(names(told)) == ["missing", "orphan"]
    tied = judged(logged(effect()), record(eventTime=at), period=Period(to=AT + timedelta(days=1)))
    assert names(tied) == ["unknown_time"]


def test_a_call_later_than_the_clock_and_its_tolerance_has_no_time() -> None:
    answered = effect(answered_at=NOW + timedelta(hours=1))
    assert names(judged(logged(answered), record(NOW + timedelta(seconds=60)))) == []
    assert names(judged(logged(answered), record(NOW + timedelta(seconds=61)))) == ["unknown_time"]


def test_a_role_that_no_record_names_is_a_finding_and_its_case_does_not_matter() -> None:
    typed = [ROLE.replace("worker", "wroker"), ROLE.replace("worker", "Worker"), "AKIA" + "0" * 16]
    told = reconcile(logged(effect()), [Raw("f", 1, record())], ours(typed), Period())
    assert [(one.name, one.sentence.partition(":")[0]) for one in told.findings] == [
        ("unseen_role", "No record names 111122223333"),
        ("unseen_role", "No record names AKIA0000000000000000"),
    ]
    assert told.calls == {"records": 1, "matched": 1}


def test_a_change_whose_caller_the_record_does_not_name_is_counted_apart() -> None:
    cross: dict[str, Any] = {"type": "AWSAccount", "accountId": "111122223333", "principalId": "AROAEXAMPLE:worker"}
    free: dict[str, Any] = {"requestID": "x", "userAgent": ""}
    told = judged(
        logged(),
        record(userIdentity=cross, **free),
        record(userIdentity=cross, eventName="DescribeInstances", readOnly=True, **free),
        record(userIdentity={"type": "AWSService", "invokedBy": "x.amazonaws.com"}, **free),
        record(userIdentity={"type": "Root", "arn": "arn:aws:iam::111122223333:root"}, **free),
    )
    assert told.calls == {"records": 4, "unplaced": 1, "others": 3}


def test_a_shared_id_does_not_hide_a_second_effect() -> None:
    shared: dict[str, Any] = {"sharedEventID": "s-1"}
    told = judged(logged(effect()), record(**shared), record(eventID="e-2", requestID="r-2", **shared))
    assert names(told) == ["double"]


def test_a_repeat_that_the_log_tells_of_is_none_if_it_does_something_else() -> None:
    sent_twice = effect(sent_at=[AT, AT + 30 * SECOND], answered_at=AT + 31 * SECOND)
    other: dict[str, Any] = {"requestParameters": {"instancesSet": {"items": [{"instanceId": "i-2"}]}}}
    again: dict[str, Any] = {"eventID": "e-2", "requestID": "r-2"}
    assert names(judged(logged(sent_twice), record(), record(**again))) == []
    assert names(judged(logged(sent_twice), record(), record(**again, **other))) == ["double"]
    assert names(judged(logged(effect()), record(), record(**again))) == ["double"]


def test_a_pair_that_is_wrong_in_several_ways_is_one_finding_that_names_them_all() -> None:
    told = judged(
        logged(effect(refusal="it was rejected", claimed_at=None)),
        record(AT + timedelta(hours=1), awsRegion="us-east-1"),
    )
    (finding,) = told.findings
    assert (finding.name, finding.also) == ("unapproved", ("unclaimed", "not_as_sealed", "too_late"))
    assert "us-east-1, sealed eu-central-1" in finding.sentence
    assert told.calls == {"records": 1, "findings": 1}
    assert told.effects == {"findings": 1}


def test_an_effect_is_never_given_to_a_call_that_says_it_belongs_elsewhere() -> None:
    foreign = record(requestID="x", userAgent=f"Boto3 spendgate/{'cd' * 16}")
    told = judged(logged(effect()), foreign)
    assert sorted(names(told)) == ["missing", "orphan"]


def test_a_call_under_one_effects_request_id_and_another_ones_token_is_not_the_first_ones() -> None:
    second = effect()
    second.planned = second.planned._replace(proposal="P-2", token="cd" * 16, wants=leaves_of({"InstanceIds": ["i-2"]}))
    second.request_id = "r-2"
    mine: dict[str, Any] = {"requestParameters": {"instancesSet": {"items": [{"instanceId": "i-2"}]}}}
    told = judged(logged(effect(), second), record(userAgent=f"spendgate/{'cd' * 16}", **mine))
    assert sorted((one.name, one.proposal) for one in told.findings) == [("missing", "P-1"), ("request_id", "P-2")]


def test_many_spoilt_records_of_a_file_are_counted_and_told_in_one_sentence() -> None:
    told = judged(logged(), *(["spoilt"] * (MOST_TOLD + 30)))
    assert told.calls == {"records": MOST_TOLD + 30, "unreadable": MOST_TOLD + 30}
    assert len(names(told)) == MOST_TOLD + 1
    assert told.findings[MOST_TOLD].sentence == "30 more records of f cannot be read."


def test_the_order_of_the_records_does_not_matter() -> None:
    records = [
        record(), record(eventID="e-2", requestID="r-2"), record(eventID="e-3", userAgent="", requestID="r-3"),
        record(AT - timedelta(hours=3), eventID="e-4", requestID="r-4", userAgent=""),
        record(eventID="e-5", requestID="r-5", userAgent="", eventName="TerminateInstances"), record(eventTime="?"),
    ]  # fmt: skip
    expected = None
    for seed in range(20):
        random.Random(seed).shuffle(records)
        told = judged(logged(effect()), *records)
        found = Counter(one.name for one in told.findings)
        expected = expected or found
        assert found == expected


def test_every_name_of_a_finding_is_explained() -> None:
    from audit import population

    names_given = {
        value for name, value in vars(population).items()
        if name.isupper() and isinstance(value, str) and value not in (DONE, OPEN, population.FAILED)
    }  # fmt: skip
    assert names_given == set(NAMES)
