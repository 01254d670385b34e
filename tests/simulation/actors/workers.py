"""The workers: they seal, carry out, read back, mend and let expire, by the product's own verbs."""

from datetime import timedelta

from app.database import reading
from approvals.claim import claim
from approvals.due import due
from approvals.execute import execute
from approvals.expire import expire
from approvals.lease import Claim
from approvals.proceed import proceed
from approvals.reconcile import reconcile
from approvals.recover import recover
from approvals.resend import resend
from approvals.review import fall_due
from approvals.seal import seal
from approvals.states import State
from tests.simulation.cases import Case
from tests.simulation.world import Activity, Replica, World

SETTLE = timedelta(minutes=10)


def idle(world: World) -> Replica | None:
    """A worker that has nothing to do."""
    free = [worker for worker in world.workers if not worker.busy]
    return world.dice.pick(free) if free else None


def make_sealed(world: World, worker: Replica, case: Case) -> None:
    """Seals a draft."""

    def do(_activity: Activity) -> None:
        row = seal(world.begin(), draft_id=case.id, inspector=world.provider, worker=worker.name)
        world.tell(f"seal {case.id}: {row.state if row else 'not yet'}")

    world.start(worker, "seal", case, do)


def carry_out(world: World, worker: Replica, case: Case) -> None:
    """Claims, and executes what it could claim."""

    def do(_activity: Activity) -> None:
        name = worker.name
        got = claim(world.begin(), proposal_id=case.id, worker=name, inspector=world.provider)
        if not isinstance(got, Claim):
            world.tell(f"claim {case.id}: {got.verdict.code} ({got.state})")
            return
        world.met["claims"] += 1
        state = execute(world.begin(), claim=got, executor=world.executor)
        world.tell(f"execute {case.id}: {state}")
        if world.dice.chance(world.weather.delivery):
            world.fault("delivery.twice", f"{name} executes {case.id} once more")
            execute(world.begin(), claim=got, executor=world.executor)

    world.start(worker, "carry out", case, do)


def go_on(world: World, worker: Replica, case: Case) -> None:
    """Sends the next step, where the one before is read back."""

    def do(_activity: Activity) -> None:
        state = proceed(
            world.begin(), proposal_id=case.id, worker=worker.name, inspector=world.provider, executor=world.executor,
            settle=SETTLE,
        )  # fmt: skip
        world.tell(f"proceed {case.id}: {state}")

    world.start(worker, "proceed", case, do)


def read(world: World, worker: Replica, case: Case) -> None:
    """Reads back."""

    def do(_activity: Activity) -> None:
        name = worker.name
        state = reconcile(world.begin(), proposal_id=case.id, inspector=world.provider, worker=name, settle=SETTLE)
        world.tell(f"read {case.id}: {state}")
        if state == State.RECONCILING:
            again = resend(world.begin(), proposal_id=case.id, worker=name, executor=world.executor, settle=SETTLE)
            world.met["sent again"] += again is not None
            world.tell(f"resend {case.id}: {again or 'no'}")

    world.start(worker, "read", case, do)


def mend(world: World, worker: Replica) -> None:
    """Finds what a worker died over."""

    def do(_activity: Activity) -> None:
        found = recover(world.begin(), worker=worker.name)
        world.tell(f"recover: {', '.join(found) or 'nothing'}")

    world.start(worker, "recover", None, do)


def let_expire(world: World, worker: Replica) -> None:
    """Ends what is over its time."""

    def do(_activity: Activity) -> None:
        with world.begin()() as (session, now):
            found = expire(session, now=now, worker=worker.name)
        world.tell(f"expire: {', '.join(found) or 'nothing'}")

    world.start(worker, "expire", None, do)


def ask_for_reviews(world: World, worker: Replica) -> None:
    """Emergencies that were carried out are to be looked at."""

    def do(_activity: Activity) -> None:
        with world.begin()() as (session, now):
            found = fall_due(session, now=now, worker=worker.name)
        world.tell(f"reviews: {', '.join(found) or 'none'}")

    world.start(worker, "fall due", None, do)


def round_of(world: World) -> bool:
    """One round of a worker as it really is, by what the rows say is due; True if anything moved."""
    before = world.oracle.transitions
    worker = idle(world)
    assert worker is not None, "every worker is free when all is calm"
    with reading(world.memory.engine) as (session, now):
        work = due(session, now=now)
    if work.to_expire:
        let_expire(world, worker)
    if work.to_review:
        ask_for_reviews(world, worker)
    if work.to_recover:
        mend(world, worker)
    for ids, verb in (
        (work.to_seal, make_sealed),
        (work.to_claim, carry_out),
        (work.to_proceed, go_on),
        (work.to_reconcile, read),
    ):
        for name in ids:
            verb(world, worker, world.oracle.cases[name])
    return world.oracle.transitions > before
