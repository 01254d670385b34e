"""One run through everything: a rule's finding, asked for by the tool that models have, up to its undoing."""

import json
from dataclasses import dataclass
from typing import Any

from agent.ports import Seat
from app.home import Home
from app.processes.worker import Worker
from app.seat import seated_with
from approvals.changes.change import parse_change
from approvals.posted import posted
from approvals.rollback import roll_back
from approvals.settling import SETTLE
from approvals.states import TERMINAL, State
from approvals.store import Proposal
from sandbox.admin.serve import ServedAdmin
from tests.approvals.gate_stubs import OLIVIA

CROWD = {
    f"p-0c0de0{at:02}": role
    for at, role in enumerate(
        ("owner", "sre", "peer", "manager", "director", "vp", "risk", "finops", "finance", "cfo", "board")
    )
}
"""One person for each mandate, so that whatever a change costs somebody may decide it."""
ROUNDS = 30


@dataclass
class Run:
    """The gate, the bill before it, and the two clouds behind it."""

    gate: Any
    lake: Any
    clients: Any
    proxy: ServedAdmin
    openai: ServedAdmin

    def ask(self, target: str, kind: str) -> dict[str, Any]:
        """What the tool `propose_change` answers, called as a model calls it."""
        key = f"ask-{self.gate.now:%H%M%S}-{kind}-{target}"
        seat = Seat(thread="slack:T0BANK:C0AIOPS:1.0", turn=key, speaker=OLIVIA, key=key, next_number=1)
        tools = seated_with(self.gate.engine, Home(self.gate.folder), self.lake)(seat, ("*",), self.gate.now).tools
        propose = next(tool for tool in tools if tool.name == "propose_change")
        answer: dict[str, Any] = json.loads(propose.invoke({"target": target, "kind": kind}))
        return answer

    def approved(self, proposal: str) -> Proposal:
        """Sealed by the worker, shown, and voted on by as many people as its rules ask for."""
        self.work()
        row = self.gate.row(proposal)
        assert row.state == State.SEALED, row.reason
        with self.gate.writing() as (session, now):
            posted(session, now=now, proposal_id=proposal, where="test")
        for person in CROWD:
            self.gate.vote(self.gate.row(proposal), person)
            if self.gate.row(proposal).state == State.APPROVED:
                break
        row = self.gate.row(proposal)
        assert row.state == State.APPROVED, row.state
        return Proposal.model_validate(row.model_dump())

    def work(self) -> None:
        """One round of the worker's."""
        Worker(self.gate.engine, inspector=self.gate.inspector, executor=self.gate.executor, settle_seconds=600,
               name="w1").round()  # fmt: skip

    def ended(self, proposal: str) -> State:
        """Where it stands once the worker has nothing left to do about it."""
        for _ in range(ROUNDS):
            if self.gate.row(proposal).state in TERMINAL:
                break
            self.work()
            self.gate.later(seconds=SETTLE.total_seconds() / 10)
        return State(self.gate.row(proposal).state)

    def undone(self, proposal: str) -> str | None:
        """The proposal of the way back; None where there is none."""
        with self.gate.writing() as (session, now):
            drafted = roll_back(session, now=now, proposal_id=proposal, person=OLIVIA)
        return drafted.proposal_id if drafted.verdict.allowed else None

    def change(self, proposal: str) -> Any:
        """The change as it was sealed."""
        return parse_change(json.loads(self.gate.row(proposal).change))

    def stands(self, proposal: str) -> dict[str, Any]:
        """What the provider says of the resource now, read past the gate."""
        seen: dict[str, Any] = self.gate.inspector.read_back(self.change(proposal))
        return seen
