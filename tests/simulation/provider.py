"""The provider: machines, node groups and disks, answers that get lost, effects that come late, and everybody else.

Every effect is counted here by the token of the step that it belongs to, which the harness computes by itself.
"""

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from approvals.changes.step import Request
from approvals.executors.port import NoAnswer, Receipt, Refused
from approvals.inspectors.port import CannotLook, NotSealable, Snapshot
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.cases import Case

ACCOUNTS, REGION = ("510000000001", "510000000002"), "eu-central-1"
TYPES = ("g5.12xlarge", "g5.4xlarge", "g5.48xlarge")
LATEST = 200.0
"""An effect takes this many seconds at most. Together with a clock that is wrong by 240 seconds at most it stays
within the ten minutes after which the gate takes a read-back for the whole truth."""

INSTANCE, NODES, DISK = "instance", "nodegroup", "volume"


class Look(NamedTuple):
    """What an inspector was shown; `fields` is None where there was no answer, or no such thing."""

    fields: dict[str, Any] | None
    environment: str | None
    fit: bool


class Thing:
    """One resource: what it is, what its fields are, and in which environment it says that it is."""

    def __init__(self, number: int, sort: str, account: str, environment: str | None, state: str) -> None:
        self.sort, self.account, self.environment = sort, account, environment
        self.gone = False
        self.fields: dict[str, Any] = {"account": account, "tags": {"team": "aa"}}
        if sort == INSTANCE:
            self.name = f"i-51a0000{number:03x}"
            self.fields |= {"instance_id": self.name, "state": state, "type": TYPES[0], "disks": [f"vol-{number}"]}
        elif sort == NODES:
            self.name = f"nodes-{number}"
            self.fields |= {"status": "ACTIVE", "min": "0", "max": "9", "desired": "5"}
        else:
            self.name = f"vol-51a0000{number:03x}"
            self.fields |= {"state": "available", "size": 100}

    def goal(self, request: Request) -> dict[str, Any]:
        """What the fields become when the request takes effect."""
        if request.operation == "ec2:ModifyInstanceAttribute":
            return {"type": request.parameters["InstanceType"]["Value"]}
        if request.operation == "eks:UpdateNodegroupConfig":
            sizes = request.parameters["scalingConfig"]
            return {
                "status": "ACTIVE",
                "min": str(sizes["minSize"]),
                "max": str(sizes["maxSize"]),
                "desired": str(sizes["desiredSize"]),
            }
        return {"state": STATES[request.operation]}

    def steady(self) -> bool:
        """Whether it is there and nothing is going on with it."""
        return not self.gone and (self.fields.get("state") or self.fields["status"]) in STEADY

    def seen(self) -> dict[str, Any]:
        """As a read-back shows it."""
        return {"state": "gone", "status": "gone"} if self.gone else copy.deepcopy(self.fields)


STATES = {"ec2:StopInstances": "stopped", "ec2:StartInstances": "running", "ec2:DeleteVolume": "gone"}
STEADY = frozenset({"running", "stopped", "available", "ACTIVE"})
ON_THE_WAY = {
    "ec2:StopInstances": {"state": "stopping"},
    "ec2:StartInstances": {"state": "pending"},
    "ec2:DeleteVolume": {"state": "deleting"},
    "eks:UpdateNodegroupConfig": {"status": "UPDATING"},
}


class Provider:
    """Things, what is still on its way, and for how long nobody gets an answer."""

    def __init__(self, world: World) -> None:
        self.world = world
        dice = world.dice
        places = ("development", "development", "production", "Dev", None)
        self.things: dict[str, Thing] = {}
        for number in range(1, dice.whole(2, 3) + 1):
            sort = dice.pick((INSTANCE, INSTANCE, INSTANCE, INSTANCE, NODES, DISK))
            state = dice.pick(("running", "running", "stopped"))
            thing = Thing(number, sort, dice.pick(ACCOUNTS), dice.pick(places), state)
            self.things[thing.name] = thing
        self.unreadable_until = 0.0
        self.coming: list[tuple[float, int, Callable[[], object]]] = []
        self.sent = 0
        self.answered: dict[str, Receipt] = {}

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Something that comes true by itself."""
        self.coming.append((self.world.awake + seconds, len(self.coming) + self.sent, do))

    def come_true(self) -> None:
        """Whatever is due by now, in the order in which it is due."""
        due = sorted((row for row in self.coming if row[0] <= self.world.awake), key=lambda row: row[:2])
        self.coming = [row for row in self.coming if row not in due]
        for _, _, do in due:
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
        thing = self.things[change.target.rpartition("/")[2]]
        seen = None if thing.gone else copy.deepcopy(thing.fields)
        fit = seen is not None and all(seen.get(name) == value for name, value in change.starts_from().items())
        environment = thing.environment
        if activity is not None:
            activity.look = Look(seen, environment, fit)
        world.tell(f"looks at {thing.name}: {_short(seen)}")
        world.at("looked")
        if seen is None:
            return NotSealable("there is no such thing", "not_found")
        if not fit:
            return NotSealable(f"it is {_short(seen)}", "wrong_state", seen)
        return Snapshot(seen, name="trainer", environment=environment)

    def read_back(self, change: Any) -> dict[str, Any]:
        """As the product's port has it."""
        world = self.world
        world.at("read back")
        self._answers("read back")
        thing = self.things[change.target.rpartition("/")[2]]
        seen = thing.seen()
        world.tell(f"reads back {thing.name}: {_short(seen)}")
        world.at("read")
        return seen

    def _answers(self, what: str) -> None:
        world = self.world
        if world.awake >= self.unreadable_until and not world.dice.chance(world.weather.blind):
            return
        world.fault("provider.unreadable", f"no answer to {what}")
        case = world.active.case if world.active is not None else None
        if case is not None and world.active is not None and world.active.what == "seal":
            case.spoilt.add("could not be looked at")
        if case is not None and case.intended_at is not None and (world.now - case.intended_at).days >= 1:
            case.beyond.add("could not be read for a day")
        if case is not None and case.intended_at is not None:
            case.spoilt.add("could not be read")
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

    def _answered(self, request: Request, token: str, _case: Any) -> Exception | None:
        return self._effect(request, token)

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

    def _slow(self, request: Request, token: str, _case: Any) -> Exception | None:
        """Answered at once, finished later, as a cloud does."""
        thing = self._thing(request)
        after = dict(ON_THE_WAY.get(request.operation, {}))
        refused = self._effect(request, token)
        if refused is None and after and not (thing.gone and thing.sort != DISK):
            goal = thing.goal(request)
            thing.gone = False
            thing.fields.update(after)
            self.later(self.world.dice.span(1.0, LATEST), lambda: self._become(thing, goal))
        return refused

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
        thing = self._thing(request)
        thing.fields["state" if thing.sort == INSTANCE else "status"] = "terminated"

    def _much_too_late(self, request: Request, token: str, case: Any) -> Exception:
        self._beyond(case, "the effect came after the settle time")
        self.later(self.world.dice.span(700.0, 5000.0), lambda: self._too_late(request, token))
        return NoAnswer("read timeout")

    def _too_late(self, request: Request, token: str) -> None:
        self._effect(request, token)
        self.world.oracle.touched(self._thing(request).name, "an effect that came too late")

    def _beyond(self, case: "Case | None", what: str) -> None:
        if case is not None:
            case.beyond.add(what)

    def _thing(self, request: Request) -> Thing:
        told = request.parameters
        name = told.get("InstanceId") or told.get("nodegroupName") or told.get("VolumeId") or told["InstanceIds"][0]
        return self.things[name]

    def _effect(self, request: Request, token: str) -> Exception | None:
        """The request takes effect, unless the provider itself refuses it, or knows its token already."""
        thing = self._thing(request)
        if request.operation == "eks:UpdateNodegroupConfig":
            if token in self.answered:
                self.world.tell(f"the provider knows the token of {request.operation}")
                return None
            self.answered[token] = Receipt("known", "ab" * 32)
        wrong = thing.gone or thing.fields.get("state") == "terminated"
        if request.operation == "ec2:ModifyInstanceAttribute" and thing.fields["state"] != "stopped":
            wrong = True
        if wrong:
            return Refused("IncorrectInstanceState", "it cannot be done as it stands")
        self.world.oracle.took_effect(token, request.operation)
        self._become(thing, thing.goal(request))
        return None

    @staticmethod
    def _become(thing: Thing, goal: dict[str, Any]) -> None:
        thing.gone = thing.gone or goal.get("state") == "gone"
        thing.fields.update(goal)

    # Everybody else

    def drift(self) -> None:
        """Somebody changes a thing besides the gate."""
        dice = self.world.dice
        thing = self.things[dice.pick(sorted(self.things))]
        what = dice.pick(("state", "state", "type", "tags", "environment", "gone"))
        if what == "state" and thing.sort == INSTANCE:
            thing.fields["state"] = "running" if thing.fields["state"] == "stopped" else "stopped"
        elif what == "state" and thing.sort == NODES:
            thing.fields["desired"] = str(dice.whole(0, 9))
        elif what == "type" and thing.sort == INSTANCE:
            thing.fields["type"] = dice.pick(TYPES)
        elif what == "environment":
            thing.environment = dice.pick(("development", "production", None))
        elif what == "gone":
            thing.gone = not thing.gone
        else:
            thing.fields["tags"] = {"team": dice.pick(("aa", "bb"))}
        self.world.fault("drift", f"{thing.name}: {what}")
        self.world.oracle.touched(thing.name, what)


def _short(fields: dict[str, Any] | None) -> str:
    if fields is None:
        return "gone"
    return " ".join(str(fields[name]) for name in ("state", "status", "type", "desired") if name in fields)


FAULTS = ("refused", "throttled", "lost before", "lost after", "late", "slow", "surprise")
LIES = ("refused and done", "done and not", "something else", "much too late")
