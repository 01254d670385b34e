"""What the real gate writes into the log, read as the population of changes: every end, and no false alarm."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.log_population import gather
from approvals.claim import claim
from approvals.execute import execute
from approvals.executors.rehearsal import Rehearsal
from approvals.lease import Claim
from approvals.proceed import proceed
from approvals.reconcile import reconcile
from approvals.resend import resend
from approvals.states import State
from approvals.store import Proposal
from audit.moment import utc_text
from audit.population import SKEW, Judged, Logged, Period
from audit.trail_event import ours
from audit.trail_files import Raw
from tests.approvals.gate_stubs import (
    ACCOUNT,
    ARJUN,
    FIELDS,
    GROUP_FIELDS,
    INSTANCE,
    REGION,
    RESIZE,
    SCALE,
    STOP,
    StubExecutor,
)
from tests.audit.compared import reconcile as compare

ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
SMALL = {"evidence": {"amount": "400", "currency": "USD", "saving": "380"}}


class Provider:
    """Writes down what the gate's cloud was made to do, as CloudTrail would, at the gate's time."""

    def __init__(self, gate: Any) -> None:
        self.gate, self.records, self.seen = gate, [], 0  # type: ignore[var-annotated]

    def note(self) -> None:
        """Takes down the effects since the last time."""
        lines = self.gate.cloud.effects()
        for line in lines[self.seen :]:
            operation, name, token = line.split(" ")
            self.record(operation, name, token)
        self.seen = len(lines)

    def record(self, operation: str, name: str, token: str, at: datetime | None = None, **more: Any) -> None:
        service, _, action = operation.partition(":")
        cluster, _, group = name.partition("/")
        parameters: dict[str, Any] = {"instancesSet": {"items": [{"instanceId": name}]}}
        if operation == "ec2:ModifyInstanceAttribute":
            parameters = {"instanceId": name, "instanceType": {"value": self.gate.cloud.read(name)["fields"]["type"]}}
        if group:
            sizes = self.gate.cloud.read(name)["fields"]
            scaling = {f"{field}Size": int(sizes[field]) for field in ("min", "max", "desired")}
            parameters = {"name": cluster, "nodegroupName": group, "scalingConfig": scaling}
        record = {
            "eventID": f"e-{len(self.records)}", "eventTime": utc_text(at or self.gate.now)[:19] + "Z",
            "eventSource": f"{service}.amazonaws.com", "eventName": action, "readOnly": False, "awsRegion": REGION,
            "recipientAccountId": ACCOUNT, "requestID": f"r-{token[:8]}", "userAgent": f"Boto3 spendgate/{token}",
            "userIdentity": {"type": "Role", "arn": ROLE}, "requestParameters": parameters,
        }  # fmt: skip
        self.records.append(record | more)

    def logged(self) -> Logged:
        with self.gate.reading() as (session, _):
            return gather(session, skew=SKEW)

    def compared(self) -> Judged:
        raws = [Raw("trail", number, record) for number, record in enumerate(self.records, 1)]
        return compare(self.logged(), raws, ours([ROLE]), Period())


@pytest.fixture
def provider(gate: Any) -> Provider:
    return Provider(gate)


def claimed(gate: Any, **more: Any) -> tuple[Proposal, Claim]:
    row = gate.approved(**SMALL, **more)
    held = claim(gate.begin, proposal_id=row.id, worker="w-1", inspector=gate.inspector)
    assert isinstance(held, Claim)
    return row, held


def end(gate: Any, row: Proposal) -> State:
    gate.later(minutes=11)
    state = reconcile(gate.begin, proposal_id=row.id, inspector=gate.inspector)
    gate.later(hours=2)
    return state


def test_a_change_of_three_steps_is_three_changes(gate: Any, provider: Provider) -> None:
    row, held = claimed(gate, change=RESIZE)
    execute(gate.begin, claim=held, executor=gate.executor)
    provider.note()
    for _ in range(2):
        gate.later(seconds=30)
        proceed(gate.begin, proposal_id=row.id, worker="w-1", inspector=gate.inspector, executor=gate.executor)
        provider.note()
    assert end(gate, row) == State.VERIFIED
    told = provider.compared()
    assert told.findings == []
    assert [pair.effect.key for pair in told.matched] == [(row.id, 1), (row.id, 2), (row.id, 3)]


def test_every_other_end_needs_its_change_or_none(gate: Any, provider: Provider) -> None:
    ends = []
    for behaviour in ("refused", "lost before", "lost after"):
        row, held = claimed(gate)
        execute(gate.begin, claim=held, executor=StubExecutor(gate.cloud, behaviour))
        provider.note()
        ends.append(end(gate, row))
    gate.cloud.change(state="running")
    row, held = claimed(gate)
    execute(gate.begin, claim=held, executor=Rehearsal())
    ends.append(gate.state(row))
    rejected = gate.pending(**SMALL)
    gate.vote(rejected, ARJUN, "reject")
    taken_back = gate.approved(**SMALL)
    gate.vote(taken_back, ARJUN, "withdraw")
    assert ends == [State.FAILED, State.FAILED, State.VERIFIED, State.REHEARSED]
    told = provider.compared()
    assert told.findings == []
    assert told.effects == {"failed": 2, "matched": 1, "nothing_sent": 1}
    logged = provider.logged()
    assert "rejected" in logged.proposals[rejected.id].refusal
    assert logged.proposals[taken_back.id].refusal == "nobody had approved it"
    assert {one.refusal for one in logged.effects.values()} == {""}


def test_a_request_that_was_sent_again_is_one_effect_and_its_records_are_repeats(gate: Any, provider: Provider) -> None:
    gate.cloud.put(GROUP_FIELDS)
    row, held = claimed(gate, change=SCALE)
    execute(gate.begin, claim=held, executor=StubExecutor(gate.cloud, "lost after"))
    provider.note()
    known, gate.inspector.read_back = gate.inspector.read_back, lambda _change: GROUP_FIELDS  # reads that lag behind
    reconcile(gate.begin, proposal_id=row.id, inspector=gate.inspector)
    gate.inspector.read_back = known
    gate.later(minutes=2)
    again = resend(gate.begin, proposal_id=row.id, worker="w-2", executor=gate.executor)
    assert again == State.SUCCEEDED
    token = provider.records[0]["userAgent"].rpartition("/")[2]
    provider.record("eks:UpdateNodegroupConfig", "batch/gpu", token)
    told = provider.compared()
    assert told.findings == []
    assert (told.calls["matched"], told.calls["repeats"]) == (1, 1)
    provider.record("eks:UpdateNodegroupConfig", "batch/gpu", token)
    assert [one.name for one in provider.compared().findings] == ["double"]


def test_the_log_itself_is_told_what_each_change_rests_on(gate: Any, provider: Provider) -> None:
    row, held = claimed(gate)
    execute(gate.begin, claim=held, executor=gate.executor)
    provider.note()
    end(gate, row)
    (pair,) = provider.compared().matched
    proposed = provider.logged().proposals[row.id]
    assert (proposed.requester, proposed.approvers) == (row.requester, (ARJUN,))
    entries = {entry.seq: entry.event for entry in gate.log(row.id)}
    assert [entries[seq] for seq in proposed.entries] == [
        "proposal.sealed", "proposal.posted", "vote.approved", "approval.quorum_met", "execution.claimed",
        "execution.intended", "execution.answered", "execution.succeeded", "execution.verified",
    ]  # fmt: skip
    assert pair.effect.request_id == pair.call.request_id != ""
    assert pair.effect.claimed_at is not None
    assert proposed.approved_at is not None
    assert proposed.sealed_at <= proposed.approved_at <= pair.effect.claimed_at <= pair.effect.sent_at[0]


def test_a_rejected_proposal_done_all_the_same_is_found_by_the_token_it_would_have_had(
    gate: Any, provider: Provider
) -> None:
    row, held = claimed(gate)
    logged = provider.logged()
    assert logged.planned[row.id, 1].token == token_that_would_be(logged, row)
    execute(gate.begin, claim=held, executor=gate.executor)
    assert provider.logged().planned[row.id, 1].token == token_that_would_be(logged, row)
    provider.note()
    end(gate, row)
    gate.cloud.put(FIELDS)
    rejected = gate.pending(**SMALL)
    gate.vote(rejected, ARJUN, "reject")
    provider.record("ec2:StopInstances", INSTANCE, provider.logged().planned[rejected.id, 1].token)
    (finding,) = provider.compared().findings
    assert (finding.name, finding.proposal) == ("unapproved", rejected.id)
    assert "rejected" in finding.sentence


def token_that_would_be(logged: Logged, row: Proposal) -> str:
    from audit.canonical import sha256

    return sha256(f"{row.id}\0{logged.proposals[row.id].digest}\0{1}".encode())[:32]


def test_sealed_bytes_that_are_not_those_of_the_log_are_a_finding(gate: Any, provider: Provider) -> None:
    row, held = claimed(gate, change=STOP)
    execute(gate.begin, claim=held, executor=gate.executor)
    provider.note()
    end(gate, row)
    gate.tamper(f"UPDATE proposal SET sealed = CAST('{{}}' AS {'bytea' if gate.on_server else 'BLOB'})")
    names = [one.name for one in provider.compared().findings]
    assert names == ["not_as_sealed", "sealed_bytes"]


def test_what_came_after_the_answer_is_late(gate: Any, provider: Provider) -> None:
    row, held = claimed(gate)
    execute(gate.begin, claim=held, executor=gate.executor)
    gate.later(minutes=5)
    provider.note()
    end(gate, row)
    (finding,) = provider.compared().findings
    assert (finding.name, finding.proposal) == ("too_late", row.id)
    assert timedelta(minutes=5) > SKEW
