"""`./dev bench turn`: how long our own code takes for a turn, from the agent's lease to its stored answer.

Every question of the boards that is asked of the sample bank, in conversations of their own, in one warm process. The
model's own time is taken apart: with the offline model it is our code too, and is printed beside.
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
from typing import Any
from unittest.mock import patch

from agent.offline import OfflineModel
from app.processes.agent import AgentProcess
from evals.bills import MAKERS, NOW
from evals.case import Case, load_cases
from evals.subject import copied, prepared, subject

BANK = "bank"
AIM_MS = 150.0


class Clock:
    """Seconds in the model, and seconds of whole turns."""

    def __init__(self) -> None:
        self.model = 0.0
        self.turns: list[tuple[float, float]] = []
        """of each: in all, and in the model"""

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
            before, began = self.model, time.perf_counter()
            await drain(process, thread)
            self.turns.append((time.perf_counter() - began, self.model - before))

        with patch.object(AgentProcess, "drain", timed_turn), patch.object(OfflineModel, "_generate", timed_model):
            yield


def main(arguments: list[str] | None = None) -> int:
    """Prints one JSON document; 1 where the aim is missed."""
    parser = argparse.ArgumentParser(prog="./dev bench turn", description=__doc__)
    parser.add_argument("--cases", type=int, default=0, help="only so many of the cases (0: all)")
    given = parser.parse_args(arguments)
    cases = [case for case in load_cases() if case.bill == BANK]
    with TemporaryDirectory(prefix="spendgate-bench-") as folder:
        told = asyncio.run(measured(Path(folder), cases[: given.cases or None]))
    sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return 0 if told["ours_ms"]["p95"] <= AIM_MS else 1


async def measured(folder: Path, cases: Sequence[Case]) -> dict[str, Any]:
    """Milliseconds of the turns after the first one, which opens what a process opens once."""
    template = prepared(folder / "home", MAKERS[BANK](folder / BANK), now=NOW, scopes=[case.sees for case in cases])
    asked: list[str] = []
    clock = Clock()
    with clock.watching():
        async with subject(copied(template, folder / "asked"), now=NOW) as product:
            for case in cases:
                for turns in case.conversations:
                    await product.ask(turns, sees=case.sees)
                    asked += turns
    cold, *warm = clock.turns
    ours = [whole - model for whole, model in warm]
    slowest = sorted(zip(ours, asked[1:], strict=True), reverse=True)[:8]
    return {
        "turns": len(warm),
        "first_turn_ms": round(1000 * cold[0], 1),
        "ours_ms": spread(ours),
        "offline_model_ms": spread([model for _, model in warm]),
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
