"""What AWS's own log (CloudTrail) tells of the requests that Spendgate sent: the second witness of an unknown outcome.

Only lines with Spendgate's mark in the User-Agent count; what others did is not ours to conclude from. Absence there
proves nothing, since events arrive up to a quarter of an hour late.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from approvals.inspectors.aws import Clients, ask, listed, told_of
from approvals.inspectors.port import CannotLook, Happening

MARK = re.compile(r"spendgate/([0-9a-f]{32})\b")
MOST_PAGES = 5
SKEW = timedelta(minutes=5)
"""How far the provider's clock may be behind the database's."""


class Trail:
    """`clients` gives a CloudTrail client, whose credential may look events up."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def history(self, change: Any, since: datetime) -> list[Happening]:
        """Every marked call of the change's operations since then; CannotLook where CloudTrail does not answer."""
        client = self._clients(change.account, change.region, "cloudtrail")
        operations = sorted({step.request.operation for step in change.steps()})
        return [told for operation in operations for told in _marked(client, operation, since - SKEW)]


def _marked(client: Any, operation: str, since: datetime) -> Iterator[Happening]:
    name = operation.partition(":")[2]
    asked: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
        "StartTime": since,
    }
    for _ in range(MOST_PAGES):
        try:
            answer = ask(client.lookup_events, **asked)
        except ClientError as error:
            raise CannotLook(told_of(error)) from error
        for event in listed(answer, "Events"):
            yield from _happening(operation, event)
        if not answer.get("NextToken"):
            return
        asked["NextToken"] = answer["NextToken"]


def _happening(operation: str, event: dict[str, Any]) -> Iterator[Happening]:
    try:
        record = json.loads(event.get("CloudTrailEvent") or "{}")
    except ValueError as error:
        raise CannotLook("an event of CloudTrail is no JSON") from error
    mark = MARK.search(str(record.get("userAgent", "")))
    if mark is not None:
        yield Happening(operation, event["EventTime"], token=mark[1], refused=bool(record.get("errorCode")))
