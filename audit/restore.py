"""A restore from a backup, as an entry tells of it: which head was lost, which was kept, and what that excuses.

Everybody who meets such an entry reads it here: the signer, the check of the log, packs, and the comparison with what
witnesses know. One that is not in the form of a restore tells of none.
"""

import json
from typing import NamedTuple

from audit.event import Event

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


def restore_in(body: bytes, *, seq: int, before: int) -> Restore | None:
    """The restore that the entry with these bytes tells of. `before`: the number of the newest one until then.

    The entry may tell a higher number than the next: a backup may be older than an earlier restore.
    """
    if RESTORED not in body:
        return None
    try:
        told = json.loads(body)
        if told["event"] != Event.LOG_RESTORED:
            return None
        lost, kept = told["data"]["lost"], told["data"]["kept"]["size"]
        number = max(before + 1, told["data"].get("number", 0))
        return Restore(seq, number, lost["origin"], lost["size"], bytes.fromhex(lost["root"]), kept)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
