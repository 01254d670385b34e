"""Answers that were given once, kept while the bill is the same.

A conversation asks about the same month from many sides, and people ask the same questions as others. What a snapshot
says does not change, so an answer holds until a load makes other snapshots count.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from lake.store import Snapshot

MOST_CELLS = 400_000
"""Amounts that are kept at most, of all answers together: some 60 MB. What was not asked for longest goes first."""

EACH = 40
"""So many amounts weigh what an answer is kept with: its key, its query, what was read. Of one amount there is little
else."""

Kept = TypeVar("Kept")


class Answers:
    """The answers to what was asked of the lake's newest state. `most` is the sum of their weights, in amounts, to each
    of which `each` is added."""

    def __init__(self, most: int = MOST_CELLS, each: int = EACH) -> None:
        self._most, self._each = most, each
        self._lock = threading.Lock()
        self._snapshots: Sequence[Snapshot] = ()
        self._found: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._weight = 0

    def of(
        self, snapshots: Sequence[Snapshot], key: Hashable, make: Callable[[], Kept], weigh: Callable[[Kept], int]
    ) -> Kept:
        """What `make` makes of these snapshots, made once for each key.

        The key names all else that the answer depends on, the asker's scope above all. Two who ask at once may both
        make it: nobody waits for another's question.
        """
        with self._lock:
            # The store gives the same object while nothing is loaded, which is quick to tell; a server gives others.
            if self._snapshots is not snapshots and self._snapshots != snapshots:
                self._found.clear()
                self._weight = 0
                self._snapshots = snapshots
            known = self._snapshots
            if key in self._found:
                self._found.move_to_end(key)
                kept: Kept = self._found[key][0]
                return kept
        made = make()
        weight = weigh(made) + self._each
        with self._lock:
            if self._snapshots is known and key not in self._found and weight <= self._most:
                self._found[key] = (made, weight)
                self._weight += weight
                while self._weight > self._most:
                    _, (_, gone) = self._found.popitem(last=False)
                    self._weight -= gone
        return made

    @property
    def weight(self) -> int:
        """Amounts that are kept now."""
        return self._weight
