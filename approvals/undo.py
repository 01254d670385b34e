"""The change that would take back what a proposal did, made of the sealed inverses of the steps that took effect.

Nothing is looked at and nothing is sent: it is only what may be proposed next, with votes of its own.
"""

from collections.abc import Sequence

from approvals.changes.access_key import OnAccessKey
from approvals.changes.change import AnyChange
from approvals.changes.endpoint import CreateEndpoint, DeleteEndpoint
from approvals.changes.endpoint_count import SetEndpointCount
from approvals.changes.endpoint_scaling import EndEndpointScaling, SetEndpointScaling
from approvals.changes.endpoint_type import RestoreEndpointType, SetEndpointType
from approvals.changes.gateway import BlockGatewayKey, SetGatewayBudget, UnblockGatewayKey
from approvals.changes.governance import AdoptPolicy
from approvals.changes.instance import OnInstance, StartInstance, StopInstance
from approvals.changes.model_alias import SetModelAlias
from approvals.changes.nodegroup import ScaleNodeGroup
from approvals.changes.notebook import StartNotebook, StopNotebook
from approvals.changes.openai_project import OnProject
from approvals.changes.scaling_group import SetGroupMinimum
from approvals.changes.step import Step
from approvals.changes.stop_schedule import ScheduleStop, UnscheduleStop
from approvals.changes.tag import OnTag
from approvals.changes.terraform import PatchTerraform
from approvals.changes.undo import UndoInstance, Undone
from approvals.changes.volume_type import ChangeVolumeType
from approvals.sealed import Sealed
from approvals.store import TOOK_EFFECT, Effect

WITH_INVERSE = (
    StopInstance, StartInstance, ScaleNodeGroup, ChangeVolumeType, StopNotebook, StartNotebook, DeleteEndpoint,
    CreateEndpoint, SetGroupMinimum, ScheduleStop, UnscheduleStop, AdoptPolicy, BlockGatewayKey, UnblockGatewayKey,
    SetGatewayBudget, SetModelAlias, OnProject, OnAccessKey, SetEndpointCount, OnTag,
)  # fmt: skip
"""Changes of one step that another change of the same family undoes."""


def inverse_change(sealed: Sealed, effects: Sequence[Effect]) -> AnyChange | None:
    """The change that undoes the steps that took effect, last first; None if none did, or one cannot be undone.

    Its requests are the sealed inverses, byte for byte; a rehearsal's steps took no effect. Only the scaling and
    the type of an endpoint are undone by a change of their own, which says how much of them was done: of scaling AWS's
    one request undoes both steps, and none how many machines it left.
    """
    done = steps_done(sealed, effects)
    if not done or any(step.inverse is None for step in done):
        return None
    change = sealed.change
    if isinstance(change, PatchTerraform):
        return change.back()
    if isinstance(change, SetEndpointScaling | SetEndpointType):
        return change.back(len(done))
    if isinstance(change, EndEndpointScaling | RestoreEndpointType):
        return change.back()
    wanted = [step.inverse for step in done]
    if isinstance(change, WITH_INVERSE):
        simple = change.inverse()
        same = simple is not None and [step.request for step in simple.steps()] == wanted
        return simple if same else None
    if isinstance(change, OnInstance):
        back = tuple(Undone(did=step.request, undo=step.inverse) for step in done if step.inverse is not None)
        return UndoInstance(
            account=change.account, region=change.region, instance_id=change.instance_id, of=sealed.id, back=back
        )
    return None


def steps_done(sealed: Sealed, effects: Sequence[Effect]) -> list[Step]:
    """The steps that took effect, answered or found so by the read-back, last first."""
    done = {effect.step for effect in effects if effect.outcome in TOOK_EFFECT and not effect.rehearsal}
    return [step for step in reversed(sealed.steps) if step.number in done]
