"""Every operation that a change may send, with what its provider promises: this decides what an unknown outcome allows.

An operation that is not declared here is not sent (`execute.py`); what a declaration must keep to is `operation.py`.
"""

from approvals.changes.ec2_operations import EC2
from approvals.changes.operation import Again, Kind, Operation, Proof, checked
from approvals.errors import GateError

OPERATIONS: dict[str, Operation] = checked(
    *EC2,
    Operation(
        name="sagemaker:StopNotebookInstance",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("status", "modified_at"),
        provider_checks="refuses a notebook that is not in service",
        inverse="sagemaker:StartNotebookInstance",
    ),
    Operation(
        name="sagemaker:StartNotebookInstance",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("status", "modified_at"),
        provider_checks="refuses a notebook that is not stopped",
        inverse="sagemaker:StopNotebookInstance",
    ),
    # No deletion in our sense: the configuration, from which the next operation makes the same again, stays.
    Operation(
        name="sagemaker:DeleteEndpoint",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("status", "created_at"),
        provider_checks="refuses an endpoint that is being created or updated",
        inverse="sagemaker:CreateEndpoint",
    ),
    Operation(
        name="sagemaker:CreateEndpoint",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("status", "config"),
        provider_checks="refuses a name that is taken, and a configuration that is not there",
        inverse="sagemaker:DeleteEndpoint",
    ),
    Operation(
        name="sagemaker:UpdateEndpointWeightsAndCapacities",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("machines", "status"),
        provider_checks="refuses an endpoint that is being created or updated, and a variant that it does not have",
        inverse="sagemaker:UpdateEndpointWeightsAndCapacities",
    ),
    Operation(
        name="sagemaker:CreateEndpointConfig",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("next_config",),
        provider_checks="refuses a name that is taken, and a model that is not there",
        inverse="sagemaker:DeleteEndpointConfig",
    ),
    # No deletion in our sense: every field of it stands in the sealed bytes.
    Operation(
        name="sagemaker:DeleteEndpointConfig",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("next_config",),
        provider_checks="refuses a configuration that is not there",
        inverse="sagemaker:CreateEndpointConfig",
    ),
    Operation(
        name="sagemaker:UpdateEndpoint",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("config", "status"),
        provider_checks="refuses an endpoint that is being updated; goes back by itself if new machines do not start",
        inverse="sagemaker:UpdateEndpoint",
    ),
    Operation(
        name="application-autoscaling:RegisterScalableTarget",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("scaling",),
        provider_checks="changes the bounds of a target that is there; refuses a variant that is not",
        inverse="application-autoscaling:DeregisterScalableTarget",
    ),
    Operation(
        name="application-autoscaling:PutScalingPolicy",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("scaling",),
        provider_checks="changes a policy of that name; refuses one for a target that is not registered",
        inverse="application-autoscaling:DeregisterScalableTarget",
    ),
    # No deletion in our sense: bounds and policy stand in the sealed bytes, and are made again from them.
    Operation(
        name="application-autoscaling:DeregisterScalableTarget",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("scaling",),
        provider_checks="refuses a target that is not registered; deletes its policies with it",
        inverse="application-autoscaling:RegisterScalableTarget",
    ),
    # The request only sets a number, but what it does is delete.
    Operation(
        name="logs:PutRetentionPolicy",
        kind=Kind.DELETE,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("retention_days",),
        provider_checks="refuses a number of days that it does not offer; deletes within about three days",
    ),
    Operation(
        name="eks:UpdateNodegroupConfig",
        kind=Kind.MUTATION,
        again=Again.SAME_TOKEN,
        proof=Proof.PROVIDER_TOKEN,
        proven_by=("min", "max", "desired", "status"),
        provider_checks="answers a token that it knows with the first answer; refuses while another update runs",
        token="clientRequestToken",  # noqa: S106
        inverse="eks:UpdateNodegroupConfig",
    ),
    Operation(
        name="litellm:BlockKey",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("blocked",),
        provider_checks="answers a blocked one as done; refuses a key that it does not know",
        inverse="litellm:UnblockKey",
    ),
    Operation(
        name="litellm:UnblockKey",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("blocked",),
        provider_checks="answers one that is not blocked as done; refuses a key that it does not know",
        inverse="litellm:BlockKey",
    ),
    Operation(
        name="litellm:UpdateKey",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("max_budget", "budget_duration"),
        provider_checks="refuses a key that it does not know",
        inverse="litellm:UpdateKey",
    ),
    Operation(
        name="litellm:UpdateTeam",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("max_budget", "budget_duration"),
        provider_checks="refuses a team that it does not know",
        inverse="litellm:UpdateTeam",
    ),
    Operation(
        name="litellm:UpdateKeyAliases",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("model_alias", "other_aliases"),
        provider_checks="refuses a key that it does not know; takes any name as a target",
        inverse="litellm:UpdateKeyAliases",
    ),
    Operation(
        name="litellm:UpdateTeamAliases",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("model_alias", "other_aliases"),
        provider_checks="refuses a team that it does not know; takes any name as a target",
        inverse="litellm:UpdateTeamAliases",
    ),
    Operation(
        name="openai:SetSpendLimit",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("spend_limit",),
        provider_checks="refuses a project that it does not know",
        inverse="openai:SetSpendLimit",
    ),
    Operation(
        name="openai:SetRateLimit",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("requests", "tokens"),
        provider_checks="refuses what is above the organisation's own limit",
        inverse="openai:SetRateLimit",
    ),
    Operation(
        name="openai:SetModelPermissions",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("models",),
        provider_checks="refuses a project that it does not know",
        inverse="openai:SetModelPermissions",
    ),
    Operation(
        name="autoscaling:UpdateAutoScalingGroup",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("min",),
        provider_checks="refuses a minimum above the maximum; starts what a higher minimum lacks",
        inverse="autoscaling:UpdateAutoScalingGroup",
    ),
    Operation(
        name="bedrock:DeleteProvisionedModelThroughput",
        kind=Kind.DELETE,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("status",),
        provider_checks="refuses one whose commitment term is not over",
    ),
    Operation(
        name="scheduler:CreateSchedule",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("schedule",),
        provider_checks="refuses a name that is taken",
        inverse="scheduler:DeleteSchedule",
    ),
    # No deletion in our sense: the schedule stands in the sealed bytes, and the next operation makes the same again.
    Operation(
        name="scheduler:DeleteSchedule",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("schedule",),
        provider_checks="refuses a schedule that is not there",
        inverse="scheduler:CreateSchedule",
    ),
    Operation(
        name="iam:UpdateAccessKey",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("status",),
        provider_checks="answers one that stands so already as done; refuses a key that the user does not have",
        inverse="iam:UpdateAccessKey",
    ),
    # Taking a patch up is people's work of days: fourteen of them at the shipped settle time.
    Operation(
        name="terraform:HandOver",
        kind=Kind.MUTATION,
        again=Again.NEVER,
        proof=Proof.READ_BACK,
        proven_by=("terraform",),
        provider_checks="nothing is sent: the patch is what was approved",
        inverse="terraform:HandOver",
        settles=2016,
        patience=2016,
    ),
    Operation(
        name="spendgate:AdoptPolicy",
        kind=Kind.MUTATION,
        again=Again.SAME_TOKEN,
        proof=Proof.PROVIDER_TOKEN,
        proven_by=("in_force",),
        provider_checks="refuses where others are in force than those to be replaced; answers a token that it knows",
        token="token",  # noqa: S106
        inverse="spendgate:AdoptPolicy",
    ),
    Operation(
        name="spendgate:ReleaseKillSwitch",
        kind=Kind.MUTATION,
        again=Again.SAME_TOKEN,
        proof=Proof.PROVIDER_TOKEN,
        proven_by=("engaged",),
        provider_checks="refuses where the switch was turned since; answers a token that it knows",
        token="token",  # noqa: S106
        undone_by="anybody who may stop turns the switch on again, without a vote",
        stoppable=False,
    ),
)
"""By name. Whoever adds a change adds its operations here; docs/executors.md is made of this table."""


def declared(name: str) -> Operation:
    """The declaration of this operation; a GateError where there is none, and then nothing is sent."""
    if name not in OPERATIONS:
        raise GateError(
            f"{name[:80]} is not sent",
            why="no declaration says what its provider promises, so a lost answer could not be dealt with",
            do="Declare it in approvals/changes/operations.py",
        )
    return OPERATIONS[name]


def table() -> str:
    """The declarations as the table of docs/executors.md."""
    head = "| operation | kind | idempotency token | sent again | effect proven by | provider itself | inverse |"
    rows = [
        f"| `{one.name}` | {one.kind} | {f'`{one.token}`' if one.token else 'none'} | {one.again} "
        f"| {one.proof}: {', '.join(one.proven_by)} | {one.provider_checks} "
        f"| {f'`{one.inverse}`' if one.inverse else 'none'} |"
        for one in OPERATIONS.values()
    ]
    return "\n".join([head, "|" + "---|" * 7, *rows])
