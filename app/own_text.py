"""A file of settings that a person edits in the home: its text, or a sentence that says why it cannot be read."""

from pathlib import Path

from lake.errors import LakeError


def own_text(path: Path) -> str:
    """The file's text. Raises LakeError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(path, "It is no UTF-8 text.") from error
    except OSError as error:
        raise _unreadable(path, f"{error.strerror or error}.") from error


def _unreadable(path: Path, why: str) -> LakeError:
    return LakeError(f"{path} cannot be read.", why=why, do="Make it a readable text, or remove it.")
