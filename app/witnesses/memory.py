"""What a witness must never forget: its key, and the checkpoint that it cosigned last of each log. A folder of files.

A file is on the disk before its cosignature leaves the process, so a kill or a power cut at any moment leaves either
the former state or one that nobody may have heard of: never one that is older than what was answered.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from app.errors import Exit, Problem
from app.held import Held, held
from app.whole_file import write_whole
from audit.checkpoint import Checkpoint, verify
from audit.errors import AuditError
from audit.note import WITNESS, SigningKey

KEY, STATES, LISTED = "key", "logs", "known"


class Memory:
    """The folder, read once; its only writer is this process (`opened`), for as long as the `lock` holds."""

    def __init__(self, folder: Path, name: str, lock: Held | None = None) -> None:
        self.folder, self._lock = folder, lock
        self.key = _key(folder / KEY, name)
        self._newest = dict(self._states())
        self._listed = self._listed_before()

    def newest(self, origin: str) -> Checkpoint | None:
        """What was cosigned last of this log; None if nothing was."""
        return self._newest.get(origin)

    def origins(self) -> list[str]:
        """The logs of which something was cosigned."""
        return list(self._newest)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Remembers it, on the disk first; an OSError leaves the former."""
        if self._lock is not None and not self._lock.still():
            raise OSError(f"the lock in {self.folder} is gone: another witness may run on this folder")
        write_whole(self._file(checkpoint.origin), str(checkpoint.note))
        if (name := self._file(checkpoint.origin).name) not in self._listed:
            write_whole(self.folder / LISTED, "".join(f"{one}\n" for one in sorted({*self._listed, name})))
            self._listed.add(name)
        self._newest[checkpoint.origin] = checkpoint

    def _file(self, origin: str) -> Path:
        return self.folder / STATES / f"{sha256(origin.encode()).hexdigest()}.note"

    def _states(self) -> Iterator[tuple[str, Checkpoint]]:
        """A state that this key did not cosign is refused: forgetting it would let the log be shown older again."""
        for path in sorted((self.folder / STATES).glob("[0-9a-f]*.note")):
            try:
                read = verify(path.read_bytes(), self.key.verifier)
            except AuditError as error:
                raise _damaged(path, error.why) from error
            if self._file(read.origin) != path:
                raise _damaged(path, f"it is about {read.origin}, whose file has another name")
            yield read.origin, read

    def _listed_before(self) -> set[str]:
        """The files of all logs that were ever cosigned: one that is gone would be a log that may begin anew."""
        path = self.folder / LISTED
        listed = set(path.read_text().split()) if path.exists() else set[str]()
        for name in sorted(listed):
            if not (self.folder / STATES / name).exists():
                raise _damaged(self.folder / STATES / name, "A checkpoint was cosigned and kept there, and it is gone.")
        return listed


@contextmanager
def opened(folder: Path, name: str) -> Iterator[Memory]:
    """The memory in `folder`, made if there is none, for this process alone."""
    stack = ExitStack()
    try:
        lock = stack.enter_context(held(folder))
    except BlockingIOError as error:
        raise Problem(
            f"A witness already runs on {folder}.",
            why="Two on one folder would each forget what the other cosigned.",
            do="Stop it, or give this one a folder of its own: it is another witness.",
            exit_code=Exit.CONFLICT,
        ) from error
    except OSError as error:
        raise Problem(
            f"The witness cannot use its folder {folder}.",
            why=f"{error.strerror or error}.",
            do="Name one in --folder that it may write to, on a disk that stays.",
        ) from error
    with stack:
        yield Memory(folder, name, lock)


def _key(path: Path, name: str) -> SigningKey:
    """The witness's key, made at the first start."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        try:
            made = SigningKey.new(name, WITNESS)
        except AuditError as error:
            raise Problem("--name cannot be used.", why=error.why, do="Use one like witness.example.") from error
        write_whole(path, made.secret() + "\n")
        return made
    try:
        key = SigningKey.read(text)
    except AuditError as error:
        raise Problem(
            f"The witness's key in {path} cannot be read.",
            why=error.why,
            do="Find out who changed it. With another key it is another witness: start that in a new folder.",
            exit_code=Exit.CONFLICT,
        ) from error
    if key.kind != WITNESS or key.name != name:
        raise Problem(
            f"The key in {path} is not of a witness called {name}.",
            why=f"It is called {key.name}, and a key belongs to its name.",
            do=f"Start it with --name {key.name}, or with another folder.",
            exit_code=Exit.CONFLICT,
        )
    return key


def _damaged(path: Path, why: str) -> Problem:
    return Problem(
        f"The witness does not start with {path} as it is.",
        why=why,
        do="Find out who changed it. What this witness knew is lost: start another one in a new folder.",
        exit_code=Exit.VERIFICATION_FAILED,
    )
