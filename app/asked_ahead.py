"""What people ask first of a new bill, asked before them: the agent reads and judges it once, between turns.

The first question about a new bill waits for what all later ones find at hand: the shapes of queries, the days of every
service, the machines. So when other snapshots count than before, the agent's process asks the usual questions itself,
under the scopes that most people have and by the very tools of a turn. It asks no model, keeps no result and stores
nothing.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from agent.ports import Seat, Toolbox
from app.database import reading
from app.seat import meet
from app.whoami import NOBODY
from approvals.active import active
from lake.engine import Lake
from lake.store import Snapshot

logger = logging.getLogger(__name__)
LOOK_SECONDS = 10.0
MOST_PAUSE_SECONDS = 600.0
"""What always fails may be what takes longest: after each fault it is left alone for twice as long, up to this."""

MOST_SCOPES = 8
"""Of so many different scopes at most, those that most people have: what is kept of them all has a bound."""

ABOUT = (5, 1)
"""What is asked about one name is asked about so many of each kind, the largest: of the first scope, of the second."""

_FILTERED = ("team", "service", "model", "use_case")
_SPLITS = ("team", "service", "model", "use_case", "month")
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("query_spend", {}),
    ("query_spend", {"scope": "ai"}),
    *(("query_spend", {"scope": "ai", "by": [by]}) for by in _SPLITS),
    ("query_spend", {"scope": "ai", "compare": "previous"}),
    ("explain_change", {"scope": "ai"}),
    ("find_anomalies", {"scope": "ai"}),
    ("find_savings", {}),
    ("explain_change", {}),
    ("find_anomalies", {}),
)


Seated = Callable[[Seat, tuple[str, ...], datetime], Toolbox]
"""`app.seat.seated_with`: the tools of a turn, for a scope."""


class AskedAhead:
    """`idle` is set while no turn is under way: nothing is begun otherwise."""

    def __init__(self, engine: Engine, lake: Lake, *, seated: Seated, idle: asyncio.Event) -> None:
        self._engine, self._lake, self._seated, self._idle = engine, lake, seated, idle
        self._known: Sequence[Snapshot] = ()

    async def run(self) -> None:
        """Looks again and again whether the bill is a new one. A fault is noted: it only makes the next turn slower."""
        pause = LOOK_SECONDS
        while True:
            try:
                current = await asyncio.to_thread(self._lake.current)
                if current and current != self._known:
                    await self.once()
                    self._known = current
                pause = LOOK_SECONDS
            except Exception as error:  # noqa: BLE001 (people's own questions tell them what is wrong)
                logger.warning("not everything could be asked ahead (%s: %s)", type(error).__name__, error)
                pause = min(2 * pause, MOST_PAUSE_SECONDS)
            await asyncio.sleep(pause)

    async def once(self) -> int:
        """Asks every question for every scope, one after the other; how many were asked. Raises the first fault of a
        question once the others were asked."""
        await asyncio.to_thread(self._lake.keep_at_hand)
        asked, faults = 0, list[Exception]()
        scopes, now = await asyncio.to_thread(self._scopes)
        seat = Seat(thread="", turn="ahead", speaker=NOBODY, key="ahead", next_number=1)
        for number, scope in enumerate(scopes):
            await self._idle.wait()
            box = await asyncio.to_thread(self._seated, seat, scope, now)
            tools = {tool.name: tool for tool in box.tools}
            names = ABOUT[number] if number < len(ABOUT) else 0
            questions = [*QUESTIONS, *(await asyncio.to_thread(self._about, box.scope, names) if names else ())]
            for name, arguments in questions:
                await self._idle.wait()
                try:
                    await asyncio.to_thread(tools[name].invoke, arguments)
                except Exception as error:  # noqa: BLE001 (the other questions are as good as they were)
                    logger.warning("%s could not be asked ahead (%s: %s)", name, type(error).__name__, error)
                    faults.append(error)
                asked += 1
        if faults:
            raise faults[0]
        return asked

    def _about(self, scope: tuple[str, ...], names: int) -> list[tuple[str, dict[str, Any]]]:
        """Questions about the largest teams, services, models and use cases; others of their kind have the same shape,
        so that of them no query is compiled for the first time."""
        found: list[tuple[str, dict[str, Any]]] = []
        for dimension in _FILTERED:
            for name in self._lake.values(dimension, names, teams_seen=scope):
                where = {"scope": "ai", "where": {dimension: name}}
                found += [(tool, where) for tool in ("query_spend", "explain_change", "find_anomalies")]
        return found

    def _scopes(self) -> tuple[list[tuple[str, ...]], datetime]:
        """The scopes that most people have first, and now. A person's are their own, and in each channel what both the
        person and the channel may read."""
        with reading(self._engine) as (session, now):
            people = active(session).people
        if not people.by_id:
            return [("*",)], now
        channels = [tuple(sorted(teams)) for teams in people.channels.values()]
        counted = Counter[tuple[str, ...]]()
        for person in people.by_id.values():
            own = tuple(sorted(person.sees_teams))
            counted.update({own, *(meet(own, teams) for teams in channels)})
        return [scope for scope, _ in counted.most_common() if scope or not channels][:MOST_SCOPES], now
