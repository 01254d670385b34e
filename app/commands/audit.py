"""`spendgate audit`: the log, listed, shown, verified. Reading it is itself an entry."""

import json
import sys
from typing import Any

from app.commands.console import hint, print_json, print_table
from app.commands.here import person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.settings import load_settings
from app.web.login import link_token
from app.web.logview import actor_name, summary
from app.whoami import Here
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.log import LogEntry
from audit.verify import verify


def list_entries(
    *, proposal: str | None, event: str | None, after: int, limit: int, person: str | None, as_json: bool
) -> None:
    """Entries, oldest first."""
    here = place()
    if event is not None and event not in {known.value for known in Event}:
        raise Problem(
            f"There is no event {event!r}.",
            why="Events are named subject.verb.",
            do=f"One of: {', '.join(sorted(known.value for known in Event))}.",
            exit_code=Exit.USAGE,
        )
    reader = person_at(here, person)
    with writing(here.engine) as (session, now):
        found = log.entries(session, after=after, limit=limit, event=Event(event) if event else None, proposal=proposal)
        total = log.head(session)[0]
        _was_read(session, now, reader, {"view": "list", "proposal": proposal or "", "event": event or ""})
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
    here = place()
    reader = person_at(here, person)
    with writing(here.engine) as (session, now):
        row = session.get(LogEntry, entry)
        if row is None:
            raise Problem(
                f"There is no entry {entry}.",
                why=f"The log has {log.head(session)[0]} entries.",
                do="List them with `spendgate audit list`.",
                exit_code=Exit.NOT_FOUND,
            )
        _was_read(session, now, reader, {"view": "entry", "entry": entry})
    if as_json:
        print_json(entry_document(row))
    else:
        sys.stdout.write(f"hash  {row.hash}\nprev  {row.prev}\n{json.dumps(json.loads(row.body), indent=2)}\n")


def verify_log(*, head: str | None, as_json: bool) -> None:
    """Recomputes every hash; exit code 7 where one does not fit."""
    here = place()
    with reading(here.engine) as (session, _):
        result = verify(session, expected_head=head)
    if as_json:
        print_json(
            {
                "entries": result.entries,
                "ok": result.ok,
                "first_bad": result.first_bad,
                "reason": result.reason,
                "head": result.head,
            }
        )
    elif result.ok:
        sys.stdout.write(f"The log verifies: {result.entries} entries, head {result.head}\n")
        hint(
            "Keep the head elsewhere; `spendgate audit verify --head HEAD` later shows that nothing before it changed."
        )
    else:
        at = f"entry {result.first_bad}" if result.first_bad is not None else "the log's end"
        sys.stdout.write(f"The log does NOT verify: {at}: {result.reason}\n")
    if not result.ok:
        sys.exit(Exit.VERIFICATION_FAILED)


def link(*, person: str | None) -> None:
    """An address that opens the log's pages for this person."""
    here = place()
    reader = person_at(here, person)
    settings = load_settings()
    sys.stdout.write(f"http://{settings.host}:{settings.port}/enter?token={link_token(here.home, reader.id)}\n")
    hint(f"It lets whoever has it read the log as {reader.name} for eight hours; `spendgate serve` must be running.")


def entry_document(entry: LogEntry) -> dict[str, Any]:
    """One entry as JSON: the stored body, with the hash that it must have."""
    return {**json.loads(entry.body), "hash": entry.hash}


def data_line(entry: LogEntry) -> str:
    """The entry's data in one line."""
    return summary(json.loads(entry.body).get("data", {}), limit=100)


def _was_read(session: Any, now: Any, reader: Here, data: dict[str, Any]) -> None:
    log.append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, reader.id), data=data)
