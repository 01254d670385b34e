"""Who called what, by CloudTrail's fields: sessions belong to roles, refusals are no effects, nothing is guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from audit.errors import AuditError
from audit.trail_event import Call, call_of, leaves_of, moment, ours

ROLE = "arn:aws:iam::111122223333:role/ops/deep/worker"
MINE = ours([ROLE])
NOW = datetime(2026, 11, 21, tzinfo=UTC)
RECORD: dict[str, Any] = {
    "eventID": "e-1",
    "eventTime": "2026-11-20T09:00:05Z",
    "eventSource": "ec2.amazonaws.com",
    "eventName": "StopInstances",
    "readOnly": False,
    "awsRegion": "eu-central-1",
    "recipientAccountId": "111122223333",
    "requestID": "r-1",
    "userAgent": f"Boto3/1.44 spendgate/{'ab' * 16}",
    "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/worker/session-7"},
    "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-1"}]}, "force": False},
}


def read(**changed: Any) -> Call | str:
    record = {name: value for name, value in (RECORD | changed).items() if value != "left out"}
    return call_of(record, mine=MINE, changing=frozenset({"ec2:StopInstances"}), latest=NOW)


def test_a_record_is_read_whole() -> None:
    call = read()
    assert isinstance(call, Call)
    assert call.at == datetime(2026, 11, 20, 9, 0, 5, tzinfo=UTC)
    assert (call.operation, call.account, call.region) == ("ec2:StopInstances", "111122223333", "eu-central-1")
    assert (call.request_id, call.token, call.mine, call.changes) == ("r-1", "ab" * 16, True, True)
    assert call.resource() == "i-1"


@pytest.mark.parametrize(
    ("arn", "issuer", "mine"),
    [
        ("arn:aws:sts::111122223333:assumed-role/worker/other-session", None, True),
        ("arn:aws:sts::111122223333:assumed-role/worker/x", ROLE, True),
        ("arn:aws:iam::111122223333:role/worker", None, True),
        ("arn:aws-cn:sts::111122223333:assumed-role/worker/x", None, True),
        (None, ROLE, True),
        ("arn:aws:sts::111122223333:assumed-role/worker2/x", None, False),
        ("arn:aws:sts::111122223333:assumed-role/admin/worker", None, False),
        ("arn:aws:sts::999922223333:assumed-role/worker/x", None, False),
        ("arn:aws:iam::111122223333:user/worker", None, False),
        ("arn:aws:sts::111122223333:assumed-role/Worker/x", None, True),
    ],
)
def test_a_session_belongs_to_its_role_and_to_no_other(arn: str | None, issuer: str | None, mine: bool) -> None:
    who = {
        "type": "AssumedRole",
        "arn": arn,
        "accessKeyId": "ASIA0",
        "sessionContext": {"sessionIssuer": {"arn": issuer}},
    }
    call = read(userIdentity=who)
    assert isinstance(call, Call)
    assert call.mine is mine


def test_a_key_of_ours_says_whose_call_it_is_where_the_arn_is_missing() -> None:
    who = {"type": "IAMUser", "accessKeyId": "AKIAEXAMPLE012345678"}
    keyed = call_of(RECORD | {"userIdentity": who}, mine=ours([who["accessKeyId"]]), changing=frozenset(), latest=NOW)
    assert isinstance(keyed, Call)
    assert keyed.mine


def test_roles_users_sessions_and_keys_may_be_named_and_nothing_else() -> None:
    named = ours([ROLE, "arn:aws:iam::111122223333:user/bot", "AKIAEXAMPLE012345678", ROLE.replace("deep/", "")])
    assert named.identities == {("111122223333", "role", "worker"), ("111122223333", "user", "bot")}
    assert named.keys == {"AKIAEXAMPLE012345678"}
    assert ours(["arn:aws:sts::111122223333:assumed-role/worker/x"]).identities == MINE.identities
    for wrong in (["worker"], ["arn:aws:s3:::bucket"], [""], []):
        with pytest.raises(AuditError, match="role"):
            ours(wrong)


@pytest.mark.parametrize(
    ("changed", "reading", "failed"),
    [
        ({"readOnly": True}, False, ""),  # a declared change is one, whatever the record says
        ({"eventName": "DescribeInstances", "readOnly": True}, True, ""),
        ({"eventName": "DescribeInstances", "readOnly": "true"}, True, ""),
        ({"eventName": "DescribeInstances", "readOnly": "left out"}, True, ""),
        ({"eventName": "TerminateInstances", "readOnly": "left out"}, False, ""),
        ({"eventName": "DescribeInstances", "readOnly": False}, False, ""),
        ({"errorCode": "Client.DryRunOperation"}, False, "Client.DryRunOperation"),
        ({"errorCode": ""}, False, ""),
        ({"errorCode": " "}, False, ""),
        ({"errorMessage": "ok"}, False, ""),  # what was refused has a code
        ({"eventName": "TerminateInstances", "readOnly": True}, False, ""),  # the flag alone hides no change
        ({"eventName": "TerminateInstances", "readOnly": "TRUE"}, False, ""),
        ({"eventName": "DescribeInstances", "readOnly": 1}, False, ""),
        ({"eventName": "CheckoutLicense", "readOnly": "left out"}, False, ""),
        ({"eventName": "Listen", "readOnly": True}, False, ""),
        ({"eventName": "DecryptAndForget", "readOnly": True}, False, ""),
    ],
)
def test_readings_and_refusals_are_no_changes(changed: dict[str, Any], reading: bool, failed: str) -> None:
    call = read(**changed)
    assert isinstance(call, Call)
    assert (call.reading, call.failed) == (reading, failed)
    assert call.changes is (not reading and not failed)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"eventID": "left out"}, "no eventID"),
        ({"eventID": 17}, "no eventID"),
        ({"eventID": ""}, "no eventID"),
        ({"eventSource": None, "eventName": []}, "no eventSource, no eventName"),
        ({"userIdentity": "left out"}, "whose call"),
        ({"userIdentity": "worker"}, "whose call"),
        ({"userIdentity": {"type": "AssumedRole"}}, "which role or user"),
        ({"userIdentity": {"type": "AssumedRole", "accessKeyId": "ASIA0", "ARN": ROLE}}, "which role or user"),
        ({"userIdentity": {"type": "IAMUser", "arn": "worker"}}, "which role or user"),
        ({"userIdentity": {"type": "AssumedRole", "arn": "arn:aws:iam::111122223333:root"}}, "which role or user"),
        ({"errorCode": 0}, "errorCode"),
        ({"errorCode": False}, "errorCode"),
        ({"errorCode": []}, "errorCode"),
        ({"CloudTrailEvent": "{}"}, "around another"),
        ({"Records": []}, "records of its own"),
        ({"eventID": "left out", "protoPayload": {}}, "Google"),
        ({"eventID": "left out", "operationName": "x"}, "Azure"),
    ],
)
def test_a_record_that_does_not_say_enough_is_unreadable(changed: dict[str, Any], why: str) -> None:
    told = read(**changed)
    assert isinstance(told, str)
    assert why in told


@pytest.mark.parametrize("record", [None, 1, "x", [], [RECORD], True, {}])
def test_what_is_no_record_is_told_as_such(record: Any) -> None:
    assert isinstance(call_of(record, mine=MINE, changing=frozenset(), latest=NOW), str)


def test_a_record_inside_an_answer_of_lookup_events_is_read() -> None:
    import json

    call = call_of({"EventId": "x", "CloudTrailEvent": json.dumps(RECORD)}, mine=MINE, changing=frozenset(), latest=NOW)
    assert isinstance(call, Call)
    assert call.event_id == "e-1"
    twice = json.dumps(RECORD)[:-1] + ', "eventName": "DescribeInstances"}'
    told = call_of({"CloudTrailEvent": twice}, mine=MINE, changing=frozenset(), latest=NOW)
    assert told == "it is no object"
    assert call_of({"CloudTrailEvent": "{"}, mine=MINE, changing=frozenset(), latest=NOW) == "it is no object"


@pytest.mark.parametrize(
    "text", [None, 5, "", "yesterday", "2026-11-20", "2026-11-20T09:00:00", "2026-02-30T00:00:00Z", "9" * 50,
             "0001-01-01T00:00:00+14:00", True, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2005-12-31T23:59:59Z",
             "2026-11-21T00:00:01Z"],
)  # fmt: skip
def test_a_time_without_zone_or_sense_or_that_cannot_be_is_none(text: object) -> None:
    assert moment(text, latest=NOW) is None


def test_a_request_and_its_record_say_the_same_leaves() -> None:
    assert leaves_of({"InstanceIds": ["i-1", "i-2"]}) == (("instanceid", "i-1"), ("instanceid", "i-2"))
    recorded = {"instancesSet": {"items": [{"instanceId": "i-2"}, {"instanceId": "i-1"}]}}
    assert leaves_of(recorded) == leaves_of({"InstanceIds": ["i-1", "i-2"]})
    sent = {"InstanceId": "i-1", "InstanceType": {"Value": "g5.xlarge"}}
    assert leaves_of(sent) == leaves_of({"instanceId": "i-1", "instanceType": {"value": "g5.xlarge"}})
    assert leaves_of(None) == leaves_of({}) == leaves_of({"a": None}) == ()


def test_a_token_is_taken_from_the_mark_or_from_the_parameter_and_from_nothing_that_only_looks_like_it() -> None:
    for agent, parameters, token in (
        (f"x spendgate/{'ab' * 16}", {"clientToken": "other"}, "ab" * 16),
        ("Boto3", {"clientRequestToken": "t-1"}, "t-1"),
        (f"x evilspendgate/{'ab' * 16}", {}, ""),
        (f"x spendgate/{'ab' * 17}", {}, ""),
        (None, {}, ""),
    ):
        call = read(userAgent=agent, requestParameters=parameters)
        assert isinstance(call, Call)
        assert call.token == token
