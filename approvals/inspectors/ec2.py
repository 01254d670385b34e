"""Looks at one thing of EC2 that does not tell whose it is (a volume, an address): who sees it, and what it is.

What differs between such things is what must not change, what makes the change unfit, and what would be sent.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from approvals.inspectors.aws import (
    account_seen,
    ask,
    code_of,
    dry_run,
    environment_of,
    listed,
    name_of,
    tags_of,
    team_of,
)
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from approvals.inspectors.trail import Trail

MANAGED = ("aws:", "kubernetes.io/", "ebs.csi.aws.com/")
"""Tags with these beginnings are set by a stack, a backup plan or a cluster that would miss the resource."""


class Ec2Inspector(Trail, ABC):
    """`clients` gives EC2 and STS clients: the credential is asked for its account, since the thing tells none."""

    what: ClassVar[str]
    """what people call it"""

    def look(self, change: Any) -> Snapshot | NotSealable:
        """Every precondition, then the dry run."""
        client, owner = self._clients(change.account, change.region, "ec2"), account_seen(self._clients, change)
        if owner != change.account:
            return NotSealable(f"the worker sees account {owner}, not {change.account}", "other_account")
        found = self.described(client, change)
        if found is None:
            return NotSealable(f"there is no {self.what} {change.target} in {change.region}", "not_found")
        fields, tags = self.fields(client, found, owner), tags_of(found)
        refused = self.unfit(change, fields, tags)
        if refused is not None:
            return NotSealable(refused[1], refused[0], fields)
        call, parameters = self.request(client, change)
        denied = dry_run(call, **parameters)
        if denied is not None:
            return NotSealable(f"the worker would not be permitted to do it: {denied}", "not_permitted", fields)
        return Snapshot(
            fields,
            name=name_of(tags),
            environment=environment_of(tags),
            team=team_of(tags),
            blast_radius=(f"{change.resource}{self.radius(fields)}",),
        )

    def read_back(self, change: Any) -> dict[str, Any]:
        """The fields as they stand; `{"state": "gone"}` where AWS knows no such thing in this very account."""
        client, owner = self._clients(change.account, change.region, "ec2"), account_seen(self._clients, change)
        if owner != change.account:
            raise CannotLook(f"the worker sees account {owner}, not {change.account}")
        found = self.described(client, change)
        return {"state": "gone"} if found is None else self.fields(client, found, owner)

    @abstractmethod
    def described(self, client: Any, change: Any) -> dict[str, Any] | None:
        """It, as EC2 describes it; None where EC2 knows none of this id, CannotLook for no answer."""

    @abstractmethod
    def fields(self, client: Any, found: dict[str, Any], owner: str) -> dict[str, Any]:
        """What must not change between the seal and the request."""

    @abstractmethod
    def unfit(self, change: Any, fields: dict[str, Any], tags: dict[str, str]) -> tuple[str, str] | None:
        """The first reason why this change must not be made to what looks so: (code, sentence)."""

    @abstractmethod
    def request(self, client: Any, change: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The call and its parameters, for a dry run."""

    @abstractmethod
    def radius(self, fields: dict[str, Any]) -> str:
        """What the change reaches, as it follows the resource's name on the card."""


def the_one(answer_of: Callable[..., Any], key: str, name: str, wanted: str, gone: str) -> dict[str, Any] | None:
    """The thing whose field `name` is `wanted`, of the list `key` of the answer; None where EC2 answers with `gone`."""
    try:
        found = listed(ask(answer_of, **{f"{name}s": [wanted]}), key)
    except ClientError as error:
        if code_of(error) == gone:
            return None
        raise CannotLook(code_of(error)) from error
    if [one.get(name) for one in found] != [wanted]:
        raise CannotLook(f"asked for {wanted}, the answer is about {len(found)} others")
    return found[0]


def managed_by(which: str, tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The refusal of what a stack, a backup plan or a cluster would miss: (code, sentence)."""
    managed = sorted(key for key in tags if key.startswith(MANAGED))
    if not managed:
        return None
    return "managed", f"{which} belongs to something that would miss it, as its tag {managed[0]} says"
