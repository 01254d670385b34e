"""Exports: the same entries for other programs. OCSF by the schema's own names, CSV that no spreadsheet computes."""

import csv
import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.database import reading, writing
from audit.canonical import canonical
from audit.event import Actor, ActorKind, Event
from audit.export import COLUMNS, Exported, Format, csv_line, export
from audit.log import append, entries, rows
from audit.ocsf import event_of
from tests.audit.conftest import START, Log
from tests.audit.packs import ORIGIN

# What OCSF 1.3.0 requires, by the names of its schema: https://schema.ocsf.io/1.3.0
BASE = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
REQUIRED = {3001: BASE | {"user"}, 3004: BASE | {"entity"}, 6003: BASE | {"actor", "api", "src_endpoint"}}
ACTIVITIES = {3001: {*range(12), 99}, 3004: {0, 1, 2, 3, 4, 99}, 6003: {0, 1, 2, 3, 4, 99}}
OBJECTS: dict[str, tuple[set[str], set[str]]] = {  # required attributes, and those of which one must be there
    "metadata": ({"product", "version"}, set()),
    "product": ({"vendor_name"}, {"name", "uid"}),
    "api": ({"operation"}, set()),
    "actor": (set(), {"process", "user", "invoked_by", "session", "app_name", "app_uid"}),
    "user": (set(), {"account", "name", "uid"}),
    "entity": (set(), {"name", "uid"}),
    "policy": (set(), {"name", "uid"}),
    "service": (set(), {"name", "uid"}),
    "src_endpoint": (
        set(),
        {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid", "interface_name"},
    ),
}
KNOWN = BASE | {
    *("activity_name", "actor", "api", "category_name", "class_name", "entity", "message", "policy", "raw_data"),
    *("resources", "severity", "src_endpoint", "status", "status_id", "type_name", "unmapped", "user"),
}
SEVERITIES, STATUSES = {0, 1, 2, 3, 4, 5, 6, 99}, {0, 1, 2, 99}

DATA: dict[Event, dict[str, Any]] = {
    Event.DELEGATION_GRANTED: {"giver": "p-0a11ce01", "receiver": "p-0b0b0002", "roles": ["approver"]},
    Event.DELEGATION_ENDED: {"giver": "p-0a11ce01", "receiver": "p-0b0b0002"},
    Event.POLICY_CHANGED: {"kind": "rules", "version": 2},
    Event.KILLSWITCH_ON: {"scope": "all"},
    Event.PRIVACY_ERASED: {"person": "p-0a11ce01", "texts": 3},
}


@pytest.fixture
def all_events(log: Log) -> Log:
    """An entry of each event, by each kind of actor in turn."""
    with writing(log.engine) as (session, _):
        for at, event in enumerate(Event):
            actor = Actor(list(ActorKind)[at % len(ActorKind)], f"p-{at:08d}")
            proposal = f"P-{at:010d}" if at % 2 else None
            append(session, now=START, event=event, actor=actor, proposal=proposal, data=DATA.get(event, {"at": at}))
    return log


def exported(log: Log, form: Format, first: int = 1) -> tuple[bytes, Exported]:
    out = io.BytesIO()
    with reading(log.engine) as (session, _):
        made = export(rows(session, first=first, last=10_000), out, form=form, origin=ORIGIN)
    return out.getvalue(), made


def parts(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of an event with the name of its type; what is ours is not looked into."""
    for name, value in event.items():
        if isinstance(value, dict) and name != "unmapped":
            yield name, value
            yield from parts(value)


def test_every_event_has_what_its_class_of_ocsf_requires(all_events: Log) -> None:
    data, made = exported(all_events, Format.OCSF)
    events = [json.loads(line) for line in data.splitlines()]
    assert len(events) == made.entries == len(Event) + 6
    for event in events:
        kind = event["class_uid"]
        assert REQUIRED[kind] <= set(event) <= KNOWN
        assert event["activity_id"] in ACTIVITIES[kind]
        assert event["type_uid"] == kind * 100 + event["activity_id"]
        assert event["category_uid"] == kind // 1000
        assert event["severity_id"] in SEVERITIES
        assert event["status_id"] in STATUSES
        assert event["activity_id"] != 99 or event["activity_name"] not in ("", "Other")
        for name, value in parts(event):
            required, one_of = OBJECTS.get(name, (set(), set()))
            assert required <= set(value)
            assert not one_of or one_of & set(value)
    assert {event["class_uid"] for event in events} == set(REQUIRED)


def test_an_ocsf_event_keeps_the_entry(all_events: Log) -> None:
    data, _ = exported(all_events, Format.OCSF)
    with reading(all_events.engine) as (session, _):
        kept = entries(session, limit=1000)
    for line, entry in zip(data.splitlines(), kept, strict=True):
        event = json.loads(line)
        assert event["raw_data"].encode() == entry.body
        assert (event["unmapped"]["seq"], event["unmapped"]["hash"]) == (entry.seq, entry.hash)
        assert event["metadata"]["sequence"] == entry.seq
        assert event["metadata"]["event_code"] == entry.event
        assert event["time"] == int(entry.recorded_at.timestamp() * 1000)


def body(event: Event, actor: str = "p-0a11ce01", **data: Any) -> bytes:
    told = {"schema": "spendgate.entry.v1", "seq": 7, "prev": "0" * 64, "event": event, "proposal": None}
    more = {"actor": {"kind": "person", "id": actor}, "proposal_version": None, "data": data, "recorded_at": START}
    return canonical({**told, **more})


def test_some_events_in_the_words_of_ocsf() -> None:
    lent = event_of(body(Event.DELEGATION_GRANTED, **DATA[Event.DELEGATION_GRANTED]), "h", origin=ORIGIN)
    assert (lent["type_name"], lent["user"]["uid"]) == ("Account Change: Attach Policy", "p-0b0b0002")
    assert lent["policy"] == {"name": "approver"}
    rules = event_of(body(Event.POLICY_CHANGED, kind="rules"), "h", origin=ORIGIN)
    assert rules["entity"] == {"name": "rules", "type": "policy"}
    refused = event_of(body(Event.VOTE_REFUSED), "h", origin=ORIGIN)
    assert (refused["status"], refused["severity"], refused["type_name"]) == ("Failure", "Low", "API Activity: Other")
    assert event_of(body(Event.EXECUTION_UNKNOWN), "h", origin=ORIGIN)["status"] == "Unknown"
    assert event_of(body(Event.BREAKGLASS_USED), "h", origin=ORIGIN)["severity"] == "High"


def test_json_lines_are_the_stored_bytes_with_their_hash(log: Log) -> None:
    data, made = exported(log, Format.JSONL, first=3)
    assert (made.first, made.last, made.entries, made.sha256) == (3, 6, 4, sha256(data).hexdigest())
    with reading(log.engine) as (session, _):
        kept = entries(session, after=2)
    for line, entry in zip(data.splitlines(), kept, strict=True):
        assert json.loads(line) == {**json.loads(entry.body), "hash": entry.hash}
        body = line.rpartition(b',"hash":"')[0] + b"}"
        assert sha256(b"\x00" + body).hexdigest() == entry.hash, "whoever has the line can recompute its leaf"


def test_csv_has_a_column_for_each_part_and_data_as_json(log: Log) -> None:
    data, _ = exported(log, Format.CSV)
    table = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert tuple(table[0]) == COLUMNS
    assert [row["seq"] for row in table] == ["1", "2", "3", "4", "5", "6"]
    assert json.loads(table[3]["data"]) == {"at": 3, "said": "grüße – 猫", "why": None}
    assert table[3]["proposal"] == "P-0000000001"


@pytest.mark.parametrize(
    "begins", ["=", "+", "-", "@", "\t", "\r", "＝", " =", "\u00a0=", "\u200b=", "\ufeff=", "\u2212", " \u200b\n＝"]
)
def test_a_cell_that_a_spreadsheet_would_compute_is_neutralised(begins: str) -> None:
    evil = f'{begins}cmd|" /C calc"!A0'
    line = csv_line("a" * 64, body(Event.QUESTION_ASKED, actor=evil, said=evil))
    (row,) = csv.reader(io.StringIO(line.decode(), newline=""))
    assert row[COLUMNS.index("actor")] == f"'{evil}"
    harmless = csv_line("a" * 64, body(Event.QUESTION_ASKED, actor=f" a{begins}"))
    assert f" a{begins}" in next(csv.reader(io.StringIO(harmless.decode(), newline="")))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for cell in row)


def test_exporting_is_an_entry_and_a_file_is_not_written_over(tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["audit", *words], env={"SPENDGATE_HOME": str(tmp_path / "home")})

    out = tmp_path / "log.csv"
    assert run("export", "--format", "csv", "--out", str(out)).exit_code == 0
    listed = json.loads(run("list", "--event", "log.exported", "--json").stdout)["entries"]
    assert [entry["data"]["sha256"] for entry in listed] == [sha256(out.read_bytes()).hexdigest()]
    assert listed[0]["actor"]["kind"] == "person"
    again = run("export", "--format", "csv", "--out", str(out))
    assert getattr(again.exception, "exit_code", 0) == 5
    shown = run("export", "--format", "jsonl", "--from", "1", "--to", "1")
    assert json.loads(shown.stdout.splitlines()[0])["seq"] == 1
    assert getattr(run("export", "--format", "ocsf", "--from", "900").exception, "exit_code", 0) == 4
    assert run("export", "--format", "xml").exit_code == 2
