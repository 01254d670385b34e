"""How unusual each day of each cost series is, judged only by the days before it.

What was expected (`expected.py`), what the calendar explains (`explained.py`), what speaks for an event beyond that
(`evidence.py`): together a score for each day and series, all series at once.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from math import inf, log, sqrt

import numpy as np

from tools.detection.clock import Clock
from tools.detection.evidence import Reach, Spread, evidence, reach_of, spread_of
from tools.detection.expected import Expected, expected
from tools.detection.explained import explained, seasonal
from tools.detection.idle import without_rests
from tools.detection.rolling import Array, Flags, Grid, or_zero

WEEKS = 6
LEARNING_DAYS = 14
ONSET_DAYS = 4
ONSET_FLOOR = 20.0  # money a day from which a new service is news
THRESHOLD = 4.0
UNKNOWN_SEASON = 0.35  # of a score, in a long run of a calendar kind that was never seen before
LEAST_COLUMNS = 64  # of the widest window and what is around it
BLOCK = 256  # series at once: more do not fit into a processor's cache
MOST_THREADS = 8  # blocks know nothing of each other, and what counts arrays holds up no other thread
SAMPLE = 128  # series from which the tails of all are known


@dataclass(frozen=True)
class Scores:
    """[S, T] each: `score` (an alarm above `THRESHOLD`), `rises` (whether it speaks for a rise), `expected` money,
    `onset` (new spend), `month` (by how much the calendar raises what is expected; 1 on other days)."""

    score: Grid
    rises: Flags
    expected: Grid
    onset: Flags
    month: Grid

    @property
    def alarm(self) -> Flags:
        return np.asarray((self.score > THRESHOLD) | self.onset)


def scores(costs: Array, first: date, *, clock: Clock | None = None) -> Scores:
    """Scores of `costs` [S, T], daily from `first` or as `clock` says. Days without a charge are 0, missing ones NaN;
    what is below nothing (credits) counts as nothing."""
    clock = clock or Clock(first)
    wide, count = prepared(costs)
    blocks = [wide[row : row + BLOCK] for row in range(0, len(wide), BLOCK)] or [wide]
    reach = common_reach(wide, clock)
    with ThreadPoolExecutor(min(len(blocks), MOST_THREADS, os.cpu_count() or 1)) as threads:
        parts = list(threads.map(lambda block: _scores(block, clock, reach), blocks))
    names = Scores.__dataclass_fields__
    return Scores(*(np.concatenate([getattr(part, name) for part in parts])[:, :count] for name in names))


def prepared(costs: Array) -> tuple[Grid, int]:
    """`costs` as they are judged, and how many of the columns are of `costs`."""
    wide = np.asarray(costs, dtype=np.float32)
    wide = np.where(np.isfinite(wide), wide, np.float32(np.nan))
    count = wide.shape[1]
    if count < LEAST_COLUMNS:  # a short history is one whose other days are missing
        more = np.full((len(wide), LEAST_COLUMNS - count), np.nan, dtype=np.float32)
        wide = np.concatenate([wide, more], axis=1)
    return wide, count


def common_reach(wide: Grid, clock: Clock) -> Reach:
    """How heavy the tails are, from some of the prepared series, evenly taken."""
    costs = wide[:: max(len(wide) // SAMPLE, 1)][:SAMPLE]
    begun = _begun(costs)
    known = expected(without_rests(costs, begun, clock), clock, begun)
    with np.errstate(invalid="ignore"):
        return reach_of(explained(known, clock))


@dataclass(frozen=True)
class Foreseen:
    """[S, T] each: prepared `costs` without days of rest, days `begun`, whether a series began `later` than the bill,
    what is `known`, `spread`, the `residual` that nothing explains, and `logged`: what was to be expected, on the scale
    of `known`."""

    costs: Grid
    begun: Grid
    later: Flags
    known: Expected
    spread: Spread
    residual: Grid
    logged: Grid


def foreseen(costs: Grid, clock: Clock) -> Foreseen:
    """What each day of prepared `costs` should have cost, and how far such days lie apart."""
    begun = _begun(costs)
    costs = without_rests(costs, begun, clock)
    later = np.sum(begun < 0, axis=1, keepdims=True) >= LEARNING_DAYS * clock.a_day
    known = expected(costs, clock, begun)
    with np.errstate(invalid="ignore"):
        residual = explained(known, clock)
        spread = spread_of(residual)
        residual = seasonal(residual, spread.day, clock)
    logged = np.where(np.isnan(residual), known.usual, known.seen - residual)
    return Foreseen(costs, begun, later, known, spread, residual, logged)


def fewer(clock: Clock) -> np.float32:
    """By what a score of a step is taken back, so that there are as many false alarms a day, not a step."""
    return np.float32(THRESHOLD / sqrt(THRESHOLD**2 + 2 * log(clock.a_day)))


def _scores(costs: Grid, clock: Clock, reach: Reach) -> Scores:
    day = foreseen(costs, clock)
    begun, known = day.begun, day.known
    _, unknown = clock.run_twins(costs.shape[1])
    with np.errstate(invalid="ignore"):
        young = np.where(day.later, begun, np.float32(inf))
        found = evidence(known, day.residual, day.spread, reach, young, clock)
    score = np.maximum(found.rise, -found.fall)
    score *= fewer(clock)
    score[:, unknown] *= np.float32(UNKNOWN_SEASON)
    score[begun < LEARNING_DAYS * clock.a_day] = 0
    onset = (begun >= 0) & (begun < ONSET_DAYS) & (day.costs >= ONSET_FLOOR) & day.later
    return Scores(
        score=score,
        rises=found.rise >= -found.fall,
        expected=np.where(onset, 0, or_zero(known.money(day.logged))).astype(np.float32),
        onset=np.asarray(onset),
        month=np.exp(or_zero(day.logged - known.usual)),
    )


def _begun(costs: Grid) -> Grid:
    """Columns since the first charge; -1 before it."""
    paid = costs > 0
    first = np.where(paid.any(axis=1), paid.argmax(axis=1), costs.shape[1])
    since = np.arange(costs.shape[1], dtype=np.float32) - first[:, np.newaxis].astype(np.float32)
    return np.asarray(np.maximum(since, np.float32(-1)))
