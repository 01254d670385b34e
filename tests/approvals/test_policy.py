"""Who may do what: tables with a sentence a row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.person import load_people
from approvals.policy import (
    APPROVE,
    REJECT,
    Standing,
    filled,
    may_claim,
    may_propose,
    may_vote,
    may_withdraw,
    quorum,
)
from approvals.rules import Slot
from approvals.rules_file import load_rules
from approvals.states import BEFORE_CLAIM, TERMINAL, State
from tests.approvals.gate_stubs import ARJUN, DANA, EDITH, OLIVIA, PEOPLE, RULES, SAM

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PEOPLE_KNOWN = load_people(PEOPLE)
RULES_KNOWN = load_rules(RULES)
OWNER, SRE, DIRECTOR = Slot(frozenset({"owner"})), Slot(frozenset({"sre"})), Slot(frozenset({"director"}))
PENDING = Standing(
    state=State.PENDING,
    digest="d" * 64,
    requester=OLIVIA,
    editors=(),
    slots=(OWNER,),
    approvals=(),
    expires_at=NOW + timedelta(hours=1),
)

VOTES = [
    ("an owner approves what somebody else asked for", {}, ARJUN, APPROVE, "ok"),
    ("an owner rejects it", {}, ARJUN, REJECT, "ok"),
    ("the requester approves it herself", {}, OLIVIA, APPROVE, "own_proposal"),
    ("the requester rejects it, which is not withdrawing", {}, OLIVIA, REJECT, "own_proposal"),
    ("the requester approves it and holds the role", {"requester": ARJUN}, ARJUN, APPROVE, "own_proposal"),
    ("somebody who edited it approves it", {"editors": (ARJUN,)}, ARJUN, APPROVE, "own_proposal"),
    ("the auditor approves it", {}, EDITH, APPROVE, "no_role"),
    ("the auditor rejects it: the same right is needed", {}, EDITH, REJECT, "no_role"),
    ("somebody unknown approves it", {}, "p-ffffffff", APPROVE, "unknown_person"),
    ("nobody knows who clicked", {}, None, APPROVE, "unknown_person"),
    ("the time to decide is over, to the moment", {"expires_at": NOW}, ARJUN, APPROVE, "expired"),
    ("a microsecond before it is over", {"expires_at": NOW + timedelta(microseconds=1)}, ARJUN, APPROVE, "ok"),
    ("it has not been shown yet", {"state": State.SEALED}, ARJUN, APPROVE, "not_open"),
    ("it already has all its approvals", {"state": State.APPROVED, "approvals": (SAM,)}, ARJUN, APPROVE, "complete"),
    ("somebody rejects what is approved, before the claim", {"state": State.APPROVED}, ARJUN, REJECT, "ok"),
    ("somebody rejects what is on hold", {"state": State.HELD}, ARJUN, REJECT, "ok"),
    ("somebody rejects what is claimed", {"state": State.CLAIMED}, ARJUN, REJECT, "not_open"),
    ("another owner fills the slot a second time", {"slots": (OWNER, SRE), "approvals": (ARJUN,)}, SAM, APPROVE, "ok"),
    (
        "the owner's slot is filled and nothing else is for an owner",
        {"slots": (OWNER, DIRECTOR), "approvals": (ARJUN,)},
        SAM,
        APPROVE,
        "slot_taken",
    ),
    ("a director where an owner is needed", {}, DANA, APPROVE, "no_role"),
]


@pytest.mark.parametrize(("what", "changed", "person", "choice", "code"), VOTES, ids=[row[0] for row in VOTES])
def test_may_vote(what: str, changed: dict[str, object], person: str | None, choice: str, code: str) -> None:
    standing = replace(PENDING, **changed)  # type: ignore[arg-type]
    verdict = may_vote(person=person, choice=choice, digest="d" * 64, standing=standing, people=PEOPLE_KNOWN, now=NOW)
    assert (verdict.code, verdict.allowed) == (code, code == "ok")
    assert verdict.reason


@pytest.mark.parametrize("digest", ["", "d" * 63, "d" * 65, "D" * 64, "e" * 64, "ÿ"])
def test_a_vote_on_other_bytes_is_refused(digest: str) -> None:
    verdict = may_vote(person=ARJUN, choice=APPROVE, digest=digest, standing=PENDING, people=PEOPLE_KNOWN, now=NOW)
    assert verdict.code == "digest_differs"


@pytest.mark.parametrize("state", sorted(TERMINAL))
@pytest.mark.parametrize("choice", [APPROVE, REJECT])
def test_nothing_that_ended_takes_a_vote(state: State, choice: str) -> None:
    standing = replace(PENDING, state=state)
    verdict = may_vote(person=ARJUN, choice=choice, digest="d" * 64, standing=standing, people=PEOPLE_KNOWN, now=NOW)
    assert verdict.code == "closed"


PROPOSERS = [
    ("an ops manager", OLIVIA, "ok"),
    ("an approver", ARJUN, "ok"),
    ("the auditor", EDITH, "no_role"),
    ("somebody who is not in the file", "p-ffffffff", "unknown_person"),
]


@pytest.mark.parametrize(("what", "person", "code"), PROPOSERS, ids=[row[0] for row in PROPOSERS])
def test_may_propose(what: str, person: str, code: str) -> None:
    assert may_propose(person=person, people=PEOPLE_KNOWN, rules=RULES_KNOWN).code == code


def test_without_a_people_file_nobody_may_propose() -> None:
    assert may_propose(person=OLIVIA, people=load_people(""), rules=RULES_KNOWN).code == "unknown_person"


@pytest.mark.parametrize("state", sorted(State))
def test_only_the_requester_withdraws_and_only_before_the_claim(state: State) -> None:
    own = may_withdraw(person=OLIVIA, requester=OLIVIA, state=state, people=PEOPLE_KNOWN)
    assert own.allowed == (state in BEFORE_CLAIM or state == State.DRAFT)
    assert may_withdraw(person=ARJUN, requester=OLIVIA, state=state, people=PEOPLE_KNOWN).code == "not_requester"


def test_nobody_fills_two_slots_and_order_does_not_matter() -> None:
    both = frozenset({"owner", "sre"})
    assert filled((OWNER, SRE), {"sam": both}) in (("sam", None), (None, "sam"))
    assert filled((OWNER, SRE), {"sam": both, "ann": frozenset({"owner"})}) == ("ann", "sam")
    assert filled((OWNER, SRE), {"ann": frozenset({"owner"}), "sam": both}) == ("ann", "sam")


ROLES = st.frozensets(st.sampled_from(["owner", "sre", "director", "vp"]), max_size=3)


@given(
    slots=st.lists(ROLES.filter(bool).map(lambda roles: Slot(roles=roles)), max_size=4),
    held=st.dictionaries(st.sampled_from("abcdef"), ROLES, max_size=6),
)
def test_an_assignment_is_lawful_and_as_large_as_can_be(slots: list[Slot], held: dict[str, frozenset[str]]) -> None:
    found = filled(slots, held)
    seated = [person for person in found if person is not None]
    assert len(seated) == len(set(seated))
    assert all(slot.roles & held[person] for slot, person in zip(slots, found, strict=True) if person is not None)
    assert len(seated) == largest(slots, held)


def largest(slots: list[Slot], held: dict[str, frozenset[str]]) -> int:
    """By trying everything: the most slots that different people can fill."""
    if not slots:
        return 0
    best = largest(slots[1:], held)
    for person, roles in held.items():
        if slots[0].roles & roles:
            left = {other: theirs for other, theirs in held.items() if other != person}
            best = max(best, 1 + largest(slots[1:], left))
    return best


def test_no_slots_are_no_quorum() -> None:
    assert not quorum((), (ARJUN,), PEOPLE_KNOWN, (OLIVIA,))


APPROVED = replace(PENDING, state=State.APPROVED, approvals=(ARJUN,))
CLAIMS = [
    ("all as it was approved", {}, (OWNER,), timedelta(hours=1), "ok"),
    ("the time to carry it out is over, to the moment", {}, (OWNER,), timedelta(), "expired"),
    ("the rules now need more", {}, (OWNER, SRE), timedelta(hours=1), "policy_changed"),
    ("the rules now need less", {"slots": (OWNER, SRE)}, (OWNER,), timedelta(hours=1), "policy_changed"),
    ("the approver lost the role", {"approvals": (EDITH,)}, (OWNER,), timedelta(hours=1), "entitlement_lost"),
    ("the approver left", {"approvals": ("p-ffffffff",)}, (OWNER,), timedelta(hours=1), "entitlement_lost"),
    ("a vote of the requester got in", {"requester": ARJUN}, (OWNER,), timedelta(hours=1), "own_proposal"),
    ("there is no vote at all", {"approvals": ()}, (OWNER,), timedelta(hours=1), "no_quorum"),
]


@pytest.mark.parametrize(("what", "changed", "required", "left", "code"), CLAIMS, ids=[row[0] for row in CLAIMS])
def test_may_claim(
    what: str, changed: dict[str, object], required: tuple[Slot, ...], left: timedelta, code: str
) -> None:
    standing = replace(APPROVED, **changed)  # type: ignore[arg-type]
    verdict = may_claim(standing=standing, people=PEOPLE_KNOWN, execute_by=NOW + left, now=NOW, required=required)
    assert verdict.code == code
