"""For which rules of savings a scan drafts proposals, and in whose name: switched by people, each turn a row.

None is on until somebody turns it on. Whoever does is the requester of all that it leads to, so that a person asked for
it, who may see the resource and may not decide about it.
"""

import difflib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from approvals.active import entitled
from approvals.policy import Verdict, may_propose, no, yes
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.stored import UtcTime
from tools.rules.catalogue import FORMS

RULES = {form.name: form for form in FORMS if form.kind}
"""Those that lead to a change of ours; what people carry out themselves cannot be proposed."""


class DraftingRule(SQLModel, table=True):
    """One turn of one rule, on or off, by one person; never changed, the highest number of a rule counts."""

    __tablename__ = "drafting_rule"

    rule: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    person: str
    enabled: bool
    at: datetime = Field(sa_column=Column(UtcTime, nullable=False))


def newest(session: Session) -> dict[str, DraftingRule]:
    """The last turn of each rule that was ever turned, by its name."""
    return {row.rule: row for row in session.exec(select(DraftingRule).order_by(col(DraftingRule.number)))}


def switched_on(session: Session) -> dict[str, str]:
    """The person in whose name each rule drafts; of rules that there are."""
    return {name: row.person for name, row in sorted(newest(session).items()) if row.enabled and name in RULES}


def turn(session: Session, *, now: datetime, rule: str, person: str, on: bool) -> Verdict:
    """Turns a rule on in `person`'s name, or off, or says why not; with its entry either way."""
    last = newest(session).get(rule)
    verdict = _judged(session, now, rule, person, last, on=on)
    actor = Actor(ActorKind.PERSON, person)
    if not verdict.allowed:
        data = {"rule": rule[:40], "code": verdict.code, "reason": verdict.reason}
        log.append(session, now=now, event=Event.DRAFTING_REFUSED, actor=actor, data=data)
        return verdict
    number = 1 if last is None else last.number + 1
    session.add(DraftingRule(rule=rule, number=number, person=person, enabled=on, at=now))
    event = Event.DRAFTING_ENABLED if on else Event.DRAFTING_DISABLED
    log.append(session, now=now, event=event, actor=actor, data={"rule": rule, "change": RULES[rule].kind})
    session.flush()
    return verdict


def _judged(session: Session, now: datetime, rule: str, person: str, last: DraftingRule | None, *, on: bool) -> Verdict:
    current = entitled(session, now)
    verdict = may_propose(person=person, people=current.people, rules=current.rules)
    if not verdict.allowed:
        return verdict
    if rule not in RULES:
        return no("unknown_rule", _unknown(rule))
    is_on = last is not None and last.enabled
    if not on and not is_on:
        return no("is_off", f"{rule} drafts nothing as it is")
    if on and last is not None and is_on and last.person == person:
        return no("is_on", f"{rule} drafts in your name as it is")
    return yes(f"{rule} drafts proposals in your name" if on else f"{rule} drafts nothing any more")


def _unknown(rule: str) -> str:
    people_do_it = {form.name for form in FORMS} - set(RULES)
    if rule in people_do_it:
        return f"what {rule} finds is carried out by people, so there is nothing to propose"
    return f"there is no rule of that name{_close(rule, RULES)}"


def _close(rule: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(rule.casefold(), list(known), n=3, cutoff=0.5)
    return f"; close to it: {', '.join(near)}" if near else ""
