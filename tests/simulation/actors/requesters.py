"""People who ask: drafts, drafts that come twice, replacements, rollbacks, emergencies, and proposals taken back."""

import json
from typing import Any

from approvals.ids import new_id
from approvals.propose import DraftRequest, propose
from approvals.rollback import roll_back
from approvals.withdraw import withdraw
from tests.simulation.cases import Case
from tests.simulation.cast import CAST, REQUESTERS
from tests.simulation.provider import DISK, INSTANCE, REGION, TYPES, Thing
from tests.simulation.world import Activity, World

AMOUNTS = ("500", "600", "600", "5000", "6000", "6000", "50000", "60000", "60000", "500000", "1500000", None)
REPLACEABLE = frozenset({"sealed", "pending", "partial", "approved", "held"})


def ask(world: World) -> None:
    """Asks for a change of a thing as it stands."""
    dice, provider = world.dice, world.provider
    there = [name for name, thing in sorted(provider.things.items()) if thing.steady()]
    taken = {case.thing for case in world.oracle.cases.values() if not case.ended}
    names = [name for name in there if name not in taken] or there
    if not names:
        return
    thing = provider.things[dice.pick(names)]
    requester = dice.pick(REQUESTERS)
    if dice.chance(world.weather.delivery * 0.2):
        requester = dice.pick(("p-51a00013", "p-nobody"))
    editors = (dice.pick(CAST)[0],) if dice.chance(0.1) else ()
    case = _case(world, requester, editors, _change(world, thing))
    if not world.weather.fair() and thing.sort == INSTANCE and dice.chance(0.08):
        case.authority = "break_glass"
    deliver(world, case)
    if dice.chance(world.weather.delivery):
        world.fault("delivery.twice", f"the draft of {case.id}")
        deliver(world, case)
    if dice.chance(world.weather.delivery * 0.3):
        _forge(world, case)


def _case(world: World, requester: str, editors: tuple[str, ...], change: dict[str, Any]) -> Case:
    dice = world.dice
    currency = "USD" if dice.chance(0.96) else dice.pick(("EUR", None))
    place = dice.pick((None, None, "development", "production"))
    return Case(new_id(), requester, editors, change, dice.pick(AMOUNTS), currency, place)


def _change(world: World, thing: Thing) -> dict[str, Any]:
    dice = world.dice
    where = {"provider": "aws", "account": thing.account, "region": REGION}
    if thing.sort == DISK:
        return {"kind": "delete_volume", **where, "volume_id": thing.name}
    if thing.sort != INSTANCE:
        before = {name: int(thing.fields[name]) for name in ("min", "max", "desired")}
        after = before | {"desired": (before["desired"] + dice.whole(1, 8)) % 9}
        sizes = {"cluster": "simulated", "nodegroup": thing.name, "before": before, "after": after}
        return {"kind": "scale_node_group", **where, **sizes}
    state, named = thing.fields["state"], {**where, "instance_id": thing.name}
    if state in ("running", "stopped") and dice.chance(0.35):
        to_type = dice.pick([name for name in TYPES if name != thing.fields["type"]])
        resize = {"from_type": thing.fields["type"], "to_type": to_type, "found": state}
        return {"kind": "resize_instance", **named, **resize}
    return {"kind": "start_instance" if state == "stopped" else "stop_instance", **named}


def deliver(world: World, case: Case) -> None:
    """The agent stores the draft."""
    request = _request(case)

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: _stored(world, case, got)
        with world.begin()() as (session, now):
            got.append(propose(session, now=now, draft=request))

    world.start(world.agent, "propose", case, do)


def _stored(world: World, case: Case, got: list[Any]) -> None:
    drafted = got[0]
    world.tell(f"propose {case.id} {case.change['kind']} {case.thing} by {case.requester}: {drafted.verdict.code}")
    if not drafted.verdict.allowed or drafted.already:
        return
    standing = world.oracle.standing
    # With forged people a draft may be made: it does nothing, and its claim is refused, which is judged there.
    if not standing.forged and not standing.roles(case.requester) & standing.rules.may_propose:
        world.violation("2 requester", f"{case.requester} may not propose, and {case.id} was drafted")
    if case.id in world.oracle.cases:
        world.violation("3 bytes", f"{case.id} was drafted twice")
    world.oracle.add(case)


def _forge(world: World, case: Case) -> None:
    """The same id once more, for something else: it must not replace what was asked for."""
    if case.id not in world.oracle.cases:
        return
    world.fault("delivery.forged", f"another draft as {case.id}")
    change = {"kind": "stop_instance", "account": case.change["account"], "region": REGION}
    request = _request(case).model_copy(update={"change": change | {"instance_id": "i-51affffff"}})

    def do(_activity: Activity) -> None:
        with world.begin()() as (session, now):
            got = propose(session, now=now, draft=request)
        if got.verdict.allowed:
            world.violation("3 bytes", f"a second draft was accepted as {case.id}")

    world.start(world.agent, "propose", case, do)


def _request(case: Case) -> DraftRequest:
    evidence = {"amount": case.amount, "currency": case.currency, "environment": case.place}
    return DraftRequest(
        id=case.id,
        thread=f"slack:T0SIM:C0SIM:{case.id}",
        requester=case.requester,
        change=case.change,
        evidence={key: value for key, value in evidence.items() if value is not None},
        editors=case.editors,
        supersedes=case.supersedes,
        authority="break_glass" if case.authority == "break_glass" else "vote",
        incident="INC-1" if case.authority == "break_glass" else None,
    )


def replace(world: World, case: Case) -> None:
    """Somebody asks for something else instead: the old votes must count for nothing."""
    thing = world.provider.things[case.thing]
    if case.state not in REPLACEABLE or not thing.steady():
        return
    requester = world.dice.pick(REQUESTERS)
    editors = tuple(sorted(case.involved - {requester}))
    new = _case(world, requester, editors, _change(world, thing))
    new.supersedes = case.id
    world.fault("delivery.replaced", f"{case.id} by {new.id}")
    case.spoilt.add("replaced")
    new.spoilt.add("a replacement")
    deliver(world, new)


def undo(world: World, case: Case) -> None:
    """Somebody asks to take back what was carried out."""
    person = world.dice.pick(REQUESTERS)

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: _undone(world, case, person, got)
        with world.begin()() as (session, now):
            got.append(roll_back(session, now=now, proposal_id=case.id, person=person))

    world.start(world.dice.pick(world.serves), "roll back", case, do)


def _undone(world: World, case: Case, person: str, got: list[Any]) -> None:
    drafted = got[0]
    world.tell(f"roll back {case.id} by {person}: {drafted.verdict.code} {drafted.proposal_id}")
    if not drafted.verdict.allowed:
        return
    world.met["rollbacks"] += 1
    row = world.memory.rows("SELECT change, evidence FROM draft WHERE id = ?", drafted.proposal_id)[0]
    change, evidence = json.loads(row[0]), json.loads(row[1])
    new = Case(
        drafted.proposal_id, person, (), change, evidence.get("amount"), evidence.get("currency"),
        evidence.get("environment"), inverse_of=case,
    )  # fmt: skip
    if (new.amount, new.currency, new.place) != (case.amount, case.currency, case.place):
        world.violation("rollback", f"{new.id} is judged by another amount or place than {case.id}")
    later = list(world.oracle.cases.values())
    later = later[later.index(case) + 1 :]
    if case.beyond or case.touched or any(other.thing == case.thing and other.effects for other in later):
        new.spoilt.add("what it undoes is not as it was")
    world.oracle.add(new)


def take_back(world: World, case: Case) -> None:
    """The requester withdraws; now and then somebody else tries to."""
    person = case.requester
    if world.dice.chance(0.5):
        person = world.dice.pick(CAST)[0]
        if person != case.requester:
            world.fault("delivery.forged", f"{person} withdraws {case.id}")

    def do(activity: Activity) -> None:
        got: list[Any] = []
        activity.committed = lambda: _taken_back(world, case, person, got)
        with world.begin()() as (session, now):
            got.append(withdraw(session, now=now, proposal_id=case.id, person=person))

    world.start(world.dice.pick(world.serves), "withdraw", case, do)


def _taken_back(world: World, case: Case, person: str, got: list[Any]) -> None:
    world.tell(f"withdraw {case.id} by {person}: {got[0].code}")
    if got[0].allowed and person != case.requester:
        world.violation("2 requester", f"{person} withdrew {case.id} of {case.requester}")
    if got[0].allowed:
        case.spoilt.add("withdrawn")
