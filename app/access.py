"""Access tokens: with one, a person's own assistant asks the tools as that person, and at most proposes.

A token is shown once and only its SHA-256 is kept: it is 256 bits of chance, which no dictionary shortens. It carries
no right of its own: what its person may see and ask for is judged at each call.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from app.errors import Exit, Problem
from audit import log
from audit.event import Actor, ActorKind, Event
from audit.stored import UtcTime

PREFIX = "sgt_"
BYTES = 32
MOST_DAYS = 365
LONGEST = 100
"""letters of a text that is looked up at all"""


class AccessToken(SQLModel, table=True):
    """One token: whose it is, what it may, until when. The text itself is not kept."""

    __tablename__ = "access_token"
    id: str = Field(primary_key=True)
    digest: str = Field(index=True, unique=True)
    person: str = Field(index=True)
    may_propose: bool
    made_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcTime, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UtcTime, nullable=True))


@dataclass(frozen=True)
class Bearer:
    """Who asks with a token, and what it lets them do."""

    token: str
    """the token's id, never its text"""
    person: str
    may_propose: bool


def digest_of(text: str) -> str:
    """What is kept of a token."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def make_token(session: Session, *, now: datetime, person: str, days: int, may_propose: bool) -> tuple[str, str]:
    """A new token's id and its text, which nobody can tell again; its entry says whose it is and what it may."""
    if not 1 <= days <= MOST_DAYS:
        raise Problem(
            f"A token cannot be made for {days} days.",
            why=f"It is valid for 1 to {MOST_DAYS} days.",
            do="Name a number of days with --days; 30 is the default.",
            exit_code=Exit.USAGE,
        )
    text, name = PREFIX + secrets.token_urlsafe(BYTES), f"T-{secrets.token_hex(5).upper()}"
    made = AccessToken(
        id=name,
        digest=digest_of(text),
        person=person,
        may_propose=may_propose,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(made)
    data = {"token": name, "may_propose": may_propose, "expires_at": made.expires_at.isoformat()}
    log.append(session, now=now, event=Event.ACCESS_GIVEN, actor=Actor(ActorKind.PERSON, person), data=data)
    session.flush()
    return name, text


def bearer_of(session: Session, text: str, now: datetime) -> Bearer | None:
    """Whose token this is, if it is one that is valid now."""
    if not text.startswith(PREFIX) or len(text) > LONGEST:
        return None
    found = session.exec(select(AccessToken).where(AccessToken.digest == digest_of(text))).first()
    if found is None or found.revoked_at is not None or found.expires_at <= now:
        return None
    return Bearer(found.id, found.person, found.may_propose)


def tokens_of(session: Session, person: str) -> list[AccessToken]:
    """A person's tokens, newest first, the expired and revoked ones among them."""
    mine = select(AccessToken).where(AccessToken.person == person)
    return list(session.exec(mine.order_by(col(AccessToken.made_at).desc(), col(AccessToken.id))).all())


def revoke_token(session: Session, *, now: datetime, person: str, name: str) -> AccessToken:
    """Ends a token of this person's; one that has ended already stays as it is."""
    found = session.get(AccessToken, name)
    if found is None or found.person != person:
        raise Problem(
            f"There is no token {name} of yours.",
            why="A token is ended by the person whose it is.",
            do="`spendgate token list` shows yours.",
            exit_code=Exit.NOT_FOUND,
        )
    if found.revoked_at is None:
        found.revoked_at = now
        data = {"token": found.id}
        log.append(session, now=now, event=Event.ACCESS_ENDED, actor=Actor(ActorKind.PERSON, person), data=data)
        session.flush()
    return found
