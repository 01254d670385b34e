"""What many series of one family do on the same days is one cause: a price cut, a season, a leak in shared code.

It is told at the parent, once. Told for each child, one price cut is twenty alarms, and nobody reads the twenty-first.
"""

import bottleneck as bn
import numpy as np
from numpy.typing import NDArray

from tools.detection.robust import Scores
from tools.detection.rolling import Flags

Rows = NDArray[np.int64]
TOGETHER_STEPS = 7  # within which they begin
LEAST_CHILDREN, LEAST_SHARE = 3, 0.4  # of a family
LEAST_SHOWN = 2  # where the parent shows it too


def told_at(scored: Scores, alarm: Flags, parent: Rows) -> Rows:
    """For each series and step of `alarm` [S, T]: the row of the parent at which it is told, -1 where the series tells
    it itself. `parent[s]`: the row of the parent of s, -1 without one."""
    found = np.full(alarm.shape, -1, dtype=np.int64)
    for row in np.unique(parent[parent >= 0]):
        children = np.flatnonzero(parent == row)
        if len(children) < LEAST_CHILDREN:
            continue
        least = max(LEAST_CHILDREN, LEAST_SHARE * len(children))
        for rises in (True, False):
            here = alarm[children] & (scored.rises[children] == rises)
            recently = bn.move_max(here.astype(np.float32), TOGETHER_STEPS, min_count=1, axis=1) > 0
            together = recently.sum(axis=0) >= least
            # Two that their parent shows as well are the family's too.
            above = (alarm[row] & (scored.rises[row] == rises)).astype(np.float32)
            shown = bn.move_max(above, TOGETHER_STEPS, min_count=1) > 0
            together |= shown & (recently.sum(axis=0) >= LEAST_SHOWN)
            # What began together stays one thing while it lasts.
            lasting = bn.move_max(together.astype(np.float32), 4 * TOGETHER_STEPS, min_count=1) > 0
            found[children] = np.where(here & lasting, row, found[children])
    return found
