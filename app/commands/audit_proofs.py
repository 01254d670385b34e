"""`spendgate audit prove`, `consistency`, `status`, `key`, `restored`, and the checkpoints that `verify` is given."""

import base64
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlmodel import Session

from app.commands.console import hint, print_json
from app.commands.here import Place, person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.new_file import new_file
from app.seen import last_seen
from app.whoami import Here
from approvals.active import active
from approvals.rules import AUDITOR
from audit import checkpoint as checkpoints
from audit import log
from audit.alarm import alarms
from audit.checkpoint import RESTORED_ORIGIN, Checkpoint
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.lag import lag
from audit.log_keys import told_keys
from audit.marks import Mark, mark_of
from audit.note import VerifierKey
from audit.private import reference
from audit.proof import hash_lines
from audit.prove import prove, prove_growth, verify_part
from audit.stored_tree import StoredTree, newest_checkpoint


def kept_marks(files: Sequence[Path], keys: Sequence[VerifierKey]) -> list[Mark]:
    """The checkpoints in these files, each verified by one of the keys."""
    return [mark_of(checkpoints.verify(_read(file), keys), str(file)) for file in files]


def no_entry(seq: int, entries: int) -> Problem:
    """The refusal for an entry that the log of so many does not have."""
    return Problem(
        f"There is no entry {seq}.",
        why=f"The log has {entries} entries.",
        do="List them with `spendgate audit list`.",
        exit_code=Exit.NOT_FOUND,
    )


def signed_now(session: Session, seq: int) -> Checkpoint:
    """The newest checkpoint, whose signature was checked; refused where entry `seq` is not in its tree yet."""
    newest = newest_checkpoint(session)
    entries, _ = log.head(session)
    if seq > entries:
        raise no_entry(seq, entries)
    if newest is None or newest.size < seq:
        raise Problem(
            f"Entry {seq} is not signed yet." if newest else "Nothing of this log is signed yet.",
            why=f"The newest checkpoint has {newest.size} entries." if newest else "No signer has run on it.",
            do="Start `spendgate signer`: it follows within a second. `spendgate audit status` shows how far it is.",
            exit_code=Exit.NOT_FOUND,
        )
    return checkpoints.verify(newest.note, told_keys(session))


def verify_entries(first: int, last: int | None, *, person: str | None, as_json: bool) -> None:
    """Checks a part of the log alone (to the last signed entry, unless told) against the newest checkpoint.

    Exit code 7 where an entry is wrong.
    """
    here = place("audit")
    reader = person_at(here, person)
    with reading(here.engine) as (session, _):
        signed = signed_now(session, last or first)
        last = last or signed.size
        bad = verify_part(session, first, last, signed)
    _read_is_told(here, reader, {"view": "verify", "from": first, "to": last})
    if as_json:
        found = {"first": first, "last": last, "size": signed.size, "ok": bad is None}
        print_json(found | {"first_bad": bad.seq if bad else None, "reason": bad.reason if bad else None})
    elif bad is None:
        part = f"Entry {first} verifies" if first == last else f"Entries {first} to {last} verify"
        sys.stdout.write(f"{part}: in the tree of {signed.size} entries that {signed.origin} signed\n")
    else:
        sys.stdout.write(f"The log does NOT verify: entry {bad.seq}: {bad.reason}\n")
    if bad is not None:
        sys.exit(Exit.VERIFICATION_FAILED)


def prove_entry(entry: int, *, out: Path | None, with_entry: bool, person: str | None) -> None:
    """Writes the proof of one entry as a tlog-proof."""
    here = place("audit")
    reader = person_at(here, person)
    with reading(here.engine) as (session, _):
        text = str(prove(session, entry, signed_now(session, entry), with_entry=with_entry))
    _read_is_told(here, reader, {"view": "proof", "entry": entry})
    if out is None:
        sys.stdout.write(text)
        return
    with new_file(out) as file:
        file.write(text.encode())
    hint(f"{out}: {len(text.encode())} bytes; whoever has it, the entry and the log's key needs nothing else.")


def show_consistency(size1: int, size2: int | None, *, as_json: bool, person: str | None) -> None:
    """The proof that the log only grew between two sizes."""
    here = place("audit")
    reader = person_at(here, person)
    with reading(here.engine) as (session, _):
        signed = signed_now(session, max(size1, size2 or 0))
        end = size2 or signed.size
        if not 0 < size1 <= end:
            raise Problem(
                f"There is no consistency proof from {size1} to {end}.",
                why="The first size is at least 1 and not larger than the second: of no entries nothing can be proven.",
                do="Give the smaller size first.",
                exit_code=Exit.USAGE,
            )
        tree = StoredTree(session)
        root1, root2 = tree.root(0, size1), signed.root if end == signed.size else tree.root(0, end)
        hashes = prove_growth(session, size1, end, root1, root2)
    _read_is_told(here, reader, {"view": "consistency", "from": size1, "to": end})
    roots = {"from": size1, "to": end, "root_from": _coded(root1), "root_to": _coded(root2)}
    if as_json:
        print_json(roots | {"proof": [_coded(one) for one in hashes]})
        return
    sys.stdout.write(f"old {size1}\n{hash_lines(hashes)}\n")
    sys.stdout.write(str(signed.note) if end == signed.size else f"{signed.origin}\n{end}\n{_coded(root2)}\n")


def show_status(*, as_json: bool) -> None:
    """How far the log is signed; exit code 7 where the signer is late or a witness contradicted this log."""
    here = place("audit")
    with reading(here.engine) as (session, now):
        found = lag(session, now=now)
        newest = newest_checkpoint(session)
        seen = last_seen(session, "signer")
        keys = told_keys(session)
        against = alarms(session)
    late = found.alarm or not found.signed
    if as_json:
        document = {
            "entries": found.entries, "signed": found.signed, "signed_at": found.signed_at,
            "waiting_seconds": int(found.waiting.total_seconds()), "alarm": late,
            "origin": None if newest is None else newest.origin, "signer_seen_at": seen,
            "key": str(keys[-1]) if keys else None,
            "contradicted": [{"witness": one.witness, "what": one.what, "at": one.at} for one in against],
        }  # fmt: skip
        print_json(document)
    else:
        sys.stdout.write(found.sentence() + "\n")
        if newest is not None:
            sys.stdout.write(f"{newest.note}\n")
        if keys:
            sys.stdout.write(f"key   {keys[-1]}\n")
        for one in against:
            sys.stdout.write(f"ALARM since {one.at:%Y-%m-%d %H:%M} UTC: witness {one.witness}: {one.what}\n")
        hint(f"A signer was last seen at {seen:%Y-%m-%d %H:%M:%S} UTC." if seen else "No signer was ever seen.")
    if late or any(newest is not None and one.origin == newest.origin for one in against):
        sys.exit(Exit.VERIFICATION_FAILED)


def show_keys() -> None:
    """The log's public keys, oldest first, as the log tells them."""
    here = place("audit")
    with reading(here.engine) as (session, _):
        keys = told_keys(session)
    if not keys:
        raise Problem(
            "The log has no key yet.",
            why="No signer has run on it.",
            do="Start `spendgate signer`, which makes one.",
            exit_code=Exit.NOT_FOUND,
        )
    sys.stdout.write("".join(f"{key}\n" for key in keys))
    hint("Give the last one to whoever will verify, by another way than the log itself.")


def tell_of_restore(file: Path, *, keys: Sequence[str], reason: str, person: str | None) -> None:
    """Enters that a backup was restored: which head was lost and which was kept. Only an auditor may say so.

    `keys`: those that the checkpoint may be signed with, where the entry that told of them was lost too.
    """
    here = place()
    lost = _checkpoint_of(file, keys, here)
    who = person_at(here, person)
    if not reason.strip():
        raise Problem(
            "A restore needs a reason.",
            why="Whoever reads the log later must learn why entries are missing.",
            do='Give one: --reason "disk of db-1 failed, restored the backup of 02:00".',
            exit_code=Exit.USAGE,
        )
    with writing(here.engine) as (session, now):
        known = active(session).people.by_id.get(who.id)
        if known is None or AUDITOR not in known.roles:
            raise Problem(
                "The restore was not entered.",
                why=f"{who.name} does not hold the role auditor, and what is missing is the auditor's to explain.",
                do="Let somebody with the role auditor run this.",
                exit_code=Exit.DENIED,
            )
        size = log.head(session)[0]
        if lost.size <= size:
            raise Problem(
                "Nothing is missing.",
                why=f"The log has {size} entries, the checkpoint {lost.size}.",
                do="Run `spendgate audit verify --checkpoint FILE`: if that fails, the log was changed, not restored.",
                exit_code=Exit.CONFLICT,
            )
        kept = {"size": size, "root": StoredTree(session).root(0, size).hex()}
        before = RESTORED_ORIGIN.fullmatch(lost.origin)
        data = {
            "number": 1 + (int(before["number"]) if before else 0),  # a backup may be older than an earlier restore
            "lost": {"origin": lost.origin, "size": lost.size, "root": lost.root.hex()},
            "kept": kept,
            "reason": reference(session, person=who.id, text=reason, now=now),
        }
        actor = Actor(ActorKind.PERSON, who.id)
        entry = log.append(session, now=now, event=Event.LOG_RESTORED, actor=actor, data=data)
    sys.stdout.write(f"Entry {entry.seq} tells that entries {size + 1} to {lost.size} were lost.\n")
    hint("Start the signer once as `spendgate signer --after-restore`: the log goes on under another name.")


def _checkpoint_of(file: Path, keys: Sequence[str], here: Place) -> Checkpoint:
    with reading(here.engine) as (session, _):
        return checkpoints.verify(_read(file), keys or told_keys(session))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise AuditError(
            f"{file} cannot be read", why=error.strerror or str(error), do="Name a file with a checkpoint"
        ) from error


def _read_is_told(here: Place, reader: Here, data: dict[str, object]) -> None:
    with writing(here.engine) as (session, now):
        log.tell_reading(session, now=now, person=reader.id, data=data)


def _coded(value: bytes) -> str:
    return base64.b64encode(value).decode()
