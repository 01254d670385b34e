"""CloudTrail's LookupEvents, told from the journal: what was really called, by whom, with which User-Agent."""

import json
from typing import Any

from sandbox.aws.journal import Call, Journal

MOST = 50
SOURCES = {"ec2": "ec2.amazonaws.com", "eks": "eks.amazonaws.com"}


def looked_up(journal: Journal, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer of LookupEvents, newest first, in one page; `StartTime` and the lookup attributes are honoured."""
    wanted = {str(one["AttributeKey"]): str(one["AttributeValue"]) for one in asked.get("LookupAttributes", [])}
    since = float(asked.get("StartTime", 0))
    found = [call for call in reversed(journal.calls()) if call.time.timestamp() >= since and _meets(call, wanted)]
    return {"Events": [_event(call) for call in found[:MOST]]}


def _meets(call: Call, wanted: dict[str, str]) -> bool:
    names = {"EventName": {call.action}, "ResourceName": set(call.resources), "AccessKeyId": {call.access_key}}
    return all(value in names.get(key, set()) for key, value in wanted.items())


def _event(call: Call) -> dict[str, Any]:
    record = {
        "eventName": call.action,
        "eventTime": call.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "awsRegion": call.region,
        "requestID": call.request_id,
        "userAgent": f"Boto3 spendgate/{call.mark}" if call.mark else "Boto3",
    }
    if call.status >= 400:
        record["errorCode"] = "Client.Refused"
    return {
        "EventId": f"00000000-0000-4000-8000-{call.number:012d}",
        "EventName": call.action,
        "EventTime": call.time.timestamp(),
        "EventSource": SOURCES.get(call.service, f"{call.service}.amazonaws.com"),
        "AccessKeyId": call.access_key,
        "Resources": [{"ResourceName": name} for name in call.resources],
        "CloudTrailEvent": json.dumps(record),
    }
