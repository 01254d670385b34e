"""Whether the gate's rows agree with the log. The worker acts on rows and people look at rows; the log proves entries.

Somebody who writes into the database file need not touch an entry: a vote row, a digest or a state changed beside a
perfect chain would be believed. So each row that carries authority is held against the entries that made it, and each
of those entries against its row.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from approvals.sealed import digest
from approvals.states import State
from approvals.store import ClaimRecord, Delegation, Draft, Effect, KillSwitch, PolicyVersion, Proposal, Vote
from audit.canonical import sha256
from audit.event import Event
from audit.forgotten import undue
from audit.hold import LegalHold, in_force
from audit.log import LogEntry
from audit.moment import utc_text


class Entry(NamedTuple):
    """What of an entry is compared besides its data."""

    proposal: str | None
    actor: str
    event: str


EVER = datetime(1, 1, 1, tzinfo=UTC)
VOTES = {Event.VOTE_APPROVED.value: "approve", Event.VOTE_REJECTED.value: "reject"}
Key = tuple[Any, ...]
Told = Iterator[tuple[Entry, dict[str, Any]]]


def disagreements(session: Session) -> list[str]:
    """Sentences, each naming a row without its entry, or an entry without its row; empty where all agree."""
    return [
        *_drafts(session),
        *_proposals(session),
        *_compare("vote", _votes_stored(session), _votes_told(session)),
        *_compare("vote in force", _in_force_stored(session), _in_force_told(session)),
        *_compare("effect", _effects_stored(session), _effects_told(session)),
        *_compare("claim", _claims_stored(session), _claims_told(session)),
        *_standing(session),
        *_compare("legal hold", _holds_stored(session), Counter((*one,) for one in in_force(session).items())),
        *undue(session),
    ]


def vouched(session: Session, proposal: Proposal, votes: list[Vote]) -> bool:
    """Whether the log tells of this sealing, of these votes in force and no others, and that it stands where it does.

    A vote that was taken back, and a proposal that ended, must not count again because a row says so.
    """
    sealings = _told(session, [Event.PROPOSAL_SEALED.value], proposal.id)
    if [data["digest"] for _entry, data in sealings] != [proposal.digest]:
        return False
    moved = session.execute(_LAST_MOVE, {"which": proposal.id}).first()
    if moved is None or (moved[0], json.loads(moved[1])["data"]["to"]) != (proposal.version, proposal.state):
        return False
    cast = Counter((vote.proposal, vote.person, vote.choice, vote.digest) for vote in votes)
    return cast == _in_force_told(session, proposal.id) and not _standing(session)


def claims_agree(session: Session, *, since: datetime) -> bool:
    """Whether the claims since then, by which the caps are judged, are those that the log tells of."""
    return _claims_stored(session, since) == _claims_told(session, since)


def _standing(session: Session) -> list[str]:
    """What every decision stands on: the policy, the roles that were lent, how the kill switch was turned."""
    return [
        *_compare("policy version", _policies_stored(session), _policies_told(session)),
        *_compare("delegation", _delegations_stored(session), _delegations_told(session)),
        *_compare("end of a delegation", _ended_stored(session), _ended_told(session)),
        *_compare("turn of the kill switch", _turns_stored(session), _turns_told(session)),
    ]


def _told(session: Session, events: list[str], proposal: str | None = None, since: datetime = EVER) -> Told:
    given: dict[str, Any] = {"events": events, "since": since}
    statement = _ENTRIES
    if proposal is not None:
        statement, given = _ENTRIES_OF, given | {"which": proposal}
    for row in session.execute(statement, given):
        yield Entry(*row[:3]), json.loads(row[3])["data"]


_ENTRIES = (
    select(LogEntry.proposal, LogEntry.actor, LogEntry.event, LogEntry.body)
    .where(col(LogEntry.event).in_(bindparam("events", expanding=True)), col(LogEntry.recorded_at) > bindparam("since"))
    .order_by(col(LogEntry.seq))
)
_ENTRIES_OF = _ENTRIES.where(LogEntry.proposal == bindparam("which"))
_LAST_MOVE = (
    select(LogEntry.proposal_version, LogEntry.body)
    .where(LogEntry.proposal == bindparam("which"), col(LogEntry.proposal_version).is_not(None))
    .order_by(col(LogEntry.seq).desc())
    .limit(1)
)
"""Made once: every claim asks for several."""


def _compare(what: str, stored: Counter[Key], told: Counter[Key]) -> list[str]:
    lost = [f"the log tells of a {what} {_words(key)} that is not stored" for key in (told - stored)]
    alien = [f"a {what} {_words(key)} is stored that the log does not tell of" for key in (stored - told)]
    return lost + alien


def _words(key: Key) -> str:
    return " ".join(str(part)[:24] for part in key)


def _drafts(session: Session) -> list[str]:
    stored = Counter((row.id, sha256(row.evidence.encode()), row.requester) for row in session.exec(select(Draft)))
    told: Counter[Key] = Counter(
        (entry.proposal, data["evidence_hash"], data["requester"])
        for entry, data in _told(session, [Event.PROPOSAL_DRAFTED.value])
    )
    return _compare("draft", stored, told)


def _proposals(session: Session) -> list[str]:
    moves = select(LogEntry).where(col(LogEntry.proposal_version).is_not(None)).order_by(col(LogEntry.seq))
    last: dict[str, tuple[int, str]] = {}
    digests: dict[str, str] = {}
    for entry in session.exec(moves):
        data = json.loads(entry.body)["data"]
        last[str(entry.proposal)] = (entry.proposal_version or 0, str(data["to"]))
        if entry.event == Event.PROPOSAL_SEALED.value:
            digests[str(entry.proposal)] = str(data["digest"])
    found = []
    rows = {row.id: row for row in session.exec(select(Proposal))}
    for name in sorted(set(rows) | set(last)):
        row = rows.get(name)
        if row is None:
            found.append(f"the log tells of proposal {name}, which is not stored")
        elif (row.version, str(row.state)) != last.get(name):
            version, state = last.get(name, (0, "never sealed"))
            found.append(f"proposal {name} is {row.state} (version {row.version}), the log says {state} ({version})")
        elif row.digest != digests.get(name):
            found.append(f"the digest of proposal {name} is not the one that was sealed")
        elif row.sealed is not None and digest(row.sealed) != row.digest:
            found.append(f"the sealed bytes of proposal {name} do not have its digest")
    return found


def _votes_stored(session: Session) -> Counter[Key]:
    return Counter((row.proposal, row.person, row.choice, row.digest) for row in session.exec(select(Vote)))


def _votes_told(session: Session, proposal: str | None = None) -> Counter[Key]:
    return Counter(
        (entry.proposal, entry.actor, VOTES[entry.event], data["digest"])
        for entry, data in _told(session, list(VOTES), proposal)
    )


def _in_force_stored(session: Session) -> Counter[Key]:
    rows = session.exec(select(Vote).where(col(Vote.withdrawn_at).is_(None)))
    return Counter((row.proposal, row.person, row.choice, row.digest) for row in rows)


def _in_force_told(session: Session, proposal: str | None = None) -> Counter[Key]:
    """Each person's last vote on each proposal, unless it was taken back after that."""
    last: dict[tuple[str | None, str], Key] = {}
    for entry, data in _told(session, [*VOTES, Event.VOTE_WITHDRAWN.value], proposal):
        last.pop((entry.proposal, entry.actor), None)
        if entry.event in VOTES:
            key = (entry.proposal, entry.actor, VOTES[entry.event], data["digest"])
            last[(entry.proposal, entry.actor)] = key
    return Counter(last.values())


def _effects_stored(session: Session) -> Counter[Key]:
    rows = session.exec(select(Effect))
    return Counter((row.proposal, row.step, row.attempt, row.request_hash, row.rehearsal) for row in rows)


def _effects_told(session: Session) -> Counter[Key]:
    return Counter(
        (entry.proposal, data["step"], data["attempt"], data["request_hash"], data["rehearsal"])
        for entry, data in _told(session, [Event.EXECUTION_INTENDED.value])
    )


def _claims_stored(session: Session, since: datetime = EVER) -> Counter[Key]:
    rows = session.exec(select(ClaimRecord).where(col(ClaimRecord.claimed_at) > since))
    return Counter((row.proposal, row.digest, row.fence) for row in rows)


def _claims_told(session: Session, since: datetime = EVER) -> Counter[Key]:
    """The last claim of each proposal; one that was taken over keeps its record under the newer fence."""
    last: dict[str, Key] = {}
    for entry, data in _told(session, [Event.EXECUTION_CLAIMED.value, Event.EXECUTION_TAKEN_OVER.value], since=since):
        if data["from"] != State.EXECUTING:
            last[str(entry.proposal)] = (entry.proposal, data["digest"], data["fence"])
    return Counter(last.values())


def _delegations_stored(session: Session) -> Counter[Key]:
    return Counter(
        (row.id, row.giver, row.receiver, *json.loads(row.roles), utc_text(row.starts_at), utc_text(row.ends_at))
        for row in session.exec(select(Delegation))
    )


def _delegations_told(session: Session) -> Counter[Key]:
    return Counter(
        (data["delegation"], data["giver"], data["receiver"], *data["roles"], data["starts_at"], data["ends_at"])
        for _entry, data in _told(session, [Event.DELEGATION_GRANTED.value])
    )


def _ended_stored(session: Session) -> Counter[Key]:
    return Counter((row.id,) for row in session.exec(select(Delegation).where(col(Delegation.ended_at).is_not(None))))


def _ended_told(session: Session) -> Counter[Key]:
    return Counter((data["delegation"],) for _entry, data in _told(session, [Event.DELEGATION_ENDED.value]))


def _turns_stored(session: Session) -> Counter[Key]:
    return Counter((row.id, row.scope, row.engaged) for row in session.exec(select(KillSwitch)))


def _turns_told(session: Session) -> Counter[Key]:
    turns = _told(session, [Event.KILLSWITCH_ON.value, Event.KILLSWITCH_OFF.value])
    return Counter((data["turn"], data["scope"], entry.event == Event.KILLSWITCH_ON.value) for entry, data in turns)


def _holds_stored(session: Session) -> Counter[Key]:
    rows = session.exec(select(LegalHold).where(col(LegalHold.lifted_at).is_(None)))
    return Counter((row.id, row.person) for row in rows)


def _policies_stored(session: Session) -> Counter[Key]:
    rows = session.exec(select(PolicyVersion))
    return Counter((row.kind, row.version, row.digest, sha256(row.body.encode())) for row in rows)


def _policies_told(session: Session) -> Counter[Key]:
    """Each version under the digest that was voted on, with that of its text: another where names were set apart."""
    names_apart = {
        (data["kind"], data["version"], data["digest"]): data["apart"]
        for _entry, data in _told(session, [Event.PRIVACY_SET_APART.value])
    }
    keys = [
        (data["kind"], data["version"], data["digest"], data.get("apart") or data["digest"])
        for _entry, data in _told(session, [Event.POLICY_CHANGED.value])
    ]
    return Counter((*key[:3], names_apart.get(key[:3], key[3])) for key in keys)
