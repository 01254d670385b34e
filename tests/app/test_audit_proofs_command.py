"""`spendgate audit prove`, `consistency`, `status`, `key`, `restored`, and parts of `verify`, typed by an auditor."""

import base64
import json
import os
import pwd
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from app.cli import app
from app.database import reading, writing
from app.errors import Exit, Problem
from app.home import Home
from app.log_key import KeyFolder
from app.processes.signer import Following
from approvals.adopt import adopt
from audit import log, proof
from audit.checkpoint import Checkpoint, verify
from audit.event import Actor, ActorKind
from audit.note import VerifierKey
from audit.signer import NotSigned
from audit.tree import verify_consistency
from tests.app.conftest import PEOPLE

ME = pwd.getpwuid(os.getuid()).pw_name
TEST = Actor(ActorKind.SERVICE, "test")


def people(sitting: str) -> str:
    """The people, of whom the one with this name is logged in."""
    return PEOPLE.replace(f'name = "{sitting}"', f'name = "{sitting}"\nos_user = "{ME}"')


@pytest.fixture
def at_home(home: Home, engine: Engine, monkeypatch: pytest.MonkeyPatch, clock: Any) -> Home:
    """A terminal in this home, at which Edith sits, the auditor."""
    clock.running = True
    monkeypatch.setenv("SPENDGATE_HOME", str(home.folder))
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people("Edith Okafor"), actor=TEST)
    return home


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["audit", *words])


def signed(home: Home, engine: Engine, *, restored: bool = False) -> tuple[Checkpoint, VerifierKey]:
    """The newest checkpoint after the signer looked once, and its key."""
    following = Following(engine, KeyFolder(home.folder / "signer"), restored=restored)
    following.round()
    key = following.key.verifier
    return verify((home.folder / "signer" / "checkpoint").read_text(), key), key


def body(engine: Engine, seq: int) -> bytes:
    with reading(engine) as (session, _):
        return log.entries(session, after=seq - 1, limit=1)[0].body


def events(engine: Engine) -> list[str]:
    with reading(engine) as (session, _):
        return [entry.event for entry in log.entries(session, limit=1000)]


def test_nothing_is_proven_before_anything_is_signed(at_home: Home) -> None:
    for words in (["prove", "1"], ["consistency", "1"], ["verify", "--entry", "1"], ["key"]):
        refused = run(*words).exception
        assert isinstance(refused, Problem)
        assert refused.exit_code == Exit.NOT_FOUND
        assert "spendgate signer" in refused.do


def test_a_proof_is_one_that_others_can_check(at_home: Home, engine: Engine, tmp_path: Path) -> None:
    whole, key = signed(at_home, engine)
    file = tmp_path / "2.tlog-proof"
    assert run("prove", "2", "--with-entry", "--out", str(file)).exit_code == 0
    text = file.read_text()
    assert proof.parse(text).extra == body(engine, 2)
    assert proof.verify(text, body(engine, 2), [key]).root == whole.root
    assert proof.verify(run("prove", "3").stdout, body(engine, 3), [key]).size == whole.size
    again = run("prove", "2", "--out", str(file)).exception
    assert isinstance(again, Problem)
    assert again.exit_code == Exit.CONFLICT
    assert file.read_text() == text, "what was handed out is not written over"
    assert events(engine)[-3:] == ["log.read"] * 3


def test_a_consistency_proof_leads_from_one_size_to_another(at_home: Home, engine: Engine) -> None:
    whole, _ = signed(at_home, engine)
    told = json.loads(run("consistency", "2", "--json").stdout)
    one, other = (base64.b64decode(told[name]) for name in ("root_from", "root_to"))
    hashes = [base64.b64decode(one) for one in told["proof"]]
    assert (told["from"], told["to"], other) == (2, whole.size, whole.root)
    assert verify_consistency(2, whole.size, hashes, one, other)
    shown = run("consistency", "2").stdout
    assert shown.startswith("old 2\n")
    assert shown.endswith(str(whole.note))
    wrong = run("consistency", "3", "2").exception
    assert isinstance(wrong, Problem)
    assert wrong.exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (["--entry", "3"], 3, 3),
        (["--from", "2", "--to", "4"], 2, 4),
        (["--to", "3"], 1, 3),
        (["--from", "2"], 2, None),
    ],
)
def test_a_part_is_what_was_asked_for(
    at_home: Home, engine: Engine, words: list[str], first: int, last: int | None
) -> None:
    whole, _ = signed(at_home, engine)
    told = json.loads(run("verify", *words, "--json").stdout)
    assert (told["first"], told["last"], told["ok"]) == (first, last or whole.size, True)


def test_a_part_that_was_changed_is_named(at_home: Home, engine: Engine) -> None:
    signed(at_home, engine)
    with sqlite3.connect(at_home.database) as connection:
        connection.execute("DROP TRIGGER log_entry_no_update")
        connection.execute("UPDATE log_entry SET actor = 'somebody' WHERE seq = 3")
    assert run("verify", "--to", "2").exit_code == 0
    found = run("verify", "--from", "2")
    assert found.exit_code == Exit.VERIFICATION_FAILED
    assert "entry 3" in found.stdout


def test_a_part_is_named_in_one_way(at_home: Home) -> None:
    assert run("verify", "--entry", "3", "--to", "4").exit_code == Exit.USAGE
    assert run("verify", "--entry", "3", "--head", "1:x").exit_code == Exit.USAGE


def test_the_status_tells_how_far_it_is_signed_and_by_which_key(at_home: Home, engine: Engine) -> None:
    assert run("status").exit_code == Exit.VERIFICATION_FAILED, "nobody signs at all"
    whole, key = signed(at_home, engine)
    told = json.loads(run("status", "--json").stdout)
    assert (told["signed"], told["entries"], told["alarm"], told["key"]) == (whole.size, whole.size, False, str(key))
    assert run("key").stdout == f"{key}\n"
    assert run("status").exit_code == 0
    with writing(engine) as (session, now):
        log.tell_reading(session, now=now - timedelta(minutes=5), person="p-0a0d1703", data={})
    late = run("status")
    assert late.exit_code == Exit.VERIFICATION_FAILED
    assert "not signed yet" in late.stdout


def test_verify_says_what_its_result_rests_on(at_home: Home, engine: Engine, tmp_path: Path) -> None:
    assert "no entry is signed yet" in run("verify").stdout
    point, _ = signed(at_home, engine)
    kept = tmp_path / "kept"
    kept.write_text(str(point.note))
    told = run("verify", "--checkpoint", str(kept)).stdout
    assert f"{kept}, of {point.size} entries, is a beginning of this log" in told
    assert "not signed yet" not in told
    run("list")
    told = run("verify").stdout
    assert f"entries {point.size + 1} to {point.size + 1} are not signed yet" in told
    assert "beginning" not in told
    document = json.loads(run("verify", "--checkpoint", str(kept), "--json").stdout)
    assert (document["signed"], len(document["kept"])) == (point.size, 1)


def restored_from_backup(home: Home) -> None:
    """The newest three entries are gone, and so is what was stored beside them."""
    with sqlite3.connect(home.database) as connection:
        for name in ("log_entry_no_delete", "log_checkpoint_no_delete"):
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM log_entry WHERE seq > (SELECT max(seq) - 3 FROM log_entry)")
        connection.execute("DELETE FROM log_checkpoint")


def test_a_restore_is_told_by_an_auditor_and_excuses_what_was_lost(
    at_home: Home, engine: Engine, tmp_path: Path
) -> None:
    _, key = signed(at_home, engine)
    for _ in range(3):
        run("list")
    lost, _ = signed(at_home, engine)
    kept = tmp_path / "kept"
    kept.write_text(str(lost.note))
    asked = ["restored", "--checkpoint", str(kept), "--reason", "the disk failed"]
    nothing = run(*asked).exception
    assert isinstance(nothing, Problem)
    assert nothing.exit_code == Exit.CONFLICT
    restored_from_backup(at_home)
    found = run("verify", "--checkpoint", str(kept))
    assert found.exit_code == Exit.VERIFICATION_FAILED
    assert f"has {lost.size} entries" in found.stdout
    assert run(*asked[:-1], " ").exception is not None, "a reason is asked for"
    assert run(*asked).exit_code == 0
    with pytest.raises(NotSigned, match="--after-restore"):
        signed(at_home, engine)
    now, _ = signed(at_home, engine, restored=True)
    assert now.origin == f"{lost.origin}/restored-1"
    checked = run("verify", "--checkpoint", str(kept), "--key", str(key), "--json")
    told = json.loads(checked.stdout)
    assert told["reason"].startswith("all ")
    assert f"{kept} is of before the restore" in told["remarks"][0]


def test_a_restore_to_before_the_first_signature_is_told_with_the_key_that_was_given(
    at_home: Home, engine: Engine, tmp_path: Path
) -> None:
    for _ in range(2):
        run("list")
    lost, key = signed(at_home, engine)
    kept = tmp_path / "kept"
    kept.write_text(str(lost.note))
    restored_from_backup(at_home)
    asked = ["restored", "--checkpoint", str(kept), "--reason", "the disk failed"]
    assert "not to be believed" in str(run(*asked).exception), "the entry that told of the key is lost"
    assert run(*asked, "--key", str(key)).exit_code == 0
    unsigned = run("verify", "--checkpoint", str(kept), "--key", str(key))
    assert unsigned.exit_code == Exit.VERIFICATION_FAILED, "nobody who holds the key has said that it is so"
    signed(at_home, engine, restored=True)
    checked = run("verify", "--checkpoint", str(kept), "--key", str(key), "--json")
    assert json.loads(checked.stdout)["reason"].startswith("all ")


def test_only_an_auditor_tells_of_a_restore(at_home: Home, engine: Engine, tmp_path: Path) -> None:
    lost, _ = signed(at_home, engine)
    kept = tmp_path / "kept"
    kept.write_text(str(lost.note))
    with writing(engine) as (session, now):
        adopt(session, now=now, kind="people", text=people("Olivia Ortiz"), actor=TEST)
    refused = run("restored", "--checkpoint", str(kept), "--reason", "x").exception
    assert isinstance(refused, Problem)
    assert refused.exit_code == Exit.DENIED
    assert "log.restored" not in events(engine)


def test_a_checkpoint_of_another_key_is_no_evidence(at_home: Home, engine: Engine, tmp_path: Path) -> None:
    signed(at_home, engine)
    strange = tmp_path / "strange"
    strange.write_text("somewhere.example/log\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\n— x AAAAAAAAAAAA\n")
    refused = run("verify", "--checkpoint", str(strange)).exception
    assert "not to be believed" in str(refused)
    missing = run("verify", "--checkpoint", str(tmp_path / "none")).exception
    assert "cannot be read" in str(missing)


@pytest.mark.parametrize("asked", [("prove", "999"), ("verify", "--entry", "999"), ("consistency", "1", "999")])
def test_an_entry_that_is_not_there_is_no_matter_of_signing(
    at_home: Home, engine: Engine, asked: tuple[str, ...]
) -> None:
    signed(at_home, engine)
    refused = run(*asked).exception
    assert isinstance(refused, Problem)
    assert (refused.what, refused.exit_code) == ("There is no entry 999.", Exit.NOT_FOUND)
