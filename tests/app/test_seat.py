"""The seat's scope over proposals: whose team one may see, one's own where nobody reads along, and ids not names."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from agent.ports import Seat
from app.database import beginner, reading, writing
from app.home import Home
from app.inbox import conversation
from app.named import with_names
from app.seat import sit
from approvals.active import PEOPLE as PEOPLE_KIND
from approvals.adopt import adopt
from approvals.ids import new_id
from approvals.person import load_people
from approvals.posted import posted
from approvals.propose import DraftRequest, propose
from approvals.seal import seal
from approvals.store import Proposal
from approvals.vote import Ballot, vote
from audit.event import Actor, ActorKind
from lake.engine import Lake
from tests.app.conftest import PEOPLE, STOP, Machine
from tests.tools.small_bill import charge, lake_of

OLIVIA, ARJUN, TINA, RICO = "p-0a11ce01", "p-0b0b0002", "p-00000042", "p-00000043"
NARROW = """
[[person]]
id = "p-00000042"
name = "Tina Treasury"
roles = ["ops_manager"]
sees_teams = ["treasury"]

[[person]]
id = "p-00000043"
name = "Rico <!here> Risk"
sees_teams = ["credit-risk"]

[[channel]]
team = "T0BANK"
id = "C0TREASURY"
sees_teams = ["treasury"]
"""
Told = Callable[..., dict[str, Any]]


@pytest.fixture
def people(engine: Engine) -> None:
    with writing(engine) as (session, now):
        adopt(session, now=now, kind=PEOPLE_KIND, text=PEOPLE + NARROW, actor=Actor(ActorKind.SERVICE, "test"))


@pytest.fixture
def asked(engine: Engine, home: Home, people: None) -> Told:
    """What find_proposals answers this speaker, in a direct conversation or in a channel."""

    def ask(speaker: str, *, channel: str = "", **given: Any) -> dict[str, Any]:
        with writing(engine) as (session, _):
            place = conversation(
                session, surface="slack", team="T0BANK", channel=channel or f"D{speaker}", thread_ts="1",
                private=not channel,
            )  # fmt: skip
            thread = place.thread
        box = sit(engine, home, Lake(home.lake))(
            Seat(thread=thread, turn="m1", speaker=speaker, key="m1/1", next_number=1)
        )
        tool = next(tool for tool in box.tools if tool.name == "find_proposals")
        said: dict[str, Any] = json.loads(tool.invoke(given))
        return said

    return ask


def drafted(engine: Engine, requester: str, team: str = "credit-risk") -> str:
    evidence = {
        "amount": "40000", "currency": "USD", "saving": "38000", "team": team, "resource_name": "train-1",
        "window": "9 to 22 November 2026",
    }  # fmt: skip
    draft = DraftRequest(id=new_id(), thread="t-elsewhere", requester=requester, change=STOP, evidence=evidence)
    with writing(engine) as (session, now):
        made = propose(session, now=now, draft=draft)
    assert made.verdict.allowed, made.verdict
    return made.proposal_id


def pending(engine: Engine, machine: Machine, requester: str = OLIVIA) -> str:
    name = drafted(engine, requester)
    seal(beginner(engine), draft_id=name, inspector=machine)
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")
    return name


def test_a_draft_and_a_card_are_told_in_any_conversation(asked: Told, engine: Engine, machine: Machine) -> None:
    name = drafted(engine, OLIVIA)
    (row,) = asked(ARJUN)["rows"]
    assert (row["data"]["proposal"], row["state"], row["waits_for"]) == (name, "being checked", "the worker")
    seal(beginner(engine), draft_id=name, inspector=machine)
    (row,) = asked(ARJUN)["rows"]
    assert row["state"] == "checked, about to be shown"
    assert row["asked"].startswith(f"asked by {OLIVIA} on ")
    assert row["per_year"] == "$38,000.00"
    assert row["data"]["name"] == "train-1"


def test_votes_are_told_with_ids_and_ones_own_as_you(asked: Told, engine: Engine, machine: Machine) -> None:
    name = pending(engine, machine)
    with writing(engine) as (session, now):
        digest = session.get_one(Proposal, name).digest
        assert digest is not None
        given = vote(
            session,
            now=now,
            ballot=Ballot(proposal_id=name, person=ARJUN, choice="approve", digest=digest, via="terminal"),
        )
    assert given.verdict.allowed, given.verdict
    (row,) = asked(OLIVIA, which="train-1")["rows"]
    assert row["votes"].startswith(f"approved by {ARJUN} on ")
    assert "Arjun" not in json.dumps(row), "what is stored of an answer holds ids alone"
    assert row["asked"].startswith("asked by you on ")
    (row,) = asked(ARJUN, which=name)["rows"]
    assert row["votes"].startswith("approved by you on ")
    assert with_names(f"approved by {ARJUN} on", load_people(PEOPLE)) == "approved by Arjun Rao on"


def test_another_teams_proposal_is_as_if_there_were_none(asked: Told, engine: Engine, machine: Machine) -> None:
    name = pending(engine, machine)
    assert len(asked(RICO)["rows"]) == 1
    said = asked(TINA)
    assert "rows" not in said
    assert said["totals"][0]["count"] == "0"
    hidden, absent = asked(TINA, which=name)["error"], asked(TINA, which="P-0000000000")["error"]
    assert hidden == {key: text.replace("P-0000000000", name) for key, text in absent.items()}
    assert "train-1" not in json.dumps([said, asked(TINA, which="train-2"), hidden])


def test_ones_own_is_told_where_nobody_reads_along(asked: Told, engine: Engine, machine: Machine) -> None:
    pending(engine, machine, requester=TINA)
    assert len(asked(TINA, mine=True)["rows"]) == 1
    assert "rows" not in asked(TINA, mine=True, channel="C0TREASURY"), "the channel may not see credit-risk"


def test_a_channel_hears_only_what_it_may_see(asked: Told, engine: Engine, machine: Machine) -> None:
    pending(engine, machine)
    assert "rows" not in asked(ARJUN, channel="C0TREASURY")
    assert "rows" not in asked(ARJUN, channel="C0UNKNOWN")
    assert len(asked(ARJUN, channel="C0AIOPS")["rows"]) == 1


def test_a_name_is_fit_to_show_and_a_forgotten_person_has_none(asked: Told, engine: Engine, machine: Machine) -> None:
    pending(engine, machine)
    with writing(engine) as (session, now):
        text = PEOPLE.replace('name = "Olivia Ortiz"', 'name = "<!here> {q1.r1.count}"')
        adopt(session, now=now, kind=PEOPLE_KIND, text=text, actor=Actor(ActorKind.SERVICE, "test"))
    (row,) = asked(ARJUN)["rows"]
    told = with_names(row["asked"], load_people(text))
    assert told.startswith("asked by ‹!here› (q1.r1.count) on ")
    with writing(engine) as (session, now):
        text = PEOPLE.replace(OLIVIA, "p-99999999")
        adopt(session, now=now, kind=PEOPLE_KIND, text=text, actor=Actor(ActorKind.SERVICE, "test"))
    (row,) = asked(ARJUN)["rows"]
    assert row["asked"].startswith("asked by somebody else on ")


def test_asking_stores_nothing(asked: Told, engine: Engine, machine: Machine) -> None:
    name = pending(engine, machine)
    with reading(engine) as (session, _):
        before = session.get_one(Proposal, name).model_dump()
    asked(ARJUN, state="all")
    with reading(engine) as (session, _):
        assert session.get_one(Proposal, name).model_dump() == before


def test_a_conversation_judges_allocation_by_the_homes_rules(
    engine: Engine, home: Home, people: None, tmp_path: Path
) -> None:
    rows = [charge(date(2026, 10, 15), "90", team="credit-risk"), charge(date(2026, 10, 15), "10")]
    home.allocation.write_text("target_percent = 12\n")
    box = sit(engine, home, lake_of(tmp_path, rows))(
        Seat(thread="t-1", turn="m1", speaker=OLIVIA, key="m1/1", next_number=1)
    )
    tool = next(tool for tool in box.tools if tool.name == "report_allocation")
    tool.invoke({"period": "2026-10"})
    assert "At most 12 % may lack a name; taxes are left out." in box.results["q1"].notes
