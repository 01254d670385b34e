"""What people thought of an answer: helpful or not, once per person and answer, and why not where they wrote it.

For whoever looks after Spendgate. The agent's role cannot read it, so that nobody steers a model by pressing buttons.
A reason is text of a person: kept encrypted under their key (`audit.private`), and gone when they are forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from app.turns import StoredAnswer
from audit import private
from audit.stored import UtcTime


class Rating(SQLModel, table=True):
    """What one person thought last of one answer."""

    __tablename__ = "answer_rating"
    turn: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    helpful: bool
    reason_ref: str | None = None
    rated_at: datetime = Field(sa_column=Column(UtcTime, nullable=False, index=True))


@dataclass(frozen=True)
class Reason:
    """Why an answer was not helpful; `text` is None where whoever wrote it was forgotten."""

    turn: str
    rated_at: datetime
    text: str | None


@dataclass(frozen=True)
class Ratings:
    """How the answers since a moment were received: helpful and not, by the model that wrote the words."""

    by_model: dict[str, tuple[int, int]]
    reasons: tuple[Reason, ...]

    @property
    def helpful(self) -> int:
        """How many found an answer helpful."""
        return sum(yes for yes, _ in self.by_model.values())

    @property
    def unhelpful(self) -> int:
        """How many did not."""
        return sum(no for _, no in self.by_model.values())


def rate(session: Session, *, turn: str, person: str, helpful: bool, now: datetime) -> None:
    """Stores what this person thinks of the answer, in place of what they thought before; a change takes an earlier
    reason with it. In the caller's writing transaction."""
    row = session.get(Rating, (turn, person))
    if row is None:
        session.add(Rating(turn=turn, person=person, helpful=helpful, rated_at=now))
    elif row.helpful != helpful:
        row.helpful, row.reason_ref, row.rated_at = helpful, None, now
    session.flush()


def explain(session: Session, *, turn: str, person: str, text: str, now: datetime) -> bool:
    """Adds why it was not helpful; False where this person has not said so, or has changed their mind since."""
    row = session.get(Rating, (turn, person))
    if row is None or row.helpful:
        return False
    row.reason_ref, row.rated_at = private.keep(session, person=person, text=text, now=now), now
    session.flush()
    return True


def ratings(session: Session, *, since: datetime, reasons: int) -> Ratings:
    """The ratings given since then, with the newest `reasons` reasons."""
    told = session.exec(
        select(Rating, StoredAnswer)
        .join(StoredAnswer, col(StoredAnswer.turn) == col(Rating.turn))
        .where(col(Rating.rated_at) >= since)
        .order_by(col(Rating.rated_at).desc(), col(Rating.turn), col(Rating.person))
    ).all()
    counted: dict[str, tuple[int, int]] = {}
    for rating, answer in told:
        model = str(answer.body.get("model") or "unknown")
        yes, no = counted.get(model, (0, 0))
        counted[model] = (yes + rating.helpful, no + (not rating.helpful))
    written = [rating for rating, _ in told if rating.reason_ref is not None][:reasons]
    return Ratings(dict(sorted(counted.items())), tuple(_reasons(session, written)))


def _reasons(session: Session, written: Sequence[Rating]) -> list[Reason]:
    return [Reason(row.turn, row.rated_at, private.open_text(session, row.reason_ref or "")) for row in written]
