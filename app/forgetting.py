"""Forgetting a person: who may have it done, what stands against it, and everything that is erased with it.

One transaction erases what the database holds of a person besides the opaque id: key, name, accounts and texts
(`audit/private.py`), the answers of the conversations in which the person spoke, and where a private conversation took
place. What the conversations' checkpoints remember and what freed pages still hold is removed after it, and by every
later run, so that a run that was killed is finished by the next.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select

from app.database import PRESSES, wait_in
from app.errors import Exit, Problem
from app.inbox import Conversation, Message
from app.posting import Posting
from app.presses import Press, choice_of
from app.sessions import SlackSession
from app.turns import TO_A_MESSAGE, StoredAnswer, TurnStep, WakeUp, take_lease
from approvals.active import entitled
from approvals.person import OPAQUE
from approvals.policy import Verdict, no, yes
from approvals.retention import CLASSES, still_kept
from approvals.rules import Rules
from approvals.store import PolicyVersion
from approvals.vote import SLACK, Ballot, refuse
from audit.event import Actor, ActorKind, Event
from audit.hold import holding
from audit.log import LogEntry, append
from audit.private import PersonKey, erase, records_of, reference

ERASED = "(erased: the person who asked was forgotten)"
TOUCHED = (
    *("person_key", "person_record", "private_text"),
    *("answer", "turn_step", "wakeup", "conversation", "lease", "slack_press", "slack_posting", "slack_session"),
)
"""The tables of which rows are emptied or deleted: a server rewrites them afterwards."""


class Forgotten(NamedTuple):
    """Whether it was done, and if not why; `threads` are the conversations whose memory is to be removed."""

    verdict: Verdict
    already: bool = False
    texts: int = 0
    answers: int = 0
    threads: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """what the person was called, to look whether it still stands anywhere"""


def forget_person(
    session: Session, *, now: datetime, person: str, by: str, reason: str | None, lease: str
) -> Forgotten:
    """Erases `person` with its entry, or logs why not. `by` is the id of whoever asks, `lease` that of this run.

    Raises a Problem (nothing is changed) for somebody who is not known, and while a turn of theirs is being answered.
    """
    _known(session, person)
    threads = tuple(session.exec(select(Message.thread).where(Message.person == person).distinct()).all())
    holder = session.get(PersonKey, person)
    erased_at = holder.erased_at if holder is not None else None
    verdict = _may_erase(session, now, person, by, erased=erased_at is not None)
    if not verdict.allowed:
        data = {"person": person, "code": verdict.code, "reason": verdict.reason}
        append(session, now=now, event=Event.PRIVACY_REFUSED, actor=Actor(ActorKind.PERSON, by), data=data)
        return Forgotten(verdict)
    _take_leases(session, threads, lease, now)
    if erased_at is not None:
        return Forgotten(yes("forgotten before; what was left is removed now"), already=True, threads=threads)
    values = _called(session, person)
    wait_in(session, PRESSES)  # from here on nobody keeps words of this person beside this transaction
    _take_presses_back(session, person, values, now)
    answers = _silence(session, person, threads, now)
    told: dict[str, Any] = {"answers": answers, "threads": len(threads)}
    if reason:
        told["reason"] = reference(session, person=by, text=reason, now=now)
    texts = erase(session, person=person, now=now, by=Actor(ActorKind.PERSON, by), told=told)
    return Forgotten(yes("forgotten"), texts=texts, answers=answers, threads=threads, values=values)


def may_hold(rules: Rules, roles: frozenset[str]) -> Verdict:
    """Whether somebody with these roles may place and lift legal holds."""
    return _entitled(rules.privacy.hold, roles, "places or lifts a legal hold", "hold")


def known_person(session: Session, person: str) -> bool:
    """Whether the id ever was a person's: in any version of the people, under a key, or as an actor of the log."""
    if not OPAQUE.fullmatch(person):
        return False
    if session.get(PersonKey, person) is not None:
        return True
    acted = select(LogEntry.seq).where(LogEntry.actor == person, LogEntry.actor_kind == ActorKind.PERSON.value).limit(1)
    if session.exec(acted).first() is not None:
        return True
    named = col(PolicyVersion.body).contains(f'id = "{person}"', autoescape=True)
    return (
        session.exec(select(PolicyVersion.id).where(PolicyVersion.kind == "people", named).limit(1)).first() is not None
    )


def _known(session: Session, person: str) -> None:
    if not known_person(session, person):
        raise Problem(
            f"There is no person {person[:60]!r}.",
            why="A person is named by the opaque id, p- and what follows, and nobody ever had this one.",
            do="Take the id from people.toml or from an entry of the log; a name is not enough.",
            exit_code=Exit.NOT_FOUND,
        )


def _may_erase(session: Session, now: datetime, person: str, by: str, *, erased: bool) -> Verdict:
    current = entitled(session, now)
    verdict = _entitled(current.rules.privacy.erase, current.people.roles(by), "has somebody forgotten", "erase")
    if not verdict.allowed or erased:
        return verdict
    if person == by:
        return no("own", "nobody has themselves forgotten: somebody else with the role does it")
    held = holding(session, person)
    if held:
        return no("hold", f"a legal hold is in force: {', '.join(held)}")
    kept = still_kept(current.rules.retention, _newest(session, person), now)
    if kept:
        until = max(kept, key=lambda one: one.until)
        days = current.rules.retention.days(until.name)
        told = f"{until.name} are kept for {days} days, and the newest is of {until.newest:%Y-%m-%d %H:%M} UTC"
        return no("retention", f"{told}: not before {until.until:%Y-%m-%d %H:%M} UTC")
    return yes()


def _entitled(asked: frozenset[str], roles: frozenset[str], what: str, key: str) -> Verdict:
    if not asked:
        return no(
            "not_entitled", f"the rules in force name nobody who {what}: add {key} to [privacy] and have it adopted"
        )
    if not asked & roles:
        return no("not_entitled", f"only {' or '.join(sorted(asked))} {what}")
    return yes()


def _newest(session: Session, person: str) -> dict[str, datetime]:
    """The newest entry of each class of which the person is the actor."""
    found: dict[str, datetime] = {}
    for name, events in CLASSES.items():
        newest = select(func.max(LogEntry.recorded_at)).where(
            LogEntry.actor == person, LogEntry.actor_kind == ActorKind.PERSON.value, col(LogEntry.event).in_(events)
        )
        at = session.exec(newest).one()
        if at is not None:
            found[name] = at
    return found


def _take_leases(session: Session, threads: Sequence[str], lease: str, now: datetime) -> None:
    """Nobody answers in these conversations meanwhile: a turn that goes on would write the memory anew."""
    if not all(take_lease(session, thread=thread, owner=lease, now=now) for thread in threads):
        raise Problem(
            "A question in a conversation of this person is being answered just now.",
            why="The agent's process holds the conversation, and would remember it again.",
            do="Try again in half a minute.",
            exit_code=Exit.CONFLICT,
        )


def _called(session: Session, person: str) -> tuple[str, ...]:
    """Every name and account that any version of the people had, whoever is in force now: leavers are forgotten too."""
    told = [json.loads(text) for text in records_of(session, person)]
    names = [one["name"] for one in told]
    accounts = [account["user"] for one in told for account in one.get("slack", ())]
    return tuple(dict.fromkeys([*names, *accounts, *(one["os_user"] for one in told if "os_user" in one)]))


def _silence(session: Session, person: str, threads: Sequence[str], now: datetime) -> int:
    """Empties the answers of these conversations, takes their open turns away, and forgets where private ones were."""
    answers = 0
    for answer in session.exec(select(StoredAnswer).where(col(StoredAnswer.thread).in_(threads))):
        answer.body = {"answer": ERASED, "turn": answer.turn}
        answer.posted_at = answer.posted_at or now
        session.add(answer)
        answers += 1
    for step in session.exec(select(TurnStep).where(col(TurnStep.thread).in_(threads))):
        session.delete(step)
    _answer_no_more(session, person, threads, now)
    for thread in threads:
        place = session.get(Conversation, thread)
        if place is not None and place.private:
            for posting in session.exec(select(Posting).where(Posting.channel == place.channel)):
                posting.channel = ""  # what was posted stands; a direct channel's id leads to the person
                session.add(posting)
            session.delete(place)
            told = session.get(SlackSession, thread)
            if told is not None:
                session.delete(told)
    session.flush()
    return answers


def _take_presses_back(session: Session, person: str, accounts: Sequence[str], now: datetime) -> None:
    """Empties what leads to the person in what they pressed; a press that nobody has judged yet counts for nothing."""
    unlinked = col(Press.person).is_(None) & col(Press.account).in_(accounts)
    theirs = (col(Press.person) == person) | unlinked
    for press in session.exec(select(Press).where(theirs, col(Press.account).is_not(None)).order_by(col(Press.id))):
        if press.judged_at is None:
            ballot = Ballot(
                proposal_id=press.proposal, digest=press.digest, person=None, choice=choice_of(press), via=SLACK
            )
            refuse(session, now=now, ballot=ballot, verdict=no("forgotten", "whoever pressed was forgotten"))
            press.judged_at = now
        press.account = press.note = press.telling_until = None
        session.add(press)
    session.flush()


def _answer_no_more(session: Session, person: str, threads: Sequence[str], now: datetime) -> None:
    said = session.exec(select(Message).where(Message.person == person)).all()
    woken = {wake.ref: wake for wake in session.exec(select(WakeUp).where(col(WakeUp.thread).in_(threads)))}
    for message in said:
        wake = woken.get(message.id) or WakeUp(
            id=f"{TO_A_MESSAGE}{message.id}", thread=message.thread, kind="message", ref=message.id, due_at=now
        )
        wake.done_at = wake.done_at or now
        session.add(wake)
