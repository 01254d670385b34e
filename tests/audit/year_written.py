"""Writes a seeded year: the log that belongs to it, and the provider's files.

`python -m tests.audit.year_written FOLDER [--seed 7] [--proposals 400] [--background 20000] [--clean]` writes a home
with a log, CloudTrail's files beside it, and `truth.json` with what `spendgate audit population` must find.
"""

import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, update
from sqlmodel import col

from app.database import open_database, writing
from app.migrate import create
from approvals.states import State
from approvals.store import Proposal
from audit.log import append
from tests.audit.year import BEGIN, REQUESTER, ROLE, Life, Year


def write_log(year: Year, database: Path) -> None:
    """The log with the sealed rows: every entry in the order of the chain, in one transaction."""
    engine = open_database(database, lambda: BEGIN)
    create(engine)
    lives = {life.id: life for life in year.lives}
    queue = [
        (one.chained or one.at, number, life.id, one) for life in year.lives for number, one in enumerate(life.entries)
    ]
    versions: Counter[str] = Counter()
    states: dict[str, State] = {}
    with writing(engine) as (session, _):
        for _, _, named, one in sorted(queue, key=lambda given: given[:3]):
            move = {"from": states.get(named, State.DRAFT), "to": one.to} if one.to is not None else {}
            versions[named] += one.to is not None
            append(
                session, now=one.at, event=one.event, actor=one.actor, proposal=named, data=move | one.data,
                proposal_version=versions[named] if one.to is not None else None,
            )  # fmt: skip
            if one.to is None:
                continue
            states[named] = one.to
            if versions[named] == 1:
                session.add(_row(lives[named]))
                session.flush()
            else:
                session.connection().execute(_MOVED, {"which": named, "to": one.to.value, "now": versions[named]})
    engine.dispose()


_MOVED = (
    update(Proposal)
    .where(col(Proposal.id) == bindparam("which"))
    .values(state=bindparam("to"), version=bindparam("now"))
)


def _row(life: Life) -> Proposal:
    sealed = life.sealed
    return Proposal(
        id=life.id, version=1, state=State.SEALED.value, thread="year", requester=REQUESTER, kind=sealed.change.kind,
        resource=sealed.resource, change=sealed.change.model_dump_json(), evidence="{}", sealed=sealed.encode(),
        digest=life.digest, created_at=life.at, changed_at=life.at,
    )  # fmt: skip


def write_events(year: Year, folder: Path) -> None:
    """CloudTrail's files: one a day and account, some of them JSON Lines, some events delivered twice."""
    everything = year.events + [event for life in year.lives for event in life.events.values()]
    shuffled = sorted(everything, key=lambda event: str(event.get("eventTime") if isinstance(event, dict) else event))
    days: dict[tuple[str, str], list[Any]] = {}
    for event in shuffled:
        told = event if isinstance(event, dict) else {}
        day, account = str(told.get("eventTime", "odd"))[:10], str(told.get("recipientAccountId", "odd"))
        days.setdefault((day, account), []).append(event)
        if year.dice.random() < 0.02:
            days.setdefault((day, "again"), []).append(event)
    folder.mkdir(parents=True)
    for number, ((day, account), listed) in enumerate(sorted(days.items())):
        path = folder / f"{account}_CloudTrail_{day}.json.gz"
        if number % 5 == 0:
            lines = "".join(json.dumps(event) + "\n" for event in listed)
            path.with_suffix("").with_suffix(".jsonl").write_text(lines)
        else:
            path.write_bytes(gzip.compress(json.dumps({"Records": listed}).encode(), 1, mtime=0))


def main() -> None:
    """Writes a year to try `spendgate audit population` on."""
    import argparse

    from tests.audit.planted_year import plant

    asked = argparse.ArgumentParser(description=main.__doc__)
    asked.add_argument("folder", type=Path)
    for name, value in (("--seed", 7), ("--proposals", 400), ("--background", 20_000)):
        asked.add_argument(name, type=int, default=value)
    asked.add_argument("--clean", action="store_true")
    given = asked.parse_args()
    year = Year(given.seed, given.proposals, given.background)
    if not given.clean:
        plant(year)
    given.folder.mkdir(parents=True)
    write_log(year, given.folder / "spendgate.db")
    write_events(year, given.folder / "cloudtrail")
    told = [{"finding": name, "about": about, "times": times} for (name, about), times in sorted(year.truth.items())]
    (given.folder / "truth.json").write_text(json.dumps(told, indent=2))
    sys.stdout.write(
        f"SPENDGATE_HOME={given.folder} ./dev run audit population {given.folder / 'cloudtrail'} --role {ROLE}\n"
    )


if __name__ == "__main__":
    main()
