"""Whether a worker may have the right to send, and whether a request may be sent: from the harness's record alone."""

import hashlib
from typing import Any

from tests.simulation.cases import MOST_RESENDS, RESENDABLE, Case, asked_for
from tests.simulation.provider import Look
from tests.simulation.world import World

PROMPT = 20.0
"""Seconds after storing its intent within which a request may still be sent."""

Faults = list[tuple[str, str]]
"""(the rule that is broken, how)"""


def faults_of_claim(world: World, case: Case, look: Look | None, *, event: str, between: bool) -> Faults:
    """Why this right should not have been given. Between two steps the first claim counts, and the bytes."""
    found = _bytes(world, case, between=between)
    last = case.claims[-1] if case.claims else None
    if world.oracle.standing.engaged(case.change["account"]) and not between:
        found.append(("12 switch", "the kill switch is on"))
    if last is not None and world.now < last.until and event == "execution.taken_over" and not between:
        found.append(("1 claim", f"{last.worker} still held it"))
    if between:
        return found + ([] if case.claims else [("1 claim", "it was never claimed")])
    if event == "execution.resent":
        operation = asked_for(case.change)[max(case.intents) - 1]["operation"]
        if operation not in RESENDABLE or case.resent >= MOST_RESENDS:
            found.append(("1 once", f"{operation} was sent again, for the {case.resent + 1}. time"))
    else:
        found += _drift(case, look)
        if sum(case.sends.values()):
            found.append(("1 claim", "its request had been sent"))
        if event == "execution.claimed" and not world.oracle.standing.room(case):
            found.append(("caps", "the day's amount has no room for it"))
        if event == "execution.claimed" and case.claims and not case.held:
            found.append(("1 claim", "it had been claimed before"))
    again = event == "execution.resent"
    return found + _votes(world, case, case.sealed_look if again else look, now_too=not again) + _times(world, case)


def _bytes(world: World, case: Case, *, between: bool) -> Faults:
    found = []
    # People are judged at the claim: what was forged about them since stops no step that follows.
    judged = between and case.tampered == world.oracle.standing.forged
    stored = world.memory.rows("SELECT sealed, digest FROM proposal WHERE id = ?", case.id)[0]
    if case.tampered and not judged:
        found.append(("tampering", f"its rows were edited: {case.tampered}"))
    if stored != (case.sealed, case.digest) or not case.shown:
        found.append(("3 bytes", "its bytes are not those that were sealed and shown"))
    if hashlib.sha256(b"spendgate.proposal.v1\0" + case.sealed).hexdigest() != case.digest:
        found.append(("3 bytes", "its digest is not that of its bytes"))
    return found


def _times(world: World, case: Case) -> Faults:
    found = []
    if case.stopped:
        found.append(("6 claim", f"it was {case.stopped}"))
    if case.execute_by is None or world.now >= case.execute_by:
        found.append(("6 expiry", f"it was to be executed before {case.execute_by}"))
    return found


def _votes(world: World, case: Case, look: Look | None, *, now_too: bool) -> Faults:
    standing, found = world.oracle.standing, []
    wanted = [("sealed", case.sealed_slots)] + ([("now", standing.needed(case, look))] if now_too else [])
    for which, slots in wanted:
        if not standing.quorum(case, slots):
            needs = [sorted(slot) for slot in slots]
            votes = {person: sorted(roles) for person, roles in standing.held(case, standing.holders(case)).items()}
            found.append(("2 quorum", f"its votes {votes} do not fill {needs} ({which})"))
    if not standing.roles(case.requester) & standing.rules.may_propose:
        found.append(("2 requester", f"{case.requester} may not propose any more"))
    return found


def _drift(case: Case, look: Look | None) -> Faults:
    sealed = case.sealed_look
    if look is None or sealed is None or not look.fit or look.fields != sealed.fields:
        return [("8 drift", f"the thing was seen as {look}, sealed as {sealed}")]
    return []


def _done(original: Case) -> set[int]:
    """The steps that may be undone: what took effect, and what was sent where somebody else touched the same thing.

    Who then did it cannot be read back: a request that was lost looks like one that was done.
    """
    return set(original.sends if original.touched else original.effects)


def faults_of_send(world: World, case: Case, step: int, told: dict[str, Any]) -> Faults:
    """Why this request should not have been sent."""
    found: Faults = []
    worker = world.active.replica.name if world.active is not None else ""
    last = case.claims[-1] if case.claims else None
    if last is None or last.worker != worker:
        found.append(("1 claim", f"its sender is {worker}, the last claim {last}"))
    most = 1 + (case.resent if told["operation"] in RESENDABLE else 0)
    if case.sends[step] >= most:
        found.append(("1 once", f"it was sent {case.sends[step]} times before"))
    awake, intender = case.intents.get(step, (-1e9, "nobody"))
    if worker != intender:
        found.append(("1 intent", f"its intent is {intender}'s"))
    elif world.awake - awake > PROMPT:
        found.append(("late", f"its intent was stored {world.awake - awake:.3f} seconds before"))
    if any(not case.sends[earlier] for earlier in range(1, step)):
        found.append(("1 order", "an earlier step was not sent"))
    sealed, asked = case.sealed_step(step)["request"], asked_for(case.change)[step - 1]
    if told != sealed or told != asked:
        found.append(("3 bytes", f"it is {told}, sealed {sealed}, asked for {asked}"))
    original = case.inverse_of
    if original is not None and told not in [original.sealed_step(n)["inverse"] for n in _done(original)]:
        found.append(("rollback", f"it is no inverse that was sealed with {original.id}"))
    return found
