"""Whose click it is: the person, not the account; and a click that was taken in once is never taken in again."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from app.database import reading, writing
from app.slack.people import Speaker
from approvals.adopt import adopt
from approvals.posted import posted
from approvals.store import Proposal, proposal_of, standing_votes
from approvals.vote import Ballot, vote
from audit.event import Actor, ActorKind
from tests.app.conftest import PEOPLE
from tests.app.slack.pressing import cast

OLIVIA, ARJUN = "p-0a11ce01", "p-0b0b0002"
ACCOUNT = 'slack = [{{ team = "T0BANK", user = "{0}" }}]'
TWO_ACCOUNTS = 'slack = [{{ team = "T0BANK", user = "{0}" }}, {{ team = "T0BANK", user = "{0}2" }}]'


@pytest.fixture
def shown(engine: Engine, sealed: Callable[[str], str]) -> Proposal:
    """A proposal of Olivia's that waits for votes; she and Arjun have two accounts each, and both hold every role."""
    people = PEOPLE.replace('roles = ["ops_manager"]', 'roles = ["ops_manager", "approver", "owner", "director"]')
    people = people.replace('roles = ["approver", "owner"]', 'roles = ["approver", "owner", "director"]')
    for user in ("U0OLIVIA", "U0ARJUN"):
        people = people.replace(ACCOUNT.format(user), TWO_ACCOUNTS.format(user))
    assert people.count("U0ARJUN2") == people.count("U0OLIVIA2") == 1
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    return show(engine, sealed("t-1"))


def show(engine: Engine, name: str) -> Proposal:
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="slack")
    return row(engine, name)


def row(engine: Engine, name: str) -> Proposal:
    with reading(engine) as (session, _):
        return proposal_of(session, name)


def click(engine: Engine, proposal: Proposal, user: str, trigger: str) -> str | None:
    value = json.dumps({"proposal": proposal.id, "digest": proposal.digest})
    body = {"type": "block_actions", "trigger_id": trigger, "actions": [{"value": value}]}
    return cast(engine, body=body, speaker=Speaker("T0BANK", user, "C0APPROVE"), choice="approve")


@pytest.mark.parametrize("user", ["U0OLIVIA", "U0OLIVIA2"])
def test_a_second_account_of_the_requester_is_still_the_requester(engine: Engine, shown: Proposal, user: str) -> None:
    told = click(engine, shown, user, "t-1")
    assert told is not None
    assert "you asked for this change" in told
    assert row(engine, shown.id).state == "pending"


def test_two_accounts_of_one_person_fill_one_slot(engine: Engine, shown: Proposal) -> None:
    click(engine, shown, "U0ARJUN", "t-1")
    told = click(engine, shown, "U0ARJUN2", "t-2")
    assert told is not None
    assert "voted so already" in told
    with reading(engine) as (session, _):
        assert [one.person for one in standing_votes(session, shown.id)] == [ARJUN]


def test_a_click_that_is_replayed_after_it_was_taken_back_counts_for_nothing(engine: Engine, shown: Proposal) -> None:
    """Whoever captured the click that Arjun took back could otherwise approve in his name."""
    click(engine, shown, "U0ARJUN", "t-1")
    assert row(engine, shown.id).state == "approved"
    ballot = Ballot(proposal_id=shown.id, person=ARJUN, choice="withdraw", digest=shown.digest or "", via="terminal")
    with writing(engine) as (session, now):
        assert vote(session, now=now, ballot=ballot).verdict.allowed
    assert click(engine, shown, "U0ARJUN", "t-1") is None
    assert row(engine, shown.id).state == "pending"
