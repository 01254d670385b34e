"""A person says what an unusual event is: not an anomaly, planned, acknowledged, snoozed. Judged, stored and logged at
once; a refusal is a result with its reason, and is logged as well.
"""

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from app.anomaly_rows import Anomaly, AnomalyMark
from approvals.person import Person
from approvals.policy import Verdict
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.private import reference
from tools.detection.marks import MarkKind

EVERYTHING = "*"


@dataclass(frozen=True)
class Saying:
    """What is said of one event. `first` and `until` are the days of a plan; a snooze has `until` alone."""

    anomaly: str
    kind: MarkKind
    reason: str
    first: date | None = None
    until: date | None = None


def mark(session: Session, *, now: datetime, saying: Saying, person: Person) -> Verdict:
    """Stores what `person` says, or says why not; with its entry either way."""
    row = session.get(Anomaly, saying.anomaly)
    verdict = _judged(row, saying, person, now.date())
    actor = Actor(ActorKind.PERSON, person.id)
    told = {"anomaly": saying.anomaly[:40], "kind": str(saying.kind)}
    if row is None or not verdict.allowed:
        data = {**told, "code": verdict.code, "reason": verdict.reason}
        log.append(session, now=now, event=Event.ANOMALY_REFUSED, actor=actor, data=data)
        return verdict
    written = reference(session, person=person.id, text=saying.reason.strip(), now=now)
    days = {"first": _text(saying.first), "until": _text(saying.until)}
    session.add(
        AnomalyMark(
            id=f"m-{secrets.token_hex(5)}",
            anomaly=row.id,
            person=person.id,
            kind=str(saying.kind),
            first_day=days["first"],
            until_day=days["until"],
            excess=row.excess,
            reason_ref=written["ref"],
            marked_at=now,
        )
    )
    log.append(session, now=now, event=Event.ANOMALY_MARKED, actor=actor, data={**told, **days, "reason": written})
    session.flush()
    return verdict


def _judged(row: Anomaly | None, saying: Saying, person: Person, today: date) -> Verdict:
    sees = EVERYTHING in person.sees_teams or (row is not None and row.owner and row.owner in person.sees_teams)
    if row is None or not sees:
        # The same words for both: whoever may not see a team's cost learns not even that there is such an event.
        return Verdict(False, f"There is no unusual event {saying.anomaly[:40]} that you may see.", "not_found")
    if not person.roles:
        return Verdict(False, "Only people with a role may say what an unusual event is.", "no_role")
    if not saying.reason.strip():
        return Verdict(False, "Say why; whoever looks later needs to know.", "no_reason")
    if saying.kind is MarkKind.PLANNED and not (saying.first and saying.until and saying.first <= saying.until):
        return Verdict(False, "A plan needs its first and its last day, in that order.", "no_days")
    if saying.kind is MarkKind.SNOOZED and not (saying.until and saying.until > today):
        return Verdict(False, "A snooze needs a day after today.", "no_days")
    return Verdict(True, f"{row.id} is marked as {saying.kind}; it stays listed.", "marked")


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None
