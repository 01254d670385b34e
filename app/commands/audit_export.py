"""`spendgate audit export`: entries for other programs. Taking them out is itself an entry."""

import sys
from contextlib import nullcontext
from pathlib import Path

from app.commands.console import hint
from app.commands.here import person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.new_file import new_file
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.export import Format, export
from audit.log import rows
from audit.stored_tree import newest_checkpoint


def run(*, form: str, first: int, last: int | None, out: Path | None, person: str | None) -> None:
    """Writes to a file, or to stdout; a file has its name only after the log knows of it."""
    here = place("audit")
    reader = person_at(here, person)
    with new_file(out) if out is not None else nullcontext(sys.stdout.buffer) as file:
        with reading(here.engine) as (session, _):
            there = log.head(session)[0]
            if not 1 <= first <= min(last or there, there):
                raise Problem(
                    f"There is nothing to export from entry {first} to {last or there}.",
                    why=f"The log has {there} entries.",
                    do="Name numbers that are there, the lower one first.",
                    exit_code=Exit.NOT_FOUND,
                )
            signed = newest_checkpoint(session)
            origin = signed.origin if signed is not None else "spendgate"
            made = export(rows(session, first=first, last=last or there), file, form=Format(form), origin=origin)
        data = {"format": form, "from": made.first, "to": made.last, "sha256": made.sha256}
        with writing(here.engine) as (session, now):
            actor = Actor(ActorKind.PERSON, reader.id)
            entry = log.append(session, now=now, event=Event.LOG_EXPORTED, actor=actor, data=data)
    where = f" to {out}" if out is not None else ""
    hint(f"Exported{where}: {made.entries} entries, {made.first} to {made.last}; entry {entry.seq} of the log says so.")
    hint("An export proves nothing by itself: `spendgate audit pack` makes evidence.")
