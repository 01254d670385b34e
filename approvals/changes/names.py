"""What the parts of a resource's name may look like. One resource has exactly one name, so nothing lax passes here.

The classes are written out in ASCII: `\\d` and `\\w` would also match digits and letters of other scripts, and an id
written with those would be a second name for the same thing, past the rule that a resource has one open proposal.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]{1,20}){1,3}-[0-9]{1,2}$")]
InstanceId = Annotated[str, StringConstraints(pattern=r"^i-[0-9a-f]{8,17}$")]
InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,20}\.[a-z0-9-]{1,20}$")]
VolumeId = Annotated[str, StringConstraints(pattern=r"^vol-[0-9a-f]{8,17}$")]
SnapshotId = Annotated[str, StringConstraints(pattern=r"^snap-[0-9a-f]{8,17}$")]
ImageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{2,127}$")]
"""EC2 takes some more characters; these need no escaping in a filter, where `*` and `?` stand for others."""
AllocationId = Annotated[str, StringConstraints(pattern=r"^eipalloc-[0-9a-f]{8,17}$")]
_HYPHENATED = r"^[A-Za-z0-9][A-Za-z0-9-]{0,62}$"
NotebookName = Annotated[str, StringConstraints(pattern=_HYPHENATED)]
EndpointName = Annotated[str, StringConstraints(pattern=_HYPHENATED)]
VariantName = Annotated[str, StringConstraints(pattern=_HYPHENATED)]
ConfigName = Annotated[str, StringConstraints(pattern=_HYPHENATED)]
LogGroupName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_/.#-]{1,512}$")]
ThroughputId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{12}$")]
ScalingGroupName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.@+=/-][0-9A-Za-z _.@+=/-]{0,254}$")]
ClusterName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$")]
NodeGroupName = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,62}$")]
ProposalId = Annotated[str, StringConstraints(pattern=r"^P-[0-9A-Z]{10}$")]


class Placed(BaseModel):
    """What every change of the cloud has in common: frozen, nothing unknown, an account and a region."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Account
    region: Region
