"""`spendgate audit witnesses`: reads back what every witness knows, and holds the log against it."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from os import environ
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, select

from app.commands.audit import as_it_is
from app.commands.console import hint, print_json, print_table
from app.database import reading
from app.errors import Exit, Problem
from app.witnesses import settings as names
from app.witnesses.configured import configured
from app.witnesses.hold import Finding, Held, cosignatures, forgotten, hold
from app.witnesses.port import NotShown, Seen, Witness
from app.witnesses.process import ProcessWitness
from app.witnesses.settings import WitnessSettings, load_witnesses
from audit.alarm import LogAlarm, alarms
from audit.checkpoint import RESTORED_ORIGIN
from audit.log_keys import known_keys
from audit.note import VerifierKey
from audit.stored_tree import LogCheckpoint


def run(
    *,
    file: str | None,
    bucket: str | None,
    url: str | None,
    witness_key: str | None,
    keys: Sequence[str],
    as_json: bool,
) -> None:
    """Exit code 7 where a witness and the log do not fit, 1 where one could not be read and the others fit."""
    given = {names.FILE: file, names.BUCKET: bucket, names.URL: url, names.KEY: witness_key}
    settings = load_witnesses({**environ, **{name: value for name, value in given.items() if value}})
    witnesses = configured(settings)
    if not witnesses:
        raise Problem(
            "There is no witness to ask.",
            why="None is named in the environment, and none was given.",
            do="Give --file, --bucket or --url with --witness-key; docs/running.md tells how to set one up.",
            exit_code=Exit.USAGE,
        )
    engine = as_it_is()
    try:
        held, silent = _compare(engine, settings, witnesses, keys)
    except (DatabaseError, ValueError, KeyError) as error:
        raise Problem(
            "The log cannot be read.",
            why=f"The database is not as Spendgate made it ({type(error).__name__}).",
            do="Keep it as evidence; what the witnesses know is in them.",
            exit_code=Exit.VERIFICATION_FAILED,
        ) from error
    _tell(held, silent, told_by_log=not keys, as_json=as_json)


def _compare(
    engine: Engine, settings: WitnessSettings, witnesses: Sequence[Witness], keys: Sequence[str]
) -> tuple[Held, dict[str, NotShown]]:
    """Asks first and reads the log afterwards: what is signed and published meanwhile is then in it."""
    with reading(engine) as (session, asked_at):
        logs = known_keys(session, [VerifierKey.read(key) for key in keys])
        origins = _origins(session, logs)
    told, silent = _ask(witnesses, origins)
    only_newest = frozenset(one.name for one in witnesses if isinstance(one, ProcessWitness))
    with reading(engine) as (session, _):
        held = hold(session, told, logs)
        more = forgotten(session, told, now=asked_at, only_newest=only_newest, kept_for=_kept_for(settings))
        if settings.key is not None:
            more += cosignatures(session, settings.key)
        refusals = [_words_of(one) for one in alarms(session)]
    return replace(held, findings=(*held.findings, *more), remarks=(*held.remarks, *refusals)), silent


def _words_of(alarm: LogAlarm) -> str:
    """What the signer was told, whatever it looks like now."""
    return f"On {alarm.at:%Y-%m-%d at %H:%M} UTC {alarm.witness} contradicted {alarm.origin} ({alarm.what})"


def _origins(session: Session, keys: Collection[VerifierKey]) -> list[str]:
    """The names under which the log may be known: by its keys, which it cannot change, and by what is stored."""
    stored = session.exec(select(LogCheckpoint.origin).distinct().order_by(col(LogCheckpoint.origin)))
    names_of = dict.fromkeys([*(key.name for key in keys), *stored])
    restored = {name: RESTORED_ORIGIN.fullmatch(name) for name in names_of}
    return [name for name, found in restored.items() if found is None or found["base"] not in names_of]


def _ask(witnesses: Sequence[Witness], origins: Sequence[str]) -> tuple[dict[str, list[Seen]], dict[str, NotShown]]:
    told: dict[str, list[Seen]] = {}
    silent: dict[str, NotShown] = {}
    for witness in witnesses:
        try:
            told[witness.name] = list(witness.known(origins))
        except NotShown as error:
            silent[witness.name] = error
    return told, silent


def _kept_for(settings: WitnessSettings) -> Mapping[str, timedelta]:
    if settings.bucket is None:
        return {}
    return {settings.bucket.name: timedelta(days=settings.bucket.days)}


def _tell(held: Held, silent: Mapping[str, NotShown], *, told_by_log: bool, as_json: bool) -> None:
    if as_json:
        print_json(_document(held, silent))
    else:
        rows = [(name, count, size) for name, (count, size) in held.newest.items()]
        print_table(("Witness", "Checkpoints", "Up to entry"), rows, right=frozenset({"Checkpoints", "Up to entry"}))
        sys.stdout.write("".join(f"NOT READ: {name}: {error}\n" for name, error in silent.items()))
        sys.stdout.write("".join(f"{remark}.\n" for remark in held.remarks))
        for finding in held.findings:
            sys.stdout.write(_words(finding))
        if held.ok and held.newest and not any(count for count, _ in held.newest.values()):
            sys.stdout.write(
                "No checkpoint of this log was read from any witness: nothing is shown about its entries.\n"
            )
        elif held.ok and held.newest:
            sys.stdout.write(f"The log's {held.entries} entries contain everything that its witnesses know.\n")
        if told_by_log:
            hint(
                "The keys were taken from the log itself; give the one that you were told at the beginning with --key."
            )
    if not held.ok:
        sys.exit(Exit.VERIFICATION_FAILED)
    if silent:
        sys.exit(Exit.ERROR)


def _words(finding: Finding) -> str:
    notes = "".join(f"\n{note.rstrip()}\n" for note in finding.notes)
    return f"ALARM ({finding.what}) at {finding.witness}: {finding.sentence}.\n{notes}\n"


def _document(held: Held, silent: Mapping[str, NotShown]) -> dict[str, Any]:
    return {
        "ok": held.ok and not silent,
        "entries": held.entries,
        "witnesses": [{"name": name, "checkpoints": n, "size": size} for name, (n, size) in held.newest.items()],
        "not_read": {name: str(error) for name, error in silent.items()},
        "findings": [
            {"witness": one.witness, "what": one.what, "sentence": one.sentence, "notes": list(one.notes)}
            for one in held.findings
        ],
        "remarks": list(held.remarks),
    }
