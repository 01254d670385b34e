"""Publishing: all of a call or nothing, what was replaced stays a while, and another lake's bills are not replaced."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lake import expressions
from lake.engine import Lake
from lake.engines import publish as publishing
from lake.engines import tables
from lake.engines.publish import publish
from lake.engines.served import Served
from lake.errors import LakeError, SourceConflict
from lake.period import Period
from lake.question import Question
from tests.lake.conftest import NOW
from tests.postgres.server import Server

pytestmark = pytest.mark.slow

OCTOBER = Question(period=Period.parse("2026-10"))


@pytest.fixture
def address(new_database: Callable[..., str]) -> str:
    return new_database()


def total(lake: Lake) -> Decimal:
    ((_, value),) = lake.ask(OCTOBER).totals
    return value


@pytest.fixture
def served(lake: Lake, address: str) -> Lake:
    return Lake(lake.folder / "none", server=Served(address))


def test_a_restated_period_replaces_and_the_same_is_not_sent_again(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, served: Lake
) -> None:
    load(write("a.csv", [charge("1.00"), charge("2.00", day="2026-09-05")]))
    first = publish(lake, address, now=NOW)
    assert (first.sent, first.charges, first.there) == (("aws/2026-09/1", "aws/2026-10/1"), 2, 0)
    again = publish(lake, address, now=NOW)
    assert (again.sent, again.there) == ((), 2)
    for revision in (2, 3):
        load(write(f"{revision}.csv", [charge(f"{revision}.50")]))
        assert publish(lake, address, now=NOW).sent == (f"aws/2026-10/{revision}",)
    assert total(served) == Decimal("3.5")
    assert served.ask(OCTOBER).snapshots == ["aws/2026-10/3"]
    with psycopg.connect(address) as connection:
        held = connection.execute("SELECT DISTINCT x_snapshot FROM spendgate_lake.charges ORDER BY 1").fetchall()
    assert held == [("aws/2026-09/1",), ("aws/2026-10/2",), ("aws/2026-10/3",)]


def test_a_question_under_way_sees_one_state(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, served: Lake
) -> None:
    load(write("a.csv", [charge("1.00")]))
    publish(lake, address, now=NOW)
    before = served.current()
    load(write("b.csv", [charge("9.00")]))
    publish(lake, address, now=NOW)
    with served.reader(before) as reader:  # it read the manifests before the load, and the charges after it
        rows, _ = reader.fetch(expressions.totals, OCTOBER)
    assert [row["value"] for row in rows] == [Decimal("1")]
    load(write("c.csv", [charge("10.00")]))
    publish(lake, address, now=NOW)
    with pytest.raises(LakeError, match="changing too fast"), served.reader(before):
        pass


def test_what_does_not_arrive_whole_changes_nothing(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, served: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(write("a.csv", [charge("1.00")]))
    publish(lake, address, now=NOW)
    load(write("b.csv", [charge("5.00"), charge("6.00", day="2026-09-05")]))
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "_fields", lambda columns, tags: ", ".join("'\\N'" for _ in columns))
        with pytest.raises(LakeError, match="did not arrive as it was sent"):
            publish(lake, address, now=NOW)
    assert served.ask(OCTOBER).snapshots == ["aws/2026-10/1"]
    assert total(served) == Decimal("1")
    assert publish(lake, address, now=NOW).sent == ("aws/2026-09/1", "aws/2026-10/2")


def test_two_lakes_do_not_replace_each_other(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, served: Lake, tmp_path: Path
) -> None:
    from lake.load import ingest

    load(write("a.csv", [charge("1.00")]))
    publish(lake, address, now=NOW)
    other = Lake(tmp_path / "other")
    ingest(other, [write("b.csv", [charge("7.00")])], now=NOW)
    with pytest.raises(SourceConflict, match="from another lake"):
        publish(other, address, now=NOW)
    assert total(served) == Decimal("1")


def test_two_publishers_at_once_do_the_work_once(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, served: Lake
) -> None:
    load(write("a.csv", [charge("1.00"), charge("2.00")]))
    sent: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: sent.append(publish(lake, address, now=NOW).sent)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent, key=len) == [(), (), ("aws/2026-10/1",)]
    assert total(served) == Decimal("3")


def test_a_publisher_that_waited_sends_what_counts_when_its_turn_comes(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, served: Lake
) -> None:
    load(write("a.csv", [charge("1.00")]))
    publish(lake, address, now=NOW)
    sent: list[tuple[str, ...]] = []
    waiting = threading.Thread(target=lambda: sent.append(publish(lake, address, now=NOW).sent))
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [publishing._LOCK])
        waiting.start()
        waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        until = time.monotonic() + 20
        while not other.execute(waits).fetchall() and time.monotonic() < until:
            time.sleep(0.01)
        load(write("b.csv", [charge("9.00")]))
    waiting.join()
    assert sent == [("aws/2026-10/2",)]
    assert total(served) == Decimal("9")


def test_readers_may_read_and_nothing_else(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, postgres: Server
) -> None:
    load(write("a.csv", [charge("1.00")]))
    postgres.run("DO $$ BEGIN CREATE ROLE lake_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    as_reader = address.replace("owner@", "postgres@")  # the server lets only these two in without a password
    publish(lake, address, now=NOW, readers=["lake_reader"])
    with psycopg.connect(as_reader, options="-c role=lake_reader") as connection:
        assert connection.execute("SELECT count(*) FROM spendgate_lake.charges").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM spendgate_lake.charges")


def test_a_tag_without_a_column_is_refused_and_never_untagged(
    write: Any, charge: Any, load: Any, lake: Lake, address: str, served: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_TAGS", 1)
    load(write("a.csv", [charge("1.00", Tags='{"often": "a", "rare": "b"}'), charge("2.00", Tags='{"often": "c"}')]))
    assert publish(lake, address, now=NOW).tags_left == ("rare",)
    rows = served.ask(OCTOBER.model_copy(update={"by": ("tag:often",)})).rows
    assert {row["tag:often"] for row in rows} == {"a", "c"}
    with pytest.raises(LakeError, match="'rare' cannot be asked for on this server"):
        served.ask(OCTOBER.model_copy(update={"by": ("tag:rare",)}))


def test_an_empty_lake_has_nothing_to_publish(lake: Lake, address: str) -> None:
    with pytest.raises(LakeError, match="nothing to publish"):
        publish(lake, address, now=NOW)
