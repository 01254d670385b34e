"""From a draft to bytes that can be approved, or to the reason why not."""

import json
from typing import Any

import pytest

from approvals.errors import GateError
from approvals.ids import new_id
from approvals.posted import posted
from approvals.seal import seal
from approvals.sealed import decode, digest
from approvals.states import State
from approvals.store import proposal_of
from approvals.withdraw import withdraw
from audit.canonical import canonical, sha256
from tests.approvals.gate_stubs import ACCOUNT, ARJUN, EDITH, FIELDS, INSTANCE, OLIVIA, PEOPLE, REGION, STOP


def test_sealing_resolves_pins_and_fixes_bytes(gate: Any) -> None:
    row = gate.sealed()
    assert row.state == State.SEALED
    assert row.digest == sha256(b"spendgate.proposal.v1\0", row.sealed)
    told = json.loads(row.sealed)
    assert canonical(told) == row.sealed
    assert told["preconditions"] == FIELDS
    assert told["steps"][0]["request"]["parameters"] == {"InstanceIds": [INSTANCE]}
    assert told["steps"][0]["inverse"]["operation"] == "ec2:StartInstances"
    assert told["policy"]["slots"] == [["approver", "manager"]]
    assert told["policy"]["rules_version"] == 1
    assert told["amount"]["value"] == "40000"
    assert len(told["nonce"]) == 32
    assert "Olivia" not in row.sealed.decode()
    assert "C0AIOPS" not in row.sealed.decode()


def test_the_same_draft_sealed_twice_is_one_proposal(gate: Any) -> None:
    row = gate.sealed()
    again = seal(gate.begin, draft_id=row.id, inspector=gate.inspector)
    assert again is not None
    assert again.digest == row.digest
    assert gate.events(row.id).count("proposal.sealed") == 1


def test_two_sealings_of_the_same_change_have_different_digests(gate: Any) -> None:
    one = gate.sealed()
    with gate.writing() as (session, now):
        assert withdraw(session, now=now, proposal_id=one.id, person=OLIVIA).allowed
    assert gate.sealed().digest != one.digest


def unsealable(gate: Any, **more: Any) -> Any:
    drafted = gate.draft(**more)
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    assert row is not None
    assert row.state == State.UNSEALABLE
    assert row.sealed is None
    assert gate.vote(row, ARJUN, digest="0" * 64).verdict.code == "closed"
    with gate.writing() as (session, now):
        assert not posted(session, now=now, proposal_id=row.id, where="test").allowed
    return row


def test_an_instance_that_is_not_there_cannot_be_proposed(gate: Any) -> None:
    row = unsealable(gate, change=STOP | {"instance_id": "i-00000000000000000"})
    assert "there is no i-" in row.reason


def test_a_stopped_instance_cannot_be_proposed_to_be_stopped(gate: Any) -> None:
    gate.cloud.change(state="stopped")
    row = unsealable(gate)
    assert (row.code, row.reason) == ("wrong_state", f"{INSTANCE} is stopped")


def test_no_answer_is_tried_again_for_a_minute_and_then_ends(gate: Any) -> None:
    drafted = gate.draft()
    gate.inspector.down = True
    assert seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector) is None
    gate.later(seconds=61)
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    assert row is not None
    assert (row.state, row.code) == (State.UNSEALABLE, "cannot_look")


def test_one_open_proposal_for_a_resource(gate: Any) -> None:
    row = gate.pending()
    again = gate.draft()
    assert (again.verdict.allowed, again.verdict.code) == (False, "already_open")
    assert row.id in again.verdict.reason
    assert gate.events()[-1] == "proposal.refused"


def test_a_waiting_draft_counts_as_open_and_one_that_ended_does_not(gate: Any) -> None:
    first = gate.draft()
    assert gate.draft().verdict.code == "already_open"
    with gate.writing() as (session, now):
        withdraw(session, now=now, proposal_id=first.proposal_id, person=OLIVIA)
    assert gate.draft().verdict.allowed


def test_the_database_itself_refuses_a_second_open_proposal(gate: Any) -> None:
    row = gate.pending()
    gate.sql("DROP TRIGGER proposal_begins")
    with pytest.raises(Exception, match=r"(?i)unique"):
        gate.sql(
            "INSERT INTO proposal (id, version, state, thread, requester, kind, resource, change, evidence, created_at,"
            " changed_at, fence) SELECT 'P-0000000000', 1, 'sealed', thread, requester, kind, resource, change,"
            " evidence, created_at, changed_at, 0 FROM proposal WHERE id = ?",
            row.id,
        )


def test_two_drafts_that_got_in_for_one_resource_become_one_proposal(gate: Any) -> None:
    first = gate.draft().proposal_id
    gate.sql(
        "INSERT INTO draft (id, thread, requester, editors, kind, resource, change, evidence, authority, created_at)"
        " SELECT 'P-TWIN000000', thread, requester, editors, kind, resource, change, evidence, authority, created_at"
        " FROM draft WHERE id = ?",
        first,
    )
    rows = [seal(gate.begin, draft_id=name, inspector=gate.inspector) for name in (first, "P-TWIN000000")]
    assert [(row.state, row.code) for row in rows if row] == [("sealed", None), ("unsealable", "already_open")]


def test_the_same_draft_again_is_already_there(gate: Any) -> None:
    name = new_id()
    assert not gate.draft(id=name).already
    again = gate.draft(id=name)
    assert (again.verdict.allowed, again.already) == (True, True)
    assert gate.events(name) == ["proposal.drafted"]


def test_another_draft_under_the_same_id_is_refused(gate: Any) -> None:
    name = new_id()
    gate.draft(id=name)
    assert gate.draft(id=name, change=STOP | {"kind": "start_instance"}).verdict.code == "id_taken"


REFUSED = [("the auditor", EDITH, "no_role"), ("a stranger", "p-ffffffff", "unknown_person")]


@pytest.mark.parametrize(("what", "person", "code"), REFUSED, ids=[row[0] for row in REFUSED])
def test_who_may_not_propose_is_refused_and_logged(gate: Any, what: str, person: str, code: str) -> None:
    assert gate.draft(requester=person).verdict.code == code
    assert gate.events()[-1] == "proposal.refused"
    with gate.reading() as (session, now):
        from approvals.due import due

        assert due(session, now=now).to_seal == []


BAD_CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("an unknown kind", STOP | {"kind": "delete_everything"}),
    ("an id with an alias", STOP | {"instance_id": "i-0123456789ABCDEF0"}),
    ("an account that is none", STOP | {"account": "prod"}),
    ("a region that is none", STOP | {"region": "eu-central-1/../us-east-1"}),
    ("a field too much", STOP | {"force": True}),
    ("a field too few", {"kind": "stop_instance", "account": ACCOUNT, "region": REGION}),
]


@pytest.mark.parametrize(("what", "change"), BAD_CHANGES, ids=[row[0] for row in BAD_CHANGES])
def test_what_is_no_change_is_an_error_that_names_the_field(gate: Any, what: str, change: dict[str, Any]) -> None:
    with pytest.raises(GateError, match="not a change"):
        gate.draft(change=change)
    assert gate.log()[-1].event == "policy.changed"


@pytest.mark.parametrize(
    "evidence", [{"amount": 1.5}, {"amount": "NaN"}, {"amount": "much"}, {"figures": [{"v": 0.1}]}]
)
def test_evidence_with_a_float_or_no_number_is_refused(gate: Any, evidence: dict[str, Any]) -> None:
    with pytest.raises(GateError, match="evidence"):
        gate.draft(evidence=evidence)


def test_no_amount_needs_the_highest_votes(gate: Any) -> None:
    row = gate.sealed(evidence={})
    assert decode(row.sealed, row.digest).policy.slots == (("vp",),)


def test_the_cloud_says_the_environment_and_the_bill_can_only_raise_it(gate: Any) -> None:
    evidence = {"amount": "900", "currency": "USD"}
    for cloud, bill, environment in [
        ("development", None, "non_production"),
        ("development", "production", "production"),
        ("production", "development", "production"),
        ("", "development", "production"),
    ]:
        gate.cloud.put(FIELDS, environment=cloud)
        row = gate.sealed(evidence=evidence | ({"environment": bill} if bill else {}))
        assert decode(row.sealed, row.digest).policy.environment == environment, (cloud, bill)
        with gate.writing() as (session, now):
            withdraw(session, now=now, proposal_id=row.id, person=OLIVIA)


def test_an_owner_who_asks_is_not_the_owner_who_decides(gate: Any) -> None:
    gate.adopt("people", PEOPLE.replace('roles = ["ops_manager"]', 'roles = ["ops_manager", "owner"]'))
    row = gate.sealed(evidence={"amount": "900", "currency": "USD"})
    assert decode(row.sealed, row.digest).policy.slots == (("approver", "manager"),)


def test_decoding_refuses_every_other_byte(gate: Any) -> None:
    row = gate.sealed()
    for at in range(0, len(row.sealed), 97):
        altered = bytearray(row.sealed)
        altered[at] ^= 1
        with pytest.raises(GateError, match="do not have the digest"):
            decode(bytes(altered), row.digest)
    other = row.sealed.replace(b'"running"', b'"stopped"')
    with pytest.raises(GateError, match="do not have the digest"):
        decode(other, row.digest)
    assert digest(other) != row.digest


def test_the_requester_withdraws_a_draft_before_it_is_sealed(gate: Any) -> None:
    drafted = gate.draft()
    with gate.writing() as (session, now):
        assert not withdraw(session, now=now, proposal_id=drafted.proposal_id, person=ARJUN).allowed
        assert withdraw(session, now=now, proposal_id=drafted.proposal_id, person=OLIVIA).allowed
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=gate.inspector)
    assert row is not None
    assert row.state == State.CANCELLED
    assert gate.events(drafted.proposal_id) == ["proposal.drafted", "proposal.cancel_refused", "proposal.cancelled"]


def test_a_proposal_that_was_shown_twice_was_posted_once(gate: Any) -> None:
    row = gate.sealed()
    for _ in range(2):
        with gate.writing() as (session, now):
            assert posted(session, now=now, proposal_id=row.id, where="C0APPROVE").allowed
    assert gate.events(row.id).count("proposal.posted") == 1
    with gate.reading() as (session, _):
        assert proposal_of(session, row.id).posted_where == "C0APPROVE"
