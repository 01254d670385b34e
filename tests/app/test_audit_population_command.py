"""`spendgate audit population`: its exit codes, its words, its JSON, its entry; and what it refuses to compare."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.errors import Exit, Problem
from tests.audit.year import ROLE, Year
from tests.audit.year_written import write_events, write_log

TO = ["--to", "2026-12-01"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("year")
    year = Year(5, proposals=12, background=30)
    write_log(year, home / "spendgate.db")
    write_events(year, home / "cloudtrail")
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with sqlite3.connect(made / "spendgate.db") as source, sqlite3.connect(tmp_path / "spendgate.db") as copy:
        source.backup(copy)
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path))
    return tmp_path


def population(*given: str, role: str | None = ROLE) -> Any:
    roles = ["--role", role] if role else []
    return CliRunner().invoke(app, ["audit", "population", *given, *roles])


def entries(home: Path) -> list[dict[str, Any]]:
    with sqlite3.connect(home / "spendgate.db") as connection:
        rows = connection.execute("SELECT body FROM log_entry WHERE event = 'log.read' ORDER BY seq").fetchall()
    return [json.loads(row[0]) for row in rows]


def test_where_everything_fits_it_says_so_and_lists_the_population(home: Path, made: Path) -> None:
    done = population(str(made / "cloudtrail"), *TO)
    assert done.exit_code == Exit.OK, done.output
    assert "Every change has its approved proposal" in done.output
    told = json.loads(population(str(made / "cloudtrail"), *TO, "--json").stdout)
    assert told["ok"] is True
    assert told["findings"] == []
    counted, effects = told["records"], told["effects"]
    assert sum(counted.values()) == 2 * counted["all"] > 0
    assert sum(effects.values()) == 2 * effects["all"] > 0
    assert len(told["population"]) == counted["matched"] == effects["matched"] > 0
    first = told["population"][0]
    assert first["sealed_at"] < first["approved_at"] < first["claimed_at"] < first["intended_at"]
    assert first["approvers"]
    assert len(first["entries"]) >= 6


def test_reading_is_an_entry_with_the_view_the_period_and_the_roles(home: Path, made: Path) -> None:
    population(str(made / "cloudtrail"), "--from", "2026-01-01", *TO)
    (entry,) = entries(home)
    told = entry["data"]
    assert (told["view"], told["roles"]) == ("population", ["111122223333:role:spendgate-worker"])
    assert (told["from"], told["to"]) == ("2026-01-01T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z")


def test_a_finding_is_exit_code_7_with_a_sentence_and_where_it_stands(home: Path, made: Path, tmp_path: Path) -> None:
    year = Year(6, proposals=0, background=0)
    parameters = {"instancesSet": {"items": [{"instanceId": "i-0\x1b[31mevil"}]}}
    at = Year(5, 1, 0).lives[0].at
    event = year.record("ec2:TerminateInstances", "111122223333", "eu-central-1", parameters, at)
    (tmp_path / "more.jsonl").write_text("spoilt\n" + json.dumps(event) + "\n")
    files = [str(made / "cloudtrail"), str(tmp_path / "more.jsonl")]
    done = population(*files, *TO)
    assert done.exit_code == Exit.VERIFICATION_FAILED
    assert "2 findings" in done.output
    assert f"Record 1 of {tmp_path / 'more.jsonl'} cannot be read" in done.output
    assert "ec2:TerminateInstances on i-0?[31mevil" in done.output
    assert "\x1b" not in done.output
    told = json.loads(population(*files, *TO, "--json").stdout)
    assert [(one["finding"], one["record"]) for one in told["findings"]] == [("unreadable", 1), ("orphan", 2)]
    assert told["ok"] is False


def test_without_the_files_everything_that_was_done_is_missing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "none.json").write_text('{"Records": []}')
    done = population(str(tmp_path / "none.json"), *TO, "--json")
    assert done.exit_code == Exit.VERIFICATION_FAILED
    told = json.loads(done.stdout)
    assert {one["finding"] for one in told["findings"]} == {"missing", "unseen_role"}
    missing = [one for one in told["findings"] if one["finding"] == "missing"]
    assert "hold no event at all of account" in missing[0]["sentence"]
    early = json.loads(population(str(tmp_path / "none.json"), "--to", "2025-11-01", "--json").stdout)
    assert [one["finding"] for one in early["findings"]] == ["unseen_role"]
    assert early["effects"]["outside"] == len(missing)


def test_a_session_named_as_ours_leaves_its_name_out_of_the_log(home: Path, made: Path) -> None:
    session = "arn:aws:sts::111122223333:assumed-role/spendgate-worker/arjun.rao@bank.example"
    done = population(str(made / "cloudtrail"), *TO, role=session)
    assert done.exit_code == Exit.OK, done.output
    assert [entry["data"]["roles"] for entry in entries(home)] == [["111122223333:role:spendgate-worker"]]


def test_what_was_not_read_or_placed_qualifies_the_answer(home: Path, made: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "x.json.bz2").write_bytes(b"BZh9")
    nobody = {"type": "AWSAccount", "accountId": "111122223333"}
    event = Year(6, proposals=0, background=0).record(
        "ec2:TerminateInstances", "111122223333", "eu-central-1", {}, Year(5, 1, 0).lives[0].at, userIdentity=nobody
    )
    (more / "x.json").write_text(json.dumps({"Records": [event]}))
    files = [str(made / "cloudtrail"), str(more)]
    done = population(*files, *TO)
    assert done.exit_code == Exit.OK, done.output
    assert "\nEvery change" not in done.output
    assert "Of what could be read and placed, every change" in done.output
    told = json.loads(population(*files, *TO, "--json").stdout)
    assert told["records"]["unplaced"] == 1
    assert told["passed_over"] == [str(more / "x.json.bz2")]
    assert [remark.partition(" ")[0] for remark in told["remarks"]] == ["Not", "The"]


def test_a_log_that_does_not_verify_is_compared_with_nothing(home: Path, made: Path) -> None:
    with sqlite3.connect(home / "spendgate.db") as connection:
        connection.execute("DROP TRIGGER log_entry_no_update")
        connection.execute("UPDATE log_entry SET body = replace(body, 'p-0b0b0002', 'p-05e00005') WHERE seq = 3")
    done = population(str(made / "cloudtrail"), *TO)
    assert isinstance(done.exception, Problem)
    assert done.exception.exit_code == Exit.VERIFICATION_FAILED
    assert "does not verify: entry 3" in done.exception.why
    assert done.output == ""


@pytest.mark.parametrize("text", ["soon", "2026-13-01", "0001-01-01T00:00+23:59"])
def test_what_is_no_time_is_a_fault_of_the_command(home: Path, text: str) -> None:
    done = population(str(home), "--from", text)
    assert done.exit_code == Exit.USAGE
    assert "is not a time" in done.output
    assert entries(home) == []


@pytest.mark.parametrize(
    ("given", "role", "said"),
    [
        (["no-such-folder"], ROLE, "no such file"),
        (["."], None, "No role was named"),
        (["."], "worker", "names no role"),
        ([".", "--from", "2026-11-02", "--to", "2026-11-01"], ROLE, "period is empty"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(
    home: Path, given: list[str], role: str | None, said: str
) -> None:
    (home / "x.json").write_text('{"Records": []}')
    named = [str(home) if one == "." else one for one in given]
    done = population(*named, role=role)
    assert isinstance(done.exception, Problem)
    assert done.exception.exit_code == Exit.USAGE
    assert said in str(done.exception)
    assert entries(home) == []
