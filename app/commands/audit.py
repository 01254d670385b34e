"""`spendgate audit`: the log, listed, shown, verified. Reading it is itself an entry."""

import json
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from app.commands.audit_proofs import kept_marks, no_entry
from app.commands.console import hint, print_json, print_table
from app.commands.here import ROLES, person_at, place
from app.database import open_database, reading, writing
from app.errors import Exit, Problem
from app.home import Home
from app.migrate import missing_triggers
from app.ready import refuse_second_database
from app.role import require_part
from app.settings import load_settings
from app.web.login import link_token
from app.web.logview import actor_name, data_of, summary
from approvals.agree import disagreements
from approvals.propose import ID
from audit import log
from audit.event import Event
from audit.log import LogEntry
from audit.log_keys import told_keys
from audit.note import VerifierKey
from audit.verify import Verification, verify


def list_entries(
    *, proposal: str | None, event: str | None, after: int, limit: int, person: str | None, as_json: bool
) -> None:
    """Entries, oldest first."""
    here = place("audit")
    if event is not None and event not in {known.value for known in Event}:
        raise Problem(
            f"There is no event {event!r}.",
            why="Events are named subject.verb.",
            do=f"One of: {', '.join(sorted(known.value for known in Event))}.",
            exit_code=Exit.USAGE,
        )
    if proposal is not None and ID.fullmatch(proposal) is None:
        # The question is itself an entry: what somebody pasted here by mistake would stand in it for good.
        raise Problem(
            "That is no id of a proposal.",
            why="An id is P- and ten letters or digits.",
            do="Copy it from the card, or leave --proposal out.",
            exit_code=Exit.USAGE,
        )
    reader = person_at(here, person)
    with writing(here.engine) as (session, now):
        found = log.entries(session, after=after, limit=limit, event=Event(event) if event else None, proposal=proposal)
        total = log.head(session)[0]
        log.tell_reading(
            session, now=now, person=reader.id, data={"view": "list", "proposal": proposal or "", "event": event or ""}
        )
    if as_json:
        print_json({"entries": [entry_document(entry) for entry in found], "total": total})
        return
    rows = [
        (
            entry.seq,
            str(entry.recorded_at),
            entry.event,
            actor_name(entry),
            entry.proposal or "",
            data_line(entry),
        )
        for entry in found
    ]
    print_table(("No.", "Recorded (UTC)", "Event", "Actor", "Proposal", "Data"), rows, right=frozenset({"No."}))
    if found and found[-1].seq < total:
        hint(f"{total} entries in all; more with --after {found[-1].seq}")


def show(entry: int, *, person: str | None, as_json: bool) -> None:
    """One entry with its stored bytes."""
    here = place("audit")
    reader = person_at(here, person)
    with writing(here.engine) as (session, now):
        row = session.get(LogEntry, entry)
        if row is None:
            raise no_entry(entry, log.head(session)[0])
        log.tell_reading(session, now=now, person=reader.id, data={"view": "entry", "entry": entry})
    if as_json:
        print_json(entry_document(row))
    else:
        sys.stdout.write(f"hash  {row.hash}\nprev  {row.prev}\n{json.dumps(log.document_of(row), indent=2)}\n")


def verify_log(*, head: str | None, checkpoints: list[Path], keys: list[str], as_json: bool) -> None:
    """Recomputes every hash, then holds the gate's rows against the log; exit code 7 where anything does not fit."""
    engine = as_it_is()
    try:
        with reading(engine) as (session, _):
            given = [VerifierKey.read(key) for key in keys]
            kept = kept_marks(checkpoints, given or told_keys(session))
            result = verify(session, expected_head=head, kept=kept, keys=given)
            differences = disagreements(session) if result.ok else []
        unguarded = missing_triggers(engine)
    except (DatabaseError, ValueError, KeyError) as error:
        raise Problem(
            "The log cannot be read.",
            why=f"The database is not as Spendgate made it ({type(error).__name__}).",
            do="Keep the database as evidence, and restore the newest backup whose head you know.",
            exit_code=Exit.VERIFICATION_FAILED,
        ) from error
    differences += [f"the guard rail {name} is missing or changed" for name in unguarded]
    ok = result.ok and not differences
    if as_json:
        document = {
            "entries": result.entries,
            "ok": ok,
            "first_bad": result.first_bad,
            "reason": result.reason,
            "head": result.head,
            "root": result.root,
            "remarks": list(result.remarks),
            "signed": result.signed,
            "kept": list(result.kept),
            "differences": differences,
        }
        print_json(document)
    elif ok:
        sys.stdout.write(f"The log verifies: {result.entries} entries, head {result.head}\n")
        sys.stdout.write("".join(f"  {remark}\n" for remark in (*_beginnings(result), *result.remarks)))
        hint("Keep the head elsewhere: `spendgate audit verify --head HEAD` shows later that nothing before changed.")
    elif not result.ok:
        sys.stdout.write(f"The log does NOT verify: {result.reason}\n")
    else:
        sys.stdout.write("The entries verify, but what is stored beside them does NOT agree with them:\n")
        sys.stdout.write("".join(f"  {difference}\n" for difference in differences))
    if not ok:
        sys.exit(Exit.VERIFICATION_FAILED)


def _beginnings(result: Verification) -> list[str]:
    """What the result rests on: the checkpoints that were given, and how far the log is signed."""
    told = [f"{one}, is a beginning of this log" for one in result.kept]
    if result.signed < result.entries:
        first = "no entry is" if not result.signed else f"entries {result.signed + 1} to {result.entries} are not"
        told.append(f"{first} signed yet: what is not signed can be written anew without a trace")
    return told


def as_it_is() -> Engine:
    """The database as it lies there: an auditor's check must neither make nor mend what it is to judge."""
    settings = load_settings()
    if settings.database_url:
        engine = open_database(settings.database_url)
        require_part(engine, ROLES["audit"])
        return engine
    refuse_second_database(Home(settings.home.resolve()), ROLES["audit"])
    path = settings.home / "spendgate.db"
    if not path.exists():
        raise Problem(
            f"There is no log in {path.parent}.",
            why="The folder holds no database: nothing was ever stored here, or it was taken away.",
            do="Name the home in SPENDGATE_HOME, or make a new one with `spendgate db init`; if this one had a log, "
            "restore it from a backup.",
            exit_code=Exit.NOT_FOUND,
        )
    return open_database(path)


def link(*, person: str | None) -> None:
    """An address that opens the log's pages for this person."""
    here = place()
    reader = person_at(here, person)
    settings = load_settings()
    sys.stdout.write(f"http://{settings.host}:{settings.port}/enter?token={link_token(here.home, reader.id)}\n")
    hint(f"It lets whoever has it read the log as {reader.name} for eight hours; `spendgate serve` must be running.")


def entry_document(entry: LogEntry) -> dict[str, Any]:
    """One entry as JSON: the stored body, with the hash that it must have."""
    return {**log.document_of(entry), "hash": entry.hash}


def data_line(entry: LogEntry) -> str:
    """The entry's data in one line."""
    return summary(data_of(entry), limit=100)
