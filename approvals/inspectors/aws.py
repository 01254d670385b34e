"""What the inspectors of AWS share: how a client is asked, what counts as no answer, and what tags tell.

A dry run asks AWS whether the request would be permitted, without making it. It answers by an error whatever happens:
`DryRunOperation` is the yes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from approvals.inspectors.port import CannotLook
from audit.canonical import sha256

Clients = Callable[[str, str, str], Any]
"""(account, region, service) → boto3 client: which credential is for which account is the worker's wiring."""

NO_ANSWER = (BotoCoreError, ResponseParserError)
"""A page of HTML from a proxy is no answer either, and botocore tells it by an error of another family."""

BROKEN = (KeyError, TypeError, ValueError, AttributeError)
"""What botocore's parsers and whoever reads their result stumble with over an answer that has another shape."""

DENIED = frozenset({"UnauthorizedOperation", "AuthFailure", "AccessDenied", "OperationNotPermitted"})
ENVIRONMENT_TAGS = ("environment", "env", "stage")
TEAM_TAGS = ("team", "cost_center", "cost-center", "costcenter")
OWNER_TAG = "owner"


def ask(call: Callable[..., Any], **parameters: Any) -> dict[str, Any]:
    """The answer of a describe call; CannotLook for no answer, ClientError (of 4xx) for AWS's own no."""
    try:
        answer: dict[str, Any] = call(**parameters)
    except ClientError as error:
        if 400 <= status_of(error) < 500 and code_of(error) not in DENIED:
            raise
        raise CannotLook(told_of(error)) from error
    except (*NO_ANSWER, *BROKEN) as error:
        raise CannotLook(type(error).__name__) from error
    return answer


def listed(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The list that an answer must hold; CannotLook where it does not, since that is no answer to what was asked."""
    found = answer.get(key)
    if not isinstance(found, list):
        raise CannotLook(f"the answer has no {key}")
    return found


def dry_run(call: Callable[..., Any], **parameters: Any) -> str | None:
    """None if it would be permitted, otherwise AWS's word for why not."""
    try:
        call(**parameters, DryRun=True)
    except ClientError as error:
        code = code_of(error)
        if code == "DryRunOperation":
            return None
        if code in DENIED or 400 <= status_of(error) < 500:
            return code
        raise CannotLook(told_of(error)) from error
    except NO_ANSWER as error:
        raise CannotLook(type(error).__name__) from error
    return "the dry run was answered as if it had been carried out"


def account_seen(clients: Clients, change: Any) -> str:
    """The account that the credential for this change sees: many resources do not tell theirs."""
    try:
        identity = ask(clients(change.account, change.region, "sts").get_caller_identity)
    except ClientError as error:
        raise CannotLook(code_of(error)) from error
    return str(identity.get("Account", ""))


def tags_of(resource: dict[str, Any]) -> dict[str, str]:
    """The tags of an EC2 resource by name."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in resource.get("Tags", [])}


def fingerprints(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as fingerprints: their values often are people's names, and sealed bytes stay."""
    return {key: sha256(f"{key}\0{value}".encode())[:16] for key, value in tags.items()}


def environment_of(tags: Mapping[str, str]) -> str | None:
    """The environment that the tags name, whatever the case of their keys."""
    low = {key.lower(): value for key, value in tags.items()}
    return next((low[key] for key in ENVIRONMENT_TAGS if low.get(key)), None)


def team_of(tags: Mapping[str, str]) -> str | None:
    """Whom the resource belongs to, for telling a split change. An owner often is a person: only its fingerprint."""
    low = {key.lower(): value.strip() for key, value in tags.items()}
    team = next((low[key] for key in TEAM_TAGS if low.get(key)), None)
    if team is not None:
        return team.lower()
    owner = low.get(OWNER_TAG)
    return f"owner-{sha256(owner.lower().encode())[:16]}" if owner else None


def name_of(tags: Mapping[str, str]) -> str | None:
    """The name that people gave it."""
    return next((value for key, value in tags.items() if key.lower() == "name"), None)


def code_of(error: ClientError) -> str:
    """AWS's own word for the error."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def status_of(error: ClientError) -> int:
    """The HTTP status of the error; 0 where it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def told_of(error: ClientError) -> str:
    """The error for a person, in short."""
    return f"{code_of(error)} (HTTP {status_of(error)})"
