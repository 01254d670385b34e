"""People who decide: helpful ones, hasty ones, strangers, and ballots that come twice, late or forged."""

from itertools import combinations
from typing import Any, Literal

from approvals.posted import posted
from approvals.vote import Ballot, vote
from tests.simulation.cases import Case, Given
from tests.simulation.cast import CAST, STRANGERS, fills
from tests.simulation.world import Activity, World

Choice = Literal["approve", "reject", "withdraw"]


def post(world: World, case: Case) -> None:
    """One of the two replicas of `serve` shows the card."""

    def do(_activity: Activity) -> None:
        with world.begin()() as (session, now):
            verdict = posted(session, now=now, proposal_id=case.id, where="C0SIM")
        world.tell(f"post {case.id}: {verdict.code}")

    world.start(world.dice.pick(world.serves), "post", case, do)


def helpful(world: World, case: Case) -> str | None:
    """Somebody whose approval is needed, who may give it and has not; None where nobody is left."""
    standing = world.oracle.standing
    voters = list(case.given)
    filled = _most(case, list(standing.held(case, voters).values()))
    for person, _ in standing.people:
        if person in voters or person in case.involved:
            continue
        if _most(case, list(standing.held(case, [*voters, person]).values())) > filled:
            return person
    return None


def _most(case: Case, held: list[frozenset[str]]) -> int:
    """How many of the slots these people can fill."""
    slots = case.sealed_slots
    sizes = range(len(slots), 0, -1)
    return next((size for size in sizes if any(fills(part, tuple(held)) for part in combinations(slots, size))), 0)


def decide(world: World, case: Case) -> None:
    """A ballot: mostly a helpful one, or by somebody who was lent a role."""
    dice = world.dice
    person = helpful(world, case)
    lent = world.oracle.standing.lendings
    if lent and dice.chance(0.3):
        person = dice.pick(lent).receiver
    if person is not None and not dice.chance(world.weather.delivery):
        give(world, case, person, "approve", case.digest)
        if dice.chance(world.weather.delivery):
            world.fault("delivery.twice", f"the ballot of {person} on {case.id}")
            give(world, case, person, "approve", case.digest)
        return
    odd(world, case)


def odd(world: World, case: Case) -> None:
    """A ballot that may be wrong in any way."""
    dice = world.dice
    choice: Choice = dice.pick(("approve", "approve", "approve", "withdraw", "withdraw", "reject"))
    person: str | None = dice.pick(CAST)[0]
    digest = case.digest
    kind = dice.pick(
        ("anybody", "anybody", "stranger", "requester", "holder", "holder", "borrower", "digest", "other", "nonsense")
    )
    if kind == "stranger":
        person = dice.pick(STRANGERS)
    elif kind == "requester":
        person = dice.pick(sorted(case.involved))
    elif kind == "holder" and case.given:
        person = dice.pick(sorted(case.given))
    elif kind == "borrower":
        lent = world.oracle.standing.lendings
        person = dice.pick(lent).receiver if lent else person
    elif kind == "digest":
        digest = dice.pick((case.digest[:-1] + ("0" if case.digest[-1:] != "0" else "1"), "0" * 64, ""))
    elif kind == "other":
        digest = dice.pick([other.digest for other in world.oracle.cases.values()])
    elif kind == "nonsense":
        digest = "É\u202e" + case.digest[:8]
    world.fault("delivery.odd", f"{person} {choice}s {case.id} ({kind})")
    give(world, case, person, choice, digest)


def give(world: World, case: Case, person: str | None, choice: Choice, digest: str) -> None:
    """Delivers a ballot, and keeps in mind what came of it, if it was committed."""
    ballot = Ballot(proposal_id=case.id, person=person, choice=choice, digest=digest, via="terminal")

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: _count(world, case, ballot, got)
        with world.begin()() as (session, now):
            got.append(vote(session, now=now, ballot=ballot))

    world.start(world.dice.pick(world.serves), "vote", case, do)


def _count(world: World, case: Case, ballot: Ballot, got: list[Any]) -> None:
    result = got[0]
    world.tell(f"{ballot.person} {ballot.choice}s {case.id}: {result.verdict.code}{' again' if result.already else ''}")
    if not result.verdict.allowed or ballot.person is None:
        return
    if ballot.choice == "withdraw":
        case.given.pop(ballot.person, None)
        return
    if ballot.digest != case.digest:
        world.violation("8 bytes", f"{ballot.person} decided {case.id} by another digest")
    if ballot.person in case.involved:
        world.violation("2 quorum", f"{ballot.person} asked for {case.id} and decided it")
    if ballot.choice == "approve" and not result.already:
        case.given[ballot.person] = Given(ballot.person, world.now)
    elif ballot.choice == "reject":
        case.given.pop(ballot.person, None)
        case.spoilt.add("rejected")
