"""What happens next in a run: mostly what a proposal waits for, sometimes something that nobody wants.

A new actor or fault family is a file in `actors/` and a line in one of the two tables here.
"""

from collections.abc import Callable

from tests.simulation.actors import adversary, approvers, clockwork, office, requesters, workers
from tests.simulation.cases import Case
from tests.simulation.world import Replica, World

Progress = Callable[[World, Case], None]


def _by_worker(verb: Callable[[World, Replica, Case], None]) -> Progress:
    def go(world: World, case: Case) -> None:
        worker = workers.idle(world)
        if worker is not None:
            verb(world, worker, case)

    return go


def _mend(world: World, case: Case) -> None:
    """Carrying out: nothing to do but wait for it, or for its lease to end."""
    worker = workers.idle(world)
    lease = case.claims[-1].until if case.claims else world.now
    if worker is None:
        return
    if case.steps > 1 and world.dice.chance(0.7):
        workers.go_on(world, worker, case)
        return
    if world.dice.chance(0.6):
        world.pass_time((lease - world.now).total_seconds() + world.dice.pick((0.0, 0.001, 60.0, 90.0)))
    workers.mend(world, worker)


def _read_in_time(world: World, case: Case) -> None:
    """What was read back without a result is read again when time has passed, mostly."""
    if case.state == "reconciling" and world.dice.chance(0.5):
        world.pass_time(world.dice.pick((3.0, 60.0, 301.0, 599.999, 601.0)))
    _read(world, case)


_seal, _carry, _read = (_by_worker(verb) for verb in (workers.make_sealed, workers.carry_out, workers.read))

NEXT: dict[str, Progress] = {
    "": _seal,
    "sealed": approvers.post,
    "pending": approvers.decide,
    "partial": approvers.decide,
    "approved": _carry,
    "held": _carry,
    "claimed": _carry,
    "executing": _mend,
    "unknown": _read,
    "reconciling": _read_in_time,
    "succeeded": _read,
}
"""What a proposal in this state waits for."""

ODD: tuple[tuple[str, Callable[[World], None]], ...] = (
    ("clock", clockwork.disturb),
    ("people", office.move_people),
    ("rules", office.change_rules),
    ("switch", office.turn_switch),
    ("lending", office.lend),
    ("tampering", adversary.tamper),
    ("drift", lambda world: world.provider.drift()),
    ("delivery", lambda world: _on_any(world, approvers.odd, lambda case: bool(case.digest))),
)
"""(family, what it does): asked for before every step, each in the share that the weather gives to its family."""

AFTERWARDS: tuple[tuple[str, frozenset[str], Progress], ...] = (
    ("again", frozenset({"verified", "diverged", "review_due", "reviewed_ok"}), requesters.undo),
    ("again", requesters.REPLACEABLE, requesters.replace),
    ("again", frozenset({"review_due"}), office.look_back),
)
"""(family, states, verb): what may come after, of one proposal in such a state."""

SHUFFLED: tuple[tuple[float, Progress], ...] = (
    (0.25, _carry),
    (0.2, _read),
    (0.1, _seal),
    (0.1, approvers.post),
    (0.06, requesters.take_back),
    (0.15, lambda world, _case: _with_worker(world, workers.mend)),
    (0.1, lambda world, _case: _with_worker(world, workers.let_expire)),
    (0.04, lambda world, _case: office.forget(world)),
    (0.1, _by_worker(workers.go_on)),
    (0.05, lambda world, _case: _with_worker(world, workers.ask_for_reviews)),
)
"""Verbs out of turn, as a late or repeated wake-up would do them: (share, verb)."""


def play(world: World, steps: int) -> None:
    """So many things happen; that something goes on is not counted."""
    while steps > 0:
        if world.standing and world.dice.chance(0.4):
            world.pass_time(world.dice.pick((0.0, 0.05, 0.5, 1.0)))
            _let_go_on(world)
        else:
            _step(world)
            steps -= 1


def _step(world: World) -> None:
    dice, weather = world.dice, world.weather
    world.pass_time(dice.pick((0.0, 0.0, 0.05, 0.5, 1.0)))
    for family, do in ODD:
        share = getattr(weather, family)
        if dice.chance(share * 0.4 if family == "delivery" else share):
            do(world)
    for family, states, verb in AFTERWARDS:
        if dice.chance(getattr(weather, family)):
            _on_any(world, verb, lambda case, states=states: case.state in states)  # type: ignore[misc]
    if not weather.fair() and dice.chance(0.08):
        _shuffled(world)
        return
    cases = [case for case in world.oracle.cases.values() if not case.ended]
    if not cases or (len(cases) < 2 and dice.chance(0.15)):
        if len(world.oracle.cases) < MOST_CASES:
            requesters.ask(world)
        return
    case = dice.pick(cases)
    if weather.blind and dice.chance(weather.blind * 0.3):
        world.fault("provider.unreadable", "for a while")
        world.provider.unreadable_until = world.awake + dice.span(1.0, 90.0)
        world.oracle.spoil("not readable for a while")
    NEXT[case.state](world, case)


MOST_CASES = 2


def _let_go_on(world: World) -> None:
    activity = world.dice.pick(world.standing)
    if world.dice.chance(world.weather.crash):
        world.kill(activity)
    else:
        world.resume(activity)


def _shuffled(world: World) -> None:
    left = world.dice.choices.random() * sum(share for share, _ in SHUFFLED)
    for share, verb in SHUFFLED:
        left -= share
        if left < 0:
            _on_any(world, verb, lambda case: bool(case.state))
            return


def _on_any(world: World, verb: Progress, fit: Callable[[Case], bool]) -> None:
    cases = [case for case in world.oracle.cases.values() if fit(case)]
    if cases:
        verb(world, world.dice.pick(cases))


def _with_worker(world: World, verb: Callable[[World, Replica], None]) -> None:
    worker = workers.idle(world)
    if worker is not None:
        verb(world, worker)


JUMPS = (0.0, 6.0, 95.0, 601.0, 3601.0, 0.0)
"""Seconds after which a calm phase looks again: a held look, a lease, the settle time, its patience."""


def calm_down(world: World) -> None:
    """The end of every run: everybody is back, nothing goes wrong any more, people decide, and time passes."""
    world.tell("calm")
    world.calm()
    while world.standing:
        activity = world.dice.pick(world.standing)
        if world.dice.chance(0.5):
            world.kill(activity)
        else:
            world.resume(activity)
    world.provider.settle()
    for case in world.oracle.cases.values():
        if case.state in UNDECIDED and case.expires_at is not None and world.now >= case.expires_at:
            case.spoilt.add("a late effect came after its time, and nobody was asked meanwhile")
    for jump in JUMPS:
        world.pass_time(jump)
        _until_quiet(world)
        if all(case.ended for case in world.oracle.cases.values()):
            return
    last = [case.execute_by for case in world.oracle.cases.values() if not case.ended and case.execute_by is not None]
    if last:
        world.pass_time(max(0.0, (max(last) - world.now).total_seconds()))
        _until_quiet(world)
        world.pass_time(3601.0)
        _until_quiet(world)


def _until_quiet(world: World) -> None:
    for _ in range(MOST_ROUNDS):
        waits = any(_waits_for_a_worker(world, case) for case in world.oracle.cases.values())
        moved = waits and workers.round_of(world)
        for case in world.oracle.cases.values():
            if case.state in UNDECIDED:
                moved |= _willing(world, case)
        if not moved:
            return
    world.violation("9 liveness", f"still something due after {MOST_ROUNDS} rounds without time passing")


MOST_ROUNDS = 40
UNDECIDED = frozenset({"sealed", "pending", "partial"})


def _waits_for_a_worker(world: World, case: Case) -> bool:
    late = case.expires_at is not None and world.now >= case.expires_at
    reviewable = case.authority == "break_glass" and case.state in ("verified", "diverged")
    return reviewable or not (case.ended or (case.state in UNDECIDED and not late))


def _willing(world: World, case: Case) -> bool:
    """People who decide in favour as soon as they can."""
    before = world.oracle.transitions
    if case.state == "sealed":
        approvers.post(world, case)
    else:
        person = approvers.helpful(world, case)
        if person is None:
            case.spoilt.add("nobody is left to decide it")
        else:
            approvers.give(world, case, person, "approve", case.digest)
    return world.oracle.transitions > before
