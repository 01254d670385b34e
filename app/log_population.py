"""What the log tells of the population of changes: proposals, votes, claims, intents and what came of them.

Read from the entries' bodies alone, after the log was verified. Of the gate's rows only the sealed bytes are taken, and
only where they have the digest that the entry of their sealing names. An entry's time counts as no earlier than the
times of the entries before it: who wrote an entry into the chain with an older time did not do it then.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from approvals.changes.step import Step
from approvals.errors import Altered
from approvals.execute import token_of
from approvals.lease import Claim
from approvals.sealed import Sealed, decode
from approvals.states import DECIDED, State, words
from approvals.store import ABSENT, DONE, FOUND, REFUSED, Proposal
from audit import population
from audit.event import Event
from audit.log import LogEntry
from audit.moment import utc_time
from audit.population import BACK_DATED, BYTES, Doubt, Effect, Logged, Planned, Proposed
from audit.trail_event import leaves_of

DECIDING = ("vote.", "approval.", "execution.", "proposal.sealed")
LOCAL = "spendgate:"
ELSEWHERE = ("litellm:", "openai:", "terraform:")
"""What other providers than AWS are sent, and what is handed over: CloudTrail knows nothing of it."""
CLAIMS = (Event.EXECUTION_CLAIMED, Event.EXECUTION_TAKEN_OVER)
UNKNOWN = "unknown"


class _Life:
    """One proposal while the log is read."""

    def __init__(self, proposed: Proposed, slots: int) -> None:
        self.proposed, self.slots = proposed, slots
        self.state = State.SEALED
        self.votes: dict[str, str] = {}
        self.quorum: str | None = None

    def refusal(self) -> str:
        """Why what the log tells so far does not allow to carry it out; "" if it does."""
        if self.state in DECIDED:
            return f"it had ended as {words(self.state)}"
        own, digest = self.proposed.requester, self.proposed.digest
        valid = sorted(person for person, given in self.votes.items() if given == digest and person != own)
        if self.quorum is None:
            return f"it had {len(valid)} of {self.slots} votes" if valid else "nobody had approved it"
        if self.quorum != digest:
            return "its votes were given to other bytes than those sealed"
        if len(valid) < max(self.slots, 1):
            return f"it had {len(valid)} valid votes of the {self.slots} that its policy asks for"
        return ""


class _Reader:
    """Takes the entries in, in their order."""

    def __init__(self, skew: timedelta) -> None:
        self.logged = Logged()
        self.intents: list[dict[str, Any]] = []
        self._lives: dict[str, _Life] = {}
        self._skew = skew
        self._latest: datetime | None = None

    def take(self, told: Mapping[str, Any]) -> None:
        """One entry's body."""
        at, event, seq = utc_time(told["recorded_at"]), str(told["event"]), int(told["seq"])
        named, data = told["proposal"], told["data"]
        if self._latest is not None and at < self._latest - self._skew and event.startswith(DECIDING):
            sentence = (
                f"Entry {seq} ({event} of {named}) says that it was recorded at {told['recorded_at']}, "
                f"after an entry of {self._latest.isoformat()[:19]}Z."
            )
            self.logged.doubts.append(Doubt(BACK_DATED, seq, str(named or ""), sentence))
        self._latest = at = max(at, self._latest or at)
        if event == Event.PROPOSAL_SEALED and named:
            self._sealed(named, seq, at, data)
        life = self._lives.get(str(named))
        if life is None:
            return
        life.proposed.entries.append(seq)
        if event.startswith(("vote.", "approval.")):
            _voted(life, event, at, data)
        if event in CLAIMS and data.get("from") != State.EXECUTING:
            life.proposed.claimed_at = life.proposed.claimed_at or at
            life.proposed.refusal = life.refusal()
        if event.startswith("execution."):
            self._execution(life, event, seq, at, data)
        if told["proposal_version"] is not None:
            life.state = State(data["to"])
            if life.state in DECIDED or event in (Event.EXECUTION_VERIFIED, Event.EXECUTION_DIVERGED):
                life.proposed.ended_at = at
        life.proposed.end = words(life.state)

    def close(self) -> None:
        """What was never claimed has no vote of its claim to be judged by, so it is judged as it stands at the end."""
        for life in self._lives.values():
            if life.proposed.claimed_at is None:
                life.proposed.refusal = life.refusal()

    def _sealed(self, named: str, seq: int, at: datetime, data: Mapping[str, Any]) -> None:
        proposed = Proposed(
            id=named,
            entry=seq,
            sealed_at=at,
            digest=str(data["digest"]),
            requester=str(data["requester"]),
            resource=str(data["resource"]),
        )
        self.logged.proposals[named] = proposed
        self._lives[named] = _Life(proposed, len(data["policy"]["slots"]))

    def _execution(self, life: _Life, event: str, seq: int, at: datetime, data: Mapping[str, Any]) -> None:
        effects, named = self.logged.effects, life.proposed.id
        if event == Event.EXECUTION_INTENDED:
            unknown = Planned(named, int(data["step"]), str(data["token"]), UNKNOWN, "", "", (), life.proposed.resource)
            effects[named, unknown.step] = Effect(
                planned=unknown,
                entry=seq,
                claimed_at=life.proposed.claimed_at,
                sent_at=[at],
                refusal=life.proposed.refusal if life.proposed.claimed_at is not None else life.refusal(),
                expected=not data["rehearsal"],
                word="a rehearsal, in which nothing is sent" if data["rehearsal"] else "",
            )
            self.intents.append({"key": (named, unknown.step), "hash": data["request_hash"], "seq": seq})
            return
        mine = [effect for (proposal, _), effect in self._of(named) if proposal == named]
        answered = effects.get((named, int(data["step"]))) if "step" in data else None
        if event == Event.EXECUTION_RESENT and answered is not None:
            answered.sent_at.append(at)
        if answered is not None and data.get("outcome") in (DONE, REFUSED):
            _answered(answered, at, data)
        for effect in mine:
            _concluded(effect, at, data)

    def _of(self, named: str) -> Iterator[tuple[tuple[str, int], Effect]]:
        step = 1
        while (named, step) in self.logged.effects:
            yield (named, step), self.logged.effects[named, step]
            step += 1


def _voted(life: _Life, event: str, at: datetime, data: Mapping[str, Any]) -> None:
    person = str(data.get("person", ""))
    if event in (Event.VOTE_APPROVED, Event.APPROVAL_QUORUM_MET):
        life.votes[person] = str(data.get("digest"))
    if event in (Event.VOTE_WITHDRAWN, Event.VOTE_REJECTED):
        life.votes.pop(person, None)
        life.quorum = None
    if event == Event.APPROVAL_QUORUM_MET:
        life.quorum = str(data.get("digest"))
        life.proposed.approved_at = at
    life.proposed.approvers = tuple(life.votes)


def _answered(effect: Effect, at: datetime, data: Mapping[str, Any]) -> None:
    """The first answer counts: a second one is to a request that was sent again."""
    if effect.outcome != population.OPEN:
        return
    done = data["outcome"] == DONE
    effect.outcome = population.DONE if done else population.FAILED
    effect.request_id = str(data.get("provider_request_id") or "")
    effect.answered_at = at if done else None
    effect.word = "" if done else f"refused or not sent ({data.get('error_code')})"


def _concluded(effect: Effect, at: datetime, data: Mapping[str, Any]) -> None:
    """What a read-back proved of a request without an answer."""
    step = effect.planned.step
    for name, outcome, word in (("found", population.DONE, FOUND), ("absent", population.FAILED, ABSENT)):
        if step in data.get(name, ()) and effect.outcome == population.OPEN:
            effect.outcome, effect.concluded_at, effect.word = outcome, at, word


def gather(session: Session, *, skew: timedelta) -> Logged:
    """The log's side of the reconciliation, of the whole log. Damaged bodies are for `verify` to name beforehand."""
    reader = _Reader(skew)
    rows = session.execute(select(LogEntry.seq, LogEntry.body).order_by(col(LogEntry.seq)))
    for _seq, body in rows.yield_per(1000):
        reader.take(json.loads(body))
    reader.close()
    logged = reader.logged
    hashes = _plan(session, logged)
    for effect in logged.effects.values():
        planned = logged.planned.get(effect.key)
        if planned is None:
            continue
        effect.planned = planned._replace(token=effect.planned.token)
        logged.planned[effect.key] = effect.planned
        if planned.operation.startswith(LOCAL):
            effect.expected, effect.word = False, "a change of Spendgate's own, of which no provider knows"
        elif planned.operation.startswith(ELSEWHERE):
            effect.expected, effect.word = False, "a change outside AWS, of which its log knows nothing"
    for intent in reader.intents:
        key = intent["key"]
        if key in hashes and hashes[key] != intent["hash"]:
            told = f"The intent of step {key[1]} of {key[0]} (entry {intent['seq']}) is not for what was sealed."
            logged.doubts.append(Doubt(BYTES, intent["seq"], key[0], told))
    return logged


def _plan(session: Session, logged: Logged) -> dict[tuple[str, int], str]:
    """Fills in the sealed steps of every proposal; returns each step's request hash."""
    hashes: dict[tuple[str, int], str] = {}
    rows = session.execute(select(Proposal.id, Proposal.sealed).where(col(Proposal.sealed).is_not(None)))
    missing = dict(logged.proposals)
    for named, stored in rows.yield_per(500):
        proposed = missing.pop(named, None)
        if proposed is None:
            continue
        try:
            sealed = decode(stored, proposed.digest)
        except Altered:
            missing[named] = proposed
            continue
        for step in sealed.steps:
            logged.planned[named, step.number] = _planned(sealed, step, proposed)
            hashes[named, step.number] = step.request.hash()
    for proposed in missing.values():
        told = (
            f"The sealed bytes of {proposed.id} are not stored as entry {proposed.entry} names them, "
            "so what was approved cannot be compared with what was done."
        )
        logged.doubts.append(Doubt(BYTES, proposed.entry, proposed.id, told))
    return hashes


def _planned(sealed: Sealed, step: Step, proposed: Proposed) -> Planned:
    request = step.request
    return Planned(
        proposal=proposed.id,
        step=step.number,
        token=token_of(Claim(proposed.id, "", 0, proposed.digest, proposed.sealed_at), step),
        operation=request.operation,
        account=request.account,
        region=request.region,
        wants=leaves_of(request.parameters),
        resource=sealed.resource,
    )
