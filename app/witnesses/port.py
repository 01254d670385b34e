"""What a witness is to the signer: something that is shown checkpoints, and that tells later which it was shown.

Whatever it knows must be a beginning of the log. `Contradicted` is the alarm; everything else that goes wrong is
`NotShown`, which is tried again.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from audit.checkpoint import Checkpoint
from audit.errors import AuditError
from audit.tree import EMPTY_ROOT, verify_consistency

KNOWS_MORE, FORKED, CUT = "knows more", "forked", "cut"
"""What can contradict the log: a longer one was shown, another one, or what was shown is not there any more."""

Growth = Callable[[int], Sequence[bytes]]
"""The consistency proof (RFC 9162 §2.1.4) from a smaller size to the checkpoint that is being shown."""


class NotShown(AuditError):
    """The witness could not be shown the checkpoint, or cannot be read: it is tried again later."""


class Contradicted(AuditError):
    """What the witness knows is not a beginning of this log: somebody rewrote or cut one of the two."""

    exit_code = 7

    def __init__(self, code: str, *, why: str, known: int | None = None) -> None:
        super().__init__(
            "a witness contradicts the log",
            why=why,
            do="Keep the database and the witness as evidence, and run `spendgate audit witnesses`",
        )
        self.code, self.known = code, known


class Seen(NamedTuple):
    """One note that a witness knows. `where` is for people; `broken` if it says itself that it was not written whole.

    `remark` is what is wrong with how it is kept, if anything is; a note that ought to be kept for good may not be.
    """

    where: str
    note: str
    broken: bool = False
    remark: str = ""


class Witness(Protocol):
    """A place outside of what the app can rewrite."""

    @property
    def name(self) -> str:
        """How it is called in `log_witness`."""
        ...

    @property
    def pause(self) -> float:
        """The least seconds between two publications."""
        ...

    def publish(self, checkpoint: Checkpoint, grown: Growth) -> str | None:
        """Shows it the checkpoint and returns once it is kept: the cosignature's line, None from one that signs none.

        The same checkpoint may be shown again. Raises NotShown or Contradicted.
        """
        ...

    def known(self, origins: Sequence[str]) -> Iterator[Seen]:
        """Everything that it can still tell; of `origins` where it must be asked log by log. NotShown otherwise."""
        ...


def must_follow(new: Checkpoint, known: Checkpoint, grown: Growth) -> None:
    """Refuses a checkpoint that does not contain what is known of the same origin: Contradicted."""
    if known.size > new.size:
        why = f"it knows {known.size} entries of {known.origin}, and the log has {new.size}"
        raise Contradicted(KNOWS_MORE, why=why, known=known.size)
    if known.size == new.size:
        fits = known.root == new.root
    elif known.size == 0:
        fits = known.root == EMPTY_ROOT
    else:
        fits = verify_consistency(known.size, new.size, grown(known.size), known.root, new.root)
    if not fits:
        why = f"the first {known.size} entries of {known.origin} have another root there than in the log"
        raise Contradicted(FORKED, why=why, known=known.size)
