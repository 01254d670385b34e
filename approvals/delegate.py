"""Lends roles to somebody for a while: dated, logged, ended by either of the two at any moment, never lent on."""

import json
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from approvals.active import active, entitled
from approvals.lending import may_delegate
from approvals.policy import Verdict, no, yes
from approvals.store import Delegation
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.moment import utc_text


class Delegated(NamedTuple):
    """The verdict, and the delegation's id where there is one."""

    verdict: Verdict
    delegation: str | None


def delegate(
    session: Session,
    *,
    now: datetime,
    giver: str,
    receiver: str,
    roles: Collection[str],
    starts_at: datetime,
    ends_at: datetime,
) -> Delegated:
    """Lends `roles` from `starts_at` to `ends_at`; a refusal is a result, and is logged."""
    current = entitled(session, now)
    verdict = may_delegate(
        giver=giver,
        receiver=receiver,
        roles=frozenset(roles),
        start=starts_at,
        end=ends_at,
        people=current.people,
        rules=current.rules,
        now=now,
    )
    if verdict.allowed:
        verdict = _to_one_at_a_time(session, giver, receiver, starts_at, ends_at)
    actor = _actor(giver, current.people.by_id)
    if not verdict.allowed:
        return Delegated(_refused(session, now, actor, verdict), None)
    row = Delegation(
        id=f"D-{secrets.token_hex(5)}",
        giver=giver,
        receiver=receiver,
        roles=json.dumps(sorted(roles)),
        starts_at=starts_at,
        ends_at=ends_at,
        granted_at=now,
    )
    session.add(row)
    session.flush()
    data = {"delegation": row.id, "giver": giver, "receiver": receiver, "roles": sorted(roles)}
    data |= {"starts_at": utc_text(starts_at), "ends_at": utc_text(ends_at)}
    append(session, now=now, event=Event.DELEGATION_GRANTED, actor=actor, data=data)
    return Delegated(yes("lent"), row.id)


def _to_one_at_a_time(session: Session, giver: str, receiver: str, starts_at: datetime, ends_at: datetime) -> Verdict:
    """Whoever could lend to two people at once would be two votes where they themselves are one."""
    overlapping = select(Delegation.receiver).where(
        Delegation.giver == giver,
        Delegation.receiver != receiver,
        col(Delegation.ended_at).is_(None),
        col(Delegation.starts_at) < ends_at,
        col(Delegation.ends_at) > starts_at,
    )
    other = session.exec(overlapping.order_by(col(Delegation.id))).first()
    if other is None:
        return yes()
    return no(
        "lent_already", f"roles of yours are lent to {other} in this time; end that first, or choose another time"
    )


def end_delegation(session: Session, *, now: datetime, delegation_id: str, person: str) -> Verdict:
    """Ends a delegation now; giver and receiver may."""
    actor = _actor(person, active(session).people.by_id)
    row = session.get(Delegation, delegation_id, populate_existing=True)
    if row is None or person not in (row.giver, row.receiver):
        return _refused(session, now, actor, no("not_yours", "there is no such delegation of yours"))
    if row.ended_at is not None or row.ends_at <= now:
        return _refused(session, now, actor, no("ended", "it has ended already"))
    row.ended_at, row.ended_by = now, person
    session.add(row)
    session.flush()
    data = {"delegation": row.id, "giver": row.giver, "receiver": row.receiver}
    append(session, now=now, event=Event.DELEGATION_ENDED, actor=actor, data=data)
    return yes("ended")


def _actor(person: str, known: Collection[str]) -> Actor:
    return Actor(ActorKind.PERSON, person) if person in known else Actor(ActorKind.UNKNOWN, "unknown")


def _refused(session: Session, now: datetime, actor: Actor, verdict: Verdict) -> Verdict:
    data = {"code": verdict.code, "reason": verdict.reason}
    append(session, now=now, event=Event.DELEGATION_REFUSED, actor=actor, data=data)
    return verdict
