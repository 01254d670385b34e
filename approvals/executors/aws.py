"""Sends sealed requests to AWS: one HTTP request for each step, never a second by itself.

botocore sends again on time-outs and 5xx answers unless it is told not to; a client that would is refused here, since
its second request would be one that nobody stored an intent for. Each request bears its token in the User-Agent, which
AWS writes into its own log: so what Spendgate did can be told there from what others did.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
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
from botocore.parsers import ResponseParserError

from approvals.awake import PROMPT_SECONDS, awake
from approvals.changes.operations import OPERATIONS
from approvals.changes.step import Request
from approvals.executors.answers import CALLS, fault_of
from approvals.executors.port import NoAnswer, Receipt, Refused
from approvals.executors.wire import wired
from audit.canonical import sha256

Clients = Callable[[str, str, str], Any]
"""(account, region, service) → boto3 client: which credential is for which account is the worker's wiring."""

CONNECT_SECONDS, READ_SECONDS = 5, 30
THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException"})
"""Answered with 503, and yet an answer: AWS turned the request away before looking at it."""

OWN_WORD = re.compile(r"[A-Z][A-Za-z0-9]*(\.[A-Z][A-Za-z0-9]*)*")
"""How AWS names its errors. A proxy's 403 has no such name, and says nothing of whether the request went through."""

NOT_SENT = (EndpointConnectionError, NoCredentialsError, ParamValidationError)
MARK = "spendgate/"


def aws_clients(
    *,
    endpoint_url: str | None = None,
    access_key: str | None = None,
    secret_key: str | None = None,
    session_token: str | None = None,
) -> Clients:
    """Clients of one credential, one for each region and service, that send every request exactly once."""
    known: dict[tuple[str, str], Any] = {}

    def client(_account: str, region: str, service: str) -> Any:
        if (region, service) not in known:
            known[region, service] = boto3.session.Session().client(
                service,
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
        return known[region, service]

    return client


class AwsExecutor:
    """Sends sealed requests to EC2, EKS and SageMaker. `clients` gives a client with the worker's write credential."""

    name = "aws"
    rehearsal = False

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._marking = Lock()

    def send(self, request: Request, *, token: str) -> Receipt:
        """Sends once; `token` goes along where the operation takes one, and into the User-Agent everywhere."""
        client, parameters = self._client(request), wired(request)
        takes = OPERATIONS[request.operation].token
        if takes is not None:
            parameters[takes] = token
        try:
            with self._marking, _marked(client, token):
                answer = getattr(client, CALLS[request.operation])(**parameters)
        except ClientError as error:
            raise _read_error(error) from error
        except NOT_SENT as error:
            raise Refused(type(error).__name__, "the request did not leave this machine") from error
        except (BotoCoreError, ResponseParserError) as error:
            raise NoAnswer(type(error).__name__) from error
        metadata = answer.pop("ResponseMetadata", {})
        fault = fault_of(request, answer, metadata.get("RequestId"))
        if fault is not None:
            raise NoAnswer(f"an answer that does not answer the request: {fault}")
        told_bytes = json.dumps(answer, sort_keys=True, default=str).encode()
        return Receipt(request_id=metadata.get("RequestId"), response_hash=sha256(told_bytes))

    def _client(self, request: Request) -> Any:
        if request.operation not in CALLS or request.operation not in OPERATIONS:
            raise Refused("unknown_operation", f"{request.operation} is nothing that this executor does")
        client = self._clients(request.account, request.region, request.operation.partition(":")[0])
        if (client.meta.config.retries or {}).get("total_max_attempts") != 1:
            raise Refused("client_sends_again", "the AWS client would send a request again by itself; nothing was sent")
        if client.meta.region_name != request.region:
            raise Refused("other_region", f"the client is for {client.meta.region_name}, not {request.region}")
        return client


def _read_error(error: ClientError) -> Refused | NoAnswer:
    """Refused only if AWS itself says so by a name of its own; whatever else came back decides nothing."""
    told = error.response.get("Error", {})
    code, sentence = str(told.get("Code", "")), str(told.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if OWN_WORD.fullmatch(code) and code != "Unknown" and (400 <= status < 500 or code in THROTTLED):
        return Refused(code, sentence)
    return NoAnswer(f"{code or 'an error without a name'} (HTTP {status})")


@contextmanager
def _marked(client: Any, token: str) -> Iterator[None]:
    """Lets the requests made meanwhile bear the token; the User-Agent is no part of what is signed.

    At the last moment: botocore composes the header anew after its signing events.
    """

    def mark(request: Any, **_: Any) -> None:
        agent = request.headers.get("User-Agent", b"")
        known = agent.decode("ascii", "replace") if isinstance(agent, bytes) else str(agent)
        request.headers["User-Agent"] = f"{known} {MARK}{token}".strip().encode("ascii", "replace")

    def promptly(**_: Any) -> None:
        # Once signed, AWS itself takes it for five minutes only; before that nobody else would notice a long sleep.
        if awake() - begun >= PROMPT_SECONDS:
            raise Refused("overslept", "the worker was held up before the request was signed: not sent")

    begun = awake()
    client.meta.events.register("before-sign", promptly)
    client.meta.events.register("before-send", mark)
    try:
        yield
    finally:
        client.meta.events.unregister("before-send", mark)
        client.meta.events.unregister("before-sign", promptly)
