"""Changes that a person writes down: a draft in that person's name, and nothing that the person claims about money."""

import json
import os
import pwd
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from typer.testing import CliRunner, Result

from app.cli import app
from app.commands.govern import NEVER_DEARER
from app.database import reading, writing
from app.errors import Exit
from app.home import Home
from approvals.adopt import adopt
from approvals.changes.change import CLOUD_KINDS, parse_change
from approvals.store import Draft
from audit.event import Actor, ActorKind, Event
from audit.log import LogEntry
from lake.engine import Lake
from lake.load import ingest
from tests.app.conftest import PEOPLE, ROOT
from tests.tools.small_bill import charge, days_of, written
from tools.propose import KINDS

ME = pwd.getpwuid(os.getuid()).pw_name
RATES = {
    "kind": "set_openai_rate_limit", "account": "openai", "project": "proj_1", "rate_limit": "rl-1",
    "after": {"requests": 300, "tokens": 200000},
}  # fmt: skip


@pytest.fixture
def at_home(home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    """A terminal in this home, at which Arjun sits."""
    clock.running = True
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    people = PEOPLE.replace('name = "Arjun Rao"', f'name = "Arjun Rao"\nos_user = "{ME}"')
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))


def new(folder: Path, text: str | dict[str, Any], *more: str) -> Result:
    file = folder / ("change.toml" if isinstance(text, str) else "change.json")
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    return CliRunner().invoke(app, ["proposals", "new", "--with", str(file), *more])


def drafts(engine: Engine) -> list[Draft]:
    with reading(engine) as (session, _):
        return list(session.exec(select(Draft)))


@pytest.mark.usefixtures("at_home")
def test_it_is_a_draft_in_the_persons_name_without_an_amount(engine: Engine, tmp_path: Path) -> None:
    assert new(tmp_path, RATES).exit_code == Exit.OK
    (draft,) = drafts(engine)
    assert (draft.requester, draft.kind, json.loads(draft.evidence)) == (
        "p-0b0b0002",
        "set_openai_rate_limit",
        {"figures": []},
    )
    with reading(engine) as (session, _):
        entry = session.exec(select(LogEntry).where(LogEntry.event == Event.PROPOSAL_DRAFTED)).one()
    assert json.loads(entry.body)["actor"]["kind"] == "person"


@pytest.mark.usefixtures("at_home")
def test_one_resource_has_one_open_proposal(engine: Engine, tmp_path: Path) -> None:
    assert new(tmp_path, RATES).exit_code == Exit.OK
    again = new(tmp_path, RATES)
    assert again.exit_code == Exit.CONFLICT
    assert "still open" in again.stderr
    assert len(drafts(engine)) == 1


TAG = {
    "kind": "add_tag", "account": "471852036911", "region": "us-east-1", "resource_type": "volume",
    "resource_id": "vol-0123456789abcdef0", "key": "team", "value": "fraud",
}  # fmt: skip


@pytest.mark.usefixtures("at_home")
def test_what_the_resource_costs_by_the_bill_stands_beside_what_cannot_make_it_dearer(
    engine: Engine, home: Home, tmp_path: Path
) -> None:
    with reading(engine) as (_, now):
        days = days_of(now.date() - timedelta(days=14), 14)
    rows = [charge(day, "3", team="fraud", ResourceId=TAG["resource_id"]) for day in days]
    ingest(Lake(home.lake), [written(tmp_path / "bill.csv", rows)], now=now)
    assert new(tmp_path, TAG).exit_code == Exit.OK
    evidence = json.loads(drafts(engine)[0].evidence)
    assert (evidence["amount"], evidence["currency"]) == ("1095.000000", "USD")
    assert "saving" not in evidence


@pytest.mark.usefixtures("at_home")
def test_without_a_bill_it_is_drafted_without_an_amount(engine: Engine, tmp_path: Path) -> None:
    said = new(tmp_path, TAG)
    assert said.exit_code == Exit.OK
    assert "counts as more than any amount" in said.stderr
    assert json.loads(drafts(engine)[0].evidence) == {"figures": []}


def test_no_kind_that_may_cost_more_afterwards_is_told_at_what_it_costs_now() -> None:
    inverse = {"start_instance", "create_endpoint", "start_notebook", "unblock_gateway_key", "enable_access_key"}
    raised = {"scale_node_group", "set_openai_rate_limit", "set_openai_models", "set_gateway_budget", "undo_instance"}
    assert not set(NEVER_DEARER) & (inverse | raised | {"set_endpoint_count", "set_group_minimum", "resize_instance"})
    assert set(NEVER_DEARER) <= set(CLOUD_KINDS)


WRONG: list[tuple[str, str | dict[str, Any], str]] = [
    ("a field is missing", {**RATES, "after": {"requests": 1}}, "tokens"),
    ("a field too much", {**RATES, "saving": "1000000"}, "saving"),
    ("money of one's own beside it", {"change": RATES | {"amount": "1"}, "evidence": {"saving": "9"}}, "amount"),
    ("no kind", {"account": "openai"}, "It has no kind"),
    ("an unknown kind", {**RATES, "kind": "buy"}, "There is no kind 'buy'"),
    ("a kind that is a table", {**RATES, "kind": {"a": 1}}, "There is no kind"),
    ("no TOML", "kind = ", "cannot be read"),
    ("a list", "[[change]]\nkind = 'x'", "holds no change"),
]


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
@pytest.mark.usefixtures("at_home")
def test_what_is_no_change_is_told_and_drafts_nothing(
    engine: Engine, tmp_path: Path, text: str | dict[str, Any], says: str
) -> None:
    said = new(tmp_path, text)
    assert said.exit_code != Exit.OK
    assert says in str(said.exception) + said.stderr
    assert drafts(engine) == []


@pytest.mark.usefixtures("at_home")
def test_evidence_that_somebody_writes_beside_it_reaches_no_card(engine: Engine, tmp_path: Path) -> None:
    assert (
        new(tmp_path, {"change": RATES, "evidence": {"saving": "1000000", "environment": "dev"}}).exit_code == Exit.OK
    )
    assert json.loads(drafts(engine)[0].evidence) == {"figures": []}


def test_who_is_not_in_the_people_file_proposes_nothing(
    home: Home, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    clock.running = True
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    said = new(tmp_path, RATES)
    assert said.exit_code != Exit.OK
    assert drafts(engine) == []


def test_every_example_of_the_documents_is_a_change_that_no_rule_leads_to() -> None:
    text = (ROOT / "docs" / "executors.md").read_text()
    changes = [parse_change(tomllib.loads(block.split("```")[0])) for block in text.split("```toml\n")[1:]]
    assert {one.kind for one in changes} == {
        "set_openai_rate_limit", "set_openai_models", "add_tag", "scale_node_group",
    }  # fmt: skip
    assert not {one.kind for one in changes} & set(KINDS)
