"""One campaign: a crew works on one database and one cloud while its members are killed, then all is let finish.

Kills are drawn by a seed: who, cold or warm, and where. A part of them is aimed: the campaign waits until the victim's
mark says that it is in a certain phase and kills it a random moment later, because most of a worker's time is spent
in phases that are the least interesting. What it was really doing is read after its death.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.database import reading
from tests.chaos.board import Board
from tests.chaos.crew import Cloud, Cold, Nursery, ended_by_itself
from tests.chaos.judge import MOST_TOLD, judge, still_open
from tests.chaos.pace import COLD_LEASE_SECONDS, LEASE_SECONDS, SETTLE_SECONDS
from tests.chaos.store import store
from tests.chaos.world import write_machines

WORKERS = (1, 2)
GATE, DRAFTER = 3, 4
SPARE = tuple(range(5, 9))
"""Slots of workers that stand in while others are stopped."""

AIMS = (
    "sealing", "claiming", "claimed", "storing the intent", "intent stored", "request in flight",
    "answered, not recorded", "recorded", "reading back", "between steps",
)  # fmt: skip
ROLES = {"worker": (WORKERS, AIMS), "gate": ((GATE,), ("posting", "voting")), "drafter": ((DRAFTER,), ("drafting",))}
AIMED = 0.75
AIM_SECONDS = 3.0
IN_FLIGHT_SECONDS, ELSEWHERE_SECONDS, ANYWHERE_SECONDS = 0.07, 0.008, 0.3
STOPS, SEVERS = 0.02, 0.05
COLD_AFTER_SECONDS, AIMED_COLD_SECONDS = 1.5, 4.0


@dataclass(frozen=True)
class Plan:
    """What a campaign does; the same plan draws the same chances (the machine's own timing stays its own)."""

    kills: int
    seed: int = 1
    cold: int = 0
    database: str = "sqlite"
    planted: str = "none"
    aims: tuple[str, ...] = AIMS
    only_aimed: bool = False
    """every kill is a worker's, in one of the phases of `aims`"""

    @property
    def most_seconds(self) -> float:
        """The whole campaign takes no longer, whatever happens."""
        return 120 + 1.5 * self.kills + 6 * self.cold + self.finish_seconds

    @property
    def finish_seconds(self) -> float:
        """After the last kill every lease ends and everything settles."""
        longest = COLD_LEASE_SECONDS if self.cold else LEASE_SECONDS
        return longest + 10 * SETTLE_SECONDS + 30


@dataclass
class Tally:
    """What was done to the crew."""

    warm: Counter[str] = field(default_factory=Counter)
    cold: Counter[str] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    severed: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return self.warm.total() + self.cold.total()


class Campaign:
    """The crew of one campaign, and what happens to it."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.chance = random.Random(plan.seed)
        self.tally = Tally()
        self.begun = time.monotonic()
        self.paused: list[tuple[float, int]] = []
        self.crew: dict[int, tuple[str, int]] = {}
        self.cold: Cold | None = None

    def run(self) -> dict[str, Any]:
        """Everything, from an empty folder to the verdict."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_machines(self.folder / "machines.json")
        self.place = store(self.plan.database, self.folder)
        self.board = Board(self.folder / "board")
        try:
            self.place.make()
            with Cloud(self.folder) as cloud, self._nursery(cloud):
                self.cloud = cloud
                for slot, role in [*((slot, "worker") for slot in WORKERS), (GATE, "gate"), (DRAFTER, "drafter")]:
                    self._start(slot, role)
                kill_seconds = self._kill_all()
                left = self._finish()
                verdict = judge(self.place, cloud.address)
        finally:
            if self.cold is not None:
                self.cold.kill()
            self.place.end()
        violations = self.tally.faults + left + verdict.violations
        return {
            "database": self.plan.database,
            "seed": self.plan.seed,
            "kills": self.tally.kills,
            "cold": self.tally.cold.total(),
            "warm kills by phase": dict(self.tally.warm),
            "cold kills by phase": dict(self.tally.cold),
            "stopped and continued by phase": dict(self.tally.stopped),
            "connections cut": self.tally.severed,
            **verdict.counted,
            "violations": len(violations),
            "evidence": violations[:MOST_TOLD],
            "seconds of killing": round(kill_seconds, 1),
            "seconds": round(time.monotonic() - self.begun, 1),
        }

    @contextmanager
    def _nursery(self, cloud: Cloud) -> Iterator[None]:
        with Nursery(self.folder, self.place, cloud.address, self.plan.planted) as nursery:
            self.nursery = nursery
            yield

    def _start(self, slot: int, role: str) -> None:
        self.crew[slot] = (role, self.nursery.fork(role, slot, self.chance.randrange(2**31)))

    def _late(self) -> bool:
        return time.monotonic() - self.begun > self.plan.most_seconds - self.plan.finish_seconds

    def _kill_all(self) -> float:
        begun = time.monotonic()
        while self.tally.kills < self.plan.kills:
            if self._late():
                self.tally.faults.append(f"out of time after {self.tally.kills} of {self.plan.kills} kills")
                break
            self._wake()
            self._cold()
            if self.tally.kills < self.plan.kills - (self.plan.cold - self.tally.cold.total()):
                self._one()
            else:
                time.sleep(0.02)
        return time.monotonic() - begun

    def _one(self) -> None:
        """One warm kill, or now and then a stop, or a cut connection."""
        drawn = self.chance.random()
        if drawn < STOPS and len(self.paused) < 2:
            self._stop()
            return
        if drawn < STOPS + SEVERS and self.place.sever():
            self.tally.severed += 1
        role = "worker" if self.plan.only_aimed else self.chance.choices(tuple(ROLES), (76, 14, 10))[0]
        slots, aims = ROLES[role]
        slot = self._aim(slots, self.plan.aims if role == "worker" else aims)
        self._kill(slot)
        self._start(slot, role)

    def _aim(self, slots: tuple[int, ...], aims: tuple[str, ...]) -> int:
        """Waits for the moment; returns whose it is: of the first that does what is waited for, or of anybody."""
        anybody = self.chance.choice(slots)
        if not self.plan.only_aimed and self.chance.random() >= AIMED:
            time.sleep(self.chance.uniform(0, ANYWHERE_SECONDS))
            return anybody
        wanted = self.chance.choice(aims)
        until = time.monotonic() + AIM_SECONDS * (10 if self.plan.only_aimed else 1)
        while time.monotonic() < until:
            hit = [slot for slot in slots if self.board.read(slot) == wanted]
            if hit:
                spread = IN_FLIGHT_SECONDS if wanted == "request in flight" else ELSEWHERE_SECONDS
                time.sleep(self.chance.uniform(0, spread))
                return hit[0]
            time.sleep(0.001)
        return anybody

    def _kill(self, slot: int) -> None:
        role, pid = self.crew.pop(slot)
        os.kill(pid, signal.SIGKILL)
        status = self.nursery.reap(pid)
        if status != -signal.SIGKILL:
            self.tally.faults.append(ended_by_itself(role, status, self.folder))
        self.tally.warm[self.board.read(slot)] += 1

    def _stop(self) -> None:
        """A worker sleeps past its lease, sometimes past the settling too, and wakes up believing it is still then."""
        slot = self._aim(WORKERS, self.plan.aims)
        role, pid = self.crew.pop(slot)
        os.kill(pid, signal.SIGSTOP)
        self.tally.stopped[self.board.read(slot)] += 1
        spare = next(free for free in SPARE if free not in self.crew)
        self.board.mark(spare, self.board.read(slot))
        self.crew[spare] = (role, pid)
        lasts = self.chance.uniform(LEASE_SECONDS * 0.5, LEASE_SECONDS + SETTLE_SECONDS + 3)
        self.paused.append((time.monotonic() + lasts, spare))
        self._start(slot, "worker")

    def _wake(self, *, all_of_them: bool = False) -> None:
        for until, slot in list(self.paused):
            if all_of_them or time.monotonic() >= until:
                os.kill(self.crew[slot][1], signal.SIGCONT)
                self.paused.remove((until, slot))
                time.sleep(self.chance.uniform(0.05, 0.3))  # what it does now is the point
                self._kill(slot)

    def _cold(self) -> None:
        """Starts the shipped program as its own process, and kills it while it starts or a moment later."""
        if self.cold is None:
            share = self.tally.cold.total() * max(1, self.plan.kills)
            if self.tally.cold.total() >= self.plan.cold or share > self.tally.kills * self.plan.cold:
                return
            starting = self.chance.random() < 0.15
            aimed = not starting and self.chance.random() < 0.6
            after = AIMED_COLD_SECONDS if aimed else self.chance.uniform(0.05, COLD_AFTER_SECONDS)
            where = self.cloud.address
            self.cold = Cold(self.folder, self.place, where, after=after, starting=starting, aimed=aimed)
        if self.cold.is_due(self.place):
            self.cold.kill()
            self.tally.cold[self.cold.phase(self.place)] += 1
            if self.cold.fault:
                self.tally.faults.append(self.cold.fault)
            self.cold = None

    def _finish(self) -> list[str]:
        """No more drafts and no more deaths: everything that is open must end by itself."""
        self._wake(all_of_them=True)
        self._kill_quietly(DRAFTER)
        until = time.monotonic() + self.plan.finish_seconds
        engine = self.place.engine()
        while time.monotonic() < until:
            with reading(engine) as (session, _):
                if not still_open(session):
                    break
            time.sleep(0.2)
        for slot in list(self.crew):
            self._kill_quietly(slot)
        return []

    def _kill_quietly(self, slot: int) -> None:
        role, pid = self.crew.pop(slot)
        os.kill(pid, signal.SIGKILL)
        status = self.nursery.reap(pid)
        if status != -signal.SIGKILL:
            self.tally.faults.append(ended_by_itself(role, status, self.folder))
