"""A restore from a backup, as an entry tells of it: which head was lost, which was kept, and what that excuses.

Everybody who meets such an entry reads it here: the signer, the check of the log, packs, and the comparison with what
witnesses know. One that is not in the form of a restore, or that keeps another tree than the one before it, tells of
none. And the entry alone excuses nothing: whoever can cut the log's tail can also add it. The key's holder vouches for
it, by signing on under the name that the log has after it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from audit.checkpoint import MOST_RESTORES, RESTORED_ORIGIN
from audit.event import Event
from audit.note import VerifierKey
from audit.tree import HASH_BYTES

RESTORED = f'"event":"{Event.LOG_RESTORED.value}"'.encode()
"""How the body of such an entry reads somewhere: a first sieve, since canonical JSON has one form."""


class Restore(NamedTuple):
    """Entry `seq`: of `origin`, which was signed at `size` with `root`, the entries after `kept` were lost.

    The log is called `…/restored-{number}` from there on.
    """

    seq: int
    number: int
    origin: str
    size: int
    root: bytes
    kept: int

    def explains(self, origin: str, size: int, root: bytes) -> bool:
        """Whether a checkpoint of this name, size and root is of what was lost then."""
        within = origin == self.origin and self.kept < size <= self.size
        return within and (size < self.size or root == self.root)

    def vouched_by(
        self, origin: str, size: int, signers: Iterable[VerifierKey], since: Mapping[VerifierKey, int]
    ) -> bool:
        """Whether a checkpoint that fits the log and was signed by `signers` is of after this restore.

        `since`: the entry from which on each key is known, 0 for one that was given; one that is only told after the
        restore may be of whoever made the restore up.
        """
        restored = RESTORED_ORIGIN.fullmatch(origin)
        if restored is None or restored["base"] != _base(self.origin) or int(restored["number"]) < self.number:
            return False
        return size >= self.seq and any(since.get(key, self.seq) < self.seq for key in signers)


def restore_in(body: bytes, *, kept: int, root: Callable[[], bytes], before: int) -> Restore | None:
    """The restore that the entry with these bytes tells of, which stands behind `kept` entries of that root.

    `before`: the number of the newest restore until then. The entry may tell a higher number than the next: a backup
    may be older than an earlier restore.
    """
    if RESTORED not in body:
        return None
    try:
        told = json.loads(body)
        if told["event"] != Event.LOG_RESTORED:
            return None
        lost, number = told["data"]["lost"], told["data"].get("number", 0)
        of_kept, of_lost = told["data"]["kept"]["root"], bytes.fromhex(lost["root"])
        numbers = (number, lost["size"], told["data"]["kept"]["size"])
        if not all(type(one) is int for one in numbers) or not isinstance(lost["origin"], str):
            return None
        number = max(before + 1, number)
        good = number <= MOST_RESTORES and len(of_lost) == HASH_BYTES
        if not good or numbers[2] != kept or bytes.fromhex(of_kept) != root():
            return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return Restore(kept + 1, number, lost["origin"], lost["size"], of_lost, kept)


def _base(origin: str) -> str:
    restored = RESTORED_ORIGIN.fullmatch(origin)
    return origin if restored is None else str(restored["base"])
