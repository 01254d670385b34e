"""The gate holds in many bad runs; a run is the same again, in any process; and the runs reach what they are for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from approvals.states import State
from tests.simulation.memory import Memory
from tests.simulation.run import Found, simulate
from tests.simulation.weather import CALM

ROOT = Path(__file__).parents[2]
FEW, MANY = 120, 5000
SEED = 2026

ENDS = {State.VERIFIED, State.FAILED, State.DIVERGED, State.REHEARSED, State.EXPIRED, State.STALE, State.UNSEALABLE}
FAULTS = {"crash", "drift", "people", "delivery.odd", "delivery.twice", "provider.unreadable", "lending", "switch"}


def command(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )


def told(*arguments: str, hash_seed: str = "0") -> dict[str, Any]:
    done = command(*arguments, "--json", hash_seed=hash_seed)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_happens_that_must_never_happen(memory: Memory) -> None:
    total = Found()
    for number in range(FEW):
        total.add(simulate(memory, SEED, number))
    assert total.violations == []
    assert total.transitions > 10 * FEW
    assert total.under_fault > total.transitions / 2
    assert total.effects > FEW
    assert set(total.states) >= ENDS
    assert set(total.faults) >= FAULTS
    assert total.unknowns[State.VERIFIED]
    assert total.met["rollbacks"]


@pytest.mark.timeout(600)
def test_without_a_fault_every_proposal_is_carried_out(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.run.forecast", lambda _dice: CALM)
    total = Found()
    for number in range(20):
        total.add(simulate(memory, SEED, number))
    assert total.violations == []
    assert not total.faults
    assert set(total.states) <= {State.VERIFIED, State.REHEARSED, State.EXPIRED, State.PENDING, State.PARTIAL}
    assert total.states[State.VERIFIED] > 25


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_happens_that_must_never_happen_in_many_runs() -> None:
    found = told("--runs", str(MANY), "--seed", "1", "--jobs", "2")
    assert found["violations"] == []
    assert found["transitions"] > 10 * MANY


@pytest.mark.slow
def test_a_run_is_the_same_again_in_another_process() -> None:
    """Byte for byte, whatever Python's hash seed is."""
    one, other = (
        command("--seed", "5", "--from-run", "17", "--runs", "1", "--trace", hash_seed=hash_seed)
        for hash_seed in ("1", "2")
    )
    assert one.returncode == other.returncode == 0, one.stderr
    assert len(one.stdout.splitlines()) > 20
    assert one.stdout == other.stdout


@pytest.mark.slow
def test_what_is_found_does_not_depend_on_the_processes() -> None:
    alone = told("--runs", "50", "--seed", "3", hash_seed="3")
    shared = told("--runs", "50", "--seed", "3", "--jobs", "2", hash_seed="4")
    for changing in ("jobs", "wall_seconds", "processor_seconds", "runs_per_second_and_core"):
        alone.pop(changing)
        shared.pop(changing)
    assert alone == shared


def test_a_run_does_not_depend_on_those_before_it(memory: Memory) -> None:
    after_others = [simulate(memory, SEED, number).trace for number in (3, 4, 5)][-1]
    assert simulate(memory, SEED, 5).trace == after_others


def test_a_proposal_that_runs_out_while_a_late_effect_is_waited_for_is_no_fault(memory: Memory) -> None:
    """In this run an effect comes seventy minutes late, all at once, and a sealed proposal's time ends in them."""
    found = simulate(memory, 112, 4006)
    assert found.violations == []
    assert found.states[State.EXPIRED] == 1


def test_a_holder_that_went_on_still_holds_what_its_first_lease_no_longer_covers(memory: Memory) -> None:
    """In this run a rehearsal stands still between two steps, until a second after the lease of its claim."""
    found = simulate(memory, 121, 483)
    assert found.violations == []
    assert found.states[State.REHEARSED] == 2


def test_what_somebody_else_did_in_place_of_a_lost_request_may_be_undone(memory: Memory) -> None:
    """In this run a request to stop is lost and somebody else stops the machine before it is read back."""
    found = simulate(memory, 121, 2472)
    assert found.violations == []
    assert any("sends ec2:StartInstances" in line for line in found.trace)


def test_a_failing_run_ends_with_one_and_says_how_to_see_it(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from tests.simulation import __main__

    broken = Found(runs=1, violations=[(41, "1 once: sent twice")])
    monkeypatch.setattr(__main__, "part", lambda _work: (broken, 1.0))
    assert __main__.main(["--runs", "1", "--from-run", "41", "--seed", "9"]) == 1
    assert "./dev simulate --seed 9 --from-run 41 --runs 1 --trace" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--trace",), ("--runs", "0"), ("--jobs", "-1"), ("--runs", "many")])
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "usage: ./dev simulate" in done.stderr
