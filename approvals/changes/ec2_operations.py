"""What a change may send to EC2, with what EC2 promises of it."""

from approvals.changes.operation import Again, Kind, Operation, Proof

EC2: tuple[Operation, ...] = (
    Operation(
        name="ec2:StopInstances",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("state", "launched_at"),
        provider_checks="answers a stopped one as done; refuses one with stop protection",
        inverse="ec2:StartInstances",
    ),
    Operation(
        name="ec2:StartInstances",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("state", "launched_at"),
        provider_checks="answers a running one as done; refuses one that is stopping",
        inverse="ec2:StopInstances",
    ),
    Operation(
        name="ec2:ModifyInstanceAttribute",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("type", "state"),
        provider_checks="refuses a new type unless the instance is stopped",
        inverse="ec2:ModifyInstanceAttribute",
    ),
    # An image takes minutes to hours, as much as its disks hold: a day at the shipped settle time.
    Operation(
        name="ec2:CreateImage",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("image",),
        provider_checks="refuses a name that an image of the account and region has",
        undone_by="whoever deregisters the image and deletes its snapshots",
        patience=144,
    ),
    Operation(
        name="ec2:TerminateInstances",
        kind=Kind.DELETE,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("state",),
        provider_checks="answers a terminated one as done; refuses one with termination protection",
    ),
    Operation(
        name="ec2:DeleteVolume",
        kind=Kind.DELETE,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("state",),
        provider_checks="refuses a volume that is attached",
    ),
    # EC2 takes no token for it: the tags tell whether it was made. It takes as long as an image.
    Operation(
        name="ec2:CreateSnapshot",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.MARKER_TAG,
        proven_by=("copy",),
        provider_checks="makes another one each time that it is asked",
        undone_by="whoever deletes the snapshot",
        patience=144,
    ),
    Operation(
        name="ec2:DeleteSnapshot",
        kind=Kind.DELETE,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("state",),
        provider_checks="refuses one that an image is made of, or that is locked",
    ),
    Operation(
        name="ec2:ModifyVolume",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("type", "modification"),
        provider_checks="refuses a second change of the same volume for some hours",
        inverse="ec2:ModifyVolume",
    ),
    Operation(
        name="ec2:ReleaseAddress",
        kind=Kind.DELETE,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("state",),
        provider_checks="refuses an address that is attached",
    ),
)
"""In the order of the table in docs/executors.md."""
