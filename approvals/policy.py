"""The policy: who may propose, vote, withdraw, and when a claim may go ahead. Pure; every answer carries its reason.

No text that a model wrote is an argument of any function here.
"""

import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from approvals.person import People
from approvals.rules import Rules, Slot
from approvals.states import BEFORE_CLAIM, REJECTABLE, TERMINAL, State, words

APPROVE, REJECT, WITHDRAW = "approve", "reject", "withdraw"


@dataclass(frozen=True)
class Verdict:
    """Whether it may be, and why (not) in a sentence for a person; `code` for programs."""

    allowed: bool
    reason: str
    code: str


@dataclass(frozen=True)
class Standing:
    """What a decision is about, as the stored row tells it."""

    state: State
    digest: str
    requester: str
    editors: tuple[str, ...]
    slots: tuple[Slot, ...]
    approvals: tuple[str, ...]
    expires_at: datetime

    @property
    def involved(self) -> frozenset[str]:
        """Whoever asked for it or had a hand in it: none of them decides."""
        return frozenset((self.requester, *self.editors))


def yes(reason: str = "allowed") -> Verdict:
    """It may be."""
    return Verdict(True, reason, "ok")


def no(code: str, reason: str) -> Verdict:
    """It may not be."""
    return Verdict(False, reason, code)


def may_propose(*, person: str, people: People, rules: Rules) -> Verdict:
    """Whether this person may ask for a change at all."""
    if person not in people.by_id:
        return no("unknown_person", "you are not in the people file, so you may ask but not propose")
    if not people.roles(person) & rules.may_propose:
        return no("no_role", f"proposing needs one of the roles {', '.join(sorted(rules.may_propose))}")
    return yes()


def may_vote(
    *, person: str | None, choice: str, digest: str, standing: Standing, people: People, now: datetime
) -> Verdict:
    """Whether this person may approve or reject now. Rejecting needs the same right as approving."""
    if person is None or person not in people.by_id:
        return no("unknown_person", "you are not in the people file, so your vote does not count")
    if standing.state in TERMINAL:
        return no("closed", f"this proposal is closed: {words(standing.state)}")
    if standing.state not in REJECTABLE:
        told = "it has not been shown yet" if standing.state == State.SEALED else "it is already being carried out"
        return no("not_open", f"this proposal takes no votes now: {told}")
    if not hmac.compare_digest(digest.encode(), standing.digest.encode()):
        return no("digest_differs", "what you were shown is not what is stored; look at the newest card")
    if person in standing.involved:
        return no("own_proposal", "you asked for this change, so somebody else must decide it")
    if now >= standing.expires_at and standing.state in (State.PENDING, State.PARTIAL):
        return no("expired", "the time to decide on this proposal is over")
    if people.unread:
        return no("directory_down", f"{_unread(people)}, so nobody's vote counts now; try again in some minutes")
    roles = people.roles(person, standing.involved)
    if not any(slot.roles & roles for slot in standing.slots):
        needed = sorted({slot.words() for slot in standing.slots})
        which = "the role" if len(needed) == 1 else "one of the roles"
        return no("no_role", f"deciding on this needs {which} {', '.join(needed)}")
    return yes() if choice == REJECT else _may_approve(person, standing, people)


def _may_approve(person: str, standing: Standing, people: People) -> Verdict:
    if standing.state not in (State.PENDING, State.PARTIAL):
        return no("complete", "this proposal already has all its approvals")
    before = filled(standing.slots, held(people, standing.approvals, standing.involved))
    after = filled(standing.slots, held(people, (*standing.approvals, person), standing.involved))
    if sum(after_ is not None for after_ in after) <= sum(before_ is not None for before_ in before):
        return no("slot_taken", "the part that you could approve has already been approved by somebody else")
    return yes()


def may_withdraw(*, person: str, requester: str, state: State, people: People) -> Verdict:
    """Withdrawing a proposal is its requester's own verb, until the worker has claimed it."""
    if person not in people.by_id:
        return no("unknown_person", "you are not in the people file")
    if person != requester:
        return no("not_requester", "only the person who asked for it can withdraw it; approvers can reject it")
    if state in TERMINAL:
        return no("closed", f"this proposal is closed: {words(state)}")
    if state not in BEFORE_CLAIM | {State.DRAFT}:
        return no("too_late", "it is already being carried out")
    return yes()


def filled(slots: Sequence[Slot], held: Mapping[str, frozenset[str]]) -> tuple[str | None, ...]:
    """Who fills which slot, nobody two: the largest such assignment (augmenting paths, Kuhn 1955).

    A person with two roles is moved to the slot that nobody else can fill, so the order of the votes does not matter.
    """
    holder: list[str | None] = [None] * len(slots)

    def place(person: str, tried: set[int]) -> bool:
        for at, slot in enumerate(slots):
            if at in tried or not slot.roles & held[person]:
                continue
            tried.add(at)
            sitting = holder[at]
            if sitting is None or place(sitting, tried):
                holder[at] = person
                return True
        return False

    for person in held:
        place(person, set())
    return tuple(holder)


def held(people: People, voters: Sequence[str], involved: Collection[str]) -> dict[str, frozenset[str]]:
    """The roles by which each of these voters counts here: a lent one not if its giver votes too, or is involved."""
    return {voter: people.roles(voter, ({*voters} - {voter}) | {*involved}) for voter in voters}


def quorum(slots: Sequence[Slot], approvals: Sequence[str], people: People, involved: Collection[str]) -> bool:
    """True if every slot is filled by somebody who holds its role now; no slots are never a quorum."""
    return bool(slots) and all(filled(slots, held(people, approvals, involved)))


def may_claim(
    *, standing: Standing, people: People, execute_by: datetime, now: datetime, required: Sequence[Slot]
) -> Verdict:
    """Judges everything again, at the moment of the claim: time, rules, and each vote's entitlement now."""
    if now >= execute_by:
        return no("expired", "the time to carry it out is over")
    if sorted(slot.words() for slot in required) != sorted(slot.words() for slot in standing.slots):
        needs = " and ".join(slot.words() for slot in required)
        return no("policy_changed", f"the rules changed since it was sealed: it would now need {needs}")
    if people.unread:
        return no("directory_down", f"{_unread(people)}, so the votes cannot be judged again now")
    for person, roles in held(people, standing.approvals, standing.involved).items():
        if person in standing.involved:
            return no("own_proposal", f"{person} both asked for it and approved it")
        if not any(slot.roles & roles for slot in standing.slots):
            return no("entitlement_lost", f"{person} approved it and no longer holds a role that may")
    if not quorum(standing.slots, standing.approvals, people, standing.involved):
        return no("no_quorum", "its votes no longer fill every slot")
    return yes()


def _unread(people: People) -> str:
    return f"the members of the group {', '.join(people.unread)} cannot be read"
