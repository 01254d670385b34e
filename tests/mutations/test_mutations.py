"""The tests are tested: with each fault of the catalogue put into a copy of the sources, the named tests must fail.

A suite that passes with the nonce unchecked proves nothing about the nonce. How to add a fault: CONTRIBUTING.md.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.mutations.catalogue import ROOT, Fault, catalogue, legend
from tests.mutations.seeded import mutated

pytestmark = pytest.mark.timeout(600)
CATALOGUE = catalogue()
NAMED = sorted({test for fault in CATALOGUE for test in fault.caught_by})
SECONDS = 200
"""A hundred times what one takes: a machine that is busy with other things is no fault."""
BROKEN = {"ImportError", "SyntaxError", "NameError"}
"""Errors that tell of a fault that cannot be run, and not of what it does."""
SLIPS = {"AttributeError", "TypeError"}
"""These too, where they come from the changed lines' own file."""

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Run]:
    """Runs tests on a folder of sources, which is gone afterwards; one run after the other."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    with subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("nursery.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env=environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def run(folder: Path, tests: list[str], *, seconds: int = SECONDS, **more: Any) -> dict[str, Any]:
            asked = {"folder": str(folder), "tests": tests, "seconds": seconds, **more}
            process.stdin.write(json.dumps(asked) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            while True:
                answer: dict[str, Any] = json.loads(process.stdout.readline())  # type: ignore[union-attr]
                if answer["folder"] == str(folder):  # and not what a test that was given up had asked for
                    shutil.rmtree(folder, ignore_errors=True)
                    return answer

        yield run
        process.stdin.close()


def test_there_are_enough_of_them_and_each_has_a_name_of_its_own() -> None:
    assert len(CATALOGUE) >= 45
    assert max(Counter(fault.name for fault in CATALOGUE).values()) == 1
    assert {what for fault in CATALOGUE for what in fault.breaks} == set(legend())


@pytest.mark.parametrize("fault", CATALOGUE, ids=[fault.name for fault in CATALOGUE])
def test_the_lines_that_it_changes_still_stand(fault: Fault) -> None:
    texts = fault.texts()
    assert fault.caught_by
    for file, text in texts.items():
        assert text != (ROOT / file).read_text()
        if file.endswith(".py"):
            compile(text, file, "exec")


@pytest.mark.slow
def test_every_test_that_is_named_exists(nursery: Run, tmp_path: Path) -> None:
    told = nursery(mutated(tmp_path / "same", {}), NAMED, lists=True)
    assert told["ended"], told["said"]
    assert told["reports"] == [], told["said"]


@pytest.mark.slow
def test_without_a_fault_every_named_test_passes_in_a_copy(nursery: Run, tmp_path: Path) -> None:
    told = nursery(mutated(tmp_path / "same", {}), NAMED, seconds=500)
    assert told["ended"], told["said"]
    assert [report for report in told["reports"] if report["outcome"] != "passed"] == []
    assert sorted(report["test"] for report in told["reports"]) == NAMED


@pytest.mark.slow
@pytest.mark.parametrize("fault", CATALOGUE, ids=[fault.name for fault in CATALOGUE])
def test_the_fault_is_caught(fault: Fault, nursery: Run, tmp_path: Path) -> None:
    told = nursery(mutated(tmp_path / "copy", fault.texts()), list(fault.caught_by))
    assert told["ended"], f"the tests did not end with this fault:\n{told['said']}"
    files = {str(tmp_path / "copy" / change.file) for change in fault.changes}
    wrong = [report for report in told["reports"] if cannot_run(report, files)]
    assert wrong == [], f"this is no fault, it cannot be run:\n{told['said']}"
    caught = {report["test"] for report in told["reports"] if report["outcome"] == "failed"}
    assert caught == set(fault.caught_by), f"NOT CAUGHT by {set(fault.caught_by) - caught}"


def cannot_run(report: dict[str, Any], files: set[str]) -> bool:
    """Whether the test failed because the fault is no program, instead of by what it does."""
    if report["outcome"] != "failed":
        return False
    kinds = set(report["error"])
    return report["when"] != "call" or bool(kinds & BROKEN) or (report["file"] in files and bool(kinds & SLIPS))
