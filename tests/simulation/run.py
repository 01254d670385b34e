"""One run, from a database that is as new to the last check; what it found, as a value that can be added up."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from unittest.mock import patch

from approvals.executors.rehearsal import Rehearsal
from approvals.rules_file import load_rules
from tests.simulation.dice import Dice, determined, throw
from tests.simulation.invariants import check
from tests.simulation.memory import Memory
from tests.simulation.oracle import Oracle
from tests.simulation.provider import Provider
from tests.simulation.schedule import calm_down, play
from tests.simulation.weather import forecast
from tests.simulation.world import World

THOROUGH = 20
"""Every so many runs the product's own verification reads the whole log, too."""


@dataclass
class Found:
    """What one run, or many, found. `trace` is kept for one run only."""

    runs: int = 0
    transitions: int = 0
    under_fault: int = 0
    effects: int = 0
    states: Counter[str] = field(default_factory=Counter)
    unknowns: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    violations: list[tuple[int, str]] = field(default_factory=list)
    fingerprint: int = 0
    trace: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Adds another's, in any order with the same sum."""
        self.runs += other.runs
        self.transitions += other.transitions
        self.under_fault += other.under_fault
        self.effects += other.effects
        for mine, its in (
            (self.states, other.states),
            (self.unknowns, other.unknowns),
            (self.faults, other.faults),
            (self.met, other.met),
        ):
            mine.update(its)
        self.violations = sorted([*self.violations, *other.violations])
        self.fingerprint = (self.fingerprint + other.fingerprint) % 2**128


def simulate(memory: Memory, seed: int, number: int) -> Found:
    """The run of this number under this seed; nothing else has a part in it."""
    dice = Dice(seed, number)
    throw(dice)
    memory.restore()
    world = World(memory, dice, forecast(dice))
    world.provider, world.oracle = Provider(world), Oracle(world)
    world.executor = Rehearsal() if dice.chance(0.03) else world.provider
    _Stage.world = world
    world.tell(f"seed {seed} run {number}: {world.weather}")
    play(world, dice.whole(10, 22))
    calm_down(world)
    check(world, thoroughly=number % THOROUGH == 0)
    return _found(world, number)


def _found(world: World, number: int) -> Found:
    oracle = world.oracle
    text = "\n".join(world.trace).encode()
    return Found(
        runs=1,
        transitions=oracle.transitions,
        under_fault=oracle.under_fault,
        effects=oracle.effects,
        states=Counter(case.state or "draft" for case in oracle.cases.values()),
        unknowns=Counter(case.state for case in oracle.cases.values() if case.was_unknown),
        faults=world.faults,
        met=world.met,
        violations=[(number, line) for line in world.violations],
        fingerprint=int.from_bytes(hashlib.sha256(text).digest()[:16], "big"),
        trace=world.trace,
    )


@contextmanager
def staged() -> Iterator[Memory]:
    """A database for many runs. While it lasts, chance, the clock of being awake and the caches are the simulator's."""
    with ExitStack() as stage:
        for name in ("approvals.execute.awake", "approvals.resend.awake"):
            stage.enter_context(patch(name, lambda: _Stage.world.awake if _Stage.world else 0.0))
        stage.enter_context(patch("approvals.active._rules", lru_cache(maxsize=64)(load_rules)))
        stage.enter_context(patch("approvals.apart._MOST_KNOWN", 4096))
        stage.enter_context(determined())
        yield Memory()
        _Stage.world = None


class _Stage:
    world: World | None = None
