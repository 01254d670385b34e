"""People turn drafting rules on and off; each turn is kept with its entry, and so is each refusal."""

import json

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from sqlmodel import col, select
from typer.testing import CliRunner

from app.cli import app
from app.database import reading, writing
from app.drafting_rules import RULES, newest, switched_on, turn
from app.errors import Exit, Problem
from app.home import Home
from approvals.adopt import adopt
from audit.event import Actor, ActorKind
from audit.log import LogEntry
from tests.app.conftest import PEOPLE
from tests.app.drafting_bill import ARJUN, OLIVIA, RULE

EDITH = "p-0a0d1703"


def entries(engine: Engine) -> list[tuple[str, str]]:
    with reading(engine) as (session, _):
        found = session.exec(select(LogEntry).order_by(col(LogEntry.seq))).all()
        return [(entry.event, entry.actor) for entry in found if entry.event.startswith("drafting.")]


def turned(engine: Engine, rule: str, person: str, *, on: bool = True) -> str:
    with writing(engine) as (session, now):
        verdict = turn(session, now=now, rule=rule, person=person, on=on)
    return "" if verdict.allowed else verdict.code


def test_none_is_on_until_somebody_turns_it_on_and_the_last_turn_counts(engine: Engine) -> None:
    with reading(engine) as (session, _):
        assert switched_on(session) == {}
    assert [turned(engine, RULE, OLIVIA), turned(engine, RULE, ARJUN), turned(engine, "key_runaway", OLIVIA)] == [
        ""
    ] * 3
    with reading(engine) as (session, _):
        assert switched_on(session) == {RULE: ARJUN, "key_runaway": OLIVIA}
    assert turned(engine, RULE, OLIVIA, on=False) == ""
    with reading(engine) as (session, _):
        assert switched_on(session) == {"key_runaway": OLIVIA}
        assert newest(session)[RULE].number == 3
    assert entries(engine) == [
        ("drafting.enabled", OLIVIA),
        ("drafting.enabled", ARJUN),
        ("drafting.enabled", OLIVIA),
        ("drafting.disabled", OLIVIA),
    ]


@pytest.mark.parametrize(
    ("rule", "person", "on", "code"),
    [
        pytest.param(RULE, EDITH, True, "no_role", id="who may not propose lets nobody else propose in their name"),
        pytest.param(RULE, EDITH, False, "no_role", id="nor turns one off"),
        pytest.param(RULE, "nobody", True, "unknown_person", id="somebody who is not in the people file"),
        pytest.param("idle_gpu", OLIVIA, True, "unknown_rule", id="a rule that there is not"),
        pytest.param("batch_work", OLIVIA, True, "unknown_rule", id="a rule that leads to no change of ours"),
        pytest.param("x" * 5000, OLIVIA, True, "unknown_rule", id="no name of a rule at all"),
        pytest.param(RULE, OLIVIA, False, "is_off", id="it is off as it is"),
        pytest.param("key_runaway", OLIVIA, True, "is_on", id="it is on in that name as it is"),
    ],
)
def test_a_refusal_is_told_and_logged_and_turns_nothing(
    engine: Engine, rule: str, person: str, code: str, *, on: bool
) -> None:
    assert turned(engine, "key_runaway", OLIVIA) == ""
    assert turned(engine, rule, person, on=on) == code
    assert entries(engine)[1:] == [("drafting.refused", person)]
    with reading(engine) as (session, _):
        assert switched_on(session) == {"key_runaway": OLIVIA}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE drafting_rule SET person = 'p-0b0b0002'",
        "DELETE FROM drafting_rule",
        "INSERT OR REPLACE INTO drafting_rule SELECT rule, number, 'p-0b0b0002', enabled, at FROM drafting_rule",
    ],
)
def test_the_database_keeps_who_turned_it(engine: Engine, statement: str) -> None:
    assert turned(engine, RULE, OLIVIA) == ""
    with pytest.raises(DatabaseError), engine.begin() as connection:
        connection.exec_driver_sql(statement)
    with reading(engine) as (session, _):
        assert switched_on(session) == {RULE: OLIVIA}


@pytest.fixture
def at_home(engine: Engine, home: Home, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A terminal at a home where people may be acted as."""
    (home.folder / "sandbox").write_text("")
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    return CliRunner()


def test_at_a_terminal_a_rule_is_turned_and_listed(engine: Engine, at_home: CliRunner) -> None:
    command = ["savings", "drafting"]
    done = at_home.invoke(app, [*command, "--on", RULE, "--as", "olivia"])
    assert done.stdout == f"{RULE} drafts proposals in your name; people decide about each.\n", done.exception
    listed = {line["rule"]: line for line in json.loads(at_home.invoke(app, [*command, "--json"]).stdout)["drafting"]}
    assert set(listed) == set(RULES)
    assert [name for name, line in listed.items() if line["drafts"]] == [RULE]
    assert (listed[RULE]["person"], listed[RULE]["change"], listed[RULE]["but"]) == (OLIVIA, "stop_instance", "")
    assert f"{RULE}\tstop_instance\ton\tOlivia Ortiz\t" in at_home.invoke(app, command).stdout
    done = at_home.invoke(app, [*command, "--off", RULE, "--as", "arjun", "--json"])
    assert json.loads(done.stdout) == {"rule": RULE, "drafts": False, "person": None}


def test_that_a_rule_drafts_nothing_since_its_person_may_not_propose_any_more_is_said(
    engine: Engine, at_home: CliRunner
) -> None:
    assert turned(engine, RULE, OLIVIA) == ""
    with writing(engine) as (session, now):
        people = PEOPLE.replace('roles = ["ops_manager"]', 'roles = ["auditor"]')
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))
    listed = at_home.invoke(app, ["savings", "drafting"])
    assert f"{RULE} is on and drafts nothing: {OLIVIA} may not propose any more." in listed.stderr


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (["--on", "idle_gpu"], Exit.NOT_FOUND, "close to it: idle_gpu_instance"),
        (["--on", "batch_work"], Exit.NOT_FOUND, "carried out by people"),
        (["--off", RULE], Exit.CONFLICT, "drafts nothing as it is"),
        (["--on", RULE, "--as", "edith"], Exit.DENIED, "proposing needs one of the roles"),
    ],
)
def test_a_refusal_says_why_and_what_to_do(
    engine: Engine, at_home: CliRunner, asked: list[str], code: Exit, said: str
) -> None:
    who = [] if "--as" in asked else ["--as", "olivia"]
    problem = at_home.invoke(app, ["savings", "drafting", *asked, *who]).exception
    assert isinstance(problem, Problem)
    assert (problem.exit_code, said in problem.why, bool(problem.do)) == (code, True, True)


def test_on_and_off_at_once_is_no_wish(at_home: CliRunner) -> None:
    assert at_home.invoke(app, ["savings", "drafting", "--on", RULE, "--off", RULE]).exit_code == Exit.USAGE
