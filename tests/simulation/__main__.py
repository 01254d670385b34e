"""`./dev simulate`: many runs of the gate against everything that can go wrong, each repeatable by its number.

./dev simulate --runs 1000 --seed 7 --jobs 2
./dev simulate --seed 7 --from-run 412 --runs 1 --trace
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator

from tests.simulation.part import Work, part
from tests.simulation.run import Found
from tests.simulation.summary import document, sentences

CHUNK = 25


def main(arguments: list[str] | None = None) -> int:
    """0 if nothing happened that must never happen, otherwise 1."""
    given = _parsed(arguments)
    began = time.monotonic()
    found, processor = _found(given)
    wall = time.monotonic() - began
    told = document(found, seed=given.seed, first=given.from_run, jobs=given.jobs, wall=wall, processor=processor)
    if given.trace:
        sys.stdout.write("\n".join(found.trace) + "\n")
        sys.stdout.writelines(f"{what}\n" for _, what in found.violations)
    elif given.json:
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    else:
        sys.stdout.write(sentences(told) + "\n")
    return 1 if found.violations else 0


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev simulate", description="Drives the gate through crashes, races, wrong clocks and forged votes."
    )
    parser.add_argument("--runs", type=_positive, default=1000, help="how many runs (1000)")
    parser.add_argument("--seed", type=int, default=1, help="which runs: the same seed gives the same runs (1)")
    parser.add_argument("--from-run", type=int, default=0, help="the number of the first run (0)")
    parser.add_argument("--jobs", type=_positive, default=1, help="processes; what is found does not depend on it (1)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--trace", action="store_true", help="every event of one run (needs --runs 1)")
    given = parser.parse_args(arguments)
    if given.trace and given.runs != 1:
        parser.error("--trace shows one run: add --runs 1")
    return given


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _found(given: argparse.Namespace) -> tuple[Found, float]:
    work = [
        (given.seed, first, min(CHUNK, given.from_run + given.runs - first))
        for first in range(given.from_run, given.from_run + given.runs, CHUNK)
    ]
    total, processor, told = Found(), 0.0, time.monotonic()
    for found, seconds in _results(work, given.jobs):
        total.add(found)
        total.trace = found.trace
        processor += seconds
        if time.monotonic() - told > EVERY and sys.stderr.isatty():
            told = time.monotonic()
            sys.stderr.write(f"{total.runs} runs, {total.transitions} moves, {len(total.violations)} violations\n")
    return total, processor


EVERY = 10.0


def _results(work: list[Work], jobs: int) -> Iterator[tuple[Found, float]]:
    if jobs == 1:
        yield from map(part, work)
        return
    # New interpreters, not forks: a copy of this one's database and greenlets would be shared state.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(part, work)


if __name__ == "__main__":
    raise SystemExit(main())
