"""When the week's digest is due in which channel; it is written by the agent's process, and posted like an answer.

Its row is named by channel and week, so it is written once however many processes look and whatever dies; `serve` posts
what is not posted yet. It waits for the bill to reach the end of the week, but no longer than two days.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import Engine
from sqlmodel import Session

from app.database import reading, writing
from app.digest import digest, last_week, reach
from app.expectations import expectations_here
from app.fiscal import fiscal_calendar
from app.halt import halted
from app.home import Home
from app.inbox import conversation
from app.savings_limits import limits_here
from app.settings import channel_ids
from app.turns import DIGEST, StoredAnswer
from approvals.active import active
from lake.engine import Lake
from lake.period import Period
from tools.desk import Desk

logger = logging.getLogger(__name__)
VARIABLE = "SPENDGATE_DIGEST_CHANNELS"
HOUR = time(8, tzinfo=UTC)
"""On Monday; people in Europe begin, and the bill of Sunday has often come."""
PATIENCE = timedelta(days=2)
LOOK_SECONDS = 60.0
WRITER = "weekly"

DeskFor = Callable[[datetime, tuple[str, ...]], Desk]
"""A desk for a reader who may see these teams."""


class Due(NamedTuple):
    """One digest that is due: its row's name, the channel, and what may be told there."""

    turn: str
    team: str
    channel: str
    scope: tuple[str, ...]


def digest_channels(env: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The channels that are configured. Raises a Problem for one that is no channel's id."""
    return channel_ids(VARIABLE, env)


class Weekly:
    """The loop of one agent's process; several may run."""

    def __init__(self, engine: Engine, lake: Lake, desk_for: DeskFor, channels: tuple[str, ...]) -> None:
        self._engine, self._lake, self._desk_for, self._channels = engine, lake, desk_for, channels

    async def run(self) -> None:
        """Writes what is due until it is cancelled; a fault is noted and tried again."""
        while True:
            try:
                await asyncio.to_thread(self.write_due)
            except Exception as error:  # noqa: BLE001 (a digest that fails must not end the agent's process)
                logger.warning("no weekly digest (%s: %s)", type(error).__name__, error)
            await asyncio.sleep(LOOK_SECONDS)

    def write_due(self) -> int:
        """Writes every digest that is due; returns how many this process wrote."""
        with reading(self._engine) as (session, now):
            week = last_week(now)
            wanted = [] if halted(session) else self._due(session, week, now)
        if not wanted or not self._ready(week, now):
            return 0
        return sum(self._tried(one, week, now) for one in wanted)

    def _tried(self, one: Due, week: Period, now: datetime) -> bool:
        """What is wrong with one channel's week holds up no other's; it stays due."""
        try:
            return self._write(one, week, now)
        except Exception as error:  # noqa: BLE001 (whatever it is, the next look tries it again)
            logger.warning("no weekly digest for %s (%s: %s)", one.channel, type(error).__name__, error)
            return False

    def _due(self, session: Session, week: Period, now: datetime) -> list[Due]:
        if now < datetime.combine(week.end, HOUR):
            return []
        found = []
        for (team, channel), scope in sorted(active(session).people.channels.items()):
            turn = f"{DIGEST}{team}/{channel}/{week.start.isoformat()}"
            if channel in self._channels and scope and session.get(StoredAnswer, turn) is None:
                found.append(Due(turn, team, channel, tuple(scope)))
        return found

    def _ready(self, week: Period, now: datetime) -> bool:
        """Without a bill there is nothing to tell, however late it is."""
        last = reach(self._lake)
        late = now >= datetime.combine(week.end, HOUR) + PATIENCE
        return last is not None and (last >= week.end - timedelta(days=1) or late)

    def _write(self, one: Due, week: Period, now: datetime) -> bool:
        """The bill is asked outside any transaction that writes, and the row stored unless somebody was faster."""
        with reading(self._engine) as (session, _):
            body = digest(session, self._desk_for(now, one.scope), week)
        with writing(self._engine) as (session, stored_at):
            if halted(session) or session.get(StoredAnswer, one.turn) is not None:
                return False
            if tuple(active(session).people.channel_sees(one.team, one.channel)) != one.scope:
                return False  # the channel may be told something else since: the next look writes it anew
            place = conversation(
                session, surface="slack", team=one.team, channel=one.channel, thread_ts="", private=False
            )
            session.add(StoredAnswer(turn=one.turn, thread=place.thread, body=body, answered_at=stored_at))
            return True


def weekly(engine: Engine, home: Home, lake: Lake) -> Weekly | None:
    """The digests of this home; None where no channel is configured. Raises a Problem for one that cannot be."""
    channels = digest_channels()
    if not channels:
        return None
    fiscal, expectations, limits = fiscal_calendar(), expectations_here(home), limits_here(home)

    def desk_for(now: datetime, scope: tuple[str, ...]) -> Desk:
        return Desk(lake=lake, now=now, speaker=WRITER, scope=scope, fiscal=fiscal, thresholds=limits, **expectations)

    return Weekly(engine, lake, desk_for, channels)
