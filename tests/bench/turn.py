"""`./dev bench turn`: how long our own code takes for a turn, from the agent's lease to its stored answer.

Every question of the boards that is asked of the sample bank, in conversations of their own, in one process, in two
passes: what nobody asked before, and all of it again. Before them the process asks ahead what it asks of a new bill
(`app.asked_ahead`); not with --cold. The model's own time is taken apart: with the offline model it is our code too,
and is printed beside.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

from agent.offline import OfflineModel
from app.processes.agent import AgentProcess
from evals.bills import MAKERS, NOW
from evals.case import Case, load_cases
from evals.graders import Said
from evals.subject import copied, prepared, subject

BANK = "bank"
AIM_MS = 150.0


class Taken(NamedTuple):
    """Seconds of one turn: our own code, the model, and what the process used of the processor for both."""

    ours: float
    model: float
    processor: float


class Clock:
    """Seconds in the model, and seconds of whole turns."""

    def __init__(self) -> None:
        self.model = 0.0
        self.turns: list[Taken] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Takes the time of every turn and of every call of the offline model meanwhile."""
        drain, generate = AgentProcess.drain, OfflineModel._generate

        def timed_model(model: OfflineModel, *given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return generate(model, *given, **named)
            finally:
                self.model += time.perf_counter() - began

        async def timed_turn(process: AgentProcess, thread: str) -> None:
            before, began, used = self.model, time.perf_counter(), time.process_time()
            await drain(process, thread)
            whole, model = time.perf_counter() - began, self.model - before
            self.turns.append(Taken(whole - model, model, time.process_time() - used))

        with patch.object(AgentProcess, "drain", timed_turn), patch.object(OfflineModel, "_generate", timed_model):
            yield


def main(arguments: list[str] | None = None) -> int:
    """Prints one JSON document; 1 where the aim is missed."""
    parser = argparse.ArgumentParser(prog="./dev bench turn", description=__doc__)
    parser.add_argument("--cases", type=int, default=0, help="only so many of the cases (0: all)")
    parser.add_argument(
        "--cold", action="store_true", help="nothing is asked ahead, as when a bill was loaded just now"
    )
    given = parser.parse_args(arguments)
    cases = [case for case in load_cases() if case.bill == BANK]
    with TemporaryDirectory(prefix="spendgate-bench-") as folder:
        told = asyncio.run(measured(Path(folder), cases[: given.cases or None], ahead=not given.cold))
    sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return 0 if all(told[name]["ours_ms"]["p95"] <= AIM_MS for name in ("first", "again")) else 1


async def measured(folder: Path, cases: Sequence[Case], *, ahead: bool) -> dict[str, Any]:
    """Milliseconds of the turns after the first one, which opens what a process opens once; of both passes."""
    template = prepared(folder / "home", MAKERS[BANK](folder / BANK), now=NOW, scopes=[case.sees for case in cases])
    clock = Clock()
    told: dict[str, Any] = {}
    with clock.watching():
        async with subject(copied(template, folder / "asked"), now=NOW) as product:
            await product.ask(["hello"])
            told["first_turn_ms"] = round(1000 * clock.turns.pop().ours, 1)
            began = time.perf_counter()
            if ahead:
                await product.ready()
            told["asked_ahead_s"] = round(time.perf_counter() - began, 1) if ahead else None
            for name in ("first", "again"):
                asked: list[tuple[str, str]] = []
                for case in cases:
                    for turns in case.conversations:
                        said = await product.ask(turns, sees=case.sees)
                        asked += [(text, kind(one)) for text, one in zip(turns, said, strict=True)]
                told[name] = summed(clock.turns, asked)
                clock.turns = []
    return told


def kind(said: Said) -> str:
    """What a turn did: the tools that it used."""
    return ", ".join(said.tools) or "no tool"


def summed(taken: Sequence[Taken], asked: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """One pass: in all, by what a turn did, and its slowest turns."""
    kinds: dict[str, list[float]] = {}
    for one, (_, done) in zip(taken, asked, strict=True):
        kinds.setdefault(done, []).append(one.ours)
    slowest = sorted(((one.ours, text) for one, (text, _) in zip(taken, asked, strict=True)), reverse=True)[:8]
    return {
        "turns": len(taken),
        "ours_ms": spread([one.ours for one in taken]),
        "offline_model_ms": spread([one.model for one in taken]),
        "processor_ms": spread([one.processor for one in taken]),
        "by_kind_ms": {done: {"turns": len(found), **spread(found)} for done, found in sorted(kinds.items())},
        "slowest": [{"ms": round(1000 * seconds, 1), "question": text} for seconds, text in slowest],
    }


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, p95 and the largest, in milliseconds."""
    ordered = sorted(1000 * one for one in seconds)
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "most": round(ordered[-1], 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
