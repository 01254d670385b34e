"""One proposal as it really went, kept by the harness beside the product's rows."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from approvals.states import TERMINAL
from tests.simulation.cast import Slots
from tests.simulation.provider import Look

ENDED = frozenset(state.value for state in TERMINAL)
RESENDABLE = frozenset({"eks:UpdateNodegroupConfig"})
"""What a provider answers again by the same token without doing it again."""

MOST_RESENDS = 3
ONLY_THE_STATE = "a state that nobody reached"
"""The one edit that the next move of the gate's undoes: it computes the state from the votes that were given."""


@dataclass(frozen=True)
class Given:
    """An approval that a person really gave and the gate accepted."""

    person: str
    at: datetime


@dataclass(frozen=True)
class Claimed:
    """A right to send that the log told of."""

    worker: str
    fence: int
    until: datetime


class Judged(NamedTuple):
    """What decides the column: the amount alone, and with the others of its scope (None: cannot be added)."""

    alone: str | None
    others: bool
    together: str | None


ALONE = Judged(None, False, None)


@dataclass(eq=False)
class Case:
    """What was asked for, what was sealed, who decided, what was sent and what took effect."""

    id: str
    requester: str
    editors: tuple[str, ...]
    change: dict[str, Any]
    amount: str | None
    currency: str | None
    place: str | None
    supersedes: str | None = None
    authority: str = "vote"
    inverse_of: "Case | None" = None
    state: str = ""
    version: int = 0
    sealed: bytes = b""
    digest: str = ""
    shown: bool = False
    judged: Judged = ALONE
    sealed_look: Look | None = None
    sealed_slots: Slots = ()
    expires_at: datetime | None = None
    latest: datetime | None = None
    execute_by: datetime | None = None
    given: dict[str, Given] = field(default_factory=dict)
    stopped: str = ""
    claims: list[Claimed] = field(default_factory=list)
    held: bool = False
    """put on hold since its last claim, whose holder is gone and stored no intent: then it may be claimed anew"""
    intents: dict[int, tuple[float, str]] = field(default_factory=dict)
    intended_at: datetime | None = None
    resent: int = 0
    sends: Counter[int] = field(default_factory=Counter)
    effects: Counter[int] = field(default_factory=Counter)
    spoilt: set[str] = field(default_factory=set)
    beyond: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    tampered: str = ""
    was_unknown: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more may come of it."""
        return self.state in ENDED

    @property
    def thing(self) -> str:
        """The name of the resource that it is about."""
        return name_of(self.change)

    @property
    def involved(self) -> frozenset[str]:
        """Who may not decide it."""
        return frozenset({self.requester, *self.editors})

    def holds_on(self, until: datetime) -> None:
        """Its holder goes on: each stored intent, and each answer, makes its right to send last anew."""
        self.claims[-1] = replace(self.claims[-1], until=until)

    @property
    def steps(self) -> int:
        """How many requests it takes."""
        return len(asked_for(self.change))

    def token(self, step: int) -> str:
        """The token under which this step goes out, computed from what was sealed."""
        return hashlib.sha256(f"{self.id}\0{self.digest}\0{step}".encode()).hexdigest()[:32]

    def sealed_step(self, number: int) -> dict[str, Any]:
        """The step as it was sealed."""
        found: dict[str, Any] = json.loads(self.sealed)["steps"][number - 1]
        return found


def name_of(change: dict[str, Any]) -> str:
    """The name of the resource of a change."""
    return str(change.get("instance_id") or change.get("nodegroup") or change.get("volume_id"))


def asked_for(change: dict[str, Any]) -> list[dict[str, Any]]:
    """The requests that a change asks for, worked out from what was asked and nothing else."""
    named: dict[str, Any] = {"InstanceIds": [change.get("instance_id")]}
    stop, start = ("ec2:StopInstances", named), ("ec2:StartInstances", named)
    if change["kind"] == "stop_instance":
        wanted = [stop]
    elif change["kind"] == "start_instance":
        wanted = [start]
    elif change["kind"] == "resize_instance":
        modify = {"InstanceId": change["instance_id"], "InstanceType": {"Value": change["to_type"]}}
        wanted = [("ec2:ModifyInstanceAttribute", modify)]
        wanted = [stop, *wanted, start] if change["found"] == "running" else wanted
    elif change["kind"] == "delete_volume":
        wanted = [("ec2:DeleteVolume", {"VolumeId": change["volume_id"]})]
    elif change["kind"] == "scale_node_group":
        after = change["after"]
        sizes = {"minSize": after["min"], "maxSize": after["max"], "desiredSize": after["desired"]}
        group = {"clusterName": change["cluster"], "nodegroupName": change["nodegroup"], "scalingConfig": sizes}
        wanted = [("eks:UpdateNodegroupConfig", group)]
    else:
        wanted = [(one["undo"]["operation"], one["undo"]["parameters"]) for one in change["back"]]
    where = {"account": change["account"], "region": change["region"]}
    return [{"operation": operation, **where, "parameters": parameters} for operation, parameters in wanted]
