"""Undoing what a proposal did to an instance: its sealed inverse requests, verbatim, last step first.

A rollback is a change of its own, with its own votes. Nothing is computed anew here: each request is one that was
sealed as an inverse, next to the one that it undoes, and both must be of the few shapes that an instance's steps have.
"""

import re
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from approvals.changes.instance import OnInstance
from approvals.changes.names import ProposalId
from approvals.changes.step import Request, ReversibilityClass, Step


class Undone(BaseModel):
    """One step taken back: the sealed request that was sent, and the sealed inverse that is to be sent now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    did: Request
    undo: Request


class UndoInstance(OnInstance):
    """`of` is the proposal whose steps are taken back; `back` holds them in the order in which they go out now."""

    kind: Literal["undo_instance"] = "undo_instance"
    reversibility_class: ClassVar[ReversibilityClass] = "reversible"

    of: ProposalId
    back: tuple[Undone, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _only_this_instance(self) -> Self:
        for number, one in enumerate(self.back, 1):
            for request in (one.did, one.undo):
                if (request.account, request.region) != (self.account, self.region):
                    raise ValueError(f"step {number} is for another account or region")
                if request.parameters != self._shape(request):
                    raise ValueError(f"step {number} is no stop, start or change of type of {self.instance_id}")
            if effect_of(one.did) == effect_of(one.undo):
                raise ValueError(f"step {number} would undo nothing")
        return self

    def _shape(self, request: Request) -> dict[str, Any]:
        if request.operation in STATES:
            return {"InstanceIds": [self.instance_id]}
        if request.operation == MODIFY:
            return {"InstanceId": self.instance_id, "InstanceType": {"Value": new_type(request)}}
        return {}

    def title(self) -> str:
        """What would happen, with every id in full."""
        return (
            f"Undo {self.of} on EC2 instance {self.instance_id}: {', '.join(_words(one.undo) for one in self.back)}"
            f" in {self.region} (account {self.account})"
        )

    def starts_from(self) -> dict[str, str]:
        """What the steps that were done led to; from anything else their inverses do not lead back.

        A type that was changed while the instance stood stopped is changed back only while it does: EC2 refuses it on
        a running one.
        """
        found: dict[str, str] = {}
        for one in reversed(self.back):
            found |= effect_of(one.did)
        if "state" not in found and any(one.undo.operation == MODIFY for one in self.back):
            found["state"] = STATES["ec2:StopInstances"]
        return found

    def reversibility(self) -> str:
        """How far it can be undone, for the card."""
        return f"reversible: the steps of {self.of} can be proposed again"

    def steps(self) -> tuple[Step, ...]:
        """The inverses in the order given; each one's own inverse is the request that it undoes."""
        reached = self.starts_from()
        steps = []
        for number, one in enumerate(self.back, 1):
            reached = reached | effect_of(one.undo)
            passing = PASSING.get(one.undo.operation)
            steps.append(
                Step(
                    number=number,
                    request=one.undo,
                    expect=dict(reached),
                    passing=({"state": passing},) if passing else (),
                    inverse=one.did,
                )
            )
        return tuple(steps)


MODIFY = "ec2:ModifyInstanceAttribute"
STATES = {"ec2:StopInstances": "stopped", "ec2:StartInstances": "running"}
TYPE = re.compile(r"[a-z][a-z0-9-]{0,20}\.[a-z0-9-]{1,20}")
PASSING = {"ec2:StopInstances": "stopping", "ec2:StartInstances": "pending"}


def effect_of(request: Request) -> dict[str, str]:
    """What a stop, a start or a change of type leads to, as a read-back shows it."""
    if request.operation in STATES:
        return {"state": STATES[request.operation]}
    return {"type": new_type(request)}


def new_type(request: Request) -> str:
    """The type that a change of type asks for; empty where it asks for none."""
    wanted = request.parameters.get("InstanceType")
    named = wanted.get("Value") if isinstance(wanted, dict) else None
    return named if isinstance(named, str) and TYPE.fullmatch(named) else ""


def _words(request: Request) -> str:
    if request.operation in STATES:
        return "stop" if STATES[request.operation] == "stopped" else "start"
    return f"change the type back to {new_type(request)}"
