"""What a request to the sandbox asks: which action, on which resources, whose key, for real or as a rehearsal."""

import io
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox.aws.scaling import endpoint_in
from sandbox.aws.schedules import schedule_action
from sandbox.aws.throughput import action_of

READING = ("Describe", "Get", "List", "Search", "AssumeRole", "Decode", "Lookup")
CREDENTIAL = re.compile(r"Credential=([A-Za-z0-9._-]+)/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
MARK = re.compile(r"\bspendgate/(\S+)")
NODE_GROUP = re.compile(r"^/clusters/([^/]+)/node-groups/([^/]+)(/update-config)?/?$")
"""EKS names its actions by path and method alone."""

BY_PATH = {"bedrock": action_of, "scheduler": schedule_action}
NAMES = ("InstanceId", "VolumeId", "AllocationId", "AutoScalingGroupName", "AccessKeyId", "SnapshotId",
         "ResourceId")  # fmt: skip
JSON_NAMES = ("NotebookInstanceName", "EndpointName", "logGroupName", "ResourceId")


@dataclass(frozen=True)
class AwsRequest:
    """`instance_ids` as named by the caller; `resources` besides volumes, addresses, notebooks, node groups (a/b).

    `dry_run` requests change nothing. `mark` is the token that Spendgate's executor puts into the User-Agent.
    """

    action: str
    service: str
    region: str
    access_key: str
    instance_ids: tuple[str, ...]
    dry_run: bool
    mutating: bool
    resources: tuple[str, ...] = ()
    mark: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def read_request(environ: dict[str, Any]) -> AwsRequest:
    """Reads the request and puts its body back for the one who answers it."""
    body = _body(environ)
    pairs = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        pairs |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    key, region, service = signed.groups() if signed else ("", "", "")
    method, path = str(environ.get("REQUEST_METHOD", "GET")), str(environ.get("PATH_INFO", "/"))
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    group = NODE_GROUP.match(path) if service == "eks" else None
    known = "UpdateNodegroupConfig" if group and group[3] and method == "POST" else ""
    known, named_by_path = BY_PATH[service](method, path) if service in BY_PATH else (known, ())
    action = pairs.get("Action") or target.rpartition(".")[2] or known or f"{method} {path}"
    named = "Action" in pairs or bool(target) or bool(known)
    reads = action.startswith(READING) if named else method in ("GET", "HEAD", "OPTIONS")
    dry_run = pairs.get("DryRun", "").lower() == "true"
    mark = MARK.search(str(environ.get("HTTP_USER_AGENT", "")))
    resources = [value for name, value in pairs.items() if name.split(".")[0] in NAMES]
    if target:
        resources += _named_in(body)
    resources += named_by_path
    return AwsRequest(
        action=action, service=service, region=region, access_key=key, dry_run=dry_run,
        mutating=not reads and not dry_run, mark=mark[1] if mark else "", parameters=pairs, body=body,
        instance_ids=tuple(value for name, value in pairs.items() if name.startswith("InstanceId")),
        resources=tuple(resources) + ((f"{unquote(group[1])}/{unquote(group[2])}",) if group else ()),
    )  # fmt: skip


def _named_in(body: bytes) -> list[str]:
    """The resources that a JSON request names."""
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        return []
    return [endpoint_in(str(told[name])) for name in JSON_NAMES if isinstance(told, dict) and told.get(name)]


def _body(environ: dict[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) == 0:
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
