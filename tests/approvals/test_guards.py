"""The database itself refuses what must never be, whoever asks: this program with a fault, or another one."""

import ast
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlmodel import select

from app.database import open_database
from app.migrate import create
from approvals.claim import claim
from approvals.errors import GateError
from approvals.execute import execute
from approvals.guards import GUARDS
from approvals.move import move
from approvals.states import DECIDED, MOVES, OPEN, REVIEW, TERMINAL, WORDS, State
from approvals.store import Proposal, proposal_of
from audit.event import Actor, ActorKind, Event
from tests.approvals.gate_stubs import ARJUN

NOBODY = Actor(ActorKind.SERVICE, "test")
THEN = "2026-11-20T09:00:00.000000Z"

FORBIDDEN = [
    ("a state is set without its entry", "UPDATE proposal SET state = 'approved', version = version + 1", "log entry"),
    ("a state is set without a version", "UPDATE proposal SET state = 'approved'", "one version at a time"),
    ("a version is set without a state", "UPDATE proposal SET version = version + 5", "one version at a time"),
    ("a state goes where no move leads", "UPDATE proposal SET state = 'verified', version = version + 1", "by a move"),
    ("the sealed bytes are changed", "UPDATE proposal SET sealed = x'00'", "sealed cannot be changed"),
    ("the digest is changed", "UPDATE proposal SET digest = 'x'", "sealed cannot be changed"),
    ("the requester is changed", "UPDATE proposal SET requester = 'p-0b0b0002'", "sealed cannot be changed"),
    ("the time to decide is changed", "UPDATE proposal SET expires_at = '2030'", "sealed cannot be changed"),
    ("a proposal is deleted", "DELETE FROM proposal", "cannot be deleted"),
    ("a proposal is written over", "INSERT OR REPLACE INTO proposal SELECT * FROM proposal", "begins as version 1"),
    ("a draft is changed", "UPDATE draft SET requester = 'p-0b0b0002'", "draft cannot be changed"),
    ("a draft is deleted", "DELETE FROM draft", "draft cannot be deleted"),
    ("a vote is changed", "UPDATE vote SET choice = 'reject'", "only be withdrawn"),
    ("a vote is given to somebody else", "UPDATE vote SET person = 'p-0d1e0004'", "only be withdrawn"),
    ("a vote is deleted", "DELETE FROM vote", "cannot be deleted"),
    ("an intent is forgotten", "DELETE FROM effect", "cannot be deleted"),
    ("an intent is written again", "INSERT OR REPLACE INTO effect SELECT * FROM effect", "already has its effect"),
    ("an intent is changed", "UPDATE effect SET request_hash = 'x'", "intent cannot be changed"),
    ("an answer is given twice", "UPDATE effect SET outcome = 'refused'", "answer given twice"),
    ("a claim is forgotten", "DELETE FROM claim_record", "claim cannot be deleted"),
    ("a nonce is exchanged", "UPDATE claim_record SET nonce = 'x'", "keeps its nonce"),
    ("the bytes of a claim are exchanged", "UPDATE claim_record SET digest = 'x'", "keeps its nonce and its bytes"),
    (
        "an approval is used again",
        "INSERT OR REPLACE INTO claim_record SELECT * FROM claim_record",
        "this approval has been used",
    ),
    ("the kill switch is turned back in place", "UPDATE kill_switch SET engaged = false", "turn of the kill switch"),
    ("a turn of the kill switch is forgotten", "DELETE FROM kill_switch", "cannot be deleted"),
    ("a lending is made longer", "UPDATE delegation SET ends_at = '2030'", "only be ended"),
    ("a lending is given to somebody else", "UPDATE delegation SET receiver = 'p-0d1e0004'", "only be ended"),
    ("a lending that was ended begins again", "UPDATE delegation SET ended_at = NULL", "only be ended, once"),
    ("a lending is forgotten", "DELETE FROM delegation", "cannot be deleted"),
    ("rules are changed", "UPDATE policy_version SET body = ''", "policy cannot be changed"),
    ("rules are deleted", "DELETE FROM policy_version", "policy cannot be deleted"),
]


@pytest.fixture(scope="module")
def used(new_gate: Callable[[], Any]) -> Any:
    """A gate in which a proposal went as far as its effect; no test of this table may change it."""
    gate = new_gate()
    row = gate.approved()
    got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
    execute(gate.begin, claim=got, executor=gate.executor)  # type: ignore[arg-type]
    gate.sql("INSERT INTO kill_switch (scope, engaged, by, turned_at) VALUES ('*', true, 'p-1', ?)", THEN)
    gate.sql(
        "INSERT INTO delegation (id, giver, receiver, roles, starts_at, ends_at, granted_at, ended_at)"
        " VALUES ('D-1', 'p-1', 'p-2', '[]', ?, ?, ?, ?)",
        *[THEN] * 4,
    )
    return gate


@pytest.mark.parametrize(("what", "statement", "says"), FORBIDDEN, ids=[row[0] for row in FORBIDDEN])
def test_the_database_refuses_when(used: Any, what: str, statement: str, says: str) -> None:
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match=says):
        used.sql(statement)  # as another program would: with none of our settings


def test_a_lease_may_be_renewed_without_a_move(used: Any) -> None:
    later = "2027-01-01T00:00:00.000000Z"
    used.sql("UPDATE proposal SET lease_until = ?, look_at = ?", later, later)
    with used.reading() as (session, _):
        rows = session.exec(select(Proposal)).all()
    assert rows
    renewed = datetime(2027, 1, 1, tzinfo=UTC)
    assert {moment for row in rows for moment in (row.lease_until, row.look_at)} == {renewed}


def test_a_move_that_does_not_exist_is_refused_before_anything_is_written(gate: Any) -> None:
    row = gate.pending()
    before = len(gate.log())
    with gate.writing() as (session, now), pytest.raises(GateError, match="no such move"):
        move(
            session,
            proposal_of(session, row.id),
            to=State.VERIFIED,
            event=Event.EXECUTION_VERIFIED,
            actor=NOBODY,
            now=now,
        )
    assert len(gate.log()) == before


def test_a_move_of_a_row_that_moved_on_leaves_no_entry(gate: Any) -> None:
    row = gate.pending()
    with gate.writing() as (session, now):
        stale = proposal_of(session, row.id)
    gate.vote(row, ARJUN)
    before = gate.events(row.id)
    with gate.writing() as (session, now):
        moved = move(
            session, stale, to=State.EXPIRED, event=Event.PROPOSAL_EXPIRED, actor=NOBODY, now=now, data={"why": "late"}
        )
    assert not moved
    assert gate.events(row.id) == before
    assert gate.state(row) == State.APPROVED


def test_a_move_of_a_row_that_came_back_to_its_state_leaves_no_entry(gate: Any) -> None:
    row = gate.pending()
    with gate.writing() as (session, now):
        stale = proposal_of(session, row.id)
    gate.vote(row, ARJUN)
    gate.vote(row, ARJUN, "withdraw")
    assert gate.state(row) == stale.state == State.PENDING
    before = gate.events(row.id)
    with gate.writing() as (session, now):
        moved = move(session, stale, to=State.EXPIRED, event=Event.PROPOSAL_EXPIRED, actor=NOBODY, now=now)
    assert not moved
    assert (gate.events(row.id), gate.state(row)) == (before, State.PENDING)


def test_every_state_has_words_and_the_ends_have_no_way_out() -> None:
    assert set(WORDS) == set(State)
    assert frozenset(State) == OPEN | TERMINAL
    assert DECIDED <= TERMINAL
    reviewed = {State.VERIFIED, State.DIVERGED, State.REVIEW_DUE}
    assert {start for start, _ in MOVES} == OPEN | reviewed
    assert {end for start, end in MOVES if start in reviewed} == REVIEW
    ends = {end for _, end in MOVES}
    assert ends | {State.DRAFT} == set(State)


def test_nothing_reaches_an_effect_but_through_the_claim() -> None:
    assert {start for start, end in MOVES if end == State.CLAIMED} == {State.APPROVED, State.CLAIMED}
    again = (State.RECONCILING, State.EXECUTING)
    assert MOVES[again] == {Event.EXECUTION_RESENT}
    assert {start for start, end in MOVES if end == State.EXECUTING} == {State.CLAIMED, State.EXECUTING, again[0]}
    assert {start for start, end in MOVES if end == State.APPROVED} == {State.PENDING, State.PARTIAL, State.HELD}


SHOWS_ADVICE = {"store.py", "card.py", "advice.py"}
"""Where a model's remark on sealed bytes is kept and shown; nothing that decides is among these."""


def test_no_guard_reads_what_a_model_wrote() -> None:
    rooms = Path(__file__).parents[2] / "approvals"
    readers = set()
    for path in rooms.rglob("*.py"):
        tree = ast.parse(path.read_text())
        imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}
        named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        if "Advice" in imported | named or "approvals.advice" in path.read_text():
            readers.add(path.name)
    assert readers <= SHOWS_ADVICE


def test_every_open_state_can_end() -> None:
    def ends(state: State, seen: frozenset[State] = frozenset()) -> bool:
        following = {end for start, end in MOVES if start == state} - seen
        return state in TERMINAL or any(ends(end, seen | {state}) for end in following)

    assert all(ends(state) for state in State)


STRANGE = ["CAST('rejected' AS BLOB)", "'Rejected'", "'rejected vote.rejected'", "NULL"]


@pytest.mark.parametrize("state", STRANGE)
def test_a_state_that_only_looks_like_the_one_told_of_is_refused(state: str) -> None:
    """In a file, where a column of text keeps whatever it is given, and bytes are found by no `state IN (…)`."""
    guard = next(guard for guard in GUARDS if guard.name == "proposal_moves")
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE proposal (id TEXT, version INTEGER, state TEXT)")
    connection.execute("CREATE TABLE log_entry (proposal TEXT, proposal_version INTEGER, event TEXT)")
    connection.execute(guard.sqlite())
    connection.execute("INSERT INTO proposal VALUES ('P-1', 2, 'pending')")
    connection.execute("INSERT INTO log_entry VALUES ('P-1', 3, 'vote.rejected')")
    with pytest.raises(sqlite3.IntegrityError, match="by a move that exists"):
        connection.execute(f"UPDATE proposal SET version = 3, state = {state}")
    connection.execute("UPDATE log_entry SET event = CAST('vote.rejected' AS BLOB)")
    with pytest.raises(sqlite3.IntegrityError, match="by a move that exists"):
        connection.execute("UPDATE proposal SET version = 3, state = 'rejected'")
    connection.execute("UPDATE log_entry SET event = 'vote.rejected'")
    connection.execute("UPDATE proposal SET version = 3, state = 'rejected'")


def test_the_guard_finds_the_entry_of_a_move_without_reading_those_of_others(tmp_path: Path) -> None:
    """In a file: a server chooses its way by what the table holds."""
    engine = open_database(tmp_path / "empty.db")
    create(engine)
    with engine.connect() as connection:
        asked = "EXPLAIN QUERY PLAN SELECT 1 FROM log_entry WHERE proposal = 'P-1' AND proposal_version = 2"
        plan = str(connection.exec_driver_sql(asked).all())
    assert "ix_log_entry_move (proposal=? AND proposal_version=?)" in plan
