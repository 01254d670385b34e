"""The AWS sandbox as a campaign needs it: slow enough to be killed in, and strict about old signatures as AWS is.

`python -m tests.chaos.cloud MACHINES`: one JSON line when it can be reached; ends with SIGTERM or its parent.
"""

import json
import random
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.ec2.models import ec2_backends

import sandbox.aws.serve
from sandbox.aws.answers import Answer, refused
from sandbox.aws.application import AwsApplication, StartResponse
from sandbox.aws.faults import Fault
from sandbox.aws.requests import AwsRequest
from sandbox.aws.rules import Refusal
from tests.chaos.pace import SIGNED_SECONDS

MACHINES = "/chaos/machines"
MOST_DELAY_SECONDS = 0.03
OLD = Refusal(400, "RequestExpired", "Request has expired.")


class SlowAws(AwsApplication):
    """Waits a little before a change takes effect, and again before it is answered."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != MACHINES:
            return super().__call__(environ, start_response)
        body = json.dumps(states_and_types()).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, environ: dict[str, Any], request: AwsRequest, fault: Fault | None) -> Answer:
        if not request.mutating:
            return super()._answer(environ, request, fault)
        if _age(environ) > SIGNED_SECONDS:
            return refused(OLD, request.service)
        time.sleep(random.uniform(0, MOST_DELAY_SECONDS))
        answer = super()._answer(environ, request, fault)
        time.sleep(random.uniform(0, MOST_DELAY_SECONDS))
        return answer


def states_and_types() -> dict[str, list[str]]:
    """Every instance's state and type."""
    return {
        instance.id: [instance.state, instance.instance_type]
        for account in list(ec2_backends)
        for region in list(ec2_backends[account])
        for instance in ec2_backends[account][region].all_instances()
    }


def _age(environ: dict[str, Any]) -> float:
    signed = datetime.strptime(environ["HTTP_X_AMZ_DATE"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return (datetime.now(UTC) - signed).total_seconds()


if __name__ == "__main__":
    vars(sandbox.aws.serve)["AwsApplication"] = SlowAws
    sandbox.aws.serve.serve_until_stopped(Path(sys.argv[1]))
