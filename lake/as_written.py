"""Names as the bill writes them: what a question's filters mean, and which sources its scope reaches.

Both are asked of the smallest rollup that holds them, whatever the question itself needs, and once: names change with
each load and not with each question, and every charge of every month carries some.
"""

import difflib
from collections.abc import Hashable, Sequence
from datetime import date
from typing import Any

from lake import expressions, rollup
from lake.errors import NameNotKnown
from lake.period import Period
from lake.question import EVERY_TEAM, Question
from lake.server import OpenReader
from lake.store import Snapshot

ANY = Period(date(1900, 1, 1), date(2200, 1, 1))
MOST_REMEMBERED = 1_000
MOST_NAMES = 10_000
"""So many names of one dimension are remembered, and are compared with one that nobody has: a million would take
minutes."""


class Remembered:
    """What was found out of the lake's newest state, so that it is asked once a load: names and sources of scopes."""

    def __init__(self) -> None:
        self._of: tuple[Sequence[Snapshot], dict[Hashable, Any]] = ((), {})

    def of(self, snapshots: Sequence[Snapshot]) -> dict[Hashable, Any]:
        """What is known of these snapshots, to look it up and to add to it."""
        held, found = self._of
        # The store gives the same object while nothing is loaded, which is quick to tell.
        if (held is not snapshots and held != snapshots) or len(found) > MOST_REMEMBERED:
            found = {}
            self._of = (snapshots, found)
        return found


def names(
    reader: OpenReader,
    snapshots: Sequence[Snapshot],
    dimension: str,
    *,
    teams_seen: tuple[str, ...],
    limit: int | None = None,
) -> list[str]:
    """The values of a dimension that charges in this scope carry, those with most charges first."""
    question = Question(period=ANY, by=(dimension,), teams_seen=teams_seen)
    reader.hold(snapshots, rolled=rollup.answers(question, snapshots))
    rows, _ = reader.fetch(expressions.names, question, dimension, limit)
    return [row["name"] for row in rows]


def sources(reader: OpenReader, snapshots: Sequence[Snapshot], question: Question, remembered: Remembered) -> set[str]:
    """The sources that ever had a charge in the question's scope."""
    everything = EVERY_TEAM in question.teams_seen and not question.where
    if everything and question.ai is None and question.currency is None:
        return {snapshot.source for snapshot in snapshots}
    scope = Question(
        period=ANY, where=question.where, ai=question.ai, currency=question.currency, teams_seen=question.teams_seen
    )
    known, key = remembered.of(snapshots), scope.model_dump_json()
    if key not in known:
        reader.hold(snapshots, rolled=rollup.answers(scope, snapshots))
        rows, _ = reader.fetch(expressions.sources, scope)
        known[key] = frozenset(row["x_source"] for row in rows)
    return set(known[key])


def known(reader: OpenReader, snapshots: Sequence[Snapshot], question: Question, remembered: Remembered) -> Question:
    """The same question with its names as the bill writes them; refuses a name that no charge in scope carries."""
    where = {}
    for dimension, wanted in question.where.items():
        found = _every_name(reader, snapshots, dimension, question.teams_seen, remembered)
        where[dimension] = tuple(_as_written(dimension, value, found) for value in wanted)
    return question.model_copy(update={"where": where})


def _every_name(
    reader: OpenReader,
    snapshots: Sequence[Snapshot],
    dimension: str,
    teams_seen: tuple[str, ...],
    remembered: Remembered,
) -> Sequence[str]:
    known, key = remembered.of(snapshots), (dimension, teams_seen)
    if key not in known:
        found = tuple(names(reader, snapshots, dimension, teams_seen=teams_seen))
        if len(found) > MOST_NAMES:
            return found  # of resources there may be millions, and few are asked for twice
        known[key] = found
    every: tuple[str, ...] = known[key]
    return every


def _as_written(dimension: str, value: str, found: Sequence[str]) -> str:
    if value in found:
        return value
    folded = {_folded(name): name for name in reversed(found)}
    same = folded.get(_folded(value))
    if same is not None:
        return same
    likely = list({_folded(name): None for name in found[:MOST_NAMES]})  # those with most charges
    close = difflib.get_close_matches(_folded(value), likely, n=3, cutoff=0.5)
    raise NameNotKnown(dimension=dimension, value=value, closest=tuple(folded[name] for name in close))


def _folded(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
