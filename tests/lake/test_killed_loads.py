"""A load that is killed at any moment leaves the old bill serving, and nothing of itself after the next load."""

import multiprocessing
import os
import signal
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lake.engine import Lake
from lake.errors import LakeError
from lake.load import ingest
from lake.period import Period
from lake.question import Question
from tests.lake.conftest import NOW

OCTOBER = Question(period=Period.parse("2026-10"))
MOMENTS = (
    ("duck", "the bill is read"),
    ("Store.place", "the files are placed"),
    ("Store.publish", "they are published"),
    ("Store._finish", "the manifests are replaced"),
)


def total(lake: Lake) -> Decimal:
    return dict(lake.ask(OCTOBER).totals)["USD"]


def files(lake: Lake) -> set[str]:
    return {str(path.relative_to(lake.folder)) for path in lake.folder.rglob("*") if path.is_file()}


def _killed_at(moment: str, folder: str, path: str, now: Any) -> None:
    """Loads, and kills its own process as nothing can catch at the second such moment: the first is of the start."""
    import lake.snapshots
    from lake.store import Store

    seen = 0

    def kill(*_: Any, **__: Any) -> Any:
        nonlocal seen
        seen += 1
        if moment != "Store._finish" or seen == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    if moment == "duck":
        lake.snapshots.write_charges = kill
    else:
        setattr(Store, moment.removeprefix("Store."), kill)
    ingest(Lake(Path(folder)), [path], now=now)


@pytest.mark.slow
@pytest.mark.parametrize(("moment", "said"), MOMENTS, ids=[said for _, said in MOMENTS])
def test_killed_while(moment: str, said: str, write: Any, charge: Any, load: Any, lake: Lake) -> None:
    load(write("one.csv", [charge("5.00"), charge("1.00", ProviderName="Azure")]))
    before = files(lake)
    path = write("two.csv", [charge("6.00"), charge("2.00", ProviderName="Azure")])
    context = multiprocessing.get_context("spawn")
    worker = context.Process(target=_killed_at, args=(moment, str(lake.folder), str(path), NOW))
    worker.start()
    worker.join(110)
    assert worker.exitcode == -signal.SIGKILL
    published = moment == "Store._finish"
    assert total(Lake(lake.folder)) == (Decimal("8.00") if published else Decimal("6.00"))
    load(write("gcp.csv", [charge("7.00", ProviderName="Google")]))
    new = {name for name in files(lake) - before if "google" not in name}
    assert all(name.startswith(("snapshots/aws/2026-10/2/", "snapshots/azure/2026-10/2/")) for name in new)
    assert bool(new) is published
    assert total(lake) == (Decimal("15.00") if published else Decimal("13.00"))


def test_a_second_load_of_the_same_period_waits_or_is_refused(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lake.store.LOCK_SECONDS", 0.2)
    load(write("one.csv", [charge("5.00")]))
    with lake.store.writing() as making:
        (making / "half.parquet").write_bytes(b"half")
        start = time.monotonic()
        with pytest.raises(LakeError, match="Another load is still running"):
            ingest(Lake(lake.folder), [write("two.csv", [charge("6.00")])], now=NOW)
        assert time.monotonic() - start >= 0.2
        assert (making / "half.parquet").read_bytes() == b"half"  # the other's files are its own
        assert total(Lake(lake.folder)) == Decimal("5.00")
    assert load(write("two.csv", [charge("6.00")])).snapshots == ["aws/2026-10/2"]
    assert total(lake) == Decimal("6.00")


def test_a_load_that_is_refused_after_placing_leaves_nothing_to_the_next(
    write: Any, charge: Any, load: Any, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(write("one.csv", [charge("5.00")]))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("lake.store.Store.publish", full)
        with pytest.raises(LakeError, match="No space left"):
            load(write("two.csv", [charge("6.00")]))
    assert (lake.folder / "snapshots" / "aws" / "2026-10" / "2").is_dir()
    load(write("gcp.csv", [charge("7.00", ProviderName="Google")]))
    assert not (lake.folder / "snapshots" / "aws" / "2026-10" / "2").exists()
    assert [item.id for item in lake.store.current()] == ["aws/2026-10/1", "google/2026-10/1"]


@pytest.mark.parametrize("note", ["[half", "{}", '["../../home"]', '["aws/2026-10/1/../../.."]', "7"])
def test_a_note_that_was_damaged_is_named_and_nothing_is_removed(
    note: str, write: Any, charge: Any, load: Any, lake: Lake
) -> None:
    load(write("one.csv", [charge("5.00")]))
    (lake.folder / "placing.json").write_text(note)
    with pytest.raises(LakeError, match=r"placing\.json cannot be understood"):
        load(write("two.csv", [charge("6.00")]))
    assert total(Lake(lake.folder)) == Decimal("5.00")
