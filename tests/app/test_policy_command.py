"""`spendgate policy`: a file is judged by its lines, a change is explained by the same rules that decide."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.commands import policy, policy_explain
from app.database import writing
from app.errors import Exit, Problem
from app.home import Home
from approvals.adopt import Stored, adopt, put_in_force
from audit.canonical import sha256
from audit.event import Actor, ActorKind
from tests.app.conftest import PEOPLE, RULES, STOP

ME = pwd.getpwuid(os.getuid()).pw_name
OLIVIA, ARJUN = "p-0a11ce01", "p-0b0b0002"
Said = Callable[[], str]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to write files in, and a home that nobody made yet."""
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "none"))
    return tmp_path


@pytest.fixture
def at_home(home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in this home, at which Arjun sits."""
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    people = PEOPLE.replace('name = "Arjun Rao"', f'name = "Arjun Rao"\nos_user = "{ME}"')
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people, actor=Actor(ActorKind.SERVICE, "test"))


def check(file: Path, **more: Any) -> int:
    try:
        policy.check_file(file, **{"people": None, "strict": False, "as_json": False, **more})
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_is_judged_without_a_home_and_makes_none(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(written(elsewhere, "rules.toml", RULES)) == Exit.OK
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].endswith("rules.toml: a valid rules file; no warnings")
    assert "name some with --people" in said.err
    assert not (elsewhere / "none").exists()


def test_people_of_ones_own_are_named_with_their_ids(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, people = written(elsewhere, "r.toml", RULES), written(elsewhere, "p.toml", PEOPLE)
    assert check(rules, people=people) == Exit.OK
    said = capsys.readouterr().out
    line = next(number for number, text in enumerate(RULES.splitlines(), 1) if text.startswith("votes ="))
    assert f"{rules}:{line}: warning: only Arjun Rao ({ARJUN}) can fill owner" in said
    assert "nobody could approve it; nobody holds director, vp" in said
    assert check(rules, people=people, strict=True) == Exit.USAGE


def test_notes_do_not_fail_a_strict_check(elsewhere: Path) -> None:
    assert check(written(elsewhere, "rules.toml", RULES), strict=True) == Exit.OK


def test_an_invalid_file_is_told_with_its_line(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = RULES.replace('["director", "owner"]', "[]", 1)
    line = next(number for number, text in enumerate(broken.splitlines(), 1) if "[]," in text)
    path = written(elsewhere, "rules.toml", broken)
    assert check(path) == Exit.USAGE
    assert capsys.readouterr().out.startswith(f"{path}:{line}: error: ")
    assert check(path, as_json=True) == Exit.USAGE
    told = json.loads(capsys.readouterr().out)
    assert (told["valid"], told["recognised"], told["findings"][0]["line"]) == (False, "rules", line)
    assert check(written(elsewhere, "rules.toml", "[roles\n")) == Exit.USAGE
    assert "rules.toml:1: error: " in capsys.readouterr().out


def test_a_people_file_is_recognised(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(elsewhere, "any.toml", PEOPLE.replace('["approver", "owner"]', '["approver", "ownr"]'))
    assert check(path, as_json=True) == Exit.OK
    told = json.loads(capsys.readouterr().out)
    assert (told["recognised"], told["against"]) == ("people", "the shipped rules.toml")
    (found,) = [row for row in told["findings"] if "no role 'ownr'" in row["sentence"]]
    assert path.read_text().splitlines()[found["line"] - 1].startswith("roles")
    with pytest.raises(Problem, match="is a people file itself"):
        check(path, people=path)
    assert check(written(elsewhere, "any.toml", "[[person]]\nid = 1\n")) == Exit.USAGE


@pytest.mark.parametrize("text", ["", "a = 1\n", PEOPLE + '\n[roles]\nowner = "x"\n'])
def test_what_is_neither_is_told(elsewhere: Path, text: str) -> None:
    with pytest.raises(Problem, match=r"neither a rules nor a people|both a rules and a people"):
        check(written(elsewhere, "x.toml", text))


def test_an_invalid_file_is_named_once(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(elsewhere, "rules.toml", RULES.replace('"owner"', '"ownr"', 1))
    assert check(path) == Exit.USAGE
    assert capsys.readouterr().out.count(str(path)) == 1


def test_where_nothing_is_in_force_the_files_of_the_home_are_judged_together(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    written(home.folder, "rules.toml", RULES)
    written(home.folder, "people.toml", PEOPLE)
    check(home.people)
    assert f"judged with {home.rules}" in capsys.readouterr().out
    check(home.rules)
    assert f"judged with {home.people}" in capsys.readouterr().out
    assert not home.database.exists()


@pytest.mark.usefixtures("at_home")
def test_a_file_that_is_not_in_force_is_told_beside_what_is(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    written(home.folder, "rules.toml", RULES + "# another\n")
    policy.show(as_json=False)
    assert "rules.toml differs from what is in force" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(elsewhere: Path) -> None:
    with pytest.raises(Problem, match="There is no file") as told:
        check(elsewhere / "none.toml")
    assert told.value.exit_code == Exit.NOT_FOUND
    with pytest.raises(Problem, match="cannot be read"):
        check(elsewhere)


@pytest.mark.usefixtures("at_home")
def test_the_people_in_force_are_the_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(written(tmp_path, "rules.toml", RULES)) == Exit.OK
    assert "judged with people version 2, in force" in capsys.readouterr().out
    assert check(written(tmp_path, "people.toml", PEOPLE)) == Exit.OK
    assert "a valid people file, judged with rules version 1, in force" in capsys.readouterr().out


@pytest.mark.usefixtures("at_home")
def test_what_is_in_force_is_shown_with_its_digest(capsys: pytest.CaptureFixture[str]) -> None:
    policy.show(as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["rules"]["version"], told["people"]["version"]) == (1, 2)
    assert len(told["rules"]["digest"]) == 64
    policy.show(as_json=False)
    assert capsys.readouterr().out.startswith("rules\t1\t")


@pytest.mark.usefixtures("at_home")
def test_rules_in_force_that_let_one_person_delete_are_warned_of(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As earlier versions shipped them: refused as a new version, warned of where they are in force."""
    old = RULES.replace('["vp", "risk"], ["board", "risk"]]', '["vp", "risk"], ["board"]]')
    assert check(written(tmp_path, "rules.toml", old)) == Exit.USAGE
    assert "column 5: what cannot be undone needs the votes of 2 people" in capsys.readouterr().out
    with writing(engine) as (session, now):
        stored, actor = Stored(old, sha256(old.encode())), Actor(ActorKind.SERVICE, "test")
        put_in_force(session, now=now, kind="rules", stored=stored, actor=actor)
    policy.show(as_json=False)
    told = capsys.readouterr().err
    assert "irreversible in production: column 5 (board) lets one person approve what cannot be undone" in told
    assert check(written(tmp_path, "people.toml", PEOPLE), strict=True) == Exit.USAGE
    assert "column 5 (board) lets one person approve" in capsys.readouterr().out


def explain(what: object, **more: Any) -> None:
    given = {key: more.pop(key, None) for key in ("amount", "currency", "environment", "team", "account")}
    requester, as_json = more.pop("requester", None), more.pop("as_json", False)
    policy_explain.explain_change(str(what), requester=requester, given=given, person=None, as_json=as_json)


CHANGE = (
    'amount = "900"\ncurrency = "USD"\nenvironment = "production"\n[change]\n'
    + "\n".join(f'{key} = "{value}"' for key, value in STOP.items())
    + "\n"
)


@pytest.mark.usefixtures("at_home")
def test_a_change_in_a_file_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "change.toml", CHANGE)
    explain(path, requester=OLIVIA)
    said = capsys.readouterr().out
    assert "reversible in production, up to 1,000 USD a year: owner" in said
    assert f"vote 1       owner: Arjun Rao ({ARJUN})" in said
    assert f"Olivia Ortiz ({OLIVIA}): asked for it" in said
    assert "Different people could give every vote that it needs." in said
    assert "caps         at most 30 changes an hour" in said
    explain(path)  # asked by whoever sits here: the only owner
    said = capsys.readouterr().out
    assert "requester is an owner" in said
    assert "Nobody could approve it: nobody holds sre." in said


@pytest.mark.usefixtures("at_home")
def test_what_the_command_line_gives_replaces_what_the_file_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "change.json", json.dumps({**STOP, "amount": "900", "environment": "development"}))
    explain(path, requester=OLIVIA, amount="24000", currency="USD", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["class"], told["environment"], told["column"]) == ("reversible", "non_production", "up to 100,000 USD")
    assert told["slots"] == [{"role": "approver or manager", "people": [ARJUN]}]
    assert told["could_be_approved"] is True
    assert told["names"][ARJUN] == "Arjun Rao"
    assert {"person": OLIVIA, "code": "own_proposal", "reason": "asked for it"} in told["cannot"]
    explain(path, requester=OLIVIA, amount="6000000", currency="USD", as_json=True)
    assert json.loads(capsys.readouterr().out)["capped"]["code"] == "cap_amount_never"


@pytest.mark.usefixtures("at_home")
def test_a_kind_alone_can_be_asked_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    explain(written(tmp_path, "change.toml", 'kind = "stop_instance"\n'), requester=OLIVIA)
    assert "amount not known, so as above every limit: cfo" in capsys.readouterr().out


FAULTY = [
    ("no file and no proposal", None, {}, "no file"),
    ("not TOML", "kind = ", {}, "cannot be read as TOML"),
    ("no kind", 'amount = "1"\n', {}, "there is no kind"),
    ("more than a change", CHANGE.replace("[change]", 'colour = "red"\n[change]'), {}, "unknown: colour"),
    ("an amount that was rounded", CHANGE.replace('"900"', "900.5"), {}, "amount cannot be read"),
    ("an amount that is no number", CHANGE, {"amount": "1e9"}, "amount cannot be read"),
    ("an environment that is no text", CHANGE.replace('"production"', "1"), {}, "environment is no text"),
    ("a requester whom nobody knows", CHANGE, {"requester": "p-ffffffff"}, "nobody with the id"),
]


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(("what", "text", "more", "says"), FAULTY, ids=[row[0] for row in FAULTY])
def test_what_cannot_be_explained_is_told(
    tmp_path: Path, what: str, text: str | None, more: dict[str, str], says: str
) -> None:
    path = tmp_path / "change.toml" if text is None else written(tmp_path, "change.toml", text)
    with pytest.raises(Problem) as caught:
        explain(path, **more)
    assert says in str(caught.value)
    assert caught.value.do


@pytest.mark.usefixtures("at_home")
def test_a_stored_proposal_is_explained_as_it_was_sealed_and_as_it_would_be_now(
    engine: Engine, sealed: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    name = sealed("t-1")
    explain(name.lower())
    said = capsys.readouterr().out
    assert "reversible in non-production, up to 100,000 USD a year: approver or manager" in said
    assert "sealed as" not in said
    stricter = RULES.replace('["manager|approver"]', '["director"]', 1)
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="rules", text=stricter, actor=Actor(ActorKind.SERVICE, "test"))
    explain(name)
    said = capsys.readouterr().out
    assert "up to 100,000 USD a year: director" in said
    assert "sealed as    reversible in non-production, up to 100,000 USD a year: approver or manager" in said
    assert "Nobody could approve it: nobody holds director." in said
    with pytest.raises(Problem, match="There is no proposal"):
        explain("P-0000000000")
