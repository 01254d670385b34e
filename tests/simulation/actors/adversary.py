"""Somebody who can write into the database file: below the triggers, beside the log. Nothing may come of it."""

import hashlib
import json
import re
from collections.abc import Callable
from itertools import count

from app.database import reading
from approvals.agree import disagreements
from approvals.guards import GUARDS as GATE
from audit.canonical import canonical
from audit.guards import GUARDS as LOG
from tests.simulation.cases import ONLY_THE_STATE, Case
from tests.simulation.cast import CAST
from tests.simulation.world import World

Edit = Callable[[World, Case], bool]
_EDITS = count()
BEFORE = frozenset({"pending", "partial", "approved", "held"})
STOPPED = frozenset({"rejected", "cancelled", "expired", "stale"})
DONE = frozenset({"verified", "failed", "diverged"})


def tamper(world: World) -> None:
    """Edits the rows of one proposal while no worker is at it."""
    kind = world.dice.pick(sorted(KINDS))
    states, edit = KINDS[kind]
    cases = [case for case in world.oracle.cases.values() if case.state in states and case.digest and not case.tampered]
    if not cases:
        return
    case = world.dice.pick(cases)
    if _edited(world, case, edit):
        case.tampered = kind
        case.spoilt.add("tampered")
        world.fault(f"tampering.{kind}", case.id)
        world.oracle.spoil("what the caps are judged by was edited")
        with reading(world.memory.engine) as (session, _):
            if not disagreements(session):
                world.violation("tampering", f"{kind} of {case.id} is not found by comparing the rows with the log")


def _edited(world: World, case: Case, edit: Edit) -> bool:
    """Edits below the triggers, which are there again afterwards, as if nobody had been in the file."""
    raw = world.memory.raw
    anew = f"/* {next(_EDITS)} */"  # a prepared statement that was made for another schema would do nothing
    raw.execute("BEGIN IMMEDIATE")
    for guard in (*GATE, *LOG):
        raw.execute(f"{anew} DROP TRIGGER IF EXISTS {guard.name}")
    done = edit(world, case)
    for guard in (*GATE, *LOG):
        raw.execute(f"{anew} {guard.sqlite()}")
    raw.execute("COMMIT")
    return done


def _votes(world: World, case: Case) -> bool:
    """Approvals that nobody gave, by the right people, and the state that follows."""
    for person, _ in CAST:
        if person not in case.involved and person not in case.given:
            world.memory.raw.execute(
                "INSERT OR IGNORE INTO vote (proposal, person, choice, digest, via, cast_at) SELECT ?, ?, 'approve', ?,"
                " 'sim', changed_at FROM proposal WHERE id = ?",
                (case.id, person, case.digest, case.id),
            )
    _approve(world, case)
    return True


def _approve(world: World, case: Case) -> bool:
    done = world.memory.raw.execute(
        "UPDATE OR IGNORE proposal SET state = 'approved', execute_by = expires_at"
        " WHERE id = ? AND state != 'approved'",
        (case.id,),
    )
    return done.rowcount == 1


def _other_machine(world: World, case: Case) -> bool:
    """Other bytes with their own right digest: another thing than the one that was shown."""
    other = next((name for name in sorted(world.provider.things) if name != case.thing), None)
    if other is None or other[:2] != case.thing[:2]:
        return False
    forged = canonical(json.loads(case.sealed.decode().replace(case.thing, other)))
    digest = hashlib.sha256(b"spendgate.proposal.v1\0" + forged).hexdigest()
    world.memory.raw.execute("UPDATE proposal SET sealed = ?, digest = ? WHERE id = ?", (forged, digest, case.id))
    world.memory.raw.execute("UPDATE vote SET digest = ? WHERE proposal = ?", (digest, case.id))
    return True


def _bytes(world: World, case: Case) -> bool:
    forged = case.sealed.replace(b'"stop_instance"', b'"start_instance"').replace(b"USD", b"EUR")
    world.memory.raw.execute("UPDATE proposal SET sealed = ? WHERE id = ?", (forged + b" ", case.id))
    return True


def _vote_back(world: World, case: Case) -> bool:
    """An approval that was taken back stands again."""
    done = world.memory.raw.execute(
        "UPDATE vote SET withdrawn_at = NULL WHERE id IN (SELECT MAX(id) FROM vote WHERE proposal = ? AND"
        " choice = 'approve' AND withdrawn_at IS NOT NULL AND person NOT IN"
        " (SELECT person FROM vote WHERE proposal = ? AND withdrawn_at IS NULL))",
        (case.id, case.id),
    )
    if done.rowcount == 1:
        _approve(world, case)
    return done.rowcount == 1


def _again(world: World, case: Case) -> bool:
    """As if it had never been carried out: everything that tells of it is gone, beside the log."""
    if not _approve(world, case):
        return False
    for table in ("effect", "claim_record"):
        world.memory.raw.execute(f"DELETE FROM {table} WHERE proposal = ?", (case.id,))
    return True


def _person(world: World, case: Case) -> bool:
    """People who were never adopted: everybody is an owner, a director and more."""
    (body,) = world.memory.rows("SELECT body FROM policy_version WHERE kind = 'people' ORDER BY version DESC LIMIT 1")[
        0
    ]
    text = re.sub(r"^roles = .*$", f"roles = {sorted(EVERYTHING)}", body, flags=re.MULTILINE)
    world.memory.raw.execute(
        "INSERT INTO policy_version (kind, version, digest, body, active_since) SELECT kind, version + 1, ?, ?,"
        " active_since FROM policy_version WHERE kind = 'people' ORDER BY version DESC LIMIT 1",
        (hashlib.sha256(text.encode()).hexdigest(), text),
    )
    world.oracle.standing.forged = "people who were never adopted"
    for other in world.oracle.cases.values():
        other.tampered = other.tampered or world.oracle.standing.forged
        other.spoilt.add("tampered")
    return bool(case.id)


EVERYTHING = frozenset({"owner", "sre", "director", "manager", "vp", "cfo"})

KINDS: dict[str, tuple[frozenset[str], Edit]] = {
    "votes that nobody gave": (BEFORE | STOPPED, _votes),
    ONLY_THE_STATE: (BEFORE, _approve),
    "a stop undone": (STOPPED, _approve),
    "another machine": (BEFORE, _other_machine),
    "other bytes": (BEFORE, _bytes),
    "a vote brought back": (BEFORE, _vote_back),
    "once more": (DONE, _again),
    "people who were never adopted": (BEFORE, _person),
}
"""What is edited: (the states in which it may pay, how)."""
