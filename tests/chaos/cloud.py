"""The AWS sandbox as a campaign needs it: slow enough to be killed in, and strict about old signatures as AWS is.

`python -m tests.chaos.cloud MACHINES`: one JSON line when it can be reached; ends with SIGTERM or its parent.
"""

import random
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from moto.ec2.models import ec2_backends

import sandbox.aws.application
import sandbox.aws.serve
from sandbox.aws.application import AwsApplication, StartResponse, _aws_error
from sandbox.aws.requests import read_request
from tests.chaos.pace import SIGNED_SECONDS

MOST_DELAY_SECONDS = 0.03
OLD = "Request has expired."


def states_and_types() -> dict[str, str]:
    """Every instance's state and type, so that the journal also tells of a type that was changed."""
    found = {}
    for account in list(ec2_backends):
        for region in list(ec2_backends[account]):
            for instance in ec2_backends[account][region].all_instances():
                found[instance.id] = f"{instance.state} {instance.instance_type}"
    return found


class SlowAws(AwsApplication):
    """Waits a little before a change takes effect, and again before it is answered."""

    def _aws(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if not read_request(environ).mutating:
            return super()._aws(environ, start_response)
        if _age(environ) > SIGNED_SECONDS:
            return _aws_error(start_response, 400, "RequestExpired", OLD)
        time.sleep(random.uniform(0, MOST_DELAY_SECONDS))
        answer = super()._aws(environ, start_response)
        time.sleep(random.uniform(0, MOST_DELAY_SECONDS))
        return answer


def _age(environ: dict[str, Any]) -> float:
    signed = datetime.strptime(environ["HTTP_X_AMZ_DATE"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return (datetime.now(UTC) - signed).total_seconds()


if __name__ == "__main__":
    vars(sandbox.aws.application)["instance_states"] = states_and_types
    vars(sandbox.aws.serve)["AwsApplication"] = SlowAws
    sandbox.aws.serve.serve_until_stopped(Path(sys.argv[1]))
