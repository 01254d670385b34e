"""One DuckDB for all questions of a process: across threads, a fork, and loads in between."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake import duck
from lake.engine import Lake
from lake.period import Period
from lake.question import Question

OCTOBER = Period.parse("2026-10")
ALL = Question(period=OCTOBER)
LAST = 5


def test_a_database_is_opened_once_for_many_questions(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: Any
) -> None:
    load(write("bill.csv", [charge("1.00")]))
    lake.ask(ALL)
    opened = []
    monkeypatch.setattr(duckdb, "connect", lambda *given, **named: opened.append(given))
    assert lake.ask(ALL).totals == Lake(lake.folder).ask(ALL).totals == [("USD", Decimal(1))]
    assert opened == []


def test_a_load_between_two_questions_is_seen_by_the_second(write: Any, charge: Any, load: Any, lake: Lake) -> None:
    asked = Question(period=OCTOBER, by=("team",), where={"team": ("search",)})
    load(write("bill.csv", [charge("1.00", Tags='{"team": "search"}')]))
    assert lake.ask(asked).totals == [("USD", Decimal(1))]
    load(write("bill.csv", [charge("2.00", Tags='{"team": "Search"}'), charge("4.00", Tags='{"team": "ranking"}')]))
    again = lake.ask(asked)
    assert again.totals == [("USD", Decimal(2))]
    assert again.rows == [{"team": "Search", "currency": "USD", "value": Decimal(2)}]
    assert again.snapshots == ["aws/2026-10/2"]


def test_two_readers_of_one_database_each_see_their_own_snapshots(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    load(write("bill.csv", [charge("1.00")]))
    before = lake.current()
    with lake.files().reader(before) as early:
        load(write("bill.csv", [charge("2.00"), charge("3.00")]))
        with lake.files().reader(lake.current()) as late:
            sums = "SELECT count(*), sum(EffectiveCost) FROM charges"
            assert late.query(sums) == [(2, Decimal(5))]  # type: ignore[attr-defined]
            assert early.query(sums) == [(1, Decimal(1))]  # type: ignore[attr-defined]


def test_threads_ask_at_once_while_loads_go_on_and_each_sees_one_whole(
    write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    """Each load holds n charges of n: an answer of anything else would be of two loads."""

    def bill(count: int) -> Path:
        made: Path = write("bill.csv", [charge(f"{count}.00", ResourceId=f"r{n}") for n in range(count)])
        return made

    load(bill(3))
    over, newest = threading.Event(), threading.Event()
    faults = []

    def ask() -> None:
        mine = Lake(lake.folder)
        while not over.is_set():
            answered = mine.ask(Question(period=OCTOBER, by=("resource",)))
            total = answered.totals[0][1]
            if total != len(answered.rows) ** 2:
                faults.append((len(answered.rows), total))
            if total == LAST**2:
                newest.set()
            time.sleep(0.005)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for count in (4, LAST):
        load(bill(count))
    assert newest.wait(timeout=60)
    over.set()
    for asker in askers:
        asker.join(timeout=60)
    assert faults == []


def _asked_in_a_fork(folder: str, told: Any) -> None:
    answered = Lake(Path(folder)).ask(ALL)
    told.put((answered.totals, duck.cursor().execute("SELECT sum(range) FROM range(1000000)").fetchone()))


def test_a_forked_process_asks_a_database_of_its_own_and_ends(
    write: Any, charge: Any, load: Any, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # multiprocessing ends its children without their ends
    load(write("bill.csv", [charge("1.00")]))
    lake.ask(ALL)
    context = multiprocessing.get_context("fork")
    told = context.Queue()
    child = context.Process(target=_asked_in_a_fork, args=(str(lake.folder), told))
    child.start()
    assert told.get(timeout=30) == ([("USD", Decimal(1))], (499999500000,))
    child.join(timeout=30)
    assert child.exitcode == 0
    assert lake.ask(ALL).totals == [("USD", Decimal(1))]


def test_a_forked_process_that_ends_like_any_program_ends_without_a_crash() -> None:
    """A process that runs its module's ends closes what it holds; DuckDB would abort there for its missing threads."""
    program = (
        "import os, sys; from lake import duck; kept = duck.cursor(); kept.execute('SELECT 1')\n"
        "child = os.fork()\n"
        "if not child: duck.cursor().execute('SELECT 1'); sys.exit(0)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


SPILLING = """
import os, stat, sys
from lake import duck

child = os.fork() if duck.cursor() else 0
asking = duck.cursor()
folder, limit = asking.execute("SELECT current_setting('temp_directory'), current_setting('memory_limit')").fetchone()
asking.execute("SET memory_limit = '24MB'")
asking.execute("CREATE TEMP TABLE kept AS SELECT range AS a, hash(range) AS b, hash(-range) AS c FROM range(1500000)")
sum_of_all = asking.execute("SELECT sum(a) FROM kept").fetchone()[0]
mode = oct(stat.S_IMODE(os.stat(folder).st_mode))
print(folder, mode, limit, sum_of_all, len(os.listdir(folder)) > 0, os.listdir("."), sep="|", flush=True)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) if child else 0)
"""


def test_what_does_not_fit_into_memory_goes_to_a_private_folder_of_each_process(tmp_path: Path) -> None:
    """In one folder two processes would take each other's files for their own, and one of them would crash."""
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", SPILLING],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=here,
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(Path(duck.__file__).parents[1])},
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    told = [line.split("|") for line in ended.stdout.splitlines()]
    assert [line[1:] for line in told] == [["0o700", "1.8 GiB", "1124999250000", "True", "[]"]] * 2
    assert {Path(line[0]).parent for line in told} == {temporary}
    assert len({line[0] for line in told}) == 2
    assert list(temporary.iterdir()) == []


def test_questions_are_answered_where_no_temporary_folder_can_be_made(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(write("bill.csv", [charge("1.00")]))

    def refused(**_: str) -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr("tempfile.mkdtemp", refused)
    monkeypatch.setattr(duck, "_shared", duck._Shared())
    assert lake.ask(ALL).totals == [("USD", Decimal(1))]


def test_moments_are_read_as_utc_wherever_the_machine_is() -> None:
    program = (
        "from lake import duck; moment = \"CAST(TIMESTAMPTZ '2026-10-01T00:00:00Z' AS VARCHAR)\"\n"
        "print(*(each.execute(f'SELECT {moment}').fetchone()[0] for each in (duck.cursor(), duck.connect())))"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"TZ": "Asia/Tokyo"},
    )
    assert told.stdout.split("\n")[0] == "2026-10-01 00:00:00+00 2026-10-01 00:00:00+00"
