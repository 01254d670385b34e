"""The office: people come, go, change and lend their roles, rules change, everything is stopped and goes on."""

from datetime import timedelta
from typing import Any

from approvals.active import PEOPLE, RULES
from approvals.adopt import adopt
from approvals.changes.governance import RELEASE
from approvals.changes.step import Request
from approvals.delegate import delegate, end_delegation
from approvals.engage import engage
from approvals.executors.local import LocalExecutor
from approvals.review import review
from audit.event import Actor, ActorKind
from audit.private import erase
from tests.simulation.cases import Case
from tests.simulation.cast import CAST, people_text
from tests.simulation.cast import RULES as FILES
from tests.simulation.provider import ACCOUNTS
from tests.simulation.standing import Lending
from tests.simulation.world import Activity, World

OPERATOR = Actor(ActorKind.SERVICE, "simulation")


def move_people(world: World) -> None:
    """Somebody loses a role, leaves, is promoted, or everybody is as at first."""
    dice, oracle = world.dice, world.oracle
    voters = {person for case in oracle.cases.values() for person in case.given}
    who = dice.pick(sorted(voters)) if voters and dice.chance(0.6) else dice.pick(CAST)[0]
    what = dice.pick(("loses a role", "leaves", "is promoted", "everybody is back"))
    people = dict(oracle.standing.people)
    roles = people.get(who, frozenset())
    if what == "loses a role" and roles:
        people[who] = roles - {dice.pick(sorted(roles))}
    elif what == "leaves":
        people.pop(who, None)
    elif what == "is promoted":
        people[who] = roles | {dice.pick(("owner", "director", "manager"))}
    else:
        people = dict(CAST)
    directory = tuple(sorted(people.items()))

    def do(activity: Activity) -> None:
        with world.begin()() as (session, now):
            left = tuple((person, roles) for person, roles in directory if person not in oracle.standing.gone)
            activity.committed = lambda: oracle.standing.adopt(people=left)
            adopt(session, now=now, kind=PEOPLE, text=people_text(left), actor=OPERATOR)

    world.fault("people", f"{who} {what}")
    oracle.spoil("people changed")
    world.start(world.serves[0], "adopt", None, do)


def forget(world: World) -> None:
    """Somebody is erased: what the person wrote goes, decisions stay, and the person never comes back."""
    who = world.dice.pick(CAST)[0]

    def do(activity: Activity) -> None:
        activity.committed = lambda: world.oracle.standing.forget(who)
        with world.begin()() as (session, now):
            erase(session, person=who, now=now)

    world.fault("people", f"{who} is erased")
    world.oracle.spoil("people changed")
    world.start(world.serves[0], "erase", None, do)


def change_rules(world: World) -> None:
    """Other rules come into force."""
    name = world.dice.pick(sorted(FILES))

    def do(activity: Activity) -> None:
        activity.committed = lambda: world.oracle.standing.adopt(rules=FILES[name])
        with world.begin()() as (session, now):
            adopt(session, now=now, kind=RULES, text=FILES[name], actor=OPERATOR)

    world.fault("rules", name)
    world.oracle.spoil("rules changed")
    world.start(world.serves[0], "adopt", None, do)


def turn_switch(world: World) -> None:
    """Somebody stops everything, or one account; or a stop is lifted as its proposal would do it."""
    standing, dice = world.oracle.standing, world.dice
    on = sorted(scope for scope, engaged in standing.switches.items() if engaged)
    world.oracle.spoil("the kill switch was turned")
    if on and dice.chance(0.6):
        _release(world, dice.pick(on))
        return
    scope, person = dice.pick(("*", *ACCOUNTS)), dice.pick(CAST)[0]

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: _turned(world, scope, got[0].allowed, True)
        with world.begin()() as (session, now):
            got.append(engage(session, now=now, person=person, scope=scope, reason="smoke"))

    world.fault("switch", f"{person} stops {scope}")
    world.start(dice.pick(world.serves), "engage", None, do)


def _release(world: World, scope: str) -> None:
    turn = world.memory.rows("SELECT MAX(id) FROM kill_switch WHERE scope = ?", scope)[0][0]
    parameters = {"Scope": scope, "Turn": str(turn)}
    request = Request(operation=RELEASE, account="spendgate", region="database", parameters=parameters)
    token = world.dice.choices.randbytes(16).hex()

    def do(activity: Activity) -> None:
        activity.committed = lambda: _turned(world, scope, True, False)
        LocalExecutor(world.begin(), worker=activity.replica.name).send(request, token=token)

    world.fault("switch", f"{scope} goes on")
    world.start(world.dice.pick(world.serves), "release", None, do)


def _turned(world: World, scope: str, done: bool, engaged: bool) -> None:
    if done:
        world.oracle.standing.switches[scope] = engaged
    world.tell(f"kill switch {scope}: {'on' if engaged else 'off'}{'' if done else ' refused'}")


def lend(world: World) -> None:
    """Somebody lends a role, or ends that; now and then one that is not there to be lent."""
    standing, dice = world.oracle.standing, world.dice
    running = [one for one in standing.lendings if not one.over]
    world.oracle.spoil("roles were lent")
    if running and dice.chance(0.4):
        _end(world, dice.pick(running))
        return
    giver, roles = _something_to_lend(world)
    receiver = dice.pick(CAST)[0]
    start = world.now + timedelta(seconds=dice.pick((0, 0, 0, 5)))
    end = start + timedelta(hours=dice.pick((1, 24, 500)))

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: _lent(world, Lending(got[0].delegation or "", giver, receiver, roles, start, end))
        with world.begin()() as (session, now):
            got.append(
                delegate(session, now=now, giver=giver, receiver=receiver, roles=roles, starts_at=start, ends_at=end)
            )
        world.tell(f"{giver} lends {sorted(roles)} to {receiver}: {got[0].verdict.code}")

    world.fault("lending", f"{giver} to {receiver}")
    world.start(dice.pick(world.serves), "delegate", None, do)


def _something_to_lend(world: World) -> tuple[str, frozenset[str]]:
    """Mostly a role that decides something now, of somebody who has a part in it: that is where lending could cheat."""
    dice = world.dice
    chances = [
        (person, frozenset({role}))
        for case in world.oracle.cases.values()
        for person in sorted({*case.involved, *case.given})
        for role in sorted(dict(CAST).get(person, frozenset()) & frozenset().union(*case.sealed_slots))
    ]
    if chances and dice.chance(0.7):
        return dice.pick(chances)
    giver, held = dice.pick(CAST)
    return giver, frozenset({dice.pick(sorted(held))})


def _lent(world: World, lending: Lending) -> None:
    if lending.id:
        world.oracle.standing.lendings.append(lending)


def _end(world: World, lending: Lending) -> None:
    person = world.dice.pick((lending.giver, lending.receiver, world.dice.pick(CAST)[0]))

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: setattr(lending, "over", lending.over or got[0].allowed)
        with world.begin()() as (session, now):
            got.append(end_delegation(session, now=now, delegation_id=lending.id, person=person))
        world.tell(f"{person} ends {lending.id}: {got[0].code}")

    world.fault("lending", f"{person} ends {lending.id}")
    world.start(world.dice.pick(world.serves), "end delegation", None, do)


def look_back(world: World, case: Case) -> None:
    """Somebody reviews an emergency, with a right to it or not."""
    person = world.dice.pick(CAST)[0]
    had_part = person in case.involved or person in case.given

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: _reviewed(world, case, person, had_part, got)
        with world.begin()() as (session, now):
            justified = world.dice.chance(0.5)
            args = {"proposal_id": case.id, "person": person, "justified": justified, "reason": "looked at"}
            got.append(review(session, now=now, **args))  # type: ignore[arg-type]

    world.start(world.dice.pick(world.serves), "review", case, do)


def _reviewed(world: World, case: Case, person: str, had_part: bool, got: list[Any]) -> None:
    world.tell(f"{person} reviews {case.id}: {got[0].code}")
    if got[0].allowed and had_part:
        world.violation("2 quorum", f"{person} had a part in {case.id} and reviewed it")
