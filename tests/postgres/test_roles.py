"""Logged in as each role, in plain SQL: what it must not do, the database refuses, whatever the program above does."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from app.database import reading, writing
from app.database_roles import AGENT, AUDITOR, GATE, LOADER, PARTS, POWERS, SIGNER, WORKER
from app.migrate import metadata
from approvals.agree import disagreements
from approvals.states import MOVES, State
from audit.event import Actor, ActorKind, Event
from audit.log import append
from audit.verify import verify
from tests.postgres.conftest import Served
from tests.postgres.forging import INSERT, entry

REFUSED = {"42501", "23001"}
"""insufficient_privilege, and restrict_violation, which our triggers raise"""

VOTE = (
    "INSERT INTO vote (proposal, person, choice, digest, via, cast_at) SELECT id, 'p', 'approve', digest, 'x', '' FROM"
)
EFFECT = (
    "INSERT INTO effect (proposal, step, attempt, token, fence, executor, rehearsal, request_hash, intended_at)"
    " SELECT id, 9, 'a', 't', 1, 'x', false, 'h', '' FROM proposal LIMIT 1"
)
CLAIM = (
    "INSERT INTO claim_record (proposal, nonce, digest, worker, fence, claimed_at, account)"
    " SELECT id, 'n', 'd', 'w', 1, '', 'a' FROM proposal WHERE state = 'approved'"
)
SWITCH = "INSERT INTO kill_switch (scope, engaged, by, turned_at) VALUES ('*', {engaged}, 'p', '')"
POLICY = "INSERT INTO policy_version (kind, version, digest, body, active_since) VALUES ('rules', 99, 'd', '', '')"

EVERYBODY = [
    ("become another role", "SET ROLE {other}"),
    ("become the owner", "SET ROLE owner"),
    ("become the superuser", "SET SESSION AUTHORIZATION postgres"),
    ("switch triggers off for itself", "SET session_replication_role = replica"),
    ("switch triggers off", "ALTER TABLE proposal DISABLE TRIGGER ALL"),
    ("drop a trigger", "DROP TRIGGER proposal_moves ON proposal"),
    ("rewrite a guard", "CREATE OR REPLACE FUNCTION spendgate.proposal_moves() RETURNS trigger LANGUAGE sql AS ''"),
    ("move the clock", "CREATE OR REPLACE FUNCTION spendgate.spendgate_now() RETURNS timestamptz LANGUAGE sql AS ''"),
    (
        "say who it is",
        "CREATE OR REPLACE FUNCTION spendgate.who_acts() RETURNS text LANGUAGE sql AS 'SELECT ''owner'''",
    ),
    ("drop a table", "DROP TABLE vote"),
    ("add a column", "ALTER TABLE draft ADD COLUMN x integer"),
    ("make a table among ours", "CREATE TABLE spendgate.x (y integer)"),
    ("make a table elsewhere", "CREATE TABLE public.x (y integer)"),
    ("hide a table behind a temporary one", "CREATE TEMPORARY TABLE log_entry (proposal text)"),
    ("make a schema", "CREATE SCHEMA x"),
    ("make a role", "CREATE ROLE x LOGIN"),
    ("give itself power", "GRANT {other} TO CURRENT_USER"),
    ("change an entry", "UPDATE log_entry SET actor = 'x'"),
    ("delete an entry", "DELETE FROM log_entry"),
    ("empty the log", "TRUNCATE log_entry"),
    ("empty the gate", "TRUNCATE proposal CASCADE"),
    ("change a draft", "UPDATE draft SET requester = 'x'"),
    ("delete a proposal", "DELETE FROM proposal"),
    ("change sealed bytes", "UPDATE proposal SET sealed = ''"),
    ("change whom a proposal is from", "UPDATE proposal SET requester = 'x'"),
    ("change a vote", "UPDATE vote SET choice = 'approve'"),
    ("delete a vote", "DELETE FROM vote"),
    ("delete an effect", "DELETE FROM effect"),
    ("forget a claim", "DELETE FROM claim_record"),
    ("spend a nonce again", "UPDATE claim_record SET nonce = 'x'"),
    ("change the rules in force", "UPDATE policy_version SET body = ''"),
    ("delete the rules in force", "DELETE FROM policy_version"),
    ("change a turn of the kill switch", "UPDATE kill_switch SET engaged = false"),
    ("prolong a delegation", "UPDATE delegation SET ends_at = '2099'"),
    ("change the version of the tables", "UPDATE alembic_version SET version_num = '0001'"),
    ("read passwords", "SELECT rolpassword FROM pg_authid"),
    ("read a file of the server", "COPY draft FROM '/etc/passwd'"),
    ("run a program", "COPY (SELECT 1) TO PROGRAM 'true'"),
]
ONE = [
    (AGENT, "vote", f"{VOTE} proposal"),
    (AGENT, "store an effect", EFFECT),
    (AGENT, "claim", CLAIM),
    (AGENT, "turn the kill switch off", SWITCH.format(engaged="false")),
    (AGENT, "turn the kill switch on", SWITCH.format(engaged="true")),
    (AGENT, "put rules in force", POLICY),
    (AGENT, "offer rules", "INSERT INTO policy_candidate (digest, kind, body, added_at) VALUES ('d', 'rules', '', '')"),
    (AGENT, "lend itself a role", "INSERT INTO delegation SELECT * FROM delegation"),
    (AGENT, "say who is in a group", "INSERT INTO directory_reading VALUES ('slack', '', '', '')"),
    (AGENT, "make a proposal", "INSERT INTO proposal SELECT * FROM proposal"),
    (AGENT, "approve a proposal", "UPDATE proposal SET state = 'approved'"),
    (AGENT, "keep a proposal open", "UPDATE proposal SET expires_at = '2099'"),
    (AGENT, "take a lease of the worker's", "UPDATE proposal SET lease_until = '2099'"),
    (AGENT, "read what the log tells of people", "SELECT body FROM log_entry"),
    (AGENT, "take a card down", "DELETE FROM card_message"),
    (AGENT, "say that an answer was posted", "UPDATE answer SET posted_at = ''"),
    (AGENT, "destroy a person's key", "DELETE FROM person_key"),
    (AGENT, "say that unusual spend was told", "UPDATE anomaly_due SET posted_at = ''"),
    (AGENT, "let itself draft", "INSERT INTO drafting_rule VALUES ('idle_machine', 9, 'p', true, '')"),
    (WORKER, "let a scan draft", "INSERT INTO drafting_rule VALUES ('idle_machine', 9, 'p', true, '')"),
    (GATE, "have unusual spend told as another's", "UPDATE anomaly_due SET owner = 'x'"),
    (
        AGENT,
        "ask for an emergency",
        "INSERT INTO draft (id, thread, requester, editors, kind, resource, change, evidence, authority, created_at)"
        " VALUES ('P-X', '', 'p-1', '[]', 'stop_instance', 'r', '{}', '{}', 'break_glass', '')",
    ),
    (AGENT, "change its advice", "UPDATE advice SET body = ''"),
    (WORKER, "vote", f"{VOTE} proposal"),
    (WORKER, "take a vote back", "UPDATE vote SET withdrawn_at = ''"),
    (WORKER, "draft", "INSERT INTO draft SELECT * FROM draft"),
    (WORKER, "read a person's key", "SELECT key FROM person_key"),
    *(
        (part, "read Slack's tokens", f"SELECT {column} FROM slack_installation")
        for part in (AGENT, WORKER, AUDITOR, LOADER, SIGNER)
        for column in ("token", "team")
    ),
    (AGENT, "make up an installation", "INSERT INTO slack_installation (team) VALUES ('T0EVIL')"),
    (WORKER, "read what people wrote", "SELECT cipher FROM private_text"),
    (WORKER, "read messages", "SELECT * FROM message"),
    (WORKER, "read the conversations' memory", "SELECT * FROM conversation.checkpoints"),
    (WORKER, "lend a role", "INSERT INTO delegation SELECT * FROM delegation"),
    (WORKER, "say who is in a group", "UPDATE directory_reading SET body = ''"),
    (WORKER, "say that a card was shown", "UPDATE proposal SET posted_where = 'x'"),
    (GATE, "store an effect", EFFECT),
    (GATE, "claim", CLAIM),
    (GATE, "take a claim over", "UPDATE proposal SET claimed_by = 'x', fence = 9"),
    (GATE, "take a lease", "UPDATE proposal SET lease_until = '2099'"),
    (GATE, "say that a step was done", "UPDATE effect SET outcome = 'done'"),
    (GATE, "put rules in force", POLICY),
    (GATE, "turn the kill switch off", SWITCH.format(engaged="false")),
    (GATE, "take a conversation's turn", "UPDATE lease SET owner = 'x'"),
    (GATE, "answer for the agent", "INSERT INTO answer (turn, thread, body, answered_at) VALUES ('x', 't', '{}', '')"),
    (GATE, "read the conversations' memory", "SELECT * FROM conversation.checkpoints"),
    (GATE, "advise for the model", "UPDATE advice SET body = ''"),
    *(
        (part, what, statement)
        for part in (AUDITOR, LOADER, SIGNER)
        for what, statement in (
            ("vote", f"{VOTE} (SELECT 'P-X' AS id, 'd' AS digest) x"),
            ("draft", "INSERT INTO draft (id) VALUES ('x')"),
            ("store an effect", "INSERT INTO effect (proposal) VALUES ('x')"),
            ("claim", "INSERT INTO claim_record (proposal) VALUES ('x')"),
            ("move a proposal", "UPDATE proposal SET state = 'approved'"),
            ("turn the kill switch", SWITCH.format(engaged="true")),
            ("put rules in force", POLICY),
            ("read a person's key", "SELECT key FROM person_key"),
            ("read what people wrote", "SELECT cipher FROM private_text"),
            ("read the conversations' memory", "SELECT * FROM conversation.checkpoints"),
        )
    ),
    (LOADER, "read the log", "SELECT body FROM log_entry"),
    (LOADER, "read proposals", "SELECT * FROM proposal"),
    (AGENT, "keep an expiry from coming", "INSERT INTO timer_slot VALUES ('expire', '0', 'agent', '')"),
    (AGENT, "silence an alarm", "INSERT INTO slack_posting VALUES ('unsigned 0', 'agent', '', '', '', '')"),
    (AGENT, "press in somebody's name", "INSERT INTO slack_press (key) VALUES ('x')"),
    (AGENT, "read what people thought of its answers", "SELECT helpful FROM answer_rating"),
    (AGENT, "praise itself", "INSERT INTO answer_rating VALUES ('t', 'p', true, NULL, '')"),
    (GATE, "make a rating another's", "UPDATE answer_rating SET person = 'p'"),
    (GATE, "make a press another's", "UPDATE slack_press SET choice = 'approve'"),
    (GATE, "keep an expiry from coming", "INSERT INTO timer_slot VALUES ('expire', '0', 'gate', '')"),
    (AGENT, "look what the timers did", "SELECT * FROM timer_slot"),
    (AUDITOR, "say that it lives", "INSERT INTO process_seen VALUES ('worker', '')"),
    (LOADER, "say that it lives", "INSERT INTO process_seen VALUES ('worker', '')"),
    (SIGNER, "change what it signed", "UPDATE log_checkpoint SET note = ''"),
    (SIGNER, "take back what it signed", "DELETE FROM log_checkpoint"),
    (SIGNER, "change the stored tree", "UPDATE log_tile SET root = ''"),
    (SIGNER, "read proposals", "SELECT * FROM proposal"),
]
OTHER = {part: f"spendgate_{GATE if part == WORKER else WORKER}" for part in PARTS}
ROWS = [(part, what, says.replace("{other}", OTHER[part])) for part in PARTS for what, says in EVERYBODY] + ONE


@pytest.mark.parametrize("part", PARTS)
def test_a_role_can_do_nothing_that_is_not_its_own(served: Served, part: str) -> None:
    """One connection a role; each statement is tried, refused for want of power, and named if it was not."""
    done = []
    with served.connect(part) as connection:
        for _, what, statement in (row for row in ROWS if row[0] == part):
            try:
                connection.execute(statement)
                done.append(f"{part} could {what}: {statement}")
            except psycopg.Error as error:
                if error.sqlstate not in REFUSED:
                    done.append(f"{part}, {what}: refused for another reason: {error}")
            connection.rollback()
    assert done == []


@pytest.mark.parametrize("part", PARTS)
def test_a_role_cannot_give_its_power_away(served: Served, part: str) -> None:
    """PostgreSQL only warns of this, so what counts is that nobody has more afterwards."""
    granted = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'spendgate'::regnamespace ORDER BY 1"
    with served.connect(part) as connection:
        before = connection.execute(granted).fetchall()
        connection.execute("GRANT ALL ON log_entry, alembic_version TO PUBLIC")
        assert connection.execute(granted).fetchall() == before


@pytest.mark.parametrize("part", PARTS)
def test_a_role_writes_its_own_words_and_no_others(served: Served, part: str) -> None:
    with served.connect(part) as connection:
        for event in Event:
            if event in POWERS[part].words:
                connection.execute(INSERT, entry(connection, event.value))
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(INSERT, entry(connection, event.value))
            connection.rollback()


SPOILT: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = [
    ("another word in the bytes than in the column", lambda row: row | {"event": "question.asked"}),
    ("another person in the column", lambda row: row | {"actor": "p-0a11ce01"}),
    ("a hash of other bytes", lambda row: row | {"hash": "0" * 64}),
    ("another proposal in the column", lambda row: row | {"proposal": "P-0000000000"}),
    ("a version of its own", lambda row: row | {"proposal_version": 2}),
    ("another time in the column", lambda row: row | {"recorded_at": "2020-01-01T00:00:00.000000Z"}),
    ("another number", lambda row: row | {"seq": row["seq"] + 1}),
    ("another beginning", lambda row: row | {"prev": "f" * 64}),
]


@pytest.mark.parametrize(("_what", "spoil"), SPOILT, ids=[row[0] for row in SPOILT])
def test_an_entry_is_its_bytes(served: Served, _what: str, spoil: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with served.connect(AGENT) as connection:
        made = entry(connection, Event.QUESTION_ANSWERED.value)
        connection.execute(INSERT, made)
        connection.rollback()
        with pytest.raises(psycopg.errors.RestrictViolation):
            connection.execute(INSERT, spoil(made))


def test_a_word_hidden_in_the_bytes_is_refused(served: Served) -> None:
    """The claim reads the bytes: a harmless column over `vote.approved` would be believed."""
    with served.connect(AGENT) as connection:
        hidden = entry(connection, Event.VOTE_APPROVED.value) | {"event": Event.QUESTION_ANSWERED.value}
        with pytest.raises(psycopg.errors.RestrictViolation, match="an entry is its bytes"):
            connection.execute(INSERT, hidden)


@pytest.mark.parametrize("hours", [-1, 1])
def test_an_entry_is_not_dated_back_or_forward(served: Served, hours: int) -> None:
    with served.connect(AGENT) as connection:
        row = connection.execute("SELECT spendgate_now()").fetchone()
        assert row is not None
        made = entry(connection, Event.QUESTION_ANSWERED.value, at=row[0] + timedelta(hours=hours))
        with pytest.raises(psycopg.errors.RestrictViolation, match="its time"):
            connection.execute(INSERT, made)


def test_every_word_has_somebody_who_writes_it() -> None:
    """A new word that no role may write would fail on a server only, in production."""
    written = set[Event]().union(*(power.words for power in POWERS.values()))
    erasing = {Event.PRIVACY_ERASED, Event.PRIVACY_REFUSED, Event.PRIVACY_SET_APART}
    unwritten = {Event.LOG_STARTED, *erasing}  # the owner's alone
    assert set(Event) - written == unwritten


def test_every_table_is_read_by_somebody_and_there() -> None:
    known = set(metadata().tables)
    named = {name for power in POWERS.values() for name in (*power.select, *power.peek, *power.insert, *power.update)}
    assert named == known


def test_every_move_is_one_roles_and_none_is_two_roles_by_accident() -> None:
    """Who may write an entry of a move may make it: people's decisions are the gate's, hands are the worker's."""
    both = set()
    for pair, events in MOVES.items():
        movers = {part for part in PARTS if POWERS[part].words & events}
        assert movers, pair
        assert movers <= {GATE, WORKER}, pair
        if len(movers) == 2:
            both |= {event for event in events if all(event in POWERS[part].words for part in movers)}
    assert both == {Event.PROPOSAL_SUPERSEDED}
    assert {end for (_, end), events in MOVES.items() if POWERS[WORKER].words & events}.isdisjoint(
        {State.PARTIAL, State.REJECTED, State.CANCELLED, State.REVIEWED_OK, State.REVIEWED_BAD}
    )


def test_the_gate_cannot_move_a_proposal_into_the_workers_hands(served: Served) -> None:
    """With an entry of its own for the move's version, too: the entry must tell of this very move."""
    with served.connect(GATE) as connection:
        row = connection.execute("SELECT id, version FROM proposal WHERE state = 'approved'").fetchone()
        assert row is not None
        move = "UPDATE proposal SET state = 'claimed', version = version + 1 WHERE id = %s"
        with pytest.raises(psycopg.errors.RestrictViolation, match="with its log entry"):
            connection.execute(move, (row[0],))
        connection.rollback()
        connection.execute(INSERT, entry(connection, "vote.withdrawn", proposal=row[0], version=row[1] + 1))
        with pytest.raises(psycopg.errors.RestrictViolation, match="with its log entry"):
            connection.execute(move, (row[0],))


def test_a_move_needs_an_entry_of_the_mover(served: Served) -> None:
    """An entry that the worker left behind is no licence for the gate."""
    with served.connect(WORKER) as worker:
        row = worker.execute("SELECT id, version FROM proposal WHERE state = 'pending'").fetchone()
        assert row is not None
        name, version = row
        worker.execute(INSERT, entry(worker, "proposal.expired", proposal=name, version=version + 1))
        worker.commit()
    with served.connect(GATE) as gate, pytest.raises(psycopg.errors.RestrictViolation, match="by the role that wrote"):
        gate.execute("UPDATE proposal SET state = 'expired', version = version + 1 WHERE id = %s", (name,))


def test_the_database_writes_down_who_wrote(served: Served) -> None:
    with served.connect("owner") as connection:
        writers = dict(connection.execute("SELECT event, max(writer) FROM log_entry GROUP BY event").fetchall())
    assert writers["log.started"] == "owner"
    assert writers["proposal.drafted"] == "spendgate_agent"
    assert {writers[event] for event in ("proposal.sealed", "execution.claimed")} == {"spendgate_worker"}
    assert {writers[event] for event in ("proposal.posted", "approval.quorum_met")} == {"spendgate_gate"}
    with served.connect(AGENT) as connection:
        lie = "INSERT INTO log_entry (writer, " + INSERT.split("(", 1)[1].replace(
            "VALUES (", "VALUES ('spendgate_gate', "
        )
        connection.execute(lie, entry(connection, "question.answered"))
        told = connection.execute("SELECT seq FROM log_entry ORDER BY seq DESC LIMIT 1").fetchone()
        assert told is not None


def test_the_whole_way_works_with_each_processes_own_role(new_served: Callable[[], Served]) -> None:
    served = new_served()
    assert served.carried_out(1) == State.VERIFIED
    assert len(served.cloud.effects()) == 1
    with writing(served.engine(AUDITOR)) as (session, now):
        append(session, now=now, event=Event.LOG_READ, actor=Actor(ActorKind.PERSON, "p-0a0d1703"), data={})
    with writing(served.engine(LOADER)) as (session, now):
        append(session, now=now, event=Event.DATA_INGESTED, actor=Actor(ActorKind.SERVICE, "operator"), data={})
    for part in (AUDITOR, GATE):
        with reading(served.engine(part)) as (session, _):
            assert verify(session).ok
            assert disagreements(session) == []
