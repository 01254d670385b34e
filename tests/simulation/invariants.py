"""What must be true when a run is over, from the rows, the log and the provider's own count."""

import hashlib

from app.database import reading
from approvals.agree import disagreements
from audit.verify import verify
from tests.simulation.cases import ENDED, Case
from tests.simulation.world import World

WITHOUT_EFFECT = frozenset(
    {"rejected", "expired", "superseded", "stale", "cancelled", "vetoed", "unsealable", "rehearsed"}
)
UNDECIDED = frozenset({"sealed", "pending", "partial"})


def check(world: World, *, thoroughly: bool) -> None:
    """Every invariant; `thoroughly` also has the product verify its log and compare its rows with it."""
    _chain(world)
    for case in world.oracle.cases.values():
        _rows(world, case)
        _effects(world, case)
        _ended(world, case)
        _lively(world, case)
    unknown = world.memory.rows("SELECT id FROM proposal WHERE id NOT IN (SELECT id FROM draft)")
    if unknown:
        world.violation("5 entries", f"proposals that nobody asked for: {unknown}")
    if thoroughly:
        with reading(world.memory.engine) as (session, _):
            found = verify(session)
            if not found.ok:
                world.violation("7 log", found.reason)
            if not any(case.tampered for case in world.oracle.cases.values()):
                for sentence in disagreements(session):
                    world.violation("5 entries", sentence)


def _chain(world: World) -> None:
    """Every entry follows from the one before, and every move stands in it once, in order."""
    before, versions = "0" * 64, dict.fromkeys(world.oracle.cases, 0)
    for seq, digest, prev, proposal, version, body in world.memory.rows(
        "SELECT seq, hash, prev, proposal, proposal_version, body FROM log_entry ORDER BY seq"
    ):
        if prev != before or hashlib.sha256(b"\0" + body).hexdigest() != digest:
            world.violation("7 log", f"entry {seq} does not follow from the one before")
        before = digest
        if version is not None:
            if version != versions.get(proposal, 0) + 1:
                world.violation("5 entries", f"entry {seq} is version {version} of {proposal}")
            versions[proposal] = version
    rows = dict(world.memory.rows("SELECT id, version FROM proposal"))
    if rows != {name: version for name, version in versions.items() if version}:
        world.violation("5 entries", f"the log ends at versions {versions}, the rows are at {rows}")


def _rows(world: World, case: Case) -> None:
    row = world.memory.rows("SELECT state, version, sealed, digest FROM proposal WHERE id = ?", case.id)
    if not row or case.tampered:
        return
    state, version, sealed, digest = row[0]
    if (state, version) != (case.state, case.version):
        world.violation("5 entries", f"{case.id} is {state} ({version}), the log said {case.state} ({case.version})")
    if case.digest and (sealed, digest) != (case.sealed, case.digest):
        world.violation("3 bytes", f"{case.id} is not what was sealed")
    votes = world.memory.rows(
        "SELECT person FROM vote WHERE proposal = ? AND choice = 'approve' AND withdrawn_at IS NULL", case.id
    )
    if sorted(person for (person,) in votes) != sorted(case.given):
        world.violation("2 quorum", f"votes stored on {case.id} are {votes}, given were {sorted(case.given)}")
    intents = world.memory.rows("SELECT step FROM effect WHERE proposal = ?", case.id)
    if sorted(step for (step,) in intents) != sorted(case.intents):
        world.violation("1 intent", f"intents of {case.id}: stored {intents}, told {sorted(case.intents)}")


def _effects(world: World, case: Case) -> None:
    """What a state says about effects is what the provider did."""
    steps = case.steps
    done = sum(case.effects.values())
    known = not (case.beyond or case.touched)
    if case.tampered:
        return  # its state is what somebody wrote; that nothing came of it, the claim and the provider check
    if case.state in WITHOUT_EFFECT | UNDECIDED | {""} and done:
        world.violation("4 effects", f"{case.id} is {case.state or 'a draft'} and took effect")
    elif case.state == "failed" and done and known:
        world.violation("4 effects", f"{case.id} is failed and took effect")
    elif case.state == "verified" and done != steps and known:
        world.violation("4 effects", f"{case.id} is verified with {done} of {steps} effects")
    elif case.state == "diverged" and done in (0, steps) and known:
        world.violation("4 effects", f"{case.id} is diverged with {done} of {steps} effects and nobody else's doing")
    if done and not case.claims:
        world.violation("1 claim", f"{case.id} took effect and was never claimed")


def _ended(world: World, case: Case) -> None:
    """After the calm phase nothing hangs."""
    if case.state in ENDED or case.tampered:
        return
    undecided = case.state in UNDECIDED and case.expires_at is not None and world.now < case.expires_at
    if not undecided:
        rule = "10 unknown" if case.was_unknown else "9 liveness"
        world.violation(rule, f"{case.id} is still {case.state or 'a draft'} after all was calm")


def _lively(world: World, case: Case) -> None:
    """Without anything in its way, with people who are willing, a proposal is carried out."""
    if case.spoilt or case.state in ("verified", "rehearsed", "review_due", "reviewed_ok", "reviewed_bad"):
        return
    world.violation("9 liveness", f"{case.id} is {case.state or 'a draft'} although nothing was in its way")
