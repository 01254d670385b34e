"""The kill switch as the agent's process obeys it: while it is on for everything, no model is asked or heard.

The switch is a row that people turn at a terminal under the gate's role; the agent's own role can read it and not write
it. So what halts the agent is out of its reach, whatever its model was talked into.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlmodel import Session

from agent.ports import Ports
from agent.said import Answer
from app.database import reading
from app.stops import stopped
from approvals.switch import EVERYTHING, newest_turn

LOOK_SECONDS = 0.5
HALTED = (
    "Everything is stopped: somebody has turned the kill switch on, so I ask no model, answer nothing and propose "
    "nothing. Nothing was changed. Please ask again when it is off; `spendgate kill-switch status` tells."
)
T = TypeVar("T")


class Halted(Exception):
    """The switch is on, or somebody stopped the turn (`stopped`). `begun`: whether the work had begun, and was
    cancelled where it was."""

    def __init__(self, *, begun: bool, stopped: bool = False) -> None:
        super().__init__("somebody stopped the turn" if stopped else "the kill switch is on")
        self.begun, self.stopped = begun, stopped


def halted(session: Session) -> bool:
    """Whether the switch for everything is on; one for an account stops changes there, and no conversation."""
    turn = newest_turn(session, EVERYTHING)
    return turn is not None and turn.engaged


def is_halted(engine: Engine) -> bool:
    """The same, asked of the database now."""
    with reading(engine) as (session, _):
        return halted(session)


def without_inference(ports: Ports) -> Ports:
    """Ports with which a turn ends at its next step: no model is asked any more and no tool is called."""
    return replace(ports, limits=replace(ports.limits, model_calls=0, tool_calls=0))


def instead(answer: Answer) -> Answer:
    """What is stored in place of an answer that was not given out before the switch was turned on."""
    return replace(answer, answer=HALTED, figures=[], tables=[], asked_back=False, refused=True)


async def unless_halted(engine: Engine, work: Coroutine[Any, Any, T], *, turn: str = "") -> T:
    """What `work` gives; Halted if the switch is on or the turn was stopped, or is meanwhile, which cancels `work`
    where it is."""
    found = await asyncio.to_thread(_why, engine, turn, False)
    if found is not None:
        work.close()
        raise found
    task, watch = asyncio.create_task(work), asyncio.create_task(_ended(engine, turn))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise watch.result()  # a watch that failed watches nothing: the turn fails with it, and is tried again
        return task.result()
    finally:
        for one in (task, watch):
            one.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _ended(engine: Engine, turn: str) -> Halted:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        found = await asyncio.to_thread(_why, engine, turn, True)
        if found is not None:
            return found


def _why(engine: Engine, turn: str, begun: bool) -> Halted | None:
    with reading(engine) as (session, _):
        if halted(session):
            return Halted(begun=begun)
        return Halted(begun=begun, stopped=True) if turn and stopped(session, turn) is not None else None
