"""What the inspectors of SageMaker share: what it answers for a name that it does not know, and where it keeps tags."""

from typing import Any

from botocore.exceptions import ClientError

from approvals.inspectors.aws import ask, code_of, listed, tags_of
from approvals.inspectors.port import CannotLook

GONE = ("RecordNotFound", "not found", "does not exist", "Could not find")
"""SageMaker answers ValidationException for a name that it does not know; only its sentence tells that from others."""


def described(call: Any, name: str, wanted: str) -> dict[str, Any] | None:
    """What SageMaker describes under the parameter `name`; None for a name that it does not know."""
    try:
        answer = ask(call, **{name: wanted})
    except ClientError as error:
        sentence = str(error.response.get("Error", {}).get("Message", ""))
        if code_of(error) == "ValidationException" and any(word in sentence for word in GONE):
            return None
        raise CannotLook(code_of(error)) from error
    if answer.get(name) != wanted:
        raise CannotLook(f"asked for {wanted}, the answer is not about it")
    return answer


def tags_told(client: Any, arn: str) -> dict[str, str]:
    """A resource's tags; SageMaker tells them apart from the rest, in pages."""
    tags: dict[str, str] = {}
    asked = {"ResourceArn": arn}
    for _ in range(5):
        try:
            answer = ask(client.list_tags, **asked)
        except ClientError as error:
            raise CannotLook(code_of(error)) from error
        tags |= tags_of({"Tags": listed(answer, "Tags")})
        if not answer.get("NextToken"):
            return tags
        asked["NextToken"] = answer["NextToken"]
    raise CannotLook(f"{arn} has more tags than can be")
