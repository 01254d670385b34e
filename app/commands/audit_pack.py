"""`spendgate audit pack`: evidence for somebody outside. Making a pack is itself an entry."""

import sys
from pathlib import Path

from app.commands.console import hint, print_json
from app.commands.here import person_at, place
from app.database import reading, writing
from app.new_file import new_file
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.pack import Wanted, write_pack


def pack(*, out: Path, first: int, last: int | None, proposal: str | None, person: str | None, as_json: bool) -> None:
    """Writes an evidence pack; the entry `log.exported` names its manifest's SHA-256 before the file has its name."""
    here = place("audit")
    reader = person_at(here, person)
    with new_file(out) as file:
        with reading(here.engine) as (session, now):
            made = write_pack(session, file, wanted=Wanted(first, last, proposal), now=now)
        data = {
            "format": "pack",
            "from": made.first,
            "to": made.last,
            "proposal": proposal,
            "tree_size": made.tree_size,
            "manifest_sha256": made.manifest_sha256,
        }
        with writing(here.engine) as (session, now):
            actor = Actor(ActorKind.PERSON, reader.id)
            entry = log.append(session, now=now, event=Event.LOG_EXPORTED, actor=actor, data=data)
    if as_json:
        counts = {"entries": made.count, "left_out": made.unsigned, "entry": entry.seq}
        print_json({"file": str(out), "origin": made.origin, **data, **counts})
    else:
        sys.stdout.write(
            f"{out}: {made.count} entries, {made.first} to {made.last} of {made.origin}, signed at {made.tree_size}\n"
            f"The SHA-256 of its manifest stands in entry {entry.seq} of the log: {made.manifest_sha256}\n"
        )
    if made.unsigned:
        hint(f"Left out: {made.unsigned} newer entries, which are not signed yet; `spendgate signer` signs them.")
    hint("Whoever checks it needs the log's key from the beginning, not the one in the pack: see docs/audit.md.")
