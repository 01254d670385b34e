"""The rows of the gate. A draft is never changed once it is there; a proposal changes only by `move.py`.

The agent's process inserts drafts and nothing else. Everything later (sealed, cancelled, unsealable) is a proposal row
of the same id, so what was asked for and what was made of it cannot be confused.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Index, LargeBinary, UniqueConstraint, bindparam, text
from sqlmodel import Field, Session, SQLModel, col, select

from approvals.errors import NotFound
from approvals.states import OPEN, State
from audit.stored import Money, UtcTime

DONE, REFUSED, UNANSWERED = "done", "refused", "no answer"
"""What came of sending a step's request; a row without an outcome may have taken effect or not."""

FOUND, ABSENT = "done, as read back", "not done, as read back"
"""What the read-back proved of a request that had no answer; an answer that still comes is stored over it."""

TOOK_EFFECT = frozenset({DONE, FOUND})

BY_VOTE, BREAK_GLASS = "vote", "break_glass"
"""By which authority a change is asked for: the matrix's votes, or an emergency's, which is reviewed afterwards."""

_OPEN_LIST = ", ".join(f"'{state.value}'" for state in sorted(OPEN))


class Draft(SQLModel, table=True):
    """What somebody asked for: typed, not resolved, not approvable."""

    __tablename__ = "draft"

    id: str = Field(primary_key=True)
    thread: str = Field(index=True)
    requester: str
    editors: str = "[]"
    kind: str
    resource: str = Field(index=True)
    change: str
    evidence: str
    supersedes: str | None = None
    inverse_of: str | None = None
    authority: str = BY_VOTE
    incident: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)


class Proposal(SQLModel, table=True):
    """A proposal: `sealed` and `digest` never change; `state` and `version` change together, one by one."""

    __tablename__ = "proposal"
    __table_args__ = (
        Index(
            "uq_proposal_open_resource",
            "resource",
            unique=True,
            sqlite_where=text(f"state IN ({_OPEN_LIST})"),
            postgresql_where=text(f"state IN ({_OPEN_LIST})"),
        ),
        Index("ix_proposal_state", "state"),
    )

    id: str = Field(primary_key=True)
    version: int
    state: str
    thread: str = Field(index=True)
    requester: str
    kind: str
    resource: str
    change: str
    evidence: str
    sealed: bytes | None = Field(default=None, sa_type=LargeBinary)
    digest: str | None = Field(default=None, unique=True)
    policy_version: int | None = None
    supersedes: str | None = None
    inverse_of: str | None = None
    authority: str = BY_VOTE
    outcome: str | None = None
    class_name: str | None = None
    scope: str | None = Field(default=None, index=True)
    account: str | None = None
    amount: Decimal | None = Field(default=None, sa_type=Money)
    currency: str | None = None
    reason: str | None = None
    code: str | None = None
    created_at: datetime = Field(sa_type=UtcTime)
    changed_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcTime)
    execute_by: datetime | None = Field(default=None, sa_type=UtcTime)
    posted_where: str | None = None
    fence: int = 0
    claimed_by: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcTime)
    look_at: datetime | None = Field(default=None, sa_type=UtcTime)


class Effect(SQLModel, table=True):
    """One step of one proposal, at most once: the row exists, committed, before its request is sent."""

    __tablename__ = "effect"

    proposal: str = Field(primary_key=True, foreign_key="proposal.id")
    step: int = Field(primary_key=True)
    attempt: str = Field(unique=True)
    token: str
    fence: int
    executor: str
    rehearsal: bool
    request_hash: str
    intended_at: datetime = Field(sa_type=UtcTime)
    outcome: str | None = None
    answered_at: datetime | None = Field(default=None, sa_type=UtcTime)
    provider_request_id: str | None = None
    response_hash: str | None = None
    error_code: str | None = None


class Vote(SQLModel, table=True):
    """A person's decision on one digest. At most one of a person's votes on a proposal is not withdrawn."""

    __tablename__ = "vote"
    __table_args__ = (
        Index(
            "uq_vote_standing",
            "proposal",
            "person",
            unique=True,
            sqlite_where=text("withdrawn_at IS NULL"),
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    proposal: str = Field(foreign_key="proposal.id", index=True)
    person: str
    choice: str
    digest: str
    via: str
    reason_ref: str | None = None
    cast_at: datetime = Field(sa_type=UtcTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcTime)


class PolicyVersion(SQLModel, table=True):
    """A version of the rules or of the people; the highest of each kind is the one in force."""

    __tablename__ = "policy_version"
    __table_args__ = (
        UniqueConstraint("kind", "version"),
        Index("uq_policy_version_token", "token", unique=True),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    version: int
    digest: str
    body: str
    active_since: datetime = Field(sa_type=UtcTime)
    token: str | None = None
    """the token of the approved step that adopted it; None for the first version, which nobody could vote on"""
    apart: str | None = None
    """the digest of `body` where an upgrade set names apart that `digest` still covers; None where they are the same"""


class PolicyCandidate(SQLModel, table=True):
    """A text that somebody proposes to adopt. Proposals hold its digest; names stand here, and not in sealed bytes."""

    __tablename__ = "policy_candidate"

    digest: str = Field(primary_key=True)
    kind: str
    body: str
    added_at: datetime = Field(sa_type=UtcTime)
    apart: str | None = None


class ClaimRecord(SQLModel, table=True):
    """The one claim of a proposal: its nonce is spent here, so one approval can never be used twice."""

    __tablename__ = "claim_record"

    proposal: str = Field(primary_key=True, foreign_key="proposal.id")
    nonce: str = Field(unique=True)
    digest: str
    worker: str
    fence: int
    claimed_at: datetime = Field(sa_type=UtcTime, index=True)
    account: str
    amount: Decimal | None = Field(default=None, sa_type=Money)
    currency: str | None = None


class KillSwitch(SQLModel, table=True):
    """One turn of the switch; the newest row of a scope ("*" or an account) tells whether it is on."""

    __tablename__ = "kill_switch"

    id: int | None = Field(default=None, primary_key=True)
    scope: str = Field(index=True)
    engaged: bool
    by: str
    reason_ref: str | None = None
    token: str | None = Field(default=None, unique=True)
    turned_at: datetime = Field(sa_type=UtcTime)


class Delegation(SQLModel, table=True):
    """Roles lent by one person to another for a while; ended early by either of them, never extended."""

    __tablename__ = "delegation"

    id: str = Field(primary_key=True)
    giver: str = Field(index=True)
    receiver: str = Field(index=True)
    roles: str
    starts_at: datetime = Field(sa_type=UtcTime)
    ends_at: datetime = Field(sa_type=UtcTime)
    granted_at: datetime = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcTime)
    ended_by: str | None = None


class DirectoryReading(SQLModel, table=True):
    """Who was in which group when the directory was last read; an old reading counts as none."""

    __tablename__ = "directory_reading"

    source: str = Field(primary_key=True)
    body: str
    digest: str
    read_at: datetime = Field(sa_type=UtcTime)


class TimerSlot(SQLModel, table=True):
    """A moment of a timer that somebody took; whoever comes second finds it taken."""

    __tablename__ = "timer_slot"

    name: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    taken_by: str
    taken_at: datetime = Field(sa_type=UtcTime)


class Advice(SQLModel, table=True):
    """What a model remarked on sealed bytes: shown as advice, read by no guard."""

    __tablename__ = "advice"

    proposal: str = Field(primary_key=True)
    digest: str
    model: str
    body: str
    advised_at: datetime = Field(sa_type=UtcTime)


def from_draft(draft: Draft, *, state: State, now: datetime) -> Proposal:
    """The proposal that a draft becomes, not stored yet: everything that was asked for, in this state."""
    return Proposal(
        id=draft.id,
        version=1,
        state=state.value,
        thread=draft.thread,
        requester=draft.requester,
        kind=draft.kind,
        resource=draft.resource,
        change=draft.change,
        evidence=draft.evidence,
        supersedes=draft.supersedes,
        inverse_of=draft.inverse_of,
        authority=draft.authority,
        created_at=draft.created_at,
        changed_at=now,
    )


# Made once: each judgement of a proposal asks for these, and making a statement takes longer than running it.
_PROPOSAL = select(Proposal).where(Proposal.id == bindparam("which")).execution_options(populate_existing=True)
_STANDING = (
    select(Vote)
    .where(Vote.proposal == bindparam("which"), col(Vote.withdrawn_at).is_(None))
    .order_by(col(Vote.id))
    .execution_options(populate_existing=True)
)
_EFFECTS = (
    select(Effect)
    .where(Effect.proposal == bindparam("which"))
    .order_by(col(Effect.step))
    .execution_options(populate_existing=True)
)


def find_proposal(session: Session, proposal_id: str) -> Proposal | None:
    """The row, read anew from the database; None where there is none."""
    row: Proposal | None = session.execute(_PROPOSAL, {"which": proposal_id}).scalar_one_or_none()
    return row


def proposal_of(session: Session, proposal_id: str) -> Proposal:
    """The row, read anew from the database; NotFound where there is none."""
    row = find_proposal(session, proposal_id)
    if row is None:
        raise NotFound(
            f"there is no proposal {proposal_id[:40]!r}",
            why="no row has this id",
            do="`spendgate proposals list` shows those that there are",
        )
    return row


def standing_votes(session: Session, proposal_id: str) -> list[Vote]:
    """The votes that were not withdrawn, in the order in which they were given."""
    return list(session.execute(_STANDING, {"which": proposal_id}).scalars())


def effects_of(session: Session, proposal_id: str) -> list[Effect]:
    """The effects' rows in the order of their steps."""
    return list(session.execute(_EFFECTS, {"which": proposal_id}).scalars())
