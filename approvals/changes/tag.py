"""Adding one tag that a machine or a disk of EC2 lacks, and removing it again while it has that very value.

Only what allocates cost may be added. Other tags do something: a stack, a cluster, a schedule or this gate acts by
them, and a change of cost must not reach those.
"""

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import StringConstraints, model_validator

from approvals.changes.names import Placed
from approvals.changes.step import Request, ReversibilityClass, Step

ALLOCATING = frozenset(
    {
        "team", "teamname", "ownerteam", "owningteam", "squad", "businessunit",
        "project", "projectname", "projectid", "usecase", "aiusecase", "costcenter", "application", "model", "modelid",
        "modelname", "workload", "workloadtype",
    }
)  # fmt: skip
"""Keys that may be added, without case, hyphens and underscores. None of them names an environment: by that the gate
decides how strict it is; and none a person, since the value stands in bytes that are never forgotten. As a key has no
colon, dot or slash, none is AWS's, a cluster's or Spendgate's own."""
MOST_TAGS = 50
"""Of one resource; tags of AWS's own do not count (EC2 user guide, "Tag restrictions")."""
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z_-]{0,127}$")]
_SIGN = "A-Za-z0-9+=._:/@-"
Value = Annotated[str, StringConstraints(pattern=rf"^[{_SIGN}]([ {_SIGN}]{{0,254}}[{_SIGN}])?$")]
IDS = {"instance": re.compile(r"i-[0-9a-f]{8,17}"), "volume": re.compile(r"vol-[0-9a-f]{8,17}")}
There = Literal["none", "set"]


def plain(key: str) -> str:
    """The key without case, hyphens and underscores: whoever reads allocation takes such keys for one."""
    return re.sub(r"[_-]", "", key.casefold())


class OnTag(Placed):
    """A change of one tag of one resource."""

    provider: Literal["aws"] = "aws"
    before: ClassVar[There]
    after: ClassVar[There]

    resource_type: Literal["instance", "volume"]
    resource_id: str
    key: Key
    value: Value

    @model_validator(mode="after")
    def _one_that_allocates(self) -> Self:
        if not IDS[self.resource_type].fullmatch(self.resource_id):
            raise ValueError(f"resource_id is no id of a {self.resource_type}")
        if plain(self.key) not in ALLOCATING:
            raise ValueError("key must be one that allocates cost, such as team, use_case, project, cost_center")
        return self

    @property
    def resource(self) -> str:
        """The one name of the resource, by which there is at most one open proposal."""
        return f"arn:aws:ec2:{self.region}:{self.account}:{self.resource_type}/{self.resource_id}"

    @property
    def target(self) -> str:
        """The resource's short id, as people know it."""
        return self.resource_id

    def starts_from(self) -> dict[str, str]:
        """What the resource must look like for this change to make sense."""
        return {"tag": self.before}

    def request_of(self, there: There) -> Request:
        """The request that leads there."""
        operation = "ec2:CreateTags" if there == "set" else "ec2:DeleteTags"
        parameters = {"Resources": [self.resource_id], "Tags": [{"Key": self.key, "Value": self.value}]}
        return Request(operation=operation, account=self.account, region=self.region, parameters=parameters)

    def steps(self) -> tuple[Step, ...]:
        """The one request, its effect and its inverse."""
        there, back = self.request_of(self.after), self.request_of(self.before)
        return (Step(number=1, request=there, expect={"tag": self.after}, inverse=back),)

    def _where(self) -> str:
        return f"EC2 {self.resource_type} {self.resource_id} in {self.region} (account {self.account})"


class AddTag(OnTag):
    """Add a tag that the resource lacks; nothing is overwritten."""

    kind: Literal["add_tag"] = "add_tag"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"
    before: ClassVar[There] = "none"
    after: ClassVar[There] = "set"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Add the tag {self.key} = {self.value} to {self._where()}"

    def inverse(self) -> "RemoveTag":
        """The change that undoes this one."""
        return RemoveTag(**self.model_dump(exclude={"kind"}))

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the tag is removed again while it has this value; bills of meanwhile keep it"


class RemoveTag(OnTag):
    """Remove a tag while it has this very value."""

    kind: Literal["remove_tag"] = "remove_tag"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"
    before: ClassVar[There] = "set"
    after: ClassVar[There] = "none"

    def title(self) -> str:
        """What would happen, with every id in full."""
        return f"Remove the tag {self.key} = {self.value} from {self._where()}"

    def inverse(self) -> AddTag:
        """The change that undoes this one."""
        return AddTag(**self.model_dump(exclude={"kind"}))

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return "reversible: the tag can be added again"
