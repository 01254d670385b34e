"""`spendgate audit population`: every change at the provider against every executed proposal, both ways.

Standard output is the result; exit code 7 where an auditor must look at something. Asking is an entry of the log.
"""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from app.commands.console import hint, print_json, print_table
from app.commands.here import Place, person_at, place
from app.database import reading, writing
from app.errors import Exit, Problem
from app.log_population import gather
from audit import log
from audit.errors import AuditError
from audit.moment import utc_text
from audit.population import NAMES, Finding, Judged, Logged, Pair, Period
from audit.reconcile import Reconciliation
from audit.trail_event import Ours, named, ours
from audit.trail_files import Summary, files_of, records
from audit.verify import verify

DELIVERED = timedelta(minutes=15)
"""How long CloudTrail may take to deliver an event; what is newer is not missed yet."""

COUNTED = (
    ("matched", "changes of ours, each with its approved proposal"),
    ("repeats", "repeats of these under the same token, as the log tells"),
    ("findings", "changes that are findings"),
    ("refused", "calls of ours that the provider refused: no effects"),
    ("readings", "calls of ours that only read"),
    ("others", "calls of others"),
    ("unplaced", "changes whose record does not name its caller: perhaps of ours"),
    ("copies", "second deliveries of the same event"),
    ("outside", "changes of ours outside the period"),
    ("unreadable", "records that cannot be read"),
)
EXPECTED = (
    ("matched", "with their change at the provider"),
    ("findings", "that are findings"),
    ("failed", "that did not take effect, and no change shows one"),
    ("open", "of which nobody knows, and no change shows one"),
    ("nothing_sent", "of which no provider knows: rehearsals and Spendgate's own changes"),
    ("not_due", "too new to be in the files"),
    ("outside", "outside the period"),
)


def run(
    files: Sequence[Path],
    *,
    roles: Sequence[str],
    since: datetime | None,
    to: datetime | None,
    skew: int,
    settle: int,
    person: str | None,
    as_json: bool,
) -> None:
    """Reads the files against the log and says what does not fit; exit code 7 where anything does not."""
    mine, (wanted, passed) = _asked(files, roles)
    here = place("audit")
    with reading(here.engine) as (_, now):
        asked = Period(
            since=since,
            to=to or now - DELIVERED,
            skew=timedelta(seconds=skew),
            settle=timedelta(seconds=settle),
        )
    if asked.since is not None and asked.to is not None and asked.since >= asked.to:
        raise Problem(
            "The period is empty.",
            why=f"It would begin at {utc_text(asked.since)} and end at {utc_text(asked.to)}.",
            do="Give --from and --to so that --from is the earlier one.",
            exit_code=Exit.USAGE,
        )
    _was_read(here, person, asked, mine, len(wanted))
    with reading(here.engine) as (session, _):
        head = _verified(session)
        logged = gather(session, skew=asked.skew)
    reconciliation = Reconciliation(logged, mine, asked, now=now)
    digests = 0
    for path in wanted:
        for raw in records(path):
            if isinstance(raw, Summary):
                digests += 1
            else:
                reconciliation.take(raw)
    judged = reconciliation.end()
    told = {"files": len(wanted), "digest_files": digests, "passed_over": [str(path) for path in passed]}
    told["remarks"] = _remarks(judged, passed)
    if as_json:
        print_json(document(judged, logged, asked, roles, head) | told)
    else:
        _print(judged, asked, head, told)
    if judged.findings:
        sys.exit(Exit.VERIFICATION_FAILED)


def _asked(files: Sequence[Path], roles: Sequence[str]) -> tuple[Ours, tuple[list[Path], list[Path]]]:
    """Whose calls, and in which files; what cannot be used is a fault of the command's arguments."""
    try:
        return ours(roles), files_of(files)
    except AuditError as error:
        raise Problem(error.what, why=error.why, do=error.do, exit_code=Exit.USAGE) from error


def _was_read(here: Place, person: str | None, asked: Period, mine: Ours, files: int) -> None:
    """Enters it; of the roles only account, kind and name, since a session's name is often somebody's own."""
    reader = person_at(here, person)
    roles = sorted(map(named, mine.all))[:50]
    data = {"view": "population", "from": asked.since, "to": asked.to, "roles": roles}
    with writing(here.engine) as (session, now):
        log.tell_reading(session, now=now, person=reader.id, data=data | {"files": files})


def _verified(session: Session) -> str:
    """The head of a log that verifies; one that does not is no side of any comparison."""
    result = verify(session)
    if not result.ok:
        raise Problem(
            "The population was not compared.",
            why=f"The log does not verify: {result.reason}.",
            do="Run `spendgate audit verify`, keep the database as evidence, and compare with a log that verifies.",
            exit_code=Exit.VERIFICATION_FAILED,
        )
    return result.head


def document(judged: Judged, logged: Logged, asked: Period, roles: Sequence[str], head: str) -> dict[str, Any]:
    """The result as JSON: the sums, the findings, and the population itself for an auditor's sample."""
    return {
        "ok": not judged.findings,
        "from": asked.since and utc_text(asked.since),
        "to": asked.to and utc_text(asked.to),
        "skew_seconds": int(asked.skew.total_seconds()),
        "roles": list(roles),
        "head": head,
        "records": {"all": judged.calls.get("records", 0), **{name: judged.calls.get(name, 0) for name, _ in COUNTED}},
        "effects": {"all": len(logged.effects), **{name: judged.effects.get(name, 0) for name, _ in EXPECTED}},
        "findings": [_finding(one) for one in judged.findings],
        "population": [_change(one, logged) for one in judged.matched],
    }


def _remarks(judged: Judged, passed: Sequence[Path]) -> list[str]:
    """What the answer does not cover, in sentences: a change could stand there unseen."""
    remarks = []
    if passed:
        remarks.append(f"Not read, in the folders: {len(passed)} that are no record files, such as {passed[0]}.")
    if unplaced := judged.calls.get("unplaced"):
        remarks.append(f"The records of {unplaced} changes do not name their caller, so they could not be placed.")
    return remarks


def _finding(one: Finding) -> dict[str, Any]:
    call = one.call
    return {
        "finding": one.name,
        "also": list(one.also),
        "sentence": one.sentence,
        "event": call.event_id if call else None,
        "event_time": utc_text(call.at) if call and call.at else None,
        "file": call.file if call else one.file or None,
        "record": call.record if call else one.record or None,
        "proposal": one.proposal or None,
        "step": one.effect.planned.step if one.effect else None,
        "entry": one.entry or None,
    }


def _change(one: Pair, logged: Logged) -> dict[str, Any]:
    """One change as an auditor samples it: asked for, approved, sent, done; each time, and the entries that tell it."""
    effect, call = one.effect, one.call
    proposed = logged.proposals[effect.planned.proposal]
    return {
        "proposal": proposed.id,
        "step": effect.planned.step,
        "operation": effect.planned.operation,
        "resource": effect.planned.resource,
        "account": effect.planned.account,
        "region": effect.planned.region,
        "requester": proposed.requester,
        "approvers": list(proposed.approvers),
        "digest": proposed.digest,
        "sealed_at": utc_text(proposed.sealed_at),
        "approved_at": proposed.approved_at and utc_text(proposed.approved_at),
        "claimed_at": effect.claimed_at and utc_text(effect.claimed_at),
        "intended_at": utc_text(effect.sent_at[0]),
        "answered_at": effect.answered_at and utc_text(effect.answered_at),
        "event": call.event_id,
        "event_time": call.at and utc_text(call.at),
        "request_id": call.request_id,
        "called_by": call.who,
        "end": proposed.end,
        "entries": proposed.entries,
        "repeats": [repeat.event_id for repeat in one.repeats],
    }


def _print(judged: Judged, asked: Period, head: str, told: dict[str, Any]) -> None:
    since = utc_text(asked.since)[:19] + "Z" if asked.since else "the log's beginning"
    to = utc_text(asked.to)[:19] + "Z" if asked.to else "now"
    out = sys.stdout.write
    out(f"From {since} to {to}, against the log with head {head}\n\n")
    out(f"{judged.calls.get('records', 0)} records in {told['files']} files:\n")
    out("".join(f"  {judged.calls[name]:>9}  {words}\n" for name, words in COUNTED if judged.calls.get(name)))
    out(f"{sum(judged.effects.values())} steps that a worker was to send:\n")
    out("".join(f"  {judged.effects[name]:>9}  {words}\n" for name, words in EXPECTED if judged.effects.get(name)))
    if told["digest_files"]:
        out(f"{told['digest_files']} of CloudTrail's digest files hold no records.\n")
    out("".join(f"{_shown(remark)}\n" for remark in told["remarks"]))
    if not judged.findings:
        whole = "Of what could be read and placed, every" if told["remarks"] else "Every"
        out(f"\n{whole} change has its approved proposal, and every executed proposal its change.\n")
        hint("`--json` lists every change with its entries, to draw a sample from.")
        return
    out(f"\n{len(judged.findings)} findings:\n")
    names = [name for name in NAMES if any(one.name == name for one in judged.findings)]
    print_table(
        ("Finding", "What it is", "Times"),
        [(name, NAMES[name], sum(one.name == name for one in judged.findings)) for name in names],
        right=frozenset({"Times"}),
    )
    out("".join(f"\n{one.name}: {_shown(one.sentence)}\n" for one in judged.findings))


def _shown(text: str) -> str:
    """What stands in a file from outside, harmless on a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
