"""People who ask, through the agent: drafts, drafts that come twice, and proposals that are taken back."""

from typing import Any

from approvals.ids import new_id
from approvals.propose import DraftRequest, propose
from approvals.withdraw import withdraw
from tests.simulation.cast import CAST, REQUESTERS
from tests.simulation.oracle import Case
from tests.simulation.provider import ACCOUNT, REGION
from tests.simulation.world import Activity, World

AMOUNTS = ("500", "500", "5000", "5000", "50000", "50000", "500000", "5000000", None)


def ask(world: World) -> None:
    """Asks for a change of a machine as it stands."""
    dice, provider = world.dice, world.provider
    free = [name for name, machine in sorted(provider.machines.items()) if not machine.gone]
    taken = {case.instance for case in world.oracle.cases.values() if not case.ended}
    names = [name for name in free if name not in taken] or free
    if not names:
        return
    machine = provider.machines[dice.pick(names)]
    state = machine.fields["state"]
    kind = "start_instance" if state == "stopped" else "stop_instance"
    change = {"kind": kind, "account": ACCOUNT, "region": REGION, "instance_id": machine.name}
    requester = dice.pick(REQUESTERS)
    if dice.chance(world.weather.delivery * 0.2):
        requester = dice.pick(("p-51a00013", "p-nobody"))
    editors = (dice.pick(CAST)[0],) if dice.chance(0.1) else ()
    currency = "USD" if dice.chance(0.93) else dice.pick(("EUR", None))
    place = dice.pick((None, None, "development", "production"))
    case = Case(new_id(), requester, editors, change, dice.pick(AMOUNTS), currency, place)
    deliver(world, case)
    if dice.chance(world.weather.delivery):
        world.fault("delivery.twice", f"the draft of {case.id}")
        deliver(world, case)
    if dice.chance(world.weather.delivery * 0.3):
        _forge(world, case)


def deliver(world: World, case: Case) -> None:
    """The agent stores the draft."""
    known = case.id in world.oracle.cases
    request = _request(case)

    def do(activity: Activity) -> None:
        got: list[Any] = []
        if not known:
            activity.committed = lambda: _stored(world, case, got)
        with world.begin()() as (session, now):
            got.append(propose(session, now=now, draft=request))
        world.tell(f"propose {case.id} {case.change['kind']} {case.instance}: {got[0].verdict.code}")

    world.start(world.agent, "propose", case, do)


def _stored(world: World, case: Case, got: list[Any]) -> None:
    allowed = got[0].verdict.allowed
    may = world.oracle.roles(case.requester) & world.oracle.rules.may_propose
    if allowed and not may:
        world.violation("2 requester", f"{case.requester} may not propose, and {case.id} was drafted")
    if allowed:
        world.oracle.cases[case.id] = case


def _forge(world: World, case: Case) -> None:
    """The same id once more, for another machine: it must not replace what was asked for."""
    if case.id not in world.oracle.cases:
        return
    world.fault("delivery.forged", f"another draft as {case.id}")
    change = case.change | {"instance_id": "i-51affffff"}
    request = _request(case).model_copy(update={"change": change})

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
    )


def take_back(world: World, case: Case) -> None:
    """The requester withdraws; now and then somebody else tries to."""
    person = case.requester
    if world.dice.chance(0.5):
        person = world.dice.pick(CAST)[0]
        if person != case.requester:
            world.fault("delivery.forged", f"{person} withdraws {case.id}")

    def do(_activity: Activity) -> None:
        with world.begin()() as (session, now):
            verdict = withdraw(session, now=now, proposal_id=case.id, person=person)
        world.tell(f"withdraw {case.id} by {person}: {verdict.code}")
        if verdict.allowed and person != case.requester:
            world.violation("2 requester", f"{person} withdrew {case.id} of {case.requester}")
        if verdict.allowed:
            case.spoilt.add("withdrawn")

    world.start(world.dice.pick(world.serves), "withdraw", case, do)
