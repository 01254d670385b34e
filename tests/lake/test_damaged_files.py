"""Files of the lake that were damaged after they were loaded, and questions that cannot go on: said, never raw."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.period import Period
from lake.question import Question
from lake.speaking import in_words
from lake.usage import utilisation

FOOTER = 8  # a Parquet file ends in the length of its footer and four letters
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "zeros in the middle": lambda body: body[: len(body) // 4] + bytes(len(body) // 4) + body[len(body) // 2 :],
    "zeros in the footer": lambda body: body[: -400 - FOOTER] + bytes(400) + body[-FOOTER:],
    "cut short": lambda body: body[: len(body) // 2],
    "emptied": lambda body: b"",
}


@pytest.fixture(params=[*DAMAGES, "removed"])
def damage(request: pytest.FixtureRequest) -> Any:
    def done(path: Path) -> None:
        if request.param == "removed":
            path.unlink()
        else:
            path.write_bytes(DAMAGES[request.param](path.read_bytes()))

    return done


def test_a_damaged_snapshot_is_said(damage: Any, write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("bill.csv", [charge(f"{n}.00", ServiceName=f"s{n % 7}", ResourceId=f"r-{n}") for n in range(200)]))
    damage(lake.folder / lake.current()[0].files[0].path)
    with pytest.raises(LakeError, match=re.escape("A snapshot's file cannot be read.")) as refusal:
        lake.ask(Question(period=Period.parse("2026-10"), by=("service", "resource")))
    assert "Load that billing period again" in refusal.value.do


def test_damaged_utilisation_is_said(damage: Any, write: Any, load: Any, lake: Lake) -> None:
    hours = [f"2026-10-{day:02}T{hour:02}:00Z" for day in range(1, 29) for hour in range(24)]
    # Values that no two hours share, so that whatever is damaged was worth something: of an empty column it is not.
    used = [
        {"ResourceId": "i-1", "HourStart": hour, "cpu_max_pct": f"{at * 0.1271 % 100:.4f}", "network_bytes": str(at**3)}
        for at, hour in enumerate(hours)
    ]
    load(write("usage.csv", used))
    path = lake.folder / "usage" / "1.parquet"
    damage(path)
    with pytest.raises(LakeError, match="utilisation that is loaded cannot be read") as refusal:
        utilisation(lake.store, ["i-1"], start=datetime(2026, 10, 1, tzinfo=UTC), end=datetime(2026, 11, 1, tzinfo=UTC))
    assert str(path) in refusal.value.do


def test_a_question_that_finds_no_room_says_nothing_about_files() -> None:
    with (
        duckdb.connect(config={"memory_limit": "20MB", "temp_directory": ""}) as connection,
        pytest.raises(LakeError, match="takes more memory than there is"),
        in_words("The file cannot be read.", do="Mend it."),
    ):
        connection.execute("SELECT range, count(*) FROM range(5000000) GROUP BY ALL").fetchall()


def test_a_question_that_is_interrupted_says_nothing_about_files() -> None:
    over = threading.Event()
    with duckdb.connect() as connection:

        def interrupt() -> None:
            while not over.wait(0.05):
                connection.interrupt()

        interrupting = threading.Thread(target=interrupt)
        interrupting.start()
        try:
            with (
                pytest.raises(LakeError, match="It was interrupted"),
                in_words("The file cannot be read.", do="Mend it."),
            ):
                connection.execute("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b")
        finally:
            over.set()
            interrupting.join()


def test_a_query_that_is_wrong_is_no_damaged_file() -> None:
    with pytest.raises(duckdb.BinderException), in_words("The file cannot be read.", do="Mend it."):
        duckdb.execute("SELECT nothing_of_this_name")
