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
from approvals.switch import EVERYTHING, newest_turn

LOOK_SECONDS = 0.5
HALTED = (
    "Everything is stopped: somebody has turned the kill switch on, so I ask no model, answer nothing and propose "
    "nothing. Nothing was changed. Please ask again when it is off; `spendgate kill-switch status` tells."
)
T = TypeVar("T")


class Halted(Exception):
    """The switch is on. `begun`: whether the work had begun, and was cancelled where it was."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__("the kill switch is on")
        self.begun = begun


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


async def unless_halted(engine: Engine, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; Halted if the switch is on, or is turned on meanwhile, which cancels `work` where it is."""
    if await asyncio.to_thread(is_halted, engine):
        work.close()
        raise Halted(begun=False)
    task, watch = asyncio.create_task(work), asyncio.create_task(_turned_on(engine))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            watch.result()  # a watch that failed watches nothing: the turn fails with it, and is tried again
            raise Halted(begun=True)
        return task.result()
    finally:
        for one in (task, watch):
            one.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _turned_on(engine: Engine) -> None:
    while True:
        if await asyncio.to_thread(is_halted, engine):
            return
        await asyncio.sleep(LOOK_SECONDS)
