"""Turns the kill switch on: at once, without a vote. Off again goes through the gate."""

import re
from datetime import datetime
from typing import Any

from sqlmodel import Session

from approvals.active import entitled
from approvals.emergency import may_stop
from approvals.person import People
from approvals.policy import Verdict, no, yes
from approvals.rules import Rules
from approvals.store import KillSwitch
from approvals.switch import EVERYTHING, engaged, newest_turn, words_of
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.private import reference

ACCOUNT = re.compile(r"[0-9]{12}")


def engage(session: Session, *, now: datetime, person: str | None, scope: str, reason: str) -> Verdict:
    """Stops every claim and every next step in `scope` ("*" or an account); a refusal is a result, and is logged."""
    current = entitled(session, now)
    known = person if person is not None and person in current.people.by_id else None
    actor = Actor(ActorKind.PERSON, known) if known else Actor(ActorKind.UNKNOWN, "unknown")
    verdict = _judge(session, known, scope, current.people, current.rules)
    if not verdict.allowed or known is None:
        refused = {"code": verdict.code, "reason": verdict.reason}
        append(session, now=now, event=Event.KILLSWITCH_REFUSED, actor=actor, data=refused)
        return verdict
    written = reference(session, person=known, text=reason, now=now) if reason else None
    turn = KillSwitch(
        scope=scope, engaged=True, by=known, reason_ref=written["ref"] if written else None, turned_at=now
    )
    session.add(turn)
    session.flush()
    data: dict[str, Any] = {"scope": scope, "turn": turn.id} | ({"reason": written} if written else {})
    append(session, now=now, event=Event.KILLSWITCH_ON, actor=actor, data=data)
    return yes("the kill switch is on: nothing new is carried out")


def _judge(session: Session, person: str | None, scope: str, people: People, rules: Rules) -> Verdict:
    if scope != EVERYTHING and not ACCOUNT.fullmatch(scope):
        return no("no_scope", 'a scope is "*" or the twelve digits of an account')
    verdict = may_stop(person=person or "", people=people, rules=rules)
    if not verdict.allowed:
        return verdict
    standing = engaged(session, scope) if scope != EVERYTHING else newest_turn(session, EVERYTHING)
    if standing is not None and standing.engaged:
        return no("already_on", words_of(standing))
    return verdict
