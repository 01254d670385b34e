"""How many of the day's alarms may be false, however many series are watched.

A rule that is wrong once in ten thousand series and days is wrong ten times a day on a hundred thousand series. So the
alarms of one day, at all levels together, are held against how many series were judged on it, by Benjamini and
Hochberg's procedure (1995): of those that stay, at most `FALSE_SHARE` are false on average, if scores are normal
deviations. It holds for series that rise together, as a team and its services do (Benjamini and Yekutieli, 2001). On
a bill of up to a thousand series it changes nothing; it never lets through what the threshold does not.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import erfc, inf, sqrt

import numpy as np

from tools.detection.robust import THRESHOLD, Scores

FALSE_SHARE = 0.1


def controlled(scored: Sequence[Scores]) -> list[Scores]:
    """`scored` (whose columns are the same days from the first on), with the scores that do not stand among so many
    series taken back to the threshold. New spend is no matter of chance and stays."""
    last = max((one.score.shape[1] for one in scored), default=0)
    alarms: list[list[float]] = [[] for _ in range(last)]
    judged = np.zeros(last, dtype=np.int64)
    for one in scored:
        judged[: one.score.shape[1]] += len(one.score)
        for row, column in zip(*np.nonzero(one.score > THRESHOLD), strict=True):
            alarms[column].append(float(one.score[row, column]))
    least = np.array([_least(found, int(count)) for found, count in zip(alarms, judged, strict=True)], dtype=np.float32)
    below = np.float32(THRESHOLD)
    return [
        replace(one, score=np.where(one.score >= least[: one.score.shape[1]], one.score, np.minimum(one.score, below)))
        for one in scored
    ]


def _least(found: list[float], judged: int) -> float:
    """The least of the day's scores that stands."""
    standing = inf
    for rank, score in enumerate(sorted(found, reverse=True), start=1):
        if chance(score) <= FALSE_SHARE * rank / judged:
            standing = score
    return standing


def chance(score: float) -> float:
    """How often a normal deviation lies at least so far out, on either side."""
    return erfc(score / sqrt(2))
