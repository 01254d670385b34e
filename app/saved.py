"""The proposals that are to save money, by how far they got: proposed, approved, carried out, rehearsed.

A proposal counts in one of these at most. What was rehearsed changed nothing and is told apart, so that no report of
savings can hold it.
"""

import json
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlmodel import Session, col, select

from approvals.changes.change import AnyChange, parse_change
from approvals.changes.terminate import TerminateInstance
from approvals.changes.terraform import PatchTerraform
from approvals.changes.volume import DeleteVolume
from approvals.states import UNDECIDED, State
from approvals.store import Effect, Proposal
from tools.realised import Deed

MONTHS = 12


class Stage(StrEnum):
    """How far a saving got."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REALISED = "realised"
    SHADOW = "shadow"


STATES: dict[Stage, frozenset[State]] = {
    Stage.PROPOSED: UNDECIDED,
    Stage.APPROVED: frozenset(
        {State.APPROVED, State.HELD, State.CLAIMED, State.EXECUTING, State.UNKNOWN, State.RECONCILING, State.SUCCEEDED}
    ),
    Stage.REALISED: frozenset({State.VERIFIED}),
    Stage.SHADOW: frozenset({State.REHEARSED}),
}


def saved(session: Session, stage: Stage, *, scope: tuple[str, ...]) -> list[Deed]:
    """Those at this stage that promise a saving, as far as the reader may see their teams; oldest first.

    What is rehearsed again and again would have been carried out once: of a resource and rule only the first rehearsal
    counts.
    """
    states = [state.value for state in STATES[stage]]
    rows = session.exec(select(Proposal).where(col(Proposal.state).in_(states)).order_by(col(Proposal.changed_at)))
    deeds = []
    for row in rows:
        evidence: dict[str, Any] = json.loads(row.evidence)
        seen = "*" in scope or str(evidence.get("team") or "") in scope
        if seen and evidence.get("saving") is not None:
            deeds.append(_deed(row, evidence, _day(session, row)))
    return first_rehearsals(deeds) if stage is Stage.SHADOW else deeds


def first_rehearsals(deeds: list[Deed]) -> list[Deed]:
    """The first of each resource and rule."""
    found: dict[tuple[str, str], Deed] = {}
    for deed in sorted(deeds, key=lambda one: one.at):
        found.setdefault((deed.ids[0], deed.rule), deed)
    return list(found.values())


def _day(session: Session, row: Proposal) -> date:
    """The day of its first request; of what was not sent, and of a patch that others applied, the day on which it came
    to where it stands."""
    if isinstance(parse_change(json.loads(row.change)), PatchTerraform):
        return row.changed_at.date()
    sent = session.exec(select(Effect.intended_at).where(col(Effect.proposal) == row.id)).all()
    return min(sent, default=row.changed_at).date()


def _deed(row: Proposal, evidence: dict[str, Any], at: date) -> Deed:
    change = parse_change(json.loads(row.change))
    return Deed(
        proposal=row.id,
        title=change.title(),
        name=str(evidence.get("resource_name") or change.target),
        rule=str(evidence.get("rule") or ""),
        team=str(evidence.get("team") or ""),
        ids=(row.resource, change.target),
        at=at,
        promised=Decimal(str(evidence["saving"])) / MONTHS,
        currency=str(evidence.get("currency") or ""),
        disks=disks_of(change),
        copy_tags=copy_tags_of(change),
    )


def copy_tags_of(change: AnyChange) -> dict[str, str]:
    """The tags of the snapshots that it leaves behind, which cost from then on; none where it leaves none."""
    of = change.of if isinstance(change, PatchTerraform) else change
    return of.copy_tags if isinstance(of, TerminateInstance | DeleteVolume) else {}


def disks_of(change: AnyChange) -> tuple[tuple[str, ...], ...]:
    """The disks of a machine that goes, each by the names that a bill may have of it."""
    of = change.of if isinstance(change, PatchTerraform) else change
    if not isinstance(of, TerminateInstance):
        return ()
    return tuple((f"arn:aws:ec2:{of.region}:{of.account}:volume/{disk}", disk) for disk in of.disks)
