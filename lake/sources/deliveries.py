"""Which files of a folder are the newest delivery of a bill, by the manifests that providers put beside them.

An open month is delivered again and again, each time from its first day, and some exports keep what they delivered
before: all files together would count most charges many times. A manifest names the files of one delivery. Files lie
below a folder that is named for their billing period (`20261001-20261101`, `BILLING_PERIOD=2026-10`); below one for
which there is a manifest the newest alone says what counts, and everywhere else every file does. Whatever is left out
is told.

`reportKeys` is how AWS's Cost and Usage Reports name files. `dataFiles` (AWS Data Exports) and `blobs` (Azure) are not
verified against a delivery of the provider's; a file of another form is no manifest, and changes nothing.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lake.errors import LakeError
from lake.report import Finding
from lake.sources.delivered_files import Files, Found, inside, parts, period_at

MOST_BYTES = 16 * 1024 * 1024
MOST_NAMED = 3


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was found: its key or path, when it was written (by one clock for all), and what it says."""

    name: str
    written: float
    body: bytes


@dataclass(frozen=True)
class Counted:
    """The files that count, in the order in which they were given, and what is to be told of those left out."""

    files: list[str]
    noticed: list[Finding]


@dataclass(frozen=True)
class _Delivery:
    """What one manifest says of one billing period, and what of it is there."""

    manifest: Manifest
    submitted: float | None
    """when the provider began with it, in seconds since 1970, where the manifest says so"""
    period: tuple[str, ...]
    """the period's folder as the provider names it"""
    keys: frozenset[str]
    found: tuple[Found, ...]
    missing: str | None

    @property
    def files(self) -> frozenset[str]:
        return frozenset(one.file for one in self.found)

    @property
    def is_current(self) -> bool:
        """Whether the manifest lies in the period's folder itself, where AWS keeps that of the newest delivery."""
        folder = parts(self.manifest.name)[:-1]
        return folder[-1:] == self.period[-1:] or any(folder == one.folder for one in self.found)


_BY: tuple[tuple[str, Callable[[_Delivery], float | None]], ...] = (
    ("the newest by the time that it states", lambda one: one.submitted),
    ("whose manifest lies in the period's own folder", lambda one: float(one.is_current)),
    (
        "the newest only by when its manifest was written, which copying changes (if another is, name its folder)",
        lambda one: one.manifest.written,
    ),
)


def may_be_one(name: str) -> bool:
    """Whether a file of this name may be a manifest."""
    return name.lower().rsplit("/", 1)[-1].endswith("manifest.json")


def newest(files: Sequence[str], manifests: Iterable[Manifest]) -> Counted:
    """Those of the files that count; names begin with the folder that was given, or are keys of one bucket.

    Raises LakeError if the newest delivery of a period is not all there, or cannot be told from another.
    """
    there = Files(files)
    deliveries = [one for manifest in manifests for one in _deliveries(manifest, there)]
    rivals: dict[tuple[tuple[str, ...], tuple[str, ...]], list[_Delivery]] = {}
    for one in deliveries:
        rivals.setdefault((_folder(one, deliveries), one.period), []).append(one)
    chosen = {key: _chosen(key[0], told) for key, told in sorted(rivals.items())}
    for one, _ in chosen.values():
        if one.missing is not None:
            raise _incomplete(one.manifest, one.missing)
    counted = {file for one, _ in chosen.values() for file in one.files}
    below = inside(files, [folder for folder, _ in rivals])
    out: set[str] = set()
    noticed: list[Finding] = []
    for (folder, period), (one, why) in chosen.items():
        left = _left_out(below[folder], one, rivals[folder, period], counted)
        if not out.issuperset(left):
            noticed.append(_told_left(folder, one, why, [file for file in left if file not in out]))
        out.update(left)
    marked = {file for held in below.values() for file in held}
    noticed += _unmarked([file for file in files if file not in marked])
    return Counted([file for file in files if file not in out], noticed)


def _deliveries(manifest: Manifest, there: Files) -> list[_Delivery]:
    """One for each billing period of which the manifest names files: for each folder in which some were found."""
    named, submitted = _read(manifest.body)
    of_period: dict[tuple[str, ...], list[str]] = {}
    for key in named:
        at = period_at(parts(key))
        if at is not None:
            of_period.setdefault(parts(key)[: at + 1], []).append(key)
    made = []
    for period, keys in of_period.items():
        found = {key: there.meant(key, beside=manifest.name) for key in keys}
        missing = next((key for key, file in found.items() if file is None), None)
        of_folder: dict[tuple[str, ...], list[Found]] = {}
        for file in found.values():
            if file is not None:
                of_folder.setdefault(file.folder, []).append(file)
        for held in of_folder.values() or [[]]:
            made.append(_Delivery(manifest, submitted, period, frozenset(keys), tuple(held), missing))
    return made


def _read(body: bytes) -> tuple[list[str], float | None]:
    """The keys that a manifest names, without the bucket, and when it was submitted; no keys if it is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return [], None
    if not isinstance(said, dict):
        return [], None
    told = said.get("reportKeys") or said.get("dataFiles") or said.get("blobs")
    if not isinstance(told, list):
        return [], None
    names = [one.get("blobName") if isinstance(one, dict) else one for one in told]
    run = said.get("runInfo")
    submitted = _time(run.get("submittedTime")) if isinstance(run, dict) else None
    return [_key(name) for name in names if isinstance(name, str) and _is_text(name)], submitted


def _is_text(name: str) -> bool:
    # JSON can write half of a character, which no file's key has and no message can show.
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _key(name: str) -> str:
    bucket_and_key = name.partition("://")[2]
    return (bucket_and_key.partition("/")[2] if bucket_and_key else name).lstrip("/")


def _time(text: object) -> float | None:
    try:
        read = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if read is None:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _folder(one: _Delivery, deliveries: Iterable[_Delivery]) -> tuple[str, ...]:
    """The folder whose files this delivery is about: of one that has left no file, that of its neighbours."""
    if one.found:
        return one.found[0].folder
    lies = parts(one.manifest.name)[:-1]
    near = [
        (len(found.root), found.folder)
        for other in deliveries
        if other.period == one.period
        for found in other.found
        if lies[: len(found.root)] == found.root
    ]
    return max(near)[1] if near else (*lies, *one.period)


def _chosen(folder: tuple[str, ...], told: Sequence[_Delivery]) -> tuple[_Delivery, str]:
    """The newest of these deliveries, and by what it is; the same files named twice are one delivery."""
    versions: dict[frozenset[str], list[_Delivery]] = {}
    for one in told:
        versions.setdefault(one.keys, []).append(one)
    if len(versions) == 1:
        return told[0], "the only one that a manifest names"
    for why, when in _BY:
        times = {keys: _latest(same, when) for keys, same in versions.items()}
        known = [time for time in times.values() if time is not None]
        if len(known) == len(versions) and known.count(max(known)) == 1:
            keys = next(keys for keys, time in times.items() if time == max(known))
            return max(versions[keys], key=lambda one: (when(one) or 0.0, one.manifest.name)), why
    raise _undecided(folder, told)


def _latest(same: Iterable[_Delivery], when: Callable[[_Delivery], float | None]) -> float | None:
    return max((time for one in same if (time := when(one)) is not None), default=None)


def _left_out(held: Sequence[str], chosen: _Delivery, told: Iterable[_Delivery], counted: set[str]) -> list[str]:
    """The files of this folder that do not count.

    In a period's folder these are all that no newest delivery names. A folder of another name may hold other bills
    too: there it is what earlier deliveries name, and whole folders that hold a file of the same name.
    """
    if chosen.found[0].folder[-1:] == chosen.period[-1:]:
        return [file for file in held if file not in counted]
    earlier = {file for one in told for file in one.files}
    names = {parts(file)[-1] for file in chosen.files}
    doubled = {parts(file)[:-1] for file in held if parts(file)[-1] in names} - {parts(file)[:-1] for file in counted}
    return [file for file in held if file not in counted and (file in earlier or parts(file)[:-1] in doubled)]


def _unmarked(files: Iterable[str]) -> list[Finding]:
    """A note for each period of which several folders hold files of one name, and for which no manifest was seen."""
    runs: dict[tuple[str, ...], dict[tuple[str, ...], dict[str, str]]] = {}
    for file in files:
        path = parts(file)
        at = period_at(path)
        if at is not None and len(path) > at + 2:
            runs.setdefault(path[: at + 1], {}).setdefault(path[at + 2 :], {})[path[at + 1]] = file
    noticed = []
    for period, alike in sorted(runs.items()):
        twice = next((held for held in alike.values() if len(held) > 1), None)
        if twice:
            text = (
                f"lies in {len(twice)} folders below {'/'.join(period)} ({_some(sorted(twice))}), and no manifest says "
                "which delivery is the newest: all were loaded; name one of the folders if they are one bill"
            )
            noticed.append(Finding(rule="no-manifest", file=parts(min(twice.values()))[-1], text=text))
    return noticed


def _told_left(folder: tuple[str, ...], chosen: _Delivery, why: str, left: Sequence[str]) -> Finding:
    below = "/".join(folder)
    text = (
        f"is of the delivery of {chosen.manifest.name}, {why}; left out below {below or 'all of it'}: "
        f"{_some([file.removeprefix(f'{below}/') for file in left])}"
    )
    return Finding(rule="earlier-delivery", file=parts(min(chosen.files))[-1], text=text)


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _undecided(folder: tuple[str, ...], told: Sequence[_Delivery]) -> LakeError:
    last = max(one.manifest.written for one in told)
    names = sorted({one.manifest.name for one in told if one.manifest.written == last})
    return LakeError(
        f"Which delivery of {'/'.join(folder)} is the newest cannot be told.",
        why=f"{_some(names)} name different files and were written at one moment.",
        do="Name the folder of the delivery that counts, or delete the others from the copy.",
    )


def _incomplete(manifest: Manifest, key: str) -> LakeError:
    return LakeError(
        f"The delivery of {manifest.name} is not complete.",
        why=f"It names {key}, which is not there.",
        do="Wait until the provider has delivered all of it, or fetch the whole folder, then load again.",
    )
