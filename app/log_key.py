"""The log's private key and the newest checkpoint that it signed: two files of the signer's, outside the database.

Whoever rewrites the database has neither; whoever brings back an old database meets the newer checkpoint. One signer at
a time uses them: two on two copies of a database would sign two trees under one name.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.errors import Exit, Problem
from app.held import Held, held
from app.whole_file import write_whole
from audit.checkpoint import Checkpoint, verify
from audit.note import MalformedNote, SigningKey, UnverifiedNote

KEY, LAST = "key", "checkpoint"


class KeyFolder:
    """The folder that only the signer's user can read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key_file, self.last_file = folder / KEY, folder / LAST
        self._held: Held | None = None
        self._kept: str | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Holds the folder for this process; refused while another signer does, whatever database that one is on."""
        stack = ExitStack()
        try:
            self._held = stack.enter_context(held(self.folder))
        except BlockingIOError as error:
            raise Problem(
                f"A signer already uses the key in {self.folder}.",
                why="Two that sign with one key could sign two logs under one name, which nobody could tell apart.",
                do="Stop it first. Another log's signer needs a folder of its own (SPENDGATE_SIGNER_FOLDER).",
                exit_code=Exit.CONFLICT,
            ) from error
        except OSError as error:
            raise self._not_written(self.folder, error) from error
        with stack:
            yield

    def key(self) -> SigningKey | None:
        """The key, or None where there is none yet; a file that is none, or that others can read, is refused."""
        try:
            text = self.key_file.read_text()
        except FileNotFoundError:
            return None
        if self.key_file.stat().st_mode & 0o077:
            raise Problem(
                f"The log's key in {self.key_file} is not used.",
                why="Other users of this machine can read it, and could sign in the log's name.",
                do=f"Run `chmod 600 {self.key_file}`; where others may have read it, put it away for a new one.",
                exit_code=Exit.CONFLICT,
            )
        try:
            return SigningKey.read(text)
        except MalformedNote as error:
            raise Problem(
                f"The log's key in {self.key_file} cannot be read.",
                why=error.why,
                do="Put the file back from its backup. Without it a new key is made, which the log tells of.",
                exit_code=Exit.CONFLICT,
            ) from error

    def new_key(self, name: str) -> SigningKey:
        """Makes a key and keeps it; the file is complete or not there."""
        made = SigningKey.new(name)
        self._write(self.key_file, made.secret() + "\n")
        return made

    def last(self, key: SigningKey) -> Checkpoint | None:
        """The newest checkpoint that was signed here; None where none was. One of another key is refused."""
        text = self._kept = self._newest()
        if text is None:
            return None
        try:
            return verify(text, key.verifier)
        except (MalformedNote, UnverifiedNote) as error:
            raise Problem(
                f"The newest checkpoint in {self.last_file} was not signed with this key.",
                why=error.why,
                do="Key and checkpoint belong together: put back the one that was exchanged.",
                exit_code=Exit.VERIFICATION_FAILED,
            ) from error

    def keep(self, note: str) -> None:
        """Remembers what was signed, before anybody else sees it; refused where another signer did so meanwhile."""
        if self._newest() != self._kept or not (self._held is None or self._held.still()):
            raise Problem(
                f"Nothing more is signed with the key in {self.folder}.",
                why=f"{self.last_file.name} or the lock beside it is not as this signer left it: another one runs.",
                do="Find out who else uses this folder, and hold both logs against each other before starting one.",
                exit_code=Exit.CONFLICT,
            )
        self._write(self.last_file, note)
        self._kept = note

    def _newest(self) -> str | None:
        try:
            return self.last_file.read_text()
        except FileNotFoundError:
            return None

    def _write(self, path: Path, text: str) -> None:
        try:
            write_whole(path, text)
        except OSError as error:
            raise self._not_written(path, error) from error

    @staticmethod
    def _not_written(path: Path, error: OSError) -> Problem:
        return Problem(
            f"The signer cannot write {path}.",
            why=f"{error.strerror or error}.",
            do="Make the folder writable for the signer's user, or free some space; nothing was signed meanwhile.",
        )
