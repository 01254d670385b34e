"""What counts as earlier: claims of a day without the gate's own, proposals of a scope that cost or may cost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, SQLModel, create_engine

from approvals.precedents import earlier_proposals, recent_claims
from approvals.states import State
from approvals.store import ClaimRecord, Proposal

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def session() -> Iterator[Session]:
    """The two tables alone: rows are put there without the entries that the gate's guards would ask for."""
    engine = create_engine("sqlite://")
    tables = [SQLModel.metadata.tables[name] for name in ("proposal", "claim_record")]
    SQLModel.metadata.create_all(engine, tables=tables)
    with Session(engine) as session:
        yield session
    engine.dispose()


def proposal(number: int, state: State = State.PENDING, **more: Any) -> Proposal:
    given: dict[str, Any] = {
        "id": f"P-{number:010}",
        "version": 1,
        "state": state.value,
        "thread": "t",
        "requester": "p-1",
        "kind": "stop_instance",
        "resource": f"r{number}",
        "change": "{}",
        "evidence": "{}",
        "class_name": "reversible",
        "scope": "fraud",
        "amount": Decimal(1000),
        "currency": "USD",
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Proposal(**(given | more))


EARLIER = [
    ("one that is open", {}, True),
    ("one that was carried out", {"state": State.VERIFIED}, True),
    ("one that ended differently", {"state": State.DIVERGED}, True),
    ("one that was rejected", {"state": State.REJECTED}, False),
    ("one that expired", {"state": State.EXPIRED}, False),
    ("one that failed without an effect", {"state": State.FAILED}, False),
    ("one that was rehearsed", {"state": State.REHEARSED}, False),
    ("one of another scope", {"scope": "risk"}, False),
    ("one of another class", {"class_name": "irreversible"}, False),
]


@pytest.mark.parametrize(("what", "changed", "counts"), EARLIER, ids=[row[0] for row in EARLIER])
def test_an_earlier_proposal(session: Session, what: str, changed: dict[str, Any], counts: bool) -> None:
    asked: dict[str, Any] = {"scope": "fraud", "class_name": "reversible", "days": 30}
    session.add(proposal(1, **changed))
    session.flush()
    found = earlier_proposals(session, now=NOW, **asked)
    assert [(one.resource, one.amount) for one in found] == ([("r1", Decimal(1000))] if counts else [])
    assert earlier_proposals(session, now=NOW, **asked, but="P-0000000001") == []
    assert earlier_proposals(session, now=NOW + timedelta(days=30), **asked) == []
    assert earlier_proposals(session, now=NOW, **{**asked, "scope": None}) == []


def test_the_claims_of_a_day_without_the_gates_own(session: Session) -> None:
    for number, (hours, class_name) in enumerate([(1, "reversible"), (2, None), (3, "policy"), (24, "reversible")]):
        row = proposal(number, class_name=class_name)
        claim = ClaimRecord(
            proposal=row.id,
            nonce=str(number),
            digest="d",
            worker="w",
            fence=1,
            claimed_at=NOW - timedelta(hours=hours),
            account="1" if number else "",
            amount=Decimal(number),
            currency="USD",
        )
        session.add_all([row, claim])
    session.flush()
    found = recent_claims(session, now=NOW)
    assert [(one.account, one.amount) for one in found] == [("1", Decimal(1)), (None, Decimal(0))]
