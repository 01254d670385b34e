"""What a witness decides about one submission: C2SP tlog-witness §add-checkpoint, in the order in which it is judged.

A log that was restored from a backup goes on as `origin/restored-K`, signed by the same key. That is a new origin, and
a witness that took any would witness nothing: it is taken only from a log whose former origin the witness knows, and
what it knows of the former one stays.
"""

import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import NamedTuple

from app.witnesses import submission
from app.witnesses.memory import Memory
from app.witnesses.submission import Submission
from audit import note as notes
from audit.checkpoint import RESTORED_ORIGIN
from audit.errors import AuditError
from audit.note import LOG, MalformedNote, Note, UnverifiedNote, VerifierKey
from audit.tree import EMPTY_ROOT, verify_consistency

PLAIN = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """The HTTP answer."""

    status: HTTPStatus
    body: str
    kind: str = PLAIN


class Judge:
    """Decides with what `memory` holds. `logs`: the keys that it trusts, each for the origin of its name; `also`: other
    origins that they may sign from the start."""

    def __init__(
        self,
        memory: Memory,
        logs: Iterable[VerifierKey],
        *,
        also: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._memory, self._logs, self._also, self._clock = memory, tuple(logs), frozenset(also), clock
        self._one = threading.Lock()
        if any(key.kind != LOG for key in self._logs):
            raise MalformedNote(
                "a witness follows logs",
                why="one of the keys given is a witness's own",
                do="Give the log's key as `spendgate audit key` prints it",
            )

    def add(self, body: bytes) -> Answer:
        """Judges a body, remembers the checkpoint if it may be cosigned, and only then answers."""
        try:
            asked = submission.read(body)
        except MalformedNote as error:
            return Answer(HTTPStatus.BAD_REQUEST, f"{error}\n")
        with self._one:  # comparing with the latest and replacing it is one act: §add-checkpoint, the race of A and B
            return self._judge(asked)

    def newest(self, origin: str) -> str | None:
        """The note that was cosigned last of this log, with its own signature and the witness's; ours, not C2SP's."""
        found = self._memory.newest(origin)
        return None if found is None else str(found.note)

    def _judge(self, asked: Submission) -> Answer:
        new = asked.checkpoint
        keys = self._keys(new.origin)
        if not keys:
            return Answer(HTTPStatus.NOT_FOUND, "This log is not known here.\n")
        try:
            _, signers = notes.verify(new.note, keys)
        except UnverifiedNote as error:
            return Answer(HTTPStatus.FORBIDDEN, f"{error}\n")
        if asked.old > new.size:
            return Answer(HTTPStatus.BAD_REQUEST, "The old size is larger than the checkpoint's.\n")
        known = self._memory.newest(new.origin)
        size, root = (0, EMPTY_ROOT) if known is None else (known.size, known.root)
        if asked.old != size or (size == new.size and root != new.root):
            return Answer(HTTPStatus.CONFLICT, f"{size}\n", submission.SIZE_TYPE)
        if not (verify_consistency(size, new.size, asked.proof, root, new.root) if size else not asked.proof):
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, "The proof does not lead from what is known to this.\n")
        line = self._memory.key.sign(new.note.text, at=int(self._clock()))
        own = tuple(
            one for one in new.note.signatures if any((k.name, k.id) == (one.name, one.key_id) for k in signers)
        )
        self._memory.keep(new._replace(note=Note(new.note.text, (*own, line))))
        return Answer(HTTPStatus.OK, line.line())

    def _keys(self, origin: str) -> list[VerifierKey]:
        """The keys that may sign for this origin; none where it is unknown."""
        found = [key for key in self._logs if key.name == origin or origin in self._also]
        restored = RESTORED_ORIGIN.fullmatch(origin)
        if found or restored is None:
            return found
        base = restored["base"]
        if self._memory.newest(origin) is None and not self._may_begin(base, int(restored["number"])):
            return []
        return [key for key in self._logs if key.name == base or base in self._also]

    def _may_begin(self, base: str, number: int) -> bool:
        """Whether a restored log may be new: the log was known before it, and no later restore is."""
        known = [RESTORED_ORIGIN.fullmatch(one) for one in self._memory.origins()]
        later = [int(one["number"]) for one in known if one is not None and one["base"] == base]
        return all(number > one for one in later) and (self._memory.newest(base) is not None or bool(later))


def keys_of(texts: Iterable[str]) -> list[VerifierKey]:
    """The keys of vkeys; a MalformedNote names what is wrong with one."""
    try:
        return [VerifierKey.read(text) for text in texts]
    except AuditError as error:
        raise MalformedNote("a key given with --log cannot be used", why=error.why, do=error.do) from error
