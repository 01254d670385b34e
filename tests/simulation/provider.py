"""The provider: machines with states, answers that get lost, effects that come late, and everybody else who changes it.

Every effect is counted here by the token of the step that it belongs to, which the harness computes by itself.
"""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from approvals.changes.step import Request
from approvals.executors.port import NoAnswer, Receipt, Refused
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from tests.simulation.world import World

ACCOUNT, REGION = "510000000001", "eu-central-1"
LATEST = 200.0
"""An effect takes this many seconds at most. Together with a clock that is wrong by 240 seconds at most it stays
within the ten minutes after which the gate takes a read-back for the whole truth."""

DONE = {"ec2:StopInstances": "stopped", "ec2:StartInstances": "running"}
ON_THE_WAY = {"ec2:StopInstances": "stopping", "ec2:StartInstances": "pending"}


class Look(NamedTuple):
    """What an inspector was shown; `fields` is None where there was no answer, or no machine."""

    fields: dict[str, Any] | None
    environment: str | None
    fit: bool


class Machine:
    """One machine; `touched` tells that somebody else than the gate changed it."""

    def __init__(self, number: int, state: str, environment: str | None) -> None:
        self.environment = environment
        self.gone = False
        self.fields: dict[str, Any] = {
            "account": ACCOUNT,
            "instance_id": f"i-51a0000{number:03x}",
            "state": state,
            "type": "g5.12xlarge",
            "launched_at": "2026-08-01T00:00:00Z",
            "tags": {"team": "aa"},
            "disks": [f"vol-{number}"],
        }

    @property
    def name(self) -> str:
        return str(self.fields["instance_id"])


class Provider:
    """Machines, what is still on its way, and for how long nobody gets an answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        places = ("development", "development", "production", "Dev", None)
        self.machines: dict[str, Machine] = {}
        for number in range(1, world.dice.whole(2, 3) + 1):
            machine = Machine(number, world.dice.pick(("running", "running", "stopped")), world.dice.pick(places))
            self.machines[machine.name] = machine
        self.unreadable_until = 0.0
        self.coming: list[tuple[float, int, Callable[[], None]]] = []
        self.sent = 0

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Something that comes true by itself."""
        self.coming.append((self.world.awake + seconds, len(self.coming) + self.sent, do))

    def come_true(self) -> None:
        """Whatever is due by now."""
        due = sorted((at, number) for at, number, _ in self.coming if at <= self.world.awake)
        for key in due:
            do = next(do for at, number, do in self.coming if (at, number) == key)
            self.coming = [row for row in self.coming if row[:2] != key]
            do()

    def settle(self) -> None:
        """Lets everything come true that is on its way."""
        self.unreadable_until = 0.0
        while self.coming:
            self.world.pass_time(max(0.001, min(at for at, _, _ in self.coming) - self.world.awake))

    # What an inspector sees

    def look(self, change: Any) -> Snapshot | NotSealable:
        """As the product's port has it."""
        world, activity = self.world, self.world.active
        world.at("look")
        self._answers("look")
        machine = self.machines.get(change.instance_id)
        seen = copy.deepcopy(machine.fields) if machine is not None and not machine.gone else None
        environment = machine.environment if machine is not None else None
        fit = seen is not None and seen["state"] == change.from_state()
        if activity is not None:
            activity.look = Look(seen, environment, fit)
        world.tell(f"looks at {change.instance_id}: {seen['state'] if seen else 'gone'}")
        world.at("looked")
        if seen is None:
            return NotSealable("there is no such machine", "not_found")
        if not fit:
            return NotSealable(f"it is {seen['state']}", "wrong_state", seen)
        return Snapshot(seen, name="trainer", environment=environment)

    def read_back(self, change: Any) -> dict[str, Any]:
        """As the product's port has it."""
        world = self.world
        world.at("read back")
        self._answers("read back")
        machine = self.machines.get(change.instance_id)
        seen = {"state": "gone"} if machine is None or machine.gone else copy.deepcopy(machine.fields)
        world.tell(f"reads back {change.instance_id}: {seen['state']}")
        world.at("read")
        return seen

    def _answers(self, what: str) -> None:
        world = self.world
        if world.awake < self.unreadable_until or world.dice.chance(world.weather.blind):
            world.fault("provider.unreadable", f"no answer to {what}")
            if world.active is not None and world.active.what == "seal" and world.active.case is not None:
                world.active.case.spoilt.add("could not be looked at")
            raise CannotLook("no answer")

    # What an executor sends

    name, rehearsal = "simulated", False

    def send(self, request: Request, *, token: str) -> Receipt:
        """As the product's port has it."""
        world = self.world
        self.sent += 1
        case, step = world.oracle.sending(request, token)
        world.at("send", may_stand=False)
        how = self._how()
        world.tell(f"sends {request.operation} {request.parameters} for {case.id if case else '?'}/{step}: {how}")
        if how != "answered":
            world.fault(f"provider.{how}", f"{case.id if case else '?'}/{step}")
            if case is not None:
                case.spoilt.add(how)
        answer = getattr(self, "_" + how.replace(" ", "_"))(request, token, case)
        world.at("sent")
        if isinstance(answer, Exception):
            raise answer
        return Receipt(request_id=f"r-{self.sent}", response_hash="ab" * 32)

    def _how(self) -> str:
        world = self.world
        if world.dice.chance(world.weather.lies):
            return world.dice.pick(LIES)
        return world.dice.pick(FAULTS) if world.dice.chance(world.weather.send) else "answered"

    def _answered(self, request: Request, token: str, _case: Any) -> None:
        self._effect(request, token)

    def _refused(self, *_: Any) -> Exception:
        return Refused("UnauthorizedOperation", "not permitted")

    def _throttled(self, *_: Any) -> Exception:
        return Refused("RequestLimitExceeded", "slow down")

    def _lost_before(self, *_: Any) -> Exception:
        return NoAnswer("connection reset")

    def _lost_after(self, request: Request, token: str, _case: Any) -> Exception:
        self._effect(request, token)
        return NoAnswer("read timeout")

    def _late(self, request: Request, token: str, _case: Any) -> Exception:
        self.later(self.world.dice.span(0.5, LATEST), lambda: self._effect(request, token))
        return NoAnswer("read timeout")

    def _surprise(self, request: Request, token: str, _case: Any) -> Exception:
        self._effect(request, token)
        return ValueError("an executor with a fault")

    def _slow(self, request: Request, token: str, _case: Any) -> None:
        """Answered at once, finished later, as a cloud does."""
        machine = self.machines[request.parameters["InstanceIds"][0]]
        self.world.oracle.took_effect(request, token)
        machine.fields["state"] = ON_THE_WAY[request.operation]
        done = DONE[request.operation]
        self.later(self.world.dice.span(1.0, LATEST), lambda: machine.fields.update(state=done))

    # Lies: answers that no gate can be asked to see through. They must still never lead to a second effect.

    def _refused_and_done(self, request: Request, token: str, case: Any) -> Exception:
        self._beyond(case, "the provider said no and did it")
        self._effect(request, token)
        return Refused("InternalError", "not done")

    def _done_and_not(self, _request: Request, _token: str, case: Any) -> None:
        self._beyond(case, "the provider said yes and did not")

    def _something_else(self, request: Request, token: str, case: Any) -> None:
        self._beyond(case, "the provider did something else")
        self._effect(request, token)
        self.machines[request.parameters["InstanceIds"][0]].fields["state"] = "terminated"

    def _much_too_late(self, request: Request, token: str, case: Any) -> Exception:
        self._beyond(case, "the effect came after the settle time")
        self.later(self.world.dice.span(700.0, 5000.0), lambda: self._effect(request, token, late=True))
        return NoAnswer("read timeout")

    def _beyond(self, case: Any, what: str) -> None:
        if case is not None:
            case.beyond.add(what)

    def _effect(self, request: Request, token: str, *, late: bool = False) -> None:
        machine = self.machines[request.parameters["InstanceIds"][0]]
        self.world.oracle.took_effect(request, token)
        if machine.fields["state"] != "terminated":
            machine.fields["state"] = DONE[request.operation]
        if late:
            self.world.oracle.touched(machine.name, "an effect that came too late")

    # Everybody else

    def drift(self) -> None:
        """Somebody changes a machine besides the gate."""
        dice = self.world.dice
        machine = self.machines[dice.pick(sorted(self.machines))]
        what = dice.pick(("state", "state", "type", "tags", "disks", "environment", "gone"))
        if what == "state":
            machine.fields["state"] = "running" if machine.fields["state"] == "stopped" else "stopped"
        elif what == "type":
            machine.fields["type"] = dice.pick(("g5.12xlarge", "g5.48xlarge"))
        elif what == "tags":
            machine.fields["tags"] = {"team": dice.pick(("aa", "bb"))}
        elif what == "disks":
            machine.fields["disks"] = [*machine.fields["disks"], f"vol-x{dice.whole(1, 9)}"]
        elif what == "environment":
            machine.environment = dice.pick(("development", "production", None))
        else:
            machine.gone = not machine.gone
        self.world.fault("drift", f"{machine.name}: {what}")
        self.world.oracle.touched(machine.name, what)


FAULTS = ("refused", "throttled", "lost before", "lost after", "late", "slow", "surprise")
LIES = ("refused and done", "done and not", "something else", "much too late")
