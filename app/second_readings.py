"""The second readings of the agent's process: finds what is due, lets the model read it, keeps what it said.

One at a time, beside the conversations and never in their way. No transaction is open while the model reads: what was
decided meanwhile stays decided, and its advice is then not kept.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from langchain_core.language_models import BaseChatModel
from sqlalchemy import Engine

from agent.second_reading import ReadingLimits, SecondReading, second_reading, unread
from app.database import reading, writing
from app.halt import Halted, halted, unless_halted
from app.turns import TokenUse, drop_lease, take_lease
from approvals.advice import ToRead, advice_due, keep_advice

logger = logging.getLogger(__name__)
POLL_SECONDS = 1.0
RENEW_SECONDS = 10.0
MOST_PAUSE_SECONDS = 30.0
FAULT = "the reader failed on it; whoever runs Spendgate finds the cause in the agent's log"


class SecondReadings:
    """The loop of one agent's process; several may run, a lease keeps two from reading the same proposal."""

    def __init__(
        self,
        engine: Engine,
        *,
        owner: str,
        model: BaseChatModel,
        model_name: str,
        limits: ReadingLimits | None = None,
        budget: Callable[[], str] = lambda: "",
    ) -> None:
        self.engine, self.owner, self.budget = engine, owner, budget
        self.model, self.model_name, self.limits = model, model_name, limits

    async def run(self) -> None:
        """Reads what is due until it is cancelled; a fault is noted and tried again later."""
        pause = POLL_SECONDS
        while True:
            try:
                await self.read_due()
                pause = POLL_SECONDS
            except Exception as error:  # noqa: BLE001 (advice that fails must not end the agent's process)
                pause = min(pause * 2, MOST_PAUSE_SECONDS)
                logger.warning("no second reading (%s: %s); again in %.1f s", type(error).__name__, error, pause)
            await asyncio.sleep(pause)

    async def read_due(self) -> int:
        """Reads everything that is due now, one after the other; returns how many readings were kept."""
        kept = 0
        for item in await asyncio.to_thread(self._due):
            async with self._holding(f"advice:{item.proposal_id}") as held:
                # Another process may have read it between the look and the lease.
                if held and await asyncio.to_thread(self._still_due, item):
                    told = await self._read(item)
                    kept += told is not None and await asyncio.to_thread(self._keep, item, told)
        return kept

    async def _read(self, item: ToRead) -> SecondReading | None:
        """What is told of it; None where the kill switch stopped it: it is due again when that is off."""
        if why := await asyncio.to_thread(self.budget):
            return unread(item.sealed, f"{why[:1].lower()}{why[1:]}", model_name=self.model_name)
        told = second_reading(item.sealed, self.model, model_name=self.model_name, limits=self.limits)
        try:
            return await unless_halted(self.engine, told)
        except Halted:
            return None
        except Exception as error:  # noqa: BLE001 (the same bytes would fail again, for ever: the card says so instead)
            logger.warning("the second reading of %s failed (%s: %s)", item.proposal_id, type(error).__name__, error)
            return unread(item.sealed, FAULT, model_name=self.model_name)

    def _due(self) -> list[ToRead]:
        with reading(self.engine) as (session, now):
            return [] if halted(session) else advice_due(session, now)

    def _still_due(self, item: ToRead) -> bool:
        return item in self._due()

    def _keep(self, item: ToRead, told: SecondReading) -> bool:
        with writing(self.engine) as (session, now):
            kept = not halted(session) and keep_advice(
                session,
                now=now,
                proposal_id=item.proposal_id,
                digest=item.digest,
                model=told.model,
                body=told.body,
            )
            if kept and any(told.tokens):
                spent, sent = told.tokens
                turn = f"advice:{item.proposal_id}"
                session.add(TokenUse(turn=turn, model=told.model, input_tokens=spent, output_tokens=sent, at=now))
            return kept

    @asynccontextmanager
    async def _holding(self, name: str) -> AsyncIterator[bool]:
        """Whether this process holds the lease, which is renewed meanwhile and dropped afterwards."""
        held = await asyncio.to_thread(self._lease, name)
        renewal = asyncio.create_task(self._renew(name)) if held else None
        try:
            yield held
        finally:
            if renewal is not None:
                renewal.cancel()
                await asyncio.to_thread(self._release, name)

    async def _renew(self, name: str) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await asyncio.to_thread(self._lease, name)

    def _lease(self, name: str) -> bool:
        with writing(self.engine) as (session, now):
            return take_lease(session, thread=name, owner=self.owner, now=now)

    def _release(self, name: str) -> None:
        with writing(self.engine) as (session, _):
            drop_lease(session, thread=name, owner=self.owner)
