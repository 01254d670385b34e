"""Any change, as it is stored and read back: the word in `kind` says which class it is."""

import json
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from approvals.changes.access_key import DisableAccessKey, EnableAccessKey
from approvals.changes.address import ReleaseAddress
from approvals.changes.endpoint import CreateEndpoint, DeleteEndpoint
from approvals.changes.endpoint_count import SetEndpointCount
from approvals.changes.endpoint_scaling import EndEndpointScaling, SetEndpointScaling
from approvals.changes.endpoint_type import RestoreEndpointType, SetEndpointType
from approvals.changes.gateway import BlockGatewayKey, SetGatewayBudget, UnblockGatewayKey
from approvals.changes.governance import AdoptPolicy, ReleaseKillSwitch
from approvals.changes.instance import StartInstance, StopInstance
from approvals.changes.log_retention import SetLogRetention
from approvals.changes.model_alias import SetModelAlias
from approvals.changes.nodegroup import ScaleNodeGroup
from approvals.changes.notebook import StartNotebook, StopNotebook
from approvals.changes.openai_project import SetOpenAIModels, SetOpenAIRateLimit, SetOpenAISpendLimit
from approvals.changes.resize import ResizeInstance
from approvals.changes.scaling_group import SetGroupMinimum
from approvals.changes.snapshot import DeleteSnapshot
from approvals.changes.stop_schedule import ScheduleStop, UnscheduleStop
from approvals.changes.tag import AddTag, RemoveTag
from approvals.changes.terminate import TerminateInstance
from approvals.changes.terraform import PatchTerraform
from approvals.changes.throughput import DeleteThroughput
from approvals.changes.undo import UndoInstance
from approvals.changes.volume import DeleteVolume
from approvals.changes.volume_type import ChangeVolumeType
from approvals.errors import GateError
from approvals.governance import GOVERNANCE

OnDisk = DeleteVolume | ChangeVolumeType | DeleteSnapshot
OnMachine = (
    StopInstance | StartInstance | ResizeInstance | UndoInstance | ScheduleStop | UnscheduleStop | TerminateInstance
)
OnGroup = ScaleNodeGroup | SetGroupMinimum
OnScaling = SetEndpointScaling | EndEndpointScaling
OnServing = DeleteEndpoint | CreateEndpoint | SetEndpointCount | OnScaling | SetEndpointType | RestoreEndpointType
OnSageMaker = StopNotebook | StartNotebook | OnServing
OnLiteLLM = BlockGatewayKey | UnblockGatewayKey | SetGatewayBudget | SetModelAlias
OnOpenAI = SetOpenAISpendLimit | SetOpenAIRateLimit | SetOpenAIModels
OnTag = AddTag | RemoveTag
OnKey = DisableAccessKey | EnableAccessKey
OnAws = OnMachine | OnGroup | OnDisk | ReleaseAddress | OnSageMaker | SetLogRetention | DeleteThroughput | OnKey | OnTag
CloudChange = OnAws | OnLiteLLM | OnOpenAI
GateChange = AdoptPolicy | ReleaseKillSwitch
AnyChange = Annotated[CloudChange | GateChange | PatchTerraform, Field(discriminator="kind")]
CLOUD_KINDS = (
    "stop_instance", "start_instance", "resize_instance", "undo_instance", "delete_volume", "scale_node_group",
    "change_volume_type", "release_address", "stop_notebook", "start_notebook", "delete_endpoint", "create_endpoint",
    "set_log_retention", "block_gateway_key", "unblock_gateway_key", "set_gateway_budget",
    "set_openai_spend_limit", "set_openai_rate_limit", "set_openai_models", "set_model_alias",
    "set_group_minimum", "delete_throughput", "set_endpoint_count",
    "schedule_stop", "unschedule_stop", "disable_access_key", "enable_access_key",
    "set_endpoint_scaling", "end_endpoint_scaling", "terminate_instance", "delete_snapshot",
    "set_endpoint_type", "restore_endpoint_type", "add_tag", "remove_tag",
)  # fmt: skip
KINDS = (*CLOUD_KINDS, *GOVERNANCE)

MOST_BYTES = 32 * 1024
"""Room for every change there is; a log entry that holds one must stay below the log's own bound."""

DEEPEST = 12
MOST_FAULTS = 5

_ADAPTER: TypeAdapter[AnyChange] = TypeAdapter(AnyChange)


def parse_change(stored: Any) -> AnyChange:
    """The typed change of `stored`; anything unknown, missing or too much is a GateError that names the field."""
    why = _misshapen(stored)
    if why is not None:
        raise _no_change(why)
    kind = stored.get("kind")
    if kind not in KINDS and kind != "patch_terraform":  # which the worker makes, and nobody writes
        told = "it has no kind" if kind is None else f"there is no kind {_short(str(kind))!r}"
        raise _no_change(told, f"Use one of the kinds: {', '.join(KINDS)}")
    try:
        return _ADAPTER.validate_python(stored)
    except ValidationError as error:
        faults = [
            f"{'.'.join(_short(str(part)) for part in fault['loc'])}: {_short(fault['msg'], 200)}"
            for fault in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        more = f"; and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
        raise _no_change("; ".join(faults[:MOST_FAULTS]) + more) from None


def _misshapen(stored: Any) -> str | None:
    """Why it is nothing that could be a change at all, before any class looks at it."""
    if not isinstance(stored, dict):
        return f"a change is a table of fields, and this is {type(stored).__name__}"
    if _deeper(stored, DEEPEST):
        return f"it is nested more than {DEEPEST} deep"
    try:
        size = len(json.dumps(stored, ensure_ascii=False, allow_nan=False).encode())
    except UnicodeEncodeError:
        return "a text in it is no Unicode text"
    except (TypeError, ValueError):
        return "it holds something that JSON cannot"
    return f"it has {size:,} bytes, and the most is {MOST_BYTES:,}" if size > MOST_BYTES else None


def _deeper(value: Any, left: int) -> bool:
    """Whether it is nested more than `left` deep; never itself goes deeper than that, so nothing can exhaust it."""
    if not isinstance(value, dict | list | tuple):
        return False
    if left == 0:
        return True
    return any(_deeper(part, left - 1) for part in (value.values() if isinstance(value, dict) else value))


def _short(text: str, most: int = 60) -> str:
    plain = text.encode("ascii", "backslashreplace").decode()
    return plain if len(plain) <= most else plain[: most - 3] + "..."


def _no_change(
    why: str, do: str = "Write the fields of the kind, and no other; docs/executors.md tells them"
) -> GateError:
    return GateError("this is not a change that Spendgate knows", why=why, do=do)
