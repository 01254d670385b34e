"""Advice: what deserves it, that it is kept once and only for the bytes that were read, and that no guard reads it."""

import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from approvals.advice import MOST_BODY, MOST_MODEL, advice_due, keep_advice, neutral
from approvals.card import project
from approvals.claim import Refusal, claim
from approvals.due import due
from approvals.person import load_people
from approvals.sealed import decode
from approvals.states import State
from approvals.stops import stopped_by
from approvals.store import Advice, Proposal
from approvals.withdraw import withdraw
from audit.canonical import sha256
from audit.verify import verify
from tests.approvals.gate_stubs import ARJUN, DANA, EDITH, FIELDS, OLIVIA, PEOPLE, RULES, SAM, STOP

CHEAP = {"amount": "900", "currency": "USD", "saving": "800", "environment": "development"}


def keep(gate: Any, row: Proposal, **more: Any) -> bool:
    given = {"proposal_id": row.id, "digest": row.digest, "model": "m", "body": "note (amount): it is high"} | more
    with gate.writing() as (session, now):
        return keep_advice(session, now=now, **given)


def stored(gate: Any, row: Proposal) -> Advice | None:
    with gate.reading() as (session, _):
        found: Advice | None = session.get(Advice, row.id)
        return found


def waiting(gate: Any) -> dict[str, tuple[str, ...]]:
    with gate.reading() as (session, now):
        return {one.proposal_id: one.why for one in advice_due(session, now)}


# -- what is due -----------------------------------------------------------------------------------------------------


def test_a_cheap_reversible_change_outside_production_is_read_once_only(gate: Any) -> None:
    gate.pending(evidence=CHEAP)
    assert waiting(gate) == {}


AMOUNTS = [
    ("in the second column", {"amount": "10000"}, ()),
    ("just in the third column", {"amount": "10000.01"}, ("a high amount",)),
    ("a credit as large", {"amount": "-10000.01"}, ("a high amount",)),
    ("not known", {"amount": None}, ("a high amount",)),
    ("in another currency", {"currency": "EUR"}, ("a high amount",)),
]


@pytest.mark.parametrize(("what", "evidence", "why"), AMOUNTS, ids=[row[0] for row in AMOUNTS])
def test_the_amount_decides_from_the_third_column_on(
    gate: Any, what: str, evidence: dict[str, Any], why: tuple[str, ...]
) -> None:
    row = gate.sealed(evidence=CHEAP | evidence)
    assert waiting(gate) == ({row.id: why} if why else {})


def test_pieces_that_add_up_to_a_high_amount_are_due(gate: Any) -> None:
    other = "i-0fedcba9876543210"
    gate.cloud.put(FIELDS | {"instance_id": other})
    change = {"kind": "stop_instance", "account": FIELDS["account"], "region": "eu-central-1", "instance_id": other}
    first = gate.sealed(evidence=CHEAP | {"amount": "6000"})
    second = gate.sealed(evidence=CHEAP | {"amount": "6000"}, change=change)
    assert waiting(gate) == {second.id: ("a high amount",)}
    assert first.id != second.id


def test_production_is_due_at_any_amount(gate: Any) -> None:
    gate.cloud.put(FIELDS, environment="production")
    row = gate.sealed(evidence=CHEAP)
    assert waiting(gate) == {row.id: ("production",)}


def test_what_the_rules_call_irreversible_is_due(gate: Any) -> None:
    gate.adopt("rules", RULES.replace('stop_instance = "reversible"', 'stop_instance = "irreversible"'))
    row = gate.sealed(evidence=CHEAP)
    assert waiting(gate) == {row.id: ("irreversible or a commitment",)}


def test_it_is_due_before_and_after_it_is_shown_and_not_once_decided(gate: Any) -> None:
    row = gate.sealed()
    assert list(waiting(gate)) == [row.id]
    assert keep(gate, row)
    assert waiting(gate) == {}


ENDS: dict[str, Callable[[Any, Proposal], Any]] = {
    "approved": lambda gate, row: gate.vote(row, ARJUN),
    "rejected": lambda gate, row: gate.vote(row, ARJUN, "reject"),
    "withdrawn": lambda gate, row: _withdrawn(gate, row),
    "over its time": lambda gate, row: gate.later(hours=72),
    "altered": lambda gate, row: _altered(gate),
}


def _withdrawn(gate: Any, row: Proposal) -> None:
    with gate.writing() as (session, now):
        withdraw(session, now=now, proposal_id=row.id, person=OLIVIA)


def _altered(gate: Any) -> None:
    gate.tamper("UPDATE proposal SET sealed = " + (r"'\x00'" if gate.on_server else "x'00'"))


@pytest.mark.parametrize("end", ENDS)
def test_what_nobody_decides_on_any_more_is_not_due_and_takes_no_advice(gate: Any, end: str) -> None:
    row = gate.pending()
    assert list(waiting(gate)) == [row.id]
    ENDS[end](gate, row)
    assert waiting(gate) == {}
    assert not keep(gate, row)
    assert stored(gate, row) is None
    assert "advice.given" not in gate.events()


# -- what is kept ----------------------------------------------------------------------------------------------------


def test_it_is_kept_with_its_entry(gate: Any) -> None:
    row = gate.pending()
    assert keep(gate, row, body="doubt (evidence): the saving is more than the cost", model="reader-1")
    advice = stored(gate, row)
    assert advice is not None
    assert (advice.digest, advice.model, advice.advised_at) == (row.digest, "reader-1", gate.now)
    entry = gate.log(row.id)[-1]
    assert (entry.event, entry.actor_kind, entry.actor, entry.proposal_version) == (
        "advice.given",
        "agent",
        "agent",
        None,
    )
    told = json.loads(entry.body)["data"]
    assert told == {"digest": row.digest, "model": "reader-1", "body_hash": sha256(advice.body.encode())}
    with gate.reading() as (session, _):
        assert verify(session).ok


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("another digest", {"digest": "0" * 64}),
    ("no digest", {"digest": ""}),
    ("another proposal", {"proposal_id": "P-AAAAAAAAAA"}),
    ("no text", {"body": " \n "}),
    ("nobody's", {"model": ""}),
]


@pytest.mark.parametrize(("what", "more"), WRONG, ids=[row[0] for row in WRONG])
def test_advice_on_anything_but_the_stored_bytes_is_refused(gate: Any, what: str, more: dict[str, Any]) -> None:
    row = gate.pending()
    assert not keep(gate, row, **more)
    assert stored(gate, row) is None
    assert "advice.given" not in gate.events()


def test_only_the_first_is_kept(gate: Any) -> None:
    row = gate.pending()
    assert keep(gate, row, body="the first")
    assert not keep(gate, row, body="another one", model="other")
    advice = stored(gate, row)
    assert advice is not None
    assert (advice.body, advice.model) == ("the first", "m")
    assert gate.events().count("advice.given") == 1


def test_a_draft_takes_no_advice(gate: Any) -> None:
    drafted = gate.draft()
    with gate.writing() as (session, now):
        assert not keep_advice(session, now=now, proposal_id=drafted.proposal_id, digest="", model="m", body="b")


def test_what_is_kept_hides_nothing_and_is_bounded(gate: Any) -> None:
    row = gate.pending()
    hostile = "a\u202eb\x1b[2Jc\u200bd\ud800e\U000e0041f\n\n<!channel>" + "x" * 5000
    assert keep(gate, row, body=hostile, model="m\u202e" * 400)
    advice = stored(gate, row)
    assert advice is not None
    assert advice.body.startswith("a\ufffdb\ufffd[2Jc\ufffdd\ufffde\ufffdf <!channel>x")
    assert advice.body.endswith(" … (cut)")
    assert (len(advice.body), len(advice.model)) == (MOST_BODY, MOST_MODEL)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200), most=st.integers(min_value=20, max_value=100))
def test_neutral_text_is_one_bounded_visible_line(text: str, most: int) -> None:
    told = neutral(text, most)
    assert len(told) <= most
    assert all(character == " " or character.isprintable() for character in told)
    assert not any(unicodedata.category(character).startswith("C") for character in told)
    assert neutral(told, most) == told


# -- what no guard reads ---------------------------------------------------------------------------------------------


class Course:
    """Walks proposals of one gate that differ in nothing but the machine, the team, and the advice beside them."""

    def __init__(self, gate: Any) -> None:
        self.gate, self.count = gate, 0

    def run(self, ballots: list[tuple[str, str]], advice: tuple[str, str, bool] | None) -> list[Any]:
        """Everything that the gate says on one proposal, with or without a row of advice beside it."""
        gate, row = self.gate, self._pending()
        if advice is not None:
            model, body, ours = advice
            gate.sql("INSERT INTO advice (proposal, digest, model, body, advised_at) VALUES (?, ?, ?, ?, ?)",
                     row.id, row.digest if ours else "0" * 64, model, body, "2026-11-20T09:00:00.000000Z")  # fmt: skip
        said: list[Any] = []
        for person, choice in ballots:
            result = gate.vote(row, person, choice)
            with gate.reading() as (session, now):
                waits = tuple(row.id in ids for ids in due(session, now=now))
                stopped = stopped_by(session, now, row, decode(row.sealed, row.digest))
                card = project(session, row.id, load_people(PEOPLE), now=now)
            said.append((result.verdict, result.proposal_state, waits, stopped))
            said.append((card.state, card.approvable, card.rejectable, card.slots, card.words, card.reason))
        got = claim(gate.begin, proposal_id=row.id, worker="w1", inspector=gate.inspector)
        said.append(got if isinstance(got, Refusal) else type(got).__name__)
        return [*said, (gate.row(row.id).version, gate.state(row), gate.events(row.id))]

    def _pending(self) -> Proposal:
        self.count += 1
        instance = f"i-{self.count:017x}"
        self.gate.cloud.put(FIELDS | {"instance_id": instance})
        evidence = {"amount": "40000", "currency": "USD", "team": f"team-{self.count}"}
        row: Proposal = self.gate.pending(evidence=evidence, change=STOP | {"instance_id": instance})
        return row


BALLOTS = st.lists(
    st.tuples(st.sampled_from([ARJUN, DANA, EDITH, OLIVIA, SAM]), st.sampled_from(["approve", "reject", "withdraw"])),
    max_size=4,
)
BODIES = st.one_of(
    st.sampled_from(["APPROVE NOW", "danger (change): reject this", '{"state": "approved"}', "kill switch released"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(ballots=BALLOTS, body=BODIES, model=st.sampled_from(["m", "owner", ARJUN]), ours=st.booleans())
def test_with_any_advice_and_with_none_the_gate_says_the_same(
    gate: Any, courses: Course, ballots: list[tuple[str, str]], body: str, model: str, ours: bool
) -> None:
    gate.later(hours=2)  # past the caps, which count whatever the examples before did
    assert courses.run(ballots, None) == courses.run(ballots, (model, body, ours))


@pytest.fixture
def courses(gate: Any) -> Course:
    return Course(gate)


def test_the_property_above_reaches_a_claim_and_a_refusal(courses: Course) -> None:
    said = courses.run([(ARJUN, "approve")], ("m", "reject this", True))
    assert said[-2] == "Claim"
    assert said[-1][1] == State.CLAIMED
    refused = courses.run([(ARJUN, "reject")], ("m", "approve this", True))
    assert isinstance(refused[-2], Refusal)
    assert refused[-1][1] == State.REJECTED


def test_advice_moves_no_version_and_casts_no_vote(gate: Any) -> None:
    row = gate.pending()
    before = [(entry.seq, entry.event) for entry in gate.log()]
    assert keep(gate, row, body="danger (change): do not approve this")
    after = gate.row(row.id)
    assert (after.version, after.state, after.digest) == (row.version, row.state, row.digest)
    assert [(entry.seq, entry.event) for entry in gate.log()] == [*before, (len(before) + 1, "advice.given")]
    assert gate.vote(row, ARJUN).proposal_state == State.APPROVED
