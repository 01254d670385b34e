"""Which file of a folder or bucket a manifest's key means: a copy begins anywhere within the keys that it was made of.

The bucket's keys and the copy end alike; what comes before that end is where the copy was put, and the manifest was
put there too. So of two copies side by side each manifest means its own, and a copy of a part is read as the whole is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_PERIOD = re.compile(r"\d{8}-\d{8}|billing_period=.+", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A file that a key means, the period's folder that it lies below, and where the copy of the keys begins."""

    file: str
    folder: tuple[str, ...]
    root: tuple[str, ...]


def parts(name: str) -> tuple[str, ...]:
    """The folders of a key or path and the name at its end."""
    return tuple(name.split("/"))


def period_at(path: Sequence[str]) -> int | None:
    """Which of the folders of a path is named for a billing period: the innermost, since any other may hold months."""
    return next((at for at in reversed(range(len(path) - 1)) if _PERIOD.fullmatch(path[at])), None)


class Files:
    """The files that were found, by how they end."""

    def __init__(self, files: Iterable[str]) -> None:
        self._paths = [parts(file) for file in files]
        self._by_end: dict[int, dict[tuple[str, ...], list[tuple[str, ...]]]] = {}

    def meant(self, key: str, *, beside: str) -> Found | None:
        """The file that a manifest (`beside`) means by this key, if it is there.

        It ends like the key from the period's folder on. Where no folder of the manifest's is named so, as in a copy
        under another name or from further inside, from below that folder on, or it lies beside the manifest.
        """
        wanted, lies = parts(key), parts(beside)[:-1]
        at = period_at(wanted)
        if at is None:
            return None
        below = len(wanted) - at - 1
        ends = self._ending(wanted[at:])
        if not ends and wanted[at] not in lies:
            ends = self._ending(wanted[at + 1 :]) or [path for path in self._ending(wanted[-1:]) if path[:-1] == lies]
        found = []
        for path in ends:
            shared = _shared_end(path, wanted)
            root = path[: len(path) - shared]
            if lies[: len(root)] == root:
                found.append((_shared_start(path, lies), shared, path, root))
        if not found:
            return None
        _, _, path, root = max(found)
        return Found("/".join(path), path[: max(0, len(path) - below)], root)

    def _ending(self, end: tuple[str, ...]) -> list[tuple[str, ...]]:
        if len(end) not in self._by_end:
            made: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
            for path in self._paths:
                made.setdefault(path[-len(end) :], []).append(path)
            self._by_end[len(end)] = made
        return self._by_end[len(end)].get(end, [])


def inside(files: Iterable[str], folders: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], list[str]]:
    """The files that lie below each of these folders, each with the innermost and with none above its own period's."""
    held: dict[tuple[str, ...], list[str]] = {folder: [] for folder in folders}
    for file in files:
        path = parts(file)
        at = period_at(path)
        least = 0 if at is None else at + 1
        near = next((path[:length] for length in range(len(path) - 1, least - 1, -1) if path[:length] in held), None)
        if near is not None:
            held[near].append(file)
    return held


def _shared_start(one: Sequence[str], other: Sequence[str]) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _shared_end(one: Sequence[str], other: Sequence[str]) -> int:
    return _shared_start(one[::-1], other[::-1])
