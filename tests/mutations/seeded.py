"""A copy of the sources with a fault in it, made of links: only the changed files are new."""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.mutations.catalogue import ROOT

LEFT_OUT = {".git", ".venv", ".spendgate", ".hypothesis", ".ruff_cache", ".mypy_cache", ".ci"}


def mutated(folder: Path, texts: Mapping[str, str]) -> Path:
    """Fills `folder` with links to everything, and with `texts` in the place of the files that they name.

    Only the folders on the way to a changed file are real. Compiled files are linked too, without those of what was
    changed; whoever runs the copy must write none (`sys.dont_write_bytecode`), since the links lead to the originals.
    """
    changed = {Path(name) for name in texts}
    real = {parent for name in changed for parent in name.parents} | {Path()}
    for inner in sorted(real):
        (folder / inner).mkdir(parents=True, exist_ok=True)
        for entry in os.scandir(ROOT / inner):
            where = inner / entry.name
            if where in real or where in changed or (inner == Path() and entry.name in LEFT_OUT):
                continue
            if entry.name == "__pycache__":
                _compiled(folder / where, Path(entry.path), {name.stem for name in changed if name.parent == inner})
            else:
                (folder / where).symlink_to(entry.path)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def _compiled(folder: Path, compiled: Path, without: set[str]) -> None:
    folder.mkdir()
    for entry in os.scandir(compiled):
        if entry.name.partition(".")[0] not in without:
            (folder / entry.name).symlink_to(entry.path)
