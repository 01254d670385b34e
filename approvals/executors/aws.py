"""Stops and starts EC2 instances: one HTTP request for each step, never a second by itself.

botocore sends again on time-outs and 5xx answers unless it is told not to; a client that would is refused here, since
its second request would be one that nobody stored an intent for.
"""

import json
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from approvals.changes.step import Request
from approvals.executors.port import NoAnswer, Receipt, Refused
from audit.canonical import sha256

Clients = Callable[[str, str], Any]
"""(account, region) → EC2 client: which credential is for which account is the worker's wiring."""

CONNECT_SECONDS, READ_SECONDS = 5, 30
METHODS = {"ec2:StopInstances": "stop_instances", "ec2:StartInstances": "start_instances"}
THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException"})
"""Answered with 503, and yet an answer: AWS turned the request away before looking at it."""

NOT_SENT = (EndpointConnectionError, NoCredentialsError, ParamValidationError)


def ec2_clients(
    *,
    endpoint_url: str | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    session_token: str | None = None,
) -> Clients:
    """EC2 clients of one credential, one for each region, that send every request exactly once."""
    known: dict[str, Any] = {}

    def client(_account: str, region: str) -> Any:
        if region not in known:
            known[region] = boto3.session.Session().client(
                "ec2",
                region_name=region,
                endpoint_url=endpoint_url,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                aws_session_token=session_token,
                config=Config(
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    inject_host_prefix=False,
                ),
            )
        return known[region]

    return client


class Ec2Executor:
    """Sends sealed requests to EC2. `clients` gives a client with the worker's write credential."""

    name = "aws"
    rehearsal = False

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def send(self, request: Request, *, token: str) -> Receipt:
        """Sends once. EC2's stop and start take no idempotency token, so `token` stays in the log alone."""
        client = self._client(request)
        try:
            answer = getattr(client, METHODS[request.operation])(**request.parameters)
        except ClientError as error:
            told = error.response.get("Error", {})
            code, sentence = str(told.get("Code", "unknown")), str(told.get("Message", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            if 400 <= status < 500 or code in THROTTLED:
                raise Refused(code, sentence) from error
            raise NoAnswer(f"{code} (HTTP {status})") from error
        except NOT_SENT as error:
            raise Refused(type(error).__name__, "the request did not leave this machine") from error
        except BotoCoreError as error:
            raise NoAnswer(type(error).__name__) from error
        metadata = answer.pop("ResponseMetadata", {})
        told_bytes = json.dumps(answer, sort_keys=True, default=str).encode()
        return Receipt(request_id=metadata.get("RequestId"), response_hash=sha256(told_bytes))

    def _client(self, request: Request) -> Any:
        if request.operation not in METHODS:
            raise Refused("unknown_operation", f"{request.operation} is nothing that this executor does")
        client = self._clients(request.account, request.region)
        if (client.meta.config.retries or {}).get("total_max_attempts") != 1:
            raise Refused("client_sends_again", "the AWS client would send a request again by itself; nothing was sent")
        if client.meta.region_name != request.region:
            raise Refused("other_region", f"the client is for {client.meta.region_name}, not {request.region}")
        return client
