"""What stops, lends, replaces, hurries and changes the gate itself: each on the real rows, through the same claim."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from approvals.active import active, newest
from approvals.adopt import offer
from approvals.changes.change import parse_change
from approvals.changes.governance import AdoptPolicy, ReleaseKillSwitch
from approvals.claim import Refusal, claim
from approvals.delegate import delegate, end_delegation
from approvals.directory import READ_WITHIN, keep_reading
from approvals.engage import engage
from approvals.execute import execute
from approvals.executors.local import LocalExecutor
from approvals.executors.port import Refused
from approvals.ids import new_id
from approvals.inspectors.local import LocalInspector
from approvals.lease import Claim
from approvals.posted import posted
from approvals.propose import Drafted, DraftRequest, propose
from approvals.reconcile import reconcile
from approvals.review import fall_due, review
from approvals.rollback import roll_back
from approvals.seal import seal
from approvals.states import State
from approvals.store import ClaimRecord, Delegation, Draft, Proposal
from approvals.switch import newest_turn
from audit.event import Actor, ActorKind
from tests.approvals.gate_stubs import (
    ARJUN,
    DANA,
    DELETE,
    EDITH,
    FIELDS,
    OLIVIA,
    PEOPLE,
    RESIZE,
    RULES,
    SAM,
    STOP,
    VOLUME_FIELDS,
)

SERVE = Actor(ActorKind.SERVICE, "serve")
RITA, FINN = "p-0a150006", "p-0f1a0007"
MORE_PEOPLE = f"""{PEOPLE}
[[person]]
id = "{RITA}"
name = "Rita Risk"
roles = ["risk"]

[[person]]
id = "{FINN}"
name = "Finn Ops"
roles = ["finops"]
"""
LENDING = '\n[delegation]\nmax_days = 21\nroles = ["owner", "approver"]\n'
GLASS = """
[break_glass]
roles = ["ops_manager"]
slots = ["owner|sre", "director|vp"]
classes = ["reversible"]
vote_within_hours = 1
review_within_hours = 24
reviewers = ["risk", "finops"]
"""
OTHER = "i-0fedcba9876543210"


def sealed(gate: Any, drafted: Drafted, inspector: Any = None) -> Proposal:
    row = seal(gate.begin, draft_id=drafted.proposal_id, inspector=inspector or gate.inspector)
    assert row is not None
    return row


def document(row: Proposal) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(row.sealed or b"{}")
    return told


def claimed(gate: Any, row: Proposal, worker: str = "w1") -> Any:
    return claim(gate.begin, proposal_id=row.id, worker=worker, inspector=gate.inspector)


def carried_out(gate: Any, row: Proposal) -> State:
    got = claimed(gate, row)
    assert isinstance(got, Claim), got
    execute(gate.begin, claim=got, executor=gate.executor)
    return reconcile(gate.begin, proposal_id=row.id, inspector=gate.inspector)


def lend(gate: Any, giver: str, receiver: str, *roles: str, days: float = 7) -> Any:
    with gate.writing() as (session, now):
        return delegate(
            session,
            now=now,
            giver=giver,
            receiver=receiver,
            roles=roles,
            starts_at=now,
            ends_at=now + timedelta(days=days),
        )


def turn_on(gate: Any, person: str | None = SAM, scope: str = "*") -> Any:
    with gate.writing() as (session, now):
        return engage(session, now=now, person=person, scope=scope, reason="runaway")


def turn_of(gate: Any) -> Any:
    with gate.reading() as (session, _):
        return newest_turn(session, "*")


# -- the claim spends the approval ---------------------------------------------------------------------------------


def test_a_claim_spends_the_nonce_under_which_people_voted(gate: Any) -> None:
    row = gate.approved()
    assert isinstance(claimed(gate, row), Claim)
    with gate.reading() as (session, _):
        record = session.get(ClaimRecord, row.id)
    assert (record.nonce, record.digest) == (document(row)["nonce"], row.digest)


# -- the kill switch -----------------------------------------------------------------------------------------------


def test_with_the_kill_switch_on_nothing_is_claimed_and_what_was_approved_ends(gate: Any) -> None:
    row = gate.approved()
    assert turn_on(gate).allowed
    got = claimed(gate, row)
    assert isinstance(got, Refusal)
    assert (got.state, got.verdict.code) == (State.VETOED, "kill_switch")
    assert gate.cloud.effects() == []


def test_a_switch_for_another_account_stops_nothing_here(gate: Any) -> None:
    row = gate.approved()
    assert turn_on(gate, scope="999999999999").allowed
    assert isinstance(claimed(gate, row), Claim)


@pytest.mark.parametrize(("person", "scope", "code"), [
    (EDITH, "*", "no_role"), (None, "*", "unknown_person"), (SAM, "production", "no_scope"),
])  # fmt: skip
def test_who_may_not_stop_is_told_and_logged(gate: Any, person: str | None, scope: str, code: str) -> None:
    assert turn_on(gate, person, scope).code == code
    assert gate.events()[-1] == "killswitch.refused"


def test_the_switch_goes_off_only_by_votes(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    turn_on(gate)
    assert turn_on(gate).code == "already_on"
    with gate.reading() as (session, _):
        turn = newest_turn(session, "*")
    assert turn is not None
    row = of_the_gate(gate, ReleaseKillSwitch(scope="*", turn=turn.id or 0))
    assert vote_all(gate, row) == State.APPROVED
    assert through(gate, row) == State.VERIFIED
    with gate.reading() as (session, _):
        turned = newest_turn(session, "*")
        assert turned is not None
        assert turned.engaged is False
    assert isinstance(claimed(gate, gate.approved()), Claim)


def test_a_release_is_of_one_turn_of_the_switch_and_no_later_one(gate: Any) -> None:
    turn_on(gate)
    request = ReleaseKillSwitch(scope="*", turn=turn_of(gate).id).steps()[0].request
    hands = LocalExecutor(gate.begin)
    hands.send(request, token="one")
    turn_on(gate)
    assert hands.send(request, token="one").request_id is not None
    with pytest.raises(Refused, match="turned since"):
        hands.send(request, token="two")
    assert turn_of(gate).engaged


# -- freezes and caps ----------------------------------------------------------------------------------------------


def test_a_freeze_holds_until_it_is_over(gate: Any) -> None:
    freeze = (
        '\n[[freeze]]\nname = "close"\nzone = "Europe/Berlin"\nstart = 2026-11-20T09:00:00\nend = 2026-11-20T11:30:00\n'
    )
    gate.adopt("rules", RULES + freeze)
    row = gate.approved()
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.HELD, "frozen")
    assert "close" in got.verdict.reason
    gate.later(hours=1, minutes=29)
    assert claimed(gate, row).state == State.HELD
    gate.later(minutes=1)
    assert isinstance(claimed(gate, row), Claim)
    events = gate.events(row.id)
    assert (events.count("approval.held"), events.count("approval.released")) == (1, 1)


def test_a_cap_holds_the_second_change_of_the_hour(gate: Any) -> None:
    gate.adopt("rules", RULES.replace("changes_per_hour = 30", "changes_per_hour = 1"))
    first = gate.approved()
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    second = gate.approved(change={**json.loads(first.change), "instance_id": OTHER})
    assert isinstance(claimed(gate, first), Claim)
    got = claimed(gate, second, "w2")
    assert isinstance(got, Refusal), "a cap is for all workers together"
    assert (got.state, got.verdict.code) == (State.HELD, "cap_changes")
    gate.later(hours=1)
    assert isinstance(claimed(gate, second), Claim)


def test_what_is_split_is_judged_by_its_sum(gate: Any) -> None:
    evidence = {"amount": "600", "currency": "USD", "team": "fraud"}
    first = gate.sealed(evidence=evidence)
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    second = gate.sealed(
        change={**json.loads(first.change), "instance_id": OTHER}, evidence=evidence | {"amount": "9700"}
    )
    slots = [document(row)["policy"]["slots"] for row in (first, second)]
    assert slots == [[["owner"]], [["approver", "manager"]]]
    assert "10,300 USD with 1 other" in document(second)["policy"]["reason"]


def test_a_later_proposal_of_the_scope_changes_nothing_about_an_earlier_one(gate: Any) -> None:
    evidence = {"amount": "600", "currency": "USD", "team": "fraud"}
    first = gate.approved(SAM, evidence=evidence)
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    gate.sealed(change={**json.loads(first.change), "instance_id": OTHER}, evidence=evidence | {"amount": "9700"})
    assert isinstance(claimed(gate, first), Claim)


def test_nobody_approves_more_in_an_hour_than_can_be_read(gate: Any) -> None:
    gate.adopt("rules", RULES.replace("votes_per_person_per_hour = 40", "votes_per_person_per_hour = 1"))
    gate.approved()
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    second = gate.pending(change={**STOP, "instance_id": OTHER})
    assert gate.vote(second, ARJUN).verdict.code == "cap_votes"
    assert gate.vote(second, ARJUN, "reject").verdict.allowed


# -- delegation ----------------------------------------------------------------------------------------------------


def test_a_lent_role_votes_while_it_is_lent(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    assert lend(gate, ARJUN, DANA, "approver").verdict.allowed
    row = gate.approved(DANA)
    told = [entry for entry in gate.log(row.id) if entry.event == "vote.approved"]
    assert json.loads(told[0].body)["data"]["lent"][0]["by"] == ARJUN
    gate.later(days=8)
    assert claimed(gate, row).state == State.EXPIRED


def test_an_approval_by_a_lent_role_does_not_outlive_the_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    lending = lend(gate, ARJUN, DANA, "approver")
    row = gate.approved(DANA)
    with gate.writing() as (session, now):
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=ARJUN).allowed
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.STALE, "entitlement_lost")


def test_nobody_decides_on_their_own_request_by_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    lend(gate, ARJUN, DANA, "approver")
    row = gate.pending(requester=ARJUN)
    assert gate.vote(row, DANA).verdict.code == "no_role"


def test_nobody_votes_twice_by_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    gate.cloud.put(gate.cloud.read()["fields"], environment="production")
    lend(gate, SAM, DANA, "owner")
    row = gate.pending(evidence={"amount": "9000", "currency": "USD"})
    assert gate.vote(row, SAM).verdict.allowed
    assert gate.vote(row, DANA).verdict.code in ("slot_taken", "no_role")
    assert gate.state(row) == State.PARTIAL


def test_one_person_does_not_become_two_votes_by_lending_to_two_people(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING.replace('"approver"]', '"approver", "sre"]'))
    assert lend(gate, SAM, DANA, "owner").verdict.allowed
    assert lend(gate, SAM, EDITH, "sre").verdict.code == "lent_already"
    assert lend(gate, SAM, DANA, "sre").verdict.allowed
    with gate.writing() as (session, now):
        for row in session.exec(select(Delegation)).all():
            assert end_delegation(session, now=now, delegation_id=row.id, person=SAM).allowed
    assert lend(gate, SAM, EDITH, "sre").verdict.allowed


def test_a_delegation_is_ended_by_its_two_people_alone(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    lending = lend(gate, ARJUN, DANA, "approver")
    with gate.writing() as (session, now):
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=SAM).code == "not_yours"
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=DANA).allowed
        assert end_delegation(session, now=now, delegation_id=lending.delegation, person=DANA).code == "ended"


# -- groups of the directory ---------------------------------------------------------------------------------------

GROUPED = (
    PEOPLE.replace('roles = ["approver", "owner"]', "roles = []")
    + '\n[[group]]\nteam = "T0BANK"\nid = "S0APPROVE"\nrole = "approver"\n'
)


def read(gate: Any, *accounts: str) -> bool:
    with gate.writing() as (session, now):
        return keep_reading(
            session,
            now=now,
            members={("T0BANK", "S0APPROVE"): accounts},
            people=active(session).people,
            actor=SERVE,
        )


def test_a_group_gives_its_members_the_role_and_takes_it(gate: Any) -> None:
    gate.adopt("people", GROUPED)
    assert read(gate, "U0ARJUN")
    row = gate.approved(ARJUN)
    assert read(gate, "U0OLIVIA")
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.STALE, "entitlement_lost")
    assert gate.events().count("membership.changed") == 2


def test_a_directory_that_cannot_be_read_means_no(gate: Any) -> None:
    gate.adopt("people", GROUPED)
    row = gate.pending()
    assert gate.vote(row, ARJUN).verdict.code == "directory_down"
    read(gate, "U0ARJUN")
    assert gate.vote(row, ARJUN).verdict.allowed
    gate.later(seconds=READ_WITHIN.total_seconds())
    got = claimed(gate, row)
    assert (got.state, got.verdict.code) == (State.HELD, "directory_down")
    read(gate, "U0ARJUN")
    assert isinstance(claimed(gate, row), Claim)


# -- edits and rollbacks -------------------------------------------------------------------------------------------


def test_an_edit_is_another_proposal_and_voids_the_votes(gate: Any) -> None:
    gate.cloud.put(gate.cloud.read()["fields"], environment="production")
    old = gate.pending()
    assert gate.vote(old, ARJUN).verdict.allowed
    new = gate.sealed(requester=SAM, supersedes=old.id)
    assert (gate.state(old), new.state) == (State.SUPERSEDED, State.SEALED)
    assert document(new)["editors"] == [OLIVIA]
    assert gate.vote(old, DANA).verdict.code == "closed"
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=new.id, where="test")
    assert gate.vote(gate.row(new.id), ARJUN, digest=old.digest).verdict.code == "digest_differs"
    assert gate.vote(gate.row(new.id), OLIVIA).verdict.code == "own_proposal"


def test_what_is_being_carried_out_cannot_be_replaced(gate: Any) -> None:
    row = gate.approved()
    draft = gate.draft(supersedes=row.id)
    assert draft.verdict.allowed
    assert isinstance(claimed(gate, row), Claim)
    new = sealed(gate, draft)
    assert (new.state, new.code) == (State.UNSEALABLE, "too_late")
    assert gate.state(row) == State.CLAIMED


def test_undoing_is_a_proposal_of_the_sealed_inverse(gate: Any) -> None:
    row = gate.approved()
    assert carried_out(gate, row) == State.VERIFIED
    with gate.writing() as (session, now):
        drafted = roll_back(session, now=now, proposal_id=row.id, person=OLIVIA)
    assert drafted.verdict.allowed
    back = sealed(gate, drafted)
    assert (back.state, document(back)["inverse_of"]) == (State.SEALED, row.id)
    assert document(back)["steps"][0]["request"] == document(row)["steps"][0]["inverse"]
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=back.id, where="test")
    assert gate.vote(gate.row(back.id), ARJUN).verdict.allowed
    assert carried_out(gate, gate.row(back.id)) == State.VERIFIED
    assert [line.split()[0] for line in gate.cloud.effects()] == ["ec2:StopInstances", "ec2:StartInstances"]


def test_a_rollback_that_is_not_the_sealed_inverse_cannot_be_sealed(gate: Any) -> None:
    row = gate.approved()
    carried_out(gate, row)
    start = {**json.loads(row.change), "kind": "start_instance"}
    foreign = gate.draft(change=start | {"instance_id": OTHER}, inverse_of=row.id)
    gate.cloud.put(FIELDS | {"instance_id": OTHER, "state": "stopped"})
    found = sealed(gate, foreign)
    assert (found.state, found.code) == (State.UNSEALABLE, "not_the_inverse")


def test_what_did_nothing_cannot_be_undone(gate: Any) -> None:
    row = gate.approved()
    with gate.writing() as (session, now):
        assert roll_back(session, now=now, proposal_id=row.id, person=OLIVIA).verdict.code == "nothing_to_undo"
        assert roll_back(session, now=now, proposal_id="P-NOTHERE000", person=OLIVIA).verdict.code == "not_found"


# -- break-glass ---------------------------------------------------------------------------------------------------


def emergency(gate: Any, **more: Any) -> Any:
    return gate.draft(authority="break_glass", incident=more.pop("incident", "INC-20417"), **more)


def test_an_emergency_takes_two_people_runs_in_a_freeze_and_is_reviewed(gate: Any) -> None:
    freeze = '\n[[freeze]]\nname = "close"\nzone = "UTC"\nstart = 2026-11-20T00:00:00\nend = 2026-11-21T00:00:00\n'
    gate.adopt("rules", RULES + GLASS + freeze)
    gate.adopt("people", MORE_PEOPLE)
    row = sealed(gate, emergency(gate))
    assert row.expires_at == gate.now + timedelta(hours=1)
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    assert gate.vote(gate.row(row.id), SAM).proposal_state == State.PARTIAL
    assert gate.vote(gate.row(row.id), DANA).proposal_state == State.APPROVED
    assert carried_out(gate, gate.row(row.id)) == State.VERIFIED
    assert "breakglass.used" in gate.events(row.id)
    with gate.writing() as (session, now):
        assert fall_due(session, now=now) == [row.id]
    assert (gate.row(row.id).state, gate.row(row.id).outcome) == (State.REVIEW_DUE, State.VERIFIED)

    def judge(person: str | None, reason: str = "the node pool burned 4 GPUs an hour") -> str:
        with gate.writing() as (session, now):
            return review(session, now=now, proposal_id=row.id, person=person, justified=True, reason=reason).code

    # While a review is due the glass stays shut, for whatever resource.
    gate.cloud.put(FIELDS | {"instance_id": OTHER})
    again = {**json.loads(row.change), "instance_id": OTHER}
    assert emergency(gate, change=again).verdict.code == "review_due"
    assert [judge(SAM), judge(OLIVIA), judge(EDITH), judge(None), judge(RITA, " ")] == [
        "own_proposal", "own_proposal", "no_role", "unknown_person", "no_reason",
    ]  # fmt: skip
    assert judge(RITA) == "ok"
    assert gate.state(row) == State.REVIEWED_OK
    assert emergency(gate, change=again).verdict.allowed


@pytest.mark.parametrize(("more", "code"), [
    ({"incident": "because"}, "no_incident"), ({"incident": None}, "no_incident"), ({"requester": ARJUN}, "no_role"),
])  # fmt: skip
def test_an_emergency_is_refused(gate: Any, more: dict[str, Any], code: str) -> None:
    gate.adopt("rules", RULES + GLASS)
    assert emergency(gate, **more).verdict.code == code


def test_without_rules_for_it_there_is_no_break_glass(gate: Any) -> None:
    assert emergency(gate).verdict.code == "break_glass_off"


def test_break_glass_that_is_abolished_before_the_claim_is_no_quorum(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS)
    row = sealed(gate, emergency(gate))
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    gate.vote(gate.row(row.id), SAM)
    gate.vote(gate.row(row.id), DANA)
    gate.adopt("rules", RULES)
    assert claimed(gate, gate.row(row.id)).state == State.STALE


# -- rules and people ----------------------------------------------------------------------------------------------


def of_the_gate(gate: Any, change: AdoptPolicy | ReleaseKillSwitch, requester: str = OLIVIA) -> Proposal:
    inspector = LocalInspector(gate.begin)
    with gate.writing() as (session, now):
        draft = DraftRequest(id=new_id(), thread="", requester=requester, change=change.model_dump())
        drafted = propose(session, now=now, draft=draft)
    assert drafted.verdict.allowed, drafted.verdict
    row = sealed(gate, drafted, inspector)
    if row.state == State.SEALED:
        with gate.writing() as (session, now):
            posted(session, now=now, proposal_id=row.id, where="test")
    found: Proposal = gate.row(row.id)
    return found


def vote_all(gate: Any, row: Proposal) -> State:
    for person in (RITA, FINN):
        gate.vote(row, person)
    state: State = gate.state(row)
    return state


def through(gate: Any, row: Proposal) -> State:
    inspector = LocalInspector(gate.begin)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=inspector)
    assert isinstance(got, Claim), got
    execute(gate.begin, claim=got, executor=LocalExecutor(gate.begin))
    return reconcile(gate.begin, proposal_id=row.id, inspector=inspector)


def offered(gate: Any, kind: str, text: str) -> AdoptPolicy:
    with gate.writing() as (session, now):
        return offer(session, now=now, kind=kind, text=text)


def test_other_rules_come_into_force_by_votes_alone_and_go_back_by_votes(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    row = of_the_gate(gate, offered(gate, "rules", RULES + GLASS))
    assert gate.vote(row, ARJUN).verdict.code == "no_role"
    assert vote_all(gate, row) == State.APPROVED
    assert through(gate, row) == State.VERIFIED
    with gate.reading() as (session, _):
        in_force = newest(session, "rules")
        assert in_force is not None
        assert in_force.body == RULES + GLASS
    with gate.writing() as (session, now):
        drafted = roll_back(session, now=now, proposal_id=row.id, person=OLIVIA)
    back = sealed(gate, drafted, LocalInspector(gate.begin))
    assert document(back)["change"]["replaces"] == json.loads(row.change)["digest"]


def test_an_adoption_takes_effect_once_for_a_token(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    change = offered(gate, "rules", RULES + GLASS)
    request = change.steps()[0].request
    hands = LocalExecutor(gate.begin)
    first = hands.send(request, token="one")
    assert hands.send(request, token="one") == first
    assert gate.events().count("policy.changed") == 4
    with pytest.raises(Refused, match="other rules"):
        hands.send(request, token="two")


def test_people_who_could_never_be_changed_again_are_not_sealed(gate: Any) -> None:
    row = of_the_gate(gate, offered(gate, "people", PEOPLE.replace("Sam Reliable", "Sam R.")))
    assert (row.state, row.code) == (State.UNSEALABLE, "locks_out")
    assert "risk" in (row.reason or "")


def test_rules_in_force_that_changed_meanwhile_end_the_adoption(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    row = of_the_gate(gate, offered(gate, "rules", RULES + GLASS))
    vote_all(gate, row)
    gate.adopt("rules", RULES + LENDING)
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=LocalInspector(gate.begin))
    assert isinstance(got, Refusal)
    assert got.state == State.STALE


def test_every_row_of_all_this_agrees_with_the_log(gate: Any) -> None:
    from approvals.agree import disagreements

    gate.adopt("people", MORE_PEOPLE)
    gate.adopt("rules", RULES + LENDING + GLASS)
    lend(gate, ARJUN, DANA, "approver")
    row = gate.approved()
    carried_out(gate, row)
    turn_on(gate)
    with gate.reading() as (session, _):
        assert disagreements(session) == []
        assert len(list(session.exec(select(Proposal)))) == 1


# -- ways round the right people -----------------------------------------------------------------------------------

POLICY_VOTES = ", ".join(['["risk", "finops"]'] * 5)
LAST_COLUMN = POLICY_VOTES.rpartition(", [")[0] + ', ["cfo", "board"]'


def test_the_gate_is_changed_by_the_last_column_whatever_amount_is_stated(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    gate.adopt("rules", RULES.replace(POLICY_VOTES, LAST_COLUMN))
    change = offered(gate, "rules", RULES).model_dump()
    row = gate.draft(change=change, evidence={"amount": "1", "currency": "USD"})
    again = sealed(gate, row, LocalInspector(gate.begin))
    # Nobody could vote on the way back either, so such rules are not sealed in the first place (below).
    assert document(again)["policy"]["slots"] == [["cfo"], ["board"]]


def test_rules_whose_last_column_nobody_can_fill_lock_out(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE)
    row = of_the_gate(gate, offered(gate, "rules", RULES.replace(POLICY_VOTES, LAST_COLUMN)))
    assert (row.state, row.code) == (State.UNSEALABLE, "locks_out")


def test_two_adoptions_that_lock_out_together_are_not_both_carried_out(gate: Any) -> None:
    rules = offered(gate, "rules", RULES.replace(POLICY_VOTES, POLICY_VOTES.replace("finops", "cfo")))
    gate.adopt("people", MORE_PEOPLE)
    with pytest.raises(Refused, match="nobody could change"):
        LocalExecutor(gate.begin).send(rules.steps()[0].request, token="one")


def test_a_group_that_can_never_be_read_can_be_taken_out_again(gate: Any) -> None:
    gate.adopt("people", MORE_PEOPLE + '\n[[group]]\nteam = "T0BANK"\nid = "S0TYPO"\nrole = "risk"\n')
    row = of_the_gate(gate, offered(gate, "people", MORE_PEOPLE))
    assert gate.vote(gate.pending(), ARJUN).verdict.code == "directory_down"
    assert vote_all(gate, row) == State.APPROVED
    assert through(gate, row) == State.VERIFIED


def test_nobody_has_their_own_emergency_reviewed_by_lending(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS + LENDING.replace('"approver"', '"approver", "risk"'))
    gate.adopt("people", MORE_PEOPLE.replace('roles = ["sre", "owner"]', 'roles = ["sre", "owner", "risk"]'))
    row = sealed(gate, emergency(gate))
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    gate.vote(row, SAM)
    gate.vote(row, DANA)
    assert carried_out(gate, row) == State.VERIFIED
    assert lend(gate, SAM, EDITH, "risk").verdict.allowed
    with gate.writing() as (session, now):
        fall_due(session, now=now)
        found = review(session, now=now, proposal_id=row.id, person=EDITH, justified=True, reason="it was one")
    assert found.code == "no_role"


def test_a_lent_role_is_not_lent_on(gate: Any) -> None:
    gate.adopt("rules", RULES + LENDING)
    assert lend(gate, ARJUN, DANA, "approver").verdict.allowed
    assert lend(gate, DANA, EDITH, "approver").verdict.code == "not_held"


def test_a_draft_that_only_says_it_is_an_emergency_is_not_sealed(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS)
    gate.cloud.put(VOLUME_FIELDS)
    change = parse_change(DELETE)
    with gate.writing() as (session, now):
        session.add(
            Draft(
                id="P-FORGED0000", thread="", requester=OLIVIA, kind=change.kind, resource=change.resource,
                change=json.dumps(change.model_dump()), evidence="{}", authority="break_glass", incident="INC-1",
                created_at=now,
            )
        )  # fmt: skip
    row = seal(gate.begin, draft_id="P-FORGED0000", inspector=gate.inspector)
    assert row is not None
    assert (row.state, row.code) == (State.UNSEALABLE, "not_covered")


def test_an_emergency_whose_asker_may_ask_no_more_is_not_carried_out(gate: Any) -> None:
    gate.adopt("rules", RULES + GLASS)
    row = sealed(gate, emergency(gate))
    with gate.writing() as (session, now):
        posted(session, now=now, proposal_id=row.id, where="test")
    gate.vote(row, SAM)
    gate.vote(row, DANA)
    gate.adopt("rules", RULES + GLASS.replace('roles = ["ops_manager"]', 'roles = ["vp"]'))
    got = claimed(gate, gate.row(row.id))
    assert (got.state, got.verdict.code) == (State.STALE, "no_emergency")


def test_a_freeze_of_the_resources_own_team_holds_whatever_the_evidence_says(gate: Any) -> None:
    freeze = '\n[[freeze]]\nname = "close"\nzone = "UTC"\nteams = ["fraud"]\n'
    freeze += "start = 2026-11-20T00:00:00\nend = 2026-11-21T00:00:00\n"
    gate.adopt("rules", RULES + freeze)
    look = gate.inspector.look
    gate.inspector.look = lambda change: replace(look(change), team="Fraud")
    row = gate.approved(evidence={"amount": "40000", "currency": "USD", "team": "payments"})
    assert claimed(gate, row).verdict.code == "frozen"


def test_what_cannot_be_sealed_ends_nobodys_votes(gate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = gate.approved()
    draft = gate.draft(change=RESIZE, requester=ARJUN, supersedes=row.id)
    monkeypatch.setattr("approvals.adopt._checked", lambda *given: given[3])
    gate.adopt("rules", RULES.replace('resize_instance = "reversible"\n', ""))  # as before the program knew of it
    assert sealed(gate, draft).code == "no_class"
    assert gate.state(row) == State.APPROVED


def test_the_switch_takes_no_account_in_other_digits(gate: Any) -> None:
    assert turn_on(gate, scope="１２３４５６７８９０１２").code == "no_scope"
