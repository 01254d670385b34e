"""The office: people come, go and change their roles, and the rules change, while proposals are under way."""

from approvals.active import PEOPLE, RULES
from approvals.adopt import adopt
from audit.event import Actor, ActorKind
from audit.private import erase
from tests.simulation.cast import CAST, people_text
from tests.simulation.cast import RULES as FILES
from tests.simulation.world import Activity, World

OPERATOR = Actor(ActorKind.SERVICE, "simulation")


def move_people(world: World) -> None:
    """Somebody loses a role, leaves, or everybody is as at first."""
    dice, oracle = world.dice, world.oracle
    voters = {person for case in oracle.cases.values() for person in case.given}
    who = dice.pick(sorted(voters)) if voters and dice.chance(0.6) else dice.pick(CAST)[0]
    what = dice.pick(("loses a role", "leaves", "is promoted", "everybody is back"))
    people = dict(oracle.people)
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
        activity.committed = lambda: oracle.adopt(people=directory)
        with world.begin()() as (session, now):
            adopt(session, now=now, kind=PEOPLE, text=people_text(directory), actor=OPERATOR)

    world.fault("people", f"{who} {what}")
    oracle.spoil("people changed")
    world.start(world.serves[0], "adopt", None, do)


def forget(world: World) -> None:
    """Somebody is erased: what the person wrote goes, decisions stay."""
    who = world.dice.pick(CAST)[0]

    def do(_activity: Activity) -> None:
        with world.begin()() as (session, now):
            erase(session, person=who, now=now)

    world.fault("people", f"{who} is erased")
    world.start(world.serves[0], "erase", None, do)


def change_rules(world: World) -> None:
    """Other rules come into force."""
    name = world.dice.pick(sorted(FILES))

    def do(activity: Activity) -> None:
        activity.committed = lambda: world.oracle.adopt(rules=FILES[name])
        with world.begin()() as (session, now):
            adopt(session, now=now, kind=RULES, text=FILES[name], actor=OPERATOR)

    world.fault("rules", name)
    world.oracle.spoil("rules changed")
    world.start(world.serves[0], "adopt", None, do)
