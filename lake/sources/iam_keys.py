"""Every access key of an account's users, from IAM: listed, with when each was last used. Nothing is changed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lake.access_keys import AccessKey, KeyList
from lake.sources.aws_client import told

TEAM, ENVIRONMENT = ("team", "cost_center", "cost-center", "costcenter"), ("environment", "env", "stage")


def listed(client: Any, *, account: str, now: datetime) -> KeyList:
    """The keys of all users; LakeError where IAM does not tell them all, since half a list would look like a whole."""
    with told("The access keys could not be listed."):
        return KeyList(account, now, tuple(_keys(client)))


def _keys(client: Any) -> Iterator[AccessKey]:
    for page in client.get_paginator("list_users").paginate():
        for user in page["Users"]:
            yield from _of(client, user["UserName"])


def _of(client: Any, user: str) -> Iterator[AccessKey]:
    pages = client.get_paginator("list_access_keys").paginate(UserName=user)
    keys = [one for page in pages for one in page["AccessKeyMetadata"]]
    if not keys:
        return
    tagged = [one for page in client.get_paginator("list_user_tags").paginate(UserName=user) for one in page["Tags"]]
    tags = {str(one["Key"]).lower(): str(one["Value"]).strip() for one in tagged}
    for key in keys:
        used = client.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])["AccessKeyLastUsed"]
        yield AccessKey(
            user=user, key_id=key["AccessKeyId"], active=key["Status"] == "Active", created_at=key["CreateDate"],
            last_used_at=used.get("LastUsedDate"), team=_first(tags, TEAM), environment=_first(tags, ENVIRONMENT),
        )  # fmt: skip


def _first(tags: dict[str, str], names: tuple[str, ...]) -> str:
    return next((tags[name] for name in names if tags.get(name)), "")
