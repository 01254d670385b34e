"""A witness that is a process of somebody else's and cosigns: spoken to by C2SP tlog-witness over HTTP."""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

import httpx

from app.witnesses import submission
from app.witnesses.port import FORKED, KNOWS_MORE, Contradicted, Growth, NotShown, Seen
from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.note import WITNESS, Note, VerifierKey, parse, verify

PATIENCE_SECONDS = 10.0
MOST_ANSWER = 65_536
MOST_TRIES = 3
"""Once to learn what the witness knows, once with the proof from there, once if somebody was faster meanwhile."""


class Answer(NamedTuple):
    """What came back: status, type and body, the last cut off where it was too long."""

    status: int
    kind: str
    body: bytes


class ProcessWitness:
    """The witness at `url` whose cosignatures are by `key` (type 0x04)."""

    pause = 5.0

    def __init__(self, url: str, key: VerifierKey, *, client: httpx.Client | None = None) -> None:
        self.url, self.name, self._key = url.rstrip("/"), key.name, key
        self._client = client or httpx.Client(timeout=PATIENCE_SECONDS, follow_redirects=False)
        self._old: dict[str, int] = {}

    def publish(self, checkpoint: Checkpoint, grown: Growth) -> str:
        """Has the checkpoint cosigned; the line of the witness's signature."""
        origin = checkpoint.origin
        for _ in range(MOST_TRIES):
            old = self._old.get(origin, 0)
            proof = grown(old) if 0 < old < checkpoint.size else ()
            sent = submission.body(old, proof, checkpoint)
            answer = self._ask("POST", f"{self.url}/add-checkpoint", sent)
            if answer.status == 200:
                line = self._cosignature(checkpoint, answer.body)
                self._old[origin] = checkpoint.size
                return line
            if answer.status == 422:
                why = f"it does not find the {old} entries of {origin} that it knows in the log's {checkpoint.size}"
                raise Contradicted(FORKED, why=why, known=old)
            if answer.status != 409:
                raise self._failed(f"it answered {answer.status}{_said(answer.body)}")
            self._old[origin] = self._conflict(checkpoint, old, answer)
        raise self._failed("others submit checkpoints of this log at the same time")

    def known(self, origins: Sequence[str]) -> Iterator[Seen]:
        """What it cosigned last of each origin and of what was restored from it, as `spendgate witness` tells it.

        Other witnesses have no such address: NotShown.
        """
        for origin in origins:
            yield from self._last(origin)
            number = 1
            while found := list(self._last(f"{origin}/restored-{number}")):
                yield from found
                number += 1

    def _last(self, origin: str) -> Iterator[Seen]:
        where = f"{self.url}/checkpoint/{quote(origin)}"
        answer = self._ask("GET", where, b"")
        if answer.status == 200:
            yield Seen(where, answer.body.decode(errors="replace"))
        elif answer.status != 204:
            raise self._failed(f"it answered {answer.status}{_said(answer.body)}")

    def _conflict(self, checkpoint: Checkpoint, old: int, answer: Answer) -> int:
        """The size that the witness knows, if the log may still reach it; Contradicted where it cannot."""
        try:
            known = submission.size(answer.body.removesuffix(b"\n"))
        except AuditError:
            raise self._failed("it refused the size and did not tell which one it knows") from None
        if known > checkpoint.size:
            why = f"it knows {known} entries of {checkpoint.origin}, and the log has {checkpoint.size}"
            raise Contradicted(KNOWS_MORE, why=why, known=known)
        if known == old == checkpoint.size:
            why = f"it cosigned another root of {checkpoint.origin} at size {known}"
            raise Contradicted(FORKED, why=why, known=known)
        return known

    def _cosignature(self, checkpoint: Checkpoint, lines: bytes) -> str:
        """The witness's line among those that it answered; of unknown keys none counts: §add-checkpoint."""
        try:
            answered = parse(f"{checkpoint.note.text}\n".encode() + lines)
            verify(answered, [self._key])
        except AuditError as error:
            raise self._failed(f"what it answered is no cosignature of {self._key.name}: {error.why}") from error
        for one in answered.signatures:
            if self._key.kind == WITNESS and (one.name, one.key_id) == (self._key.name, self._key.id):
                return one.line()
        raise self._failed("its key is not a witness's")

    def _ask(self, method: str, url: str, content: bytes) -> Answer:
        """One request; its answer is read for so long and so far, whatever the other side goes on sending."""
        until = time.monotonic() + 3 * PATIENCE_SECONDS
        body = bytearray()
        try:
            with self._client.stream(method, url, content=content) as answer:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MOST_ANSWER or time.monotonic() > until:
                        raise self._failed("its answer does not end")
                return Answer(answer.status_code, answer.headers.get("content-type", ""), bytes(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._failed(f"{type(error).__name__}: {error}") from error

    def _failed(self, why: str) -> NotShown:
        return NotShown(
            f"the witness {self.name} did not take the checkpoint",
            why=why,
            do=f"Check that it runs at {self.url} and that it was started with this log's key",
        )


def cosigned(checkpoint: Checkpoint, line: str) -> str:
    """The checkpoint's note with one more signature."""
    added = parse(f"{checkpoint.note.text}\n{line}")
    return str(Note(checkpoint.note.text, (*checkpoint.note.signatures, *added.signatures)))


def _said(body: bytes) -> str:
    told = " ".join(body[:200].decode(errors="replace").split())
    return f" ({told})" if told else ""
