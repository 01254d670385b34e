"""A scan drafts what a rule that somebody turned on finds behind unusual spend: once, in that person's name, and never
what that person may not see or people have answered."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from app.anomaly_marks import Saying, mark
from app.anomaly_rows import Anomaly, AnomalyScan, stored
from app.burst_scan import scan_hours
from app.database import reading, writing
from app.home import Home
from app.scan_drafts import MOST_A_SCAN, MOST_OPEN, REST, Intent, desks, draft
from approvals.adopt import adopt
from approvals.engage import engage
from approvals.person import load_people
from approvals.store import Draft, Proposal, Vote
from audit.event import Actor, ActorKind
from audit.log import LogEntry
from lake.engine import Lake
from tests.app.conftest import PEOPLE, ROOT, RULES, STOP, Hands
from tests.app.drafting_bill import ARJUN, LAST, MACHINE, NOW, OLIVIA, RULE, bill, charges, scanned, switch
from tests.app.scan_child import PROPOSED, TOLD
from tests.app.slack.test_anomalies import an_event
from tests.tools.gateway_log import pulled, request
from tests.tools.small_bill import lake_of
from tools.desk import Wanted
from tools.detection.marks import MarkKind

TEST = Actor(ActorKind.SERVICE, "test")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return bill(tmp_path_factory.mktemp("drafts"))


@pytest.fixture(autouse=True)
def _time(clock: Hands) -> None:
    clock.now = NOW


def drafts(engine: Engine) -> list[Draft]:
    with reading(engine) as (session, _):
        return list(session.exec(select(Draft)))


def entries(engine: Engine, *words: str) -> list[dict[str, Any]]:
    with reading(engine) as (session, _):
        found = session.exec(select(LogEntry).order_by(col(LogEntry.seq))).all()
        return [json.loads(entry.body) for entry in found if entry.event.startswith(words)]


def in_force(engine: Engine, kind: str, text: str) -> None:
    with writing(engine) as (session, now):
        adopt(session, now=now, kind=kind, text=text, actor=TEST)


def test_what_the_rule_finds_behind_unusual_spend_is_drafted_once_in_the_name_of_whoever_turned_it_on(
    engine: Engine, home: Home, lake: Lake
) -> None:
    switch(engine)
    told = scanned(engine, home, lake)
    [made] = drafts(engine)
    assert (made.requester, made.kind, made.thread, told.drafted) == (OLIVIA, "stop_instance", "", (made.id,))
    assert json.loads(made.change)["instance_id"] == MACHINE
    evidence = json.loads(made.evidence)
    assert (evidence["rule"], evidence["resource_name"], evidence["team"]) == (RULE, "forgotten", "fraud")
    with reading(engine) as (session, _):
        [row] = [one for one in stored(session) if one.proposal]
        assert (row.proposal, row.owner, evidence["anomaly"]) == (made.id, "fraud", row.id)
        assert session.exec(select(Proposal)).all() == [], "the worker seals it, and nobody has decided"
        assert session.exec(select(Vote)).all() == []
    drafted, proposed = entries(engine, "proposal.", "anomaly.proposed")
    assert drafted["actor"] == proposed["actor"] == {"id": "scan-a", "kind": "service"}
    assert drafted["data"]["requester"] == OLIVIA
    assert (proposed["proposal"], proposed["data"]["rule"], proposed["data"]["anomaly"]) == (made.id, RULE, row.id)
    assert (scanned(engine, home, lake).done, len(drafts(engine))) == (False, 1)


def turned_off(engine: Engine) -> None:
    switch(engine)
    switch(engine, on=False, person=ARJUN)


def another_rule(engine: Engine) -> None:
    switch(engine, "idle_machine")


def is_gone(engine: Engine) -> None:
    switch(engine)
    start = PEOPLE.index(f'[[person]]\nid = "{OLIVIA}"')
    in_force(engine, "people", PEOPLE[:start] + PEOPLE[PEOPLE.index("[[person]]", start + 1) :])


def sees_others(engine: Engine) -> None:
    switch(engine)
    start = PEOPLE.index(f'id = "{OLIVIA}"')
    in_force(engine, "people", PEOPLE[:start] + PEOPLE[start:].replace('["*"]', '["claims"]', 1))


def all_stopped(engine: Engine) -> None:
    switch(engine)
    with writing(engine) as (session, now):
        assert engage(session, now=now, person=OLIVIA, scope="*", reason="drill").allowed


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda _engine: None, id="nobody turned a rule on"),
        pytest.param(turned_off, id="somebody turned it off again"),
        pytest.param(another_rule, id="another rule is on, which does not find it"),
        pytest.param(is_gone, id="whoever turned it on is no longer there"),
        pytest.param(sees_others, id="whoever turned it on may not see the team"),
        pytest.param(all_stopped, id="everything is stopped"),
    ],
)
def test_nothing_is_drafted_and_the_event_is_told_all_the_same(
    engine: Engine, home: Home, lake: Lake, given: Callable[[Engine], None]
) -> None:
    given(engine)
    told = scanned(engine, home, lake)
    assert (told.drafted, drafts(engine), told.owners) == ((), [], ("fraud",))
    assert entries(engine, "proposal.", "anomaly.proposed") == []


def test_a_machine_that_works_is_unusual_and_no_proposal(engine: Engine, home: Home, tmp_path: Path) -> None:
    switch(engine)
    told = scanned(engine, home, bill(tmp_path, cpu="80"))
    assert (told.new, told.drafted, drafts(engine)) == (1, (), [])


def test_who_lost_the_role_asks_for_nothing_and_the_refusal_is_an_entry(engine: Engine, home: Home, lake: Lake) -> None:
    switch(engine)
    in_force(engine, "people", PEOPLE.replace('roles = ["ops_manager"]', 'roles = ["auditor"]'))
    told = scanned(engine, home, lake)
    assert (told.new, told.drafted, drafts(engine)) == (1, (), [])
    [refused] = entries(engine, "proposal.")
    assert (refused["event"], refused["data"]["code"], refused["data"]["requester"]) == (
        "proposal.refused",
        "no_role",
        OLIVIA,
    )


def test_in_a_freeze_it_is_drafted_since_what_is_approved_waits_there(engine: Engine, home: Home, lake: Lake) -> None:
    freeze = '\n[[freeze]]\nname = "close"\nzone = "UTC"\nstart = 2026-11-15T00:00:00\nend = 2026-11-20T00:00:00\n'
    in_force(engine, "rules", RULES + freeze)
    switch(engine)
    assert len(scanned(engine, home, lake).drafted) == 1


def test_what_people_called_planned_is_not_proposed_away(engine: Engine, home: Home, tmp_path: Path) -> None:
    scanned(engine, home, bill(tmp_path / "one", days=179))
    switch(engine)
    with reading(engine) as (session, _):
        [row] = stored(session)
    with writing(engine) as (session, now):
        saying = Saying(row.id, MarkKind.PLANNED, "a migration", LAST - timedelta(days=30), LAST + timedelta(days=30))
        assert mark(session, now=now, saying=saying, person=load_people(PEOPLE).by_id[OLIVIA]).allowed
    told = scanned(engine, home, bill(tmp_path / "two"))
    assert (told.done, told.drafted, drafts(engine)) == (True, (), [])


def test_of_two_scans_at_once_one_drafts(engine: Engine, home: Home, lake: Lake) -> None:
    switch(engine)
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda name: scanned(engine, home, lake, name), ["scan-a", "scan-b"]))
    assert sorted(one.done for one in told) == [False, True]
    assert len(drafts(engine)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("step", [PROPOSED, TOLD])
def test_killed_in_the_middle_it_left_nothing_and_the_next_scan_drafts_once(
    engine: Engine, home: Home, lake: Lake, step: str
) -> None:
    switch(engine)
    command = [sys.executable, "-m", "tests.app.scan_child", str(home.folder), str(lake.folder), step]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert died.returncode == -signal.SIGKILL, died.stderr
    with reading(engine) as (session, _):
        assert (stored(session), session.exec(select(AnomalyScan)).all()) == ([], [])
    assert drafts(engine) == []
    assert len(scanned(engine, home, lake).drafted) == len(drafts(engine)) == 1


KEY = "0a" * 32


def test_a_key_that_runs_away_is_drafted_a_budget_before_any_bill(
    engine: Engine, home: Home, clock: Hands, tmp_path: Path
) -> None:
    lake_of(tmp_path, charges(), now=NOW)
    began = NOW.replace(hour=0) - timedelta(days=23)
    rows = []
    for hour in range(24 * 23 + 6):
        cost = "40" if hour >= 24 * 23 else "1"
        at = began + timedelta(hours=hour, minutes=20)
        rows.append(request(("fraud", "claude-sonnet-4-5", KEY), at, cost_of(cost, hour)))
    clock.now = began + timedelta(hours=24 * 23 + 6, minutes=15)
    lake = pulled(tmp_path, rows, now=clock.now)
    switch(engine, "key_runaway")
    told = scan_hours(engine, lake, by="scan-h", desk_for=desks(home, lake))
    assert told is not None
    [made] = drafts(engine)
    assert (made.kind, json.loads(made.change)["key"], told.drafted) == ("set_gateway_budget", KEY, (made.id,))
    evidence = json.loads(made.evidence)
    assert (evidence["rule"], evidence.get("saving")) == ("key_runaway", None), "an estimate is no saving of the bill"
    with reading(engine) as (session, _):
        assert [one.proposal for one in stored(session, bursts=True)] == [made.id]


def cost_of(cost: str, hour: int) -> Decimal:
    """With a little unrest."""
    return Decimal(cost) * (1 + Decimal((hour * 7) % 5 - 2) / 100)


WANTED = Wanted(STOP, {"amount": "40000", "currency": "USD", "rule": RULE}, "train-1")
MEANT = Intent(OLIVIA, ("*",), RULE, WANTED)


def of_machine(number: int) -> Intent:
    change = {**STOP, "instance_id": f"i-{number:017x}"}
    return Intent(OLIVIA, ("*",), RULE, Wanted(change, WANTED.evidence, f"train-{number}"))


def stored_of(engine: Engine, *meant: Intent, at: int = 0) -> list[str]:
    """A scan's transaction that means these drafts, each for an event of its own, by numbers after `at`."""
    with writing(engine) as (session, now):
        pairs = [(_event(session, number), intent) for number, intent in enumerate(meant, at + 1)]
        return draft(session, now=now, by="scan-a", meant_for=pairs)


def _event(session: Session, number: int) -> Anomaly:
    row = session.get(Anomaly, an_event(number).id) or an_event(number)
    session.add(row)
    return row


def became(engine: Engine, draft_id: str, state: str) -> None:
    """The proposal is in this state since now; without the guard that asks for each move's entry."""
    with engine.begin() as connection:
        named = connection.exec_driver_sql(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'proposal'"
        )
        for (name,) in named.all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    with writing(engine) as (session, now):
        row = session.get_one(Draft, draft_id)
        same = {name: getattr(row, name) for name in ("id", "thread", "requester", "kind", "resource", "change")}
        session.add(Proposal(**same, version=1, state=state, evidence=row.evidence, created_at=now, changed_at=now))


@pytest.mark.parametrize(
    ("state", "ago", "again"),
    [
        pytest.param(None, timedelta(0), False, id="it is being checked"),
        pytest.param("pending", REST * 2, False, id="it waits for votes, however long"),
        pytest.param("rejected", REST - timedelta(minutes=1), False, id="it was rejected lately"),
        pytest.param("cancelled", timedelta(days=1), False, id="it was withdrawn lately"),
        pytest.param("expired", timedelta(days=1), False, id="nobody decided in time"),
        pytest.param("unsealable", timedelta(days=1), False, id="it cannot be proposed"),
        pytest.param("verified", timedelta(days=1), False, id="it was carried out, and the bill lags behind"),
        pytest.param("rejected", REST, True, id="it was rejected long ago"),
    ],
)
def test_nobody_is_asked_again_about_what_is_open_or_was_answered(
    engine: Engine, clock: Hands, state: str | None, ago: timedelta, *, again: bool
) -> None:
    switch(engine)
    [first] = stored_of(engine, MEANT)
    if state is not None:
        became(engine, first, state)
    clock.pass_(seconds=ago.total_seconds())
    assert (len(stored_of(engine, MEANT)) == 1) is again


def test_a_scan_asks_for_few_at_once_and_no_more_while_many_wait(engine: Engine) -> None:
    switch(engine)
    asked = [len(stored_of(engine, *(of_machine(10 * scan + n) for n in range(5)), at=10 * scan)) for scan in range(5)]
    assert asked == [MOST_A_SCAN, MOST_A_SCAN, MOST_A_SCAN, MOST_OPEN - 3 * MOST_A_SCAN, 0]
    for row in drafts(engine)[:2]:
        became(engine, row.id, "rejected")
    assert len(stored_of(engine, *(of_machine(100 + n) for n in range(5)), at=100)) == 2


def test_what_is_carried_out_or_handed_over_waits_for_nobody_here(engine: Engine) -> None:
    switch(engine)
    for scan in range(4):
        stored_of(engine, *(of_machine(10 * scan + n) for n in range(5)), at=10 * scan)
    became(engine, drafts(engine)[0].id, "succeeded")
    assert len(stored_of(engine, of_machine(100), at=100)) == 1


def test_an_event_has_one_proposal_that_waits_whatever_is_behind_it_by_now(engine: Engine) -> None:
    switch(engine)
    [first] = stored_of(engine, of_machine(1))
    assert stored_of(engine, of_machine(2)) == []
    became(engine, first, "rejected")
    assert len(stored_of(engine, of_machine(2))) == 1


def test_who_lost_the_role_takes_no_place_of_others(engine: Engine) -> None:
    switch(engine)
    switch(engine, "idle_machine", person=ARJUN)
    start = PEOPLE.index(f'id = "{ARJUN}"')
    scope = tuple(sorted(load_people(PEOPLE).by_id[ARJUN].sees_teams))
    lost = [Intent(ARJUN, scope, "idle_machine", of_machine(number).wanted) for number in range(MOST_A_SCAN)]
    roles = PEOPLE[start:][: PEOPLE[start:].index("]", PEOPLE[start:].index("roles =")) + 1]
    in_force(engine, "people", PEOPLE.replace(roles, roles[: roles.index("roles =")] + 'roles = ["auditor"]'))
    assert len(stored_of(engine, *lost, of_machine(50))) == 1
    assert len(entries(engine, "proposal.refused")) == MOST_A_SCAN


@pytest.mark.parametrize(
    "meant",
    [
        pytest.param(Intent(ARJUN, ("*",), RULE, WANTED), id="the rule is another person's by now"),
        pytest.param(Intent(OLIVIA, ("fraud",), RULE, WANTED), id="the person sees something else by now"),
        pytest.param(Intent(OLIVIA, ("*",), "idle_machine", WANTED), id="the rule is off by now"),
        pytest.param(Intent("p-99999999", ("*",), RULE, WANTED), id="there is no such person"),
    ],
)
def test_what_changed_while_the_bill_was_judged_counts(engine: Engine, meant: Intent) -> None:
    switch(engine)
    assert stored_of(engine, meant) == []
    assert drafts(engine) == []
