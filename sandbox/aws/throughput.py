"""Bedrock's provisioned throughput, which moto lacks: what it answers, in the shapes of botocore's own model.

One that was bought for a term is deleted only once the term is over; no request brings a deleted one back.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

PATH = re.compile(r"^/provisioned-model-throughput/(?:.*/)?([a-z0-9]{12})$")
ACTIONS = {"GET": "GetProvisionedModelThroughput", "DELETE": "DeleteProvisionedModelThroughput"}
TAGS = "/listTagsForResource"
_standing: dict[str, dict[str, Any]] = {}
"""By ARN, as GetProvisionedModelThroughput answers, and its tags beside under `tags`."""

Reply = tuple[int, str, dict[str, Any]]
"""HTTP status, the error's code (empty for none), and the body."""


def make_throughput(told: dict[str, Any]) -> None:
    """One that is in service; `commitment` and `until` where it was bought for a term."""
    place = f"arn:aws:bedrock:{told['region']}"
    arn = f"{place}:{told['account']}:provisioned-model/{told['throughput']}"
    model = f"{place}::foundation-model/{told['model']}"
    made: dict[str, Any] = {
        "modelUnits": told["units"], "desiredModelUnits": told["units"], "provisionedModelName": told["name"],
        "provisionedModelArn": arn, "modelArn": model, "desiredModelArn": model, "foundationModelArn": model,
        "status": "InService", "creationTime": "2026-02-01T09:00:00Z", "lastModifiedTime": "2026-02-01T09:10:00Z",
    }  # fmt: skip
    if told.get("commitment"):
        made |= {"commitmentDuration": told["commitment"], "commitmentExpirationTime": told["until"]}
    _standing[arn] = made | {"tags": [{"key": key, "value": value} for key, value in told.get("tags", {}).items()]}


def change_throughput(throughput: str, **more: Any) -> None:
    """What somebody else changes about one, for tests."""
    next(made for arn, made in _standing.items() if arn.endswith(f"/{throughput}")).update(more)


def forget_throughputs() -> None:
    """None stands any more."""
    _standing.clear()


def throughputs() -> dict[str, str]:
    """The status of each, by its id."""
    return {arn.rpartition("/")[2]: str(made["status"]) for arn, made in _standing.items()}


def hold_throughputs() -> Callable[[], None]:
    """Remembers which there are; the function that it returns puts them back."""
    kept = {arn: dict(made) for arn, made in _standing.items()}

    def put_back() -> None:
        _standing.clear()
        _standing.update(kept)

    return put_back


def action_of(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    """What a request to Bedrock asks for, and of which throughput; an empty action for what is not known here."""
    found = PATH.match(path)
    if found is not None and method in ACTIONS:
        return ACTIONS[method], (found[1],)
    return ("ListTagsForResource", ()) if path == TAGS and method == "POST" else ("", ())


def answer_of(action: str, path: str, body: bytes, *, account: str, region: str) -> Reply:
    """What Bedrock answers to whoever has the key of `account`; others' throughputs are not there."""
    place = f"arn:aws:bedrock:{region}:{account}:provisioned-model/"
    named = path.partition("/provisioned-model-throughput/")[2]
    if action == "ListTagsForResource":
        named = str(json.loads(body or b"{}").get("resourceARN"))
    arn = named if named.startswith("arn:") else place + named
    made = _standing.get(arn) if arn.startswith(place) else None
    if made is None:
        return 404, "ResourceNotFoundException", {"message": f"Could not find provisioned throughput {arn}."}
    if action == "ListTagsForResource":
        return 200, "", {"tags": made["tags"]}
    if action == ACTIONS["GET"]:
        return 200, "", {name: value for name, value in made.items() if name != "tags"}
    ends = made.get("commitmentExpirationTime")
    if ends and datetime.fromisoformat(ends) > datetime.now(UTC):
        return 400, "ValidationException", {"message": f"The commitment term of {arn} is not over."}
    del _standing[arn]
    return 200, "", {}
