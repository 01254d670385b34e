"""What the log's pages show of each entry: stored values, with names put to ids only at the moment of drawing."""

import json
import re
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from approvals.person import People
from audit import log
from audit.errors import AuditError
from audit.log import LogEntry
from audit.stored import utc_time

PAGE = 100


@dataclass(frozen=True)
class EntryLine:
    """One line of the list."""

    seq: int
    at: str
    event: str
    actor: str
    proposal: str
    summary: str
    hash: str


@dataclass(frozen=True)
class LogPage:
    """A page of the list, newest first; `older` is where the next page starts."""

    lines: list[EntryLine]
    total: int
    older: int | None
    events: list[str]


@dataclass(frozen=True)
class EntryView:
    """One entry whole: its stored bytes, indented for reading."""

    line: EntryLine
    prev: str
    body: str


def log_page(
    session: Session, people: People, *, event: str = "", proposal: str = "", before: int | None = None
) -> LogPage:
    """The newest entries that match, at most a hundred, older than `before`."""
    wanted = select(LogEntry)
    if event:
        wanted = wanted.where(LogEntry.event == event)
    if proposal:
        wanted = wanted.where(LogEntry.proposal == proposal)
    if before is not None:
        wanted = wanted.where(col(LogEntry.seq) < before)
    found = list(session.exec(wanted.order_by(col(LogEntry.seq).desc()).limit(PAGE + 1)).all())
    total = session.exec(select(func.count()).select_from(LogEntry)).one()
    events = [str(name) for name in session.exec(select(LogEntry.event).distinct().order_by(LogEntry.event)).all()]
    lines = [entry_line(entry, people) for entry in found[:PAGE]]
    return LogPage(lines=lines, total=total, older=found[PAGE - 1].seq if len(found) > PAGE else None, events=events)


def entry_view(session: Session, seq: int, people: People) -> EntryView | None:
    """Entry `seq`, or None."""
    entry = session.get(LogEntry, seq)
    if entry is None:
        return None
    try:
        body = json.dumps(json.loads(entry.body), indent=2, ensure_ascii=False)
    except ValueError:
        body = entry.body.decode("utf-8", "backslashreplace")
    return EntryView(entry_line(entry, people), entry.prev, body)


def entry_line(entry: LogEntry, people: People) -> EntryLine:
    """One entry as a line."""
    person = people.by_id.get(entry.actor)
    return EntryLine(
        seq=entry.seq,
        at=_short(entry.recorded_at),
        event=str(entry.event),
        actor=f"{person.name} ({entry.actor})" if person else actor_name(entry),
        proposal=entry.proposal or "",
        summary=summary(data_of(entry)),
        hash=entry.hash,
    )


def data_of(entry: LogEntry) -> dict[str, object]:
    """What the entry's bytes say; that they are damaged, where they are."""
    try:
        return dict(log.data_of(entry))
    except AuditError:
        return {"reason": "this entry is damaged: verify the log"}


def actor_name(entry: LogEntry) -> str:
    """Who did it, by kind and id, each said once."""
    return entry.actor if entry.actor.startswith(str(entry.actor_kind)) else f"{entry.actor_kind} {entry.actor}"


def _short(moment: object) -> str:
    at = utc_time(moment) if isinstance(moment, str) else moment
    return at.strftime("%Y-%m-%d %H:%M:%S UTC") if hasattr(at, "strftime") else str(at)


FIRST = ("reason", "code", "choice", "from", "to", "title", "kind", "via", "why", "text")
HASH = re.compile(r"\b[0-9a-f]{40,64}\b")


def summary(data: dict[str, object], limit: int = 160) -> str:
    """The data's plain values in one line, each with its name, what explains most first; hashes by their beginning."""
    names = [name for name in FIRST if name in data] + sorted(set(data) - set(FIRST))
    plain = {name: data[name] for name in names if isinstance(data[name], str | int | bool) and data[name] != ""}
    text = " · ".join(f"{name}: {HASH.sub(lambda found: found[0][:8] + '…', str(plain[name]))}" for name in plain)
    return text if len(text) <= limit else text[: limit - 1] + "…"
