"""One run's world: replicas that are interleaved, frozen and killed, one clock that counts, and what was seen.

Each thing that a replica does runs in a greenlet. Wherever the product holds no transaction it may be left standing
there, and anybody else goes on, in any order: all that threads could do, by the dice alone.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]

from app.database import writing
from approvals.errors import GateError
from approvals.executors.port import Executor
from audit.moment import utc_text
from audit.transaction import Begin, Transaction
from tests.simulation.dice import Dice
from tests.simulation.memory import START, Memory
from tests.simulation.weather import CALM, Weather

if TYPE_CHECKING:
    from tests.simulation.cases import Case
    from tests.simulation.oracle import Oracle
    from tests.simulation.provider import Look, Provider


class Crash(BaseException):
    """The replica is gone, as by SIGKILL: no handler of the product may take notice."""


@dataclass(eq=False)
class Replica:
    """A process: after a crash it comes back under a new name, with nothing but the database."""

    kind: str
    number: int
    lives: int = 1
    busy: bool = False

    @property
    def name(self) -> str:
        """As the product is told it."""
        return f"{self.kind}-{self.number}.{self.lives}"


@dataclass(eq=False)
class Activity:
    """One thing that a replica does, from its first transaction to its last; `dies` says where it is to be killed."""

    number: int
    replica: Replica
    what: str
    case: "Case | None"
    dies: tuple[str, int] = ("", 0)
    statements: int = 0
    look: "Look | None" = None
    where: str = ""
    since: float = 0.0
    life: Any = None
    committed: Callable[[], None] | None = None


@dataclass(eq=False)
class World:
    """Everything there is in one run."""

    memory: Memory
    dice: Dice
    weather: Weather
    now: datetime = START
    awake: float = 0.0
    skew: float = 0.0
    active: Activity | None = None
    standing: list[Activity] = field(default_factory=list)
    begun: int = 0
    trace: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    provider: "Provider" = field(init=False)
    oracle: "Oracle" = field(init=False)
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        self.workers = [Replica("worker", number) for number in range(1, self.dice.whole(2, 3) + 1)]
        self.serves = [Replica("serve", number) for number in (1, 2)]
        self.agent = Replica("agent", 1)
        self.memory.clock = lambda: self.now
        self.memory.before_statement = self._before_statement

    # What was seen

    def tell(self, line: str) -> None:
        """One line of the trace."""
        who = self.active.replica.name if self.active else "-"
        self.trace.append(f"{utc_text(self.now)[5:23]} {self.awake:10.3f} {who:11} {line}")

    def fault(self, kind: str, line: str) -> None:
        """Something went wrong, by the dice."""
        self.faults[kind] += 1
        self.tell(f"! {kind}: {line}")

    def violation(self, rule: str, line: str) -> None:
        """Something happened that must never happen."""
        if len(self.violations) < 20:
            self.violations.append(f"{rule}: {line}")
        self.tell(f"VIOLATION {rule}: {line}")

    # Time

    def pass_time(self, seconds: float) -> None:
        """Time that passes for everybody."""
        if seconds > 0:
            self.now += timedelta(seconds=seconds)
            self.awake += seconds
            self.provider.come_true()

    def step_clock(self, seconds: float) -> None:
        """The database's clock is set; no time passes."""
        self.now += timedelta(seconds=seconds)
        self.skew += seconds

    # What replicas do

    def start(self, replica: Replica, what: str, case: "Case | None", do: Callable[[Activity], None]) -> Activity:
        """Begins something, and lets it go on until it is done, is left standing, or dies."""
        self.begun += 1
        activity = Activity(self.begun, replica, what, case)
        if self.dice.chance(self.weather.crash):
            activity.dies = self._death(what)
        replica.busy = True
        activity.life = greenlet(lambda: self._live(activity, do), parent=getcurrent())
        self._switch(activity)
        return activity

    def resume(self, activity: Activity) -> None:
        """Lets go on what was left standing."""
        self.standing.remove(activity)
        if activity.case is not None and self.awake - activity.since > SOON:
            activity.case.spoilt.add("stood still for long")
        activity.life.parent = getcurrent()
        self._switch(activity)

    def kill(self, activity: Activity) -> None:
        """Kills what was left standing."""
        self.fault("crash", f"{activity.replica.name} is killed at {activity.where}")
        if activity.case is not None:
            self.oracle.crashed(activity)
        self.standing.remove(activity)
        activity.life.parent = getcurrent()
        self._switch(activity, Crash())

    def _switch(self, activity: Activity, error: Crash | None = None) -> None:
        before, self.active = self.active, activity
        try:
            if error is None:
                activity.life.switch()
            else:
                activity.life.throw(error)
        finally:
            self.active = before

    def _live(self, activity: Activity, do: Callable[[Activity], None]) -> None:
        name = f"{activity.what} {activity.case.id if activity.case else ''}".rstrip()
        self.tell(f"{name} …")
        try:
            do(activity)
        except Crash:
            activity.replica.lives += 1
        except GateError as error:
            self.tell(f"{name}: {type(error).__name__}: {error.args[0]}")
        except Exception as error:  # noqa: BLE001 - whatever the product raises is judged here
            self.oracle.raised(activity, error)
        activity.replica.busy = False

    def _death(self, what: str) -> tuple[str, int]:
        where = self.dice.pick(("statement", "statement", "statement", "commit", "committed", "point"))
        if where == "point":
            return self.dice.pick(POINTS.get(what, ("committed",))), 1
        return where, self.dice.whole(1, 45 if where == "statement" else 6)

    def at(self, point: str, *, may_stand: bool = True) -> None:
        """A place outside any transaction: the replica may die here, or be left standing while others go on."""
        activity = self.active
        if activity is None:
            return
        self._dies(activity, point)
        if may_stand and activity.what in POINTS and self.dice.chance(self.weather.interleave):
            activity.where, activity.since = point, self.awake
            self.met["left standing"] += 1
            self.tell(f"{activity.what} stands at {point}")
            self.standing.append(activity)
            activity.life.parent.switch()
            self.tell(f"{activity.what} goes on from {point}")

    def _dies(self, activity: Activity, point: str) -> None:
        where, left = activity.dies
        if where != point:
            return
        activity.dies = (where, left - 1)
        if left <= 1:
            activity.dies = ("", 0)
            self.fault("crash", f"{activity.replica.name} dies at {point}")
            if activity.case is not None:
                activity.where = point
                self.oracle.crashed(activity)
            raise Crash

    def _before_statement(self) -> None:
        activity = self.active
        if activity is not None and activity.dies[0] == "statement":
            activity.statements += 1
            self._dies(activity, "statement")

    # The database

    def begin(self) -> Begin:
        """How the product opens its transactions in this world."""

        @contextmanager
        def begin() -> Iterator[Transaction]:
            activity = self.active
            with writing(self.memory.engine) as transaction:
                yield transaction
                if activity is not None:
                    self._dies(activity, "commit")
            self.oracle.committed(activity)
            self.at("committed")

        return begin

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self.weather = CALM


SOON = 10.0
"""A worker that stands for longer may rightly find that its right to act is over."""

POINTS: dict[str, tuple[str, ...]] = {
    "seal": ("look", "looked"),
    "carry out": ("look", "looked", "send", "sent", "sent"),
    "read": ("read back", "read", "send", "sent"),
    "proceed": ("read back", "read", "send", "sent"),
}
"""What takes more than one transaction, and where it can die besides at statements and commits."""
