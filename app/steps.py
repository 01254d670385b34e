"""The steps of the turns that this process takes, written down beside them for whoever waits in Slack.

No turn waits for its steps to be stored, and a turn that is over at once stores none: they are a row that is brought up
to date now and then. What was being done when a process died is done again under the same number.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, update
from sqlmodel import Session, col

from agent.steps import Step, StepState, words
from app.database import writing
from app.turns import TurnStep, WakeUp

logger = logging.getLogger(__name__)
FIRST_SECONDS, NEXT_SECONDS = 0.5, 0.3
"""How long a turn must last before its steps are stored, and how often they are at most."""
MOST = 40
"""Steps of one turn that are told; Slack takes fifty in one message."""

Json = dict[str, Any]


class Steps:
    """What every turn of this process is doing; `note` is the port through which turns tell it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._steps: dict[str, dict[int, Json]] = {}
        self._changed: set[str] = set()

    def note(self, step: Step) -> None:
        """Hears of one step; nothing is stored here, since the turn waits for it."""
        known = self._steps.get(step.turn)
        if known is None or (step.number not in known and len(known) >= MOST):
            return
        said = {"number": step.number, "state": step.state.value, "words": words(step.tool, step.state)}
        if known.get(step.number) != said:
            known[step.number] = said
            self._changed.add(step.turn)

    @asynccontextmanager
    async def of(self, row: WakeUp, earlier: Sequence[Json]) -> AsyncIterator[None]:
        """Stores the steps of one turn while the block runs; `earlier` are those of an attempt that died."""
        if row.kind != "message":
            yield
            return
        self._steps[row.id] = {int(step["number"]): dict(step) for step in earlier}
        writer = asyncio.create_task(self._write(row.id))
        try:
            yield
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._changed.discard(row.id)

    def taken(self, turn: str) -> list[Json]:
        """The steps of a turn that is over, in their order; what did not come to its end was broken off."""
        steps = self._steps.pop(turn, {})
        broken = StepState.FAILED.value
        ended = [one | ({"state": broken} if one["state"] == StepState.RUNNING.value else {}) for one in steps.values()]
        return sorted(ended, key=lambda one: int(one["number"]))

    async def _write(self, turn: str) -> None:
        await asyncio.sleep(FIRST_SECONDS)
        while True:
            if turn in self._changed:
                self._changed.discard(turn)
                told = sorted(self._steps[turn].values(), key=lambda one: int(one["number"]))
                try:
                    await asyncio.to_thread(self._store, turn, told)
                except Exception as error:  # noqa: BLE001 (a step that is not told harms no answer)
                    logger.info("the steps of turn %s were not stored (%s)", turn, type(error).__name__)
                    self._changed.add(turn)
            await asyncio.sleep(NEXT_SECONDS)

    def _store(self, turn: str, told: list[Json]) -> None:
        with writing(self._engine) as (session, now):
            store_steps(session, turn=turn, steps=told, now=now)


def store_steps(session: Session, *, turn: str, steps: list[Json], now: datetime) -> None:
    """Brings a turn's row up to date; where there is none any more the turn is over, and none is made."""
    running = [one["words"] for one in steps if one["state"] == StepState.RUNNING.value]
    said = f"is at it: {running[-1][0].lower()}{running[-1][1:]}…" if running else "is putting the answer together…"
    statement = update(TurnStep).where(col(TurnStep.turn) == turn)
    session.execute(statement.values(words=said, steps=steps, at=now))


def steps_of(session: Session, turn: str) -> list[Json]:
    """What an attempt that died has stored of its steps."""
    row = session.get(TurnStep, turn)
    return list(row.steps or []) if row is not None else []
