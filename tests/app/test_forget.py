"""Forgetting a person: nothing of them is left in any byte, every proof still holds, nobody is forgotten by mistake."""

import asyncio
import base64
import io
import json
import os
import pwd
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from typer.testing import CliRunner

from app.cli import app
from app.commands import audit_forget
from app.database import reading, writing
from app.errors import Exit, Problem
from app.forgetting import forget_person
from app.home import Home
from app.inbox import Message, admit, conversation
from app.model_settings import load_model
from app.posting import hold, stands
from app.processes.agent import agent_process
from app.ratings import explain, rate
from app.slack.people import Speaker, who
from app.turns import take_lease
from approvals.active import active, entitled
from approvals.adopt import adopt, offer
from approvals.agree import disagreements
from approvals.directory import keep_reading
from approvals.engage import engage
from approvals.errors import PolicyError
from approvals.policy import Verdict
from approvals.posted import posted
from approvals.store import proposal_of
from approvals.vote import Ballot, vote
from audit import log
from audit.errors import AuditError
from audit.event import Actor, ActorKind, Event
from audit.hold import holding, place_hold
from audit.verify import verify
from tests.app.conftest import PEOPLE, RULES

ME = pwd.getpwuid(os.getuid()).pw_name
OLIVIA, ARJUN, EDITH = "p-0a11ce01", "p-0b0b0002", "p-0a0d1703"
NAME, SLACK, LOGIN = "Zé Quill Nonesuch", "U0NONESUCH", "nonesuchlogin"
QUESTION = "what does my team of Nonesuch-Quarters cost, asks the quiet one"
REASON = "since Nonesuch-Cousin told me so at lunch"
TEXTS = (NAME, SLACK, LOGIN, QUESTION, REASON)
GONE = PEOPLE.replace('name = "Arjun Rao"', f'name = "{NAME}"\nos_user = "{LOGIN}"').replace("U0ARJUN", SLACK)
GONE = GONE.replace('name = "Edith Okafor"', f'name = "Edith Okafor"\nos_user = "{ME}"')
TEST = Actor(ActorKind.SERVICE, "test")


def forms(text: str) -> Iterator[bytes]:
    """The ways in which a text may lie in a file: as it is, escaped, in base64 at each of its three offsets."""
    yield text.encode()
    yield text.encode("utf-16-le")
    yield json.dumps(text)[1:-1].encode()
    yield text.encode().hex().encode()
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + text.encode())
        yield whole[4 if offset else 0 : -4]


def places(folder: Path, texts: tuple[str, ...] = TEXTS) -> list[tuple[str, str]]:
    """Every file of the home in which one of the texts stands in some form."""
    return [
        (path.name, text)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for text in texts
        if any(form in path.read_bytes() for form in forms(text))
    ]


@pytest.fixture
def at_home(home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: Any) -> None:
    """A terminal in this home, at which Edith sits, who may have people forgotten."""
    clock.running = True
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=GONE, actor=TEST)


def lived(engine: Engine, home: Home, sealed: Callable[[str], str]) -> str:
    """A person who asked in private and in a channel, voted with a reason, was in a group and in an offered file."""
    with writing(engine) as (session, now):
        for message, channel, private in (("Ev1", f"D{SLACK}", True), ("Ev2", "C0AIOPS", False)):
            place = conversation(
                session, surface="slack", team="T0BANK", channel=channel, thread_ts=message, private=private
            )
            admit(session, now=now, message_id=message, thread=place.thread, person=ARJUN, text=QUESTION)
            for key in (f"answer m:{message}", f"table m:{message} 1"):
                hold(session, key=key, owner="serve", now=now)
                stands(session, key=key, channel=channel, ts="1789.0001", now=now)
            rate(session, turn=f"m:{message}", person=ARJUN, helpful=False, now=now)
            assert explain(session, turn=f"m:{message}", person=ARJUN, text=REASON, now=now)
        members = {("T0BANK", "S0APPROVE"): (SLACK, "U0UNKNOWN")}
        keep_reading(session, now=now, members=members, people=active(session).people, actor=TEST)
        offer(session, now=now, kind="people", text=GONE.replace("Olivia Ortiz", "Olivia Other"))
    asyncio.run(answered(engine, home))
    name = sealed("t-1")
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")
        row = proposal_of(session, name)
        given: dict[str, Any] = {"proposal_id": name, "digest": row.digest or "", "person": ARJUN, "via": "terminal"}
        assert vote(session, now=now, ballot=Ballot(**given, choice="reject", reason=REASON)).verdict.allowed
    return name


async def answered(engine: Engine, home: Home) -> None:
    async with agent_process(engine=engine, home=home, model=load_model({})) as process:
        for thread in process._due_threads():
            await process.drain(thread)


@contextmanager
def running(path: Path) -> Iterator[None]:
    """A process that has the file open, so that nothing is tidied up because the last one left."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        yield


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["audit", *words])


def code_of(*words: str) -> int:
    """The exit code that `spendgate` would end with."""
    result = run(*words)
    return int(result.exception.exit_code) if isinstance(result.exception, Problem) else int(result.exit_code)


def proven(engine: Engine, head: str) -> None:
    with reading(engine) as (session, _):
        assert verify(session, expected_head=head).ok
        assert disagreements(session) == []


def head_of(engine: Engine) -> str:
    with reading(engine) as (session, _):
        return verify(session).head


def events(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [entry.event for entry in log.entries(session, limit=10_000)]


def refused(engine: Engine) -> list[tuple[str, str]]:
    """Person and code of each refusal in the log."""
    with reading(engine) as (session, _):
        found = log.entries(session, limit=10_000, event=Event.PRIVACY_REFUSED)
    return [(data["person"], data["code"]) for data in (json.loads(entry.body)["data"] for entry in found)]


@pytest.mark.usefixtures("at_home")
def test_nothing_of_a_forgotten_person_is_left_in_any_byte(
    engine: Engine, home: Home, sealed: Callable[[str], str]
) -> None:
    lived(engine, home, sealed)
    before = {(file.partition(".db")[0], text) for file, text in places(home.folder)}
    assert ("checkpoints", QUESTION) in before
    assert {text for file, text in before if file == "spendgate"} <= {SLACK, QUESTION}, "a channel's id, or an answer"
    head = head_of(engine)
    with running(home.database), running(home.checkpoints):
        done = run("forget", ARJUN, "--yes", "--json", "--reason", "asked for it")
        assert done.exit_code == 0, done.output
        assert (home.folder / "spendgate.db-wal").exists()
        assert places(home.folder) == []
    told = json.loads(done.stdout)
    assert (told["texts"], told["answers"], told["conversations"], told["clean"]) == (5, 2, 2, True)
    assert places(home.folder) == []
    proven(engine, head)
    assert code_of("verify") == 0


@pytest.mark.usefixtures("at_home")
def test_a_backup_and_exports_made_afterwards_hold_nothing(
    engine: Engine, home: Home, sealed: Callable[[str], str], tmp_path: Path
) -> None:
    lived(engine, home, sealed)
    assert code_of("forget", ARJUN, "--yes") == 0
    (tmp_path / "backup").mkdir()
    with sqlite3.connect(home.database) as source, sqlite3.connect(tmp_path / "backup" / "copy.db") as copy:
        source.backup(copy)
    listed = run("list", "--limit", "1000", "--json").stdout
    (tmp_path / "backup" / "export.json").write_text(listed)
    assert json.loads(listed)["total"] > 10
    for form in ("jsonl", "csv", "ocsf"):
        assert code_of("export", "--format", form, "--out", str(tmp_path / "backup" / f"log.{form}")) == 0
    assert places(tmp_path / "backup") == []


@pytest.mark.usefixtures("at_home")
def test_a_forgotten_person_is_nobody_any_more(engine: Engine, home: Home, sealed: Callable[[str], str]) -> None:
    lived(engine, home, sealed)
    name = sealed("t-2")
    with writing(engine) as (session, now):
        posted(session, now=now, proposal_id=name, where="test")
        assert who(active(session).people, Speaker("T0BANK", SLACK, "C1")) is not None
    assert code_of("forget", ARJUN, "--yes") == 0
    with writing(engine) as (session, now):
        people = entitled(session, now).people
        assert (ARJUN in people.by_id, people.roles(ARJUN)) == (False, frozenset())
        assert who(people, Speaker("T0BANK", SLACK, "C1")) is None
        assert LOGIN not in people.by_os_user
        assert OLIVIA in people.by_id
        row = proposal_of(session, name)
        ballot = Ballot(proposal_id=name, digest=row.digest or "", person=ARJUN, choice="approve", via="terminal")
        assert not vote(session, now=now, ballot=ballot).verdict.allowed
        with pytest.raises(AuditError, match="never used again"):
            admit(session, now=now, message_id="Ev9", thread="t-9", person=ARJUN, text="it is me again")


@pytest.mark.usefixtures("at_home")
def test_the_id_is_never_given_to_somebody_else(engine: Engine) -> None:
    assert code_of("forget", ARJUN, "--yes") == 0
    line = 1 + GONE.splitlines().index(f'id = "{ARJUN}"')
    with writing(engine) as (session, now):
        for verb in (adopt, offer):
            given: dict[str, Any] = {"actor": TEST} if verb is adopt else {}
            with pytest.raises(PolicyError, match=rf"line {line}\b.*{ARJUN} was forgotten.*never used again"):
                verb(session, now=now, kind="people", text=GONE.replace(NAME, "Somebody Else"), **given)


@pytest.mark.usefixtures("at_home")
def test_forgetting_twice_changes_and_logs_nothing_more(engine: Engine, home: Home) -> None:
    assert code_of("forget", ARJUN, "--yes") == 0
    again = run("forget", ARJUN, "--yes", "--json")
    assert (again.exit_code, json.loads(again.stdout)["already"]) == (0, True)
    assert events(engine).count("privacy.erased") == 1


@pytest.mark.usefixtures("at_home")
def test_a_legal_hold_stands_against_it_until_it_is_lifted(engine: Engine) -> None:
    for about in (ARJUN, "all"):
        placed = json.loads(run("hold", "place", about, "--reason", "case 17", "--json").stdout)
        assert code_of("forget", ARJUN, "--yes") == Exit.CONFLICT
        assert code_of("hold", "lift", placed["hold"]) == 0
        assert code_of("hold", "lift", placed["hold"]) == Exit.NOT_FOUND
    assert refused(engine) == [(ARJUN, "hold")] * 2
    rows = json.loads(run("hold", "list", "--json").stdout)["holds"]
    assert [(row["person"], row["reason"], bool(row["lifted_at"])) for row in rows] == [
        (ARJUN, "case 17", True),
        ("all", "case 17", True),
    ]
    with writing(engine) as (session, now):
        place_hold(session, now=now, person=OLIVIA, reason="case 18", by=Actor(ActorKind.PERSON, EDITH))
    assert code_of("forget", ARJUN, "--yes") == 0


@pytest.mark.usefixtures("at_home")
def test_a_hold_that_was_ended_by_a_row_alone_stands(engine: Engine, home: Home) -> None:
    run("hold", "place", ARJUN, "--reason", "case 17")
    with sqlite3.connect(home.database) as connection:
        connection.execute("UPDATE legal_hold SET lifted_at = placed_at, lifted_by = placed_by")
    assert code_of("forget", ARJUN, "--yes") == Exit.CONFLICT
    with reading(engine) as (session, _):
        assert any("hold" in line for line in disagreements(session))
    (row,) = json.loads(run("hold", "list", "--json").stdout)["holds"]
    assert code_of("hold", "lift", row["id"]) == 0, "it can still be ended, by an entry"
    with reading(engine) as (session, _):
        assert holding(session, ARJUN) == []


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(("key", "act"), [("votes_days", "vote"), ("decisions_days", "stop")])
def test_what_must_be_kept_is_kept_to_the_moment(
    engine: Engine, home: Home, sealed: Callable[[str], str], clock: Any, key: str, act: str
) -> None:
    clock.running = False
    rules = RULES.replace(f"{key} = 0", f"{key} = 30")
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="rules", text=rules, actor=TEST)
    if act == "vote":
        name = sealed("t-1")
        with writing(engine) as (session, now):
            posted(session, now=now, proposal_id=name, where="test")
            digest = proposal_of(session, name).digest or ""
            ballot = Ballot(
                proposal_id=name, digest=digest, person=ARJUN, choice="reject", reason=REASON, via="terminal"
            )
            assert vote(session, now=now, ballot=ballot).verdict.allowed
    else:
        with writing(engine) as (session, now):
            assert engage(session, now=now, person=ARJUN, scope="*", reason=REASON).allowed

    def asked() -> Verdict:
        with writing(engine) as (session, now):
            return forget_person(session, now=now, person=ARJUN, by=EDITH, reason=None, lease="forget-1").verdict

    clock.pass_(days=30, microseconds=-1)
    assert asked().code == "retention"
    assert refused(engine) == [(ARJUN, "retention")]
    clock.pass_(microseconds=1)
    assert asked().allowed


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(
    ("person", "code"), [(EDITH, Exit.DENIED), ("p-nobody", Exit.NOT_FOUND), (NAME, Exit.NOT_FOUND)]
)
def test_nobody_is_forgotten_by_themselves_or_by_a_name(engine: Engine, person: str, code: int) -> None:
    assert code_of("forget", person, "--yes") == code
    assert "privacy.erased" not in events(engine)


@pytest.mark.usefixtures("at_home")
def test_only_the_role_has_people_forgotten_and_holds_placed(engine: Engine, home: Home) -> None:
    with writing(engine) as (session, now):
        lesser = GONE.replace(', "privacy"]', "]").replace('"auditor"', '"peer"')
        adopt(session, now=now, kind="people", text=lesser, actor=TEST)
    assert code_of("forget", ARJUN, "--yes") == Exit.DENIED
    assert code_of("hold", "place", ARJUN, "--reason", "x") == Exit.DENIED
    assert refused(engine) == [(ARJUN, "not_entitled")]
    assert "hold.refused" in events(engine)


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(("typed", "erased"), [(ARJUN, True), (EDITH, False), ("", False)])
def test_it_asks_for_the_id_again(engine: Engine, monkeypatch: pytest.MonkeyPatch, typed: str, erased: bool) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    given: dict[str, Any] = {"reason": None, "yes": False, "acting_as": None, "as_json": False}
    if erased:
        audit_forget.forget(ARJUN, **given)
    else:
        with pytest.raises(Problem, match="is not the id"):
            audit_forget.forget(ARJUN, **given)
    assert ("privacy.erased" in events(engine)) is erased


@pytest.mark.usefixtures("at_home")
def test_without_a_terminal_nothing_is_erased_unasked(engine: Engine) -> None:
    assert code_of("forget", ARJUN) == Exit.USAGE
    assert "privacy.erased" not in events(engine)


@pytest.mark.usefixtures("at_home")
def test_a_turn_that_is_being_answered_is_waited_for(
    engine: Engine, home: Home, sealed: Callable[[str], str], clock: Any
) -> None:
    lived(engine, home, sealed)
    clock.running = False
    with writing(engine) as (session, now):
        thread = session.exec(select(Message.thread).where(Message.person == ARJUN)).first()
        assert take_lease(session, thread=str(thread), owner="agent-1", now=now)
        with pytest.raises(Problem, match="being answered"):
            forget_person(session, now=now, person=ARJUN, by=EDITH, reason=None, lease="forget-1")
        session.rollback()
    assert "privacy.erased" not in events(engine)


@pytest.mark.usefixtures("at_home")
def test_where_a_name_was_written_as_free_text_is_said(engine: Engine, home: Home) -> None:
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="rules", text=RULES + f"# ask {NAME}\n", actor=TEST)
    home.people.write_text(GONE)
    left = json.loads(run("forget", ARJUN, "--yes", "--json").stdout)["left"]
    assert any("policy_version.body" in line for line in left)
    assert any(str(home.people) in line for line in left)
    assert home.people.read_text() == GONE


@pytest.mark.usefixtures("at_home")
def test_the_name_of_somebody_who_left_the_people_before_is_looked_for_too(engine: Engine, home: Home) -> None:
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="rules", text=RULES + f"# ask {NAME}\n", actor=TEST)
        without = "\n[[person]]".join(part for part in GONE.split("\n[[person]]") if ARJUN not in part)
        adopt(session, now=now, kind="people", text=without, actor=TEST)
    left = json.loads(run("forget", ARJUN, "--yes", "--json").stdout)["left"]
    assert any("policy_version.body" in line for line in left)
