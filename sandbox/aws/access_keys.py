"""Access keys of IAM users as they stand in moto, with the ids that the bank's list of keys uses."""

from collections.abc import Callable, Iterator
from typing import Any

from moto.iam.models import AccessKeyLastUsed, iam_backends

from sandbox.aws.moment import naive

OWN = "sandbox"
"""The user whose keys open the sandbox's accounts: it is no part of the estate."""


def make_access_key(told: dict[str, Any]) -> None:
    """A user with one key of this id; `last_used_at` where it ever was used."""
    backend = iam_backends[str(told["account"])]["aws"]
    if told["user"] not in backend.users:
        backend.create_user("us-east-1", told["user"])
        tags = [{"Key": name, "Value": value} for name, value in told.get("tags", {}).items()]
        backend.tag_user(told["user"], tags)
    drawn = backend.create_access_key(told["user"])
    backend.access_keys.pop(drawn.access_key_id, None)
    drawn.access_key_id = told["key_id"]
    drawn.create_date = naive(told["created_at"])
    drawn.status = told.get("status", "Active")
    if told.get("last_used_at"):
        drawn.last_used = AccessKeyLastUsed(naive(told["last_used_at"]), "s3", "us-east-1")
    backend.access_keys[drawn.access_key_id] = drawn


def access_keys() -> dict[str, str]:
    """The status of every user's key in all accounts, by id."""
    return {key.access_key_id: str(key.status) for key in _keys()}


def hold_access_keys() -> Callable[[], None]:
    """Remembers how they stand; the function that it returns puts them back."""
    before = [(key, key.status) for key in _keys()]

    def put_back() -> None:
        for key, status in before:
            key.status = status

    return put_back


def _keys() -> Iterator[Any]:
    for account in list(iam_backends):
        for user in list(iam_backends[account]["aws"].users.values()):
            if user.name != OWN:
                yield from user.access_keys
