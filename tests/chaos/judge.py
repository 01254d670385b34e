"""What must be true when everything has ended: counted by the cloud's own journal, not by what the gate believes."""

import json
from collections import Counter
from typing import Any, NamedTuple
from urllib.request import ProxyHandler, build_opener

from sqlmodel import Session, col, select

from app.database import reading
from approvals.agree import disagreements
from approvals.sealed import decode
from approvals.states import OPEN, TERMINAL, State
from approvals.store import TOOK_EFFECT, Draft, Effect, Proposal, Vote
from audit.event import Event
from audit.log import LogEntry
from audit.verify import verify
from tests.chaos.store import Store

NO_CLAIM = frozenset(
    {State.REJECTED, State.SUPERSEDED, State.CANCELLED, State.UNSEALABLE, State.EXPIRED, State.STALE, State.VETOED}
)
MOST_TOLD = 20


class Verdict(NamedTuple):
    """What is wrong (nothing, if all is well), and what was counted."""

    violations: list[str]
    counted: dict[str, Any]


def calls(address: str) -> list[dict[str, Any]]:
    """The mutating calls that reached the cloud, in the order in which they took effect."""
    with build_opener(ProxyHandler({})).open(f"{address}/spendgate-sandbox/calls", timeout=30) as answer:
        found: list[dict[str, Any]] = json.load(answer)["calls"]
    return found


def still_open(session: Session) -> list[str]:
    """The proposals that have not ended, and the drafts of which nothing was made yet."""
    states = [state.value for state in OPEN]
    rows = session.exec(select(Proposal).where(col(Proposal.state).in_(states)))
    waiting = select(Draft.id).where(col(Draft.id).not_in(select(Proposal.id)))
    return [f"{row.id} is {row.state}" for row in rows] + [f"{name} is a draft" for name in session.exec(waiting)]


def judge(place: Store, address: str) -> Verdict:
    """Holds the database against the cloud, against its log and against itself."""
    journal = calls(address)
    wrong = [f"the database: {line}" for line in place.faults()]
    with reading(place.engine()) as (session, _):
        wrong += [f"left open: {line}" for line in still_open(session)]
        told = verify(session)
        if not told.ok:
            wrong.append(f"the log: {told.reason}")
        wrong += [f"rows and log: {line}" for line in disagreements(session)]
        proposals = list(session.exec(select(Proposal).order_by(col(Proposal.created_at))))
        effects: dict[str, list[Effect]] = {}
        for effect in session.exec(select(Effect).order_by(col(Effect.step))):
            effects.setdefault(effect.proposal, []).append(effect)
        wrong += _machines(proposals, effects, journal)
        wrong += _rows(session, proposals, effects)
        counted = _counted(session, proposals, effects, journal) | {"entries": told.entries}
    return Verdict(wrong, counted)


def _machines(proposals: list[Proposal], effects: dict[str, list[Effect]], journal: list[dict[str, Any]]) -> list[str]:
    """Machine by machine: what changed is what ended so, in that order; and no more was sent than was intended."""
    owed: dict[str, list[tuple[str, str]]] = {}
    intended: Counter[str] = Counter()
    about: dict[str, list[str]] = {}
    for row in proposals:
        steps = decode(row.sealed, row.digest).steps if row.id in effects else ()
        machine = json.loads(row.change)["instance_id"]
        for effect in effects.get(row.id, []):
            intended[machine] += 1
            if row.state == State.VERIFIED or effect.outcome in TOOK_EFFECT:
                operation = steps[effect.step - 1].request.operation.partition(":")[2]
                owed.setdefault(machine, []).append((effect.intended_at.isoformat(), operation))
            about.setdefault(machine, []).append(f"{row.id} {row.kind} {row.state} step {effect.step} {effect.outcome}")
    changed: dict[str, list[str]] = {}
    sent: Counter[str] = Counter()
    for call in journal:
        sent.update(call["instance_ids"])
        for machine in {name.partition(" ")[0] for name in call["changed"]}:  # "i-1 type" is of i-1
            changed.setdefault(machine, []).append(call["action"])
    wrong = []
    for machine in sorted(set(owed) | set(changed) | set(sent)):
        mine, found = [operation for _, operation in sorted(owed.get(machine, []))], changed.get(machine, [])
        ends = "; ".join(about.get(machine, ["no proposal"]))
        if mine != found:
            wrong.append(f"{machine} changed by {_list(found)}, its proposals account for {_list(mine)} ({ends})")
        if sent[machine] > intended[machine]:
            wrong.append(f"{machine} was sent {sent[machine]} requests, {intended[machine]} were intended ({ends})")
    return wrong


def _list(operations: list[str]) -> str:
    return ", ".join(operations) or "nothing"


def _rows(session: Session, proposals: list[Proposal], effects: dict[str, list[Effect]]) -> list[str]:
    """Nothing is half done: no effect without its claim, no claim twice, no end without its reason."""
    told = Counter(
        (entry.proposal, entry.event)
        for entry in session.exec(select(LogEntry).where(col(LogEntry.proposal).is_not(None)))
    )
    wrong = []
    for row in proposals:
        mine = effects.get(row.id, [])
        if told[(row.id, Event.EXECUTION_CLAIMED.value)] > 1:
            wrong.append(f"{row.id} was claimed {told[(row.id, Event.EXECUTION_CLAIMED.value)]} times")
        if told[(row.id, Event.EXECUTION_INTENDED.value)] != len(mine):
            wrong.append(f"{row.id} has {len(mine)} intents stored and another number told")
        if row.state == State.FAILED and any(effect.outcome in TOOK_EFFECT for effect in mine):
            wrong.append(f"{row.id} is failed and yet a step of it took effect")
        if mine and row.state in NO_CLAIM:
            wrong.append(f"{row.id} is {row.state} and yet has an intent")
        if mine and not told[(row.id, Event.APPROVAL_QUORUM_MET.value)]:
            wrong.append(f"{row.id} was sent without a quorum")
        if row.state in TERMINAL - {State.VERIFIED, State.REJECTED} and not row.reason:
            wrong.append(f"{row.id} is {row.state} without a reason")
    standing = Counter((vote.proposal, vote.person) for vote in session.exec(select(Vote)) if vote.withdrawn_at is None)
    wrong += [f"{person} has {count} votes on {name}" for (name, person), count in standing.items() if count > 1]
    return wrong


def _counted(
    session: Session, proposals: list[Proposal], effects: dict[str, list[Effect]], journal: list[dict[str, Any]]
) -> dict[str, Any]:
    unknown = set(session.exec(select(LogEntry.proposal).where(LogEntry.event == Event.EXECUTION_UNKNOWN.value)).all())
    again = session.exec(select(LogEntry.seq).where(LogEntry.event == Event.EXECUTION_TAKEN_OVER.value)).all()
    late = Counter(one.error_code for rows in effects.values() for one in rows if one.error_code)
    return {
        "proposals": dict(Counter(str(row.state) for row in proposals)),
        "kinds": dict(Counter(row.kind for row in proposals)),
        "intents": sum(len(rows) for rows in effects.values()),
        "requests": len(journal),
        "requests that changed nothing": dict(
            Counter(f"{call['action']} (HTTP {call['status']})" for call in journal if not call["changed"])
        ),
        "changes": sum(len(call["changed"]) for call in journal),
        "claims taken over": len(again),
        "unknown outcomes ended": dict(Counter(str(row.state) for row in proposals if row.id in unknown)),
        "refused or kept back": dict(late),
    }
