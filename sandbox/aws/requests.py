"""What a request to the sandbox asks: which action, on which instances, whose key, for real or as a rehearsal."""

import io
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

READING = ("Describe", "Get", "List", "Search", "AssumeRole", "Decode")
CREDENTIAL = re.compile(r"Credential=([A-Z0-9]+)/\d+/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True)
class AwsRequest:
    """`instance_ids` as named by the caller; `dry_run` requests change nothing."""

    action: str
    service: str
    region: str
    access_key: str
    instance_ids: tuple[str, ...]
    dry_run: bool
    mutating: bool


def read_request(environ: dict[str, Any]) -> AwsRequest:
    """Reads the request and puts its body back for the one who answers it."""
    body = _body(environ)
    pairs = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        pairs |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    key, region, service = signed.groups() if signed else ("", "", "")
    method = str(environ.get("REQUEST_METHOD", "GET"))
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    action = pairs.get("Action") or target.rpartition(".")[2] or f"{method} {environ.get('PATH_INFO', '/')}"
    named = "Action" in pairs or bool(target)
    reads = action.startswith(READING) if named else method in ("GET", "HEAD", "OPTIONS")
    dry_run = pairs.get("DryRun", "").lower() == "true"
    ids = tuple(value for name, value in pairs.items() if name.startswith("InstanceId"))
    return AwsRequest(
        action=action, service=service, region=region, access_key=key, instance_ids=ids, dry_run=dry_run,
        mutating=not reads and not dry_run,
    )  # fmt: skip


def _body(environ: dict[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) == 0:
        return b""
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
