"""CloudTrail as the journal tells it: what was really called, by whom, on what, with which User-Agent.

Asked for with LookupEvents, as boto3 does, or taken whole, as the files that a trail delivers.
"""

import json
import re
from typing import Any

from sandbox.aws.journal import Call, Journal
from sandbox.aws.requests import AwsRequest

MOST = 50
SOURCES = {"ec2": "ec2.amazonaws.com", "eks": "eks.amazonaws.com", "sagemaker": "sagemaker.amazonaws.com",
           "autoscaling": "autoscaling.amazonaws.com", "bedrock": "bedrock.amazonaws.com"}  # fmt: skip


def looked_up(journal: Journal, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer of LookupEvents, newest first, in one page; `StartTime` and the lookup attributes are honoured."""
    wanted = {str(one["AttributeKey"]): str(one["AttributeValue"]) for one in asked.get("LookupAttributes", [])}
    since = float(asked.get("StartTime", 0))
    found = [call for call in reversed(journal.calls()) if call.time.timestamp() >= since and _meets(call, wanted)]
    return {"Events": [_event(call) for call in found[:MOST]]}


def _meets(call: Call, wanted: dict[str, str]) -> bool:
    names = {"EventName": {call.action}, "ResourceName": set(call.resources), "AccessKeyId": {call.access_key}}
    return all(value in names.get(key, set()) for key, value in wanted.items())


def delivered(journal: Journal) -> dict[str, Any]:
    """Everything so far, as one file of a trail holds it; reading calls are not in the journal."""
    return {"Records": [_record(call) for call in journal.calls()]}


def recorded(request: AwsRequest) -> dict[str, Any]:
    """The request's parameters as CloudTrail writes them down: lists as sets of items, EKS's path and body as one."""
    if request.service == "eks":
        cluster, _, group = "".join(request.resources).partition("/")
        return {**_body(request.body), "name": cluster, "nodegroupName": group}
    if request.service == "bedrock":
        return {"provisionedModelId": "".join(request.resources)}
    if request.service == "scheduler":
        return {
            **{_lower(key): value for key, value in _body(request.body).items()},
            "name": "".join(request.resources),
        }
    if request.service in ("sagemaker", "logs", "application-autoscaling"):
        return {_lower(key): value for key, value in _body(request.body).items()}
    told: dict[str, Any] = {}
    if request.action in ("StopInstances", "StartInstances", "RebootInstances", "TerminateInstances"):
        told["instancesSet"] = {"items": [{"instanceId": name} for name in request.instance_ids]}
    for name, value in request.parameters.items():
        key, _, inner = name.partition(".")
        if key in ("Action", "Version") or (key == "InstanceId" and inner):
            continue
        told[_lower(key)] = {_lower(inner): value} if inner else value
    return told


def _body(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _lower(name: str) -> str:
    return re.sub(r"^[A-Z]", lambda first: first[0].lower(), name)


def _record(call: Call) -> dict[str, Any]:
    record = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{call.account}:user/sandbox",
            "accountId": call.account,
            "accessKeyId": call.access_key,
            "userName": "sandbox",
        },
        "eventTime": call.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": SOURCES.get(call.service, f"{call.service}.amazonaws.com"),
        "eventName": call.action,
        "awsRegion": call.region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": f"Boto3 spendgate/{call.mark}" if call.mark else "Boto3",
        "requestParameters": call.parameters,
        "responseElements": None,
        "requestID": call.request_id,
        "eventID": _event_id(call),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call.account,
    }
    return record | {"errorCode": "Client.Refused", "errorMessage": "refused"} if call.status >= 400 else record


def _event_id(call: Call) -> str:
    return f"00000000-0000-4000-8000-{call.number:012d}"


def _event(call: Call) -> dict[str, Any]:
    return {
        "EventId": _event_id(call),
        "EventName": call.action,
        "EventTime": call.time.timestamp(),
        "EventSource": SOURCES.get(call.service, f"{call.service}.amazonaws.com"),
        "AccessKeyId": call.access_key,
        "Resources": [{"ResourceName": name} for name in call.resources],
        "CloudTrailEvent": json.dumps(_record(call)),
    }
