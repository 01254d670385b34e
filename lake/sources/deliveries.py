"""Which files of a folder are the newest delivery of a bill, by the manifests that providers put beside them.

An open month is delivered again and again, each time from its first day, and some exports keep what they delivered
before: all files together would count most charges many times. A manifest names the files of one delivery. Files lie
below a folder that is named for their billing period (`20261001-20261101`, `BILLING_PERIOD=2026-10`); below one for
which there is a manifest the newest alone says what counts, and everywhere else every file does.

`reportKeys` is how AWS's Cost and Usage Reports name files. `dataFiles` (AWS Data Exports) and `blobs` (Azure) are not
verified against a delivery of the provider's; a file of another form is no manifest, and changes nothing.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from lake.errors import LakeError

MOST_BYTES = 16 * 1024 * 1024
_PERIOD = re.compile(r"\d{8}-\d{8}|billing_period=.+", re.IGNORECASE)


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was found: its key or path, when it was written (by one clock for all), and what it says."""

    name: str
    written: float
    body: bytes


def may_be_one(name: str) -> bool:
    """Whether a file of this name may be a manifest."""
    return name.lower().rsplit("/", 1)[-1].endswith("manifest.json")


def newest(files: Sequence[str], manifests: Iterable[Manifest]) -> list[str]:
    """Those of the files that count. Raises LakeError if a newest manifest names one that is not there."""
    deliveries: dict[str, tuple[Manifest, list[str]]] = {}
    for manifest in sorted(manifests, key=lambda one: (one.written, one.name)):
        named = _named(manifest.body)
        for period in {period for key in named if (period := _period(key))}:
            deliveries[period] = (manifest, [key for key in named if _period(key) == period])
    counted: dict[str, set[str]] = {}
    for manifest, named in deliveries.values():
        for key in named:
            file = _found(key, files)
            if file is None:
                raise _incomplete(manifest, key)
            counted.setdefault(_period(file) or "", set()).add(file)
    return [file for file in files if (_period(file) or "") not in counted or file in counted[_period(file) or ""]]


def _named(body: bytes) -> list[str]:
    """The keys that a manifest names, without the bucket; none if it is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return []
    if not isinstance(said, dict):
        return []
    told = said.get("reportKeys") or said.get("dataFiles") or said.get("blobs")
    if not isinstance(told, list):
        return []
    names = [one.get("blobName") if isinstance(one, dict) else one for one in told]
    return [_key(name) for name in names if isinstance(name, str)]


def _key(name: str) -> str:
    return urlsplit(name).path.lstrip("/") if "://" in name else name.lstrip("/")


def _period(key: str) -> str | None:
    """The folder of the billing period that a file lies below: all of its path up to that name."""
    parts = key.split("/")
    for at, part in enumerate(parts[:-1]):
        if _PERIOD.fullmatch(part):
            return "/".join(parts[: at + 1])
    return None


def _found(key: str, files: Sequence[str]) -> str | None:
    """The file that a manifest means: the one whose path ends most like the key, from the period's folder on at least.

    A folder that was copied from a bucket may begin anywhere within its keys.
    """
    period = _period(key)
    least = len(key.split("/")) - (len(period.split("/")) - 1 if period else 0)
    alike = [(shared, file) for file in files if (shared := _shared_end(key, file)) >= least]
    return max(alike)[1] if alike else None


def _shared_end(one: str, other: str) -> int:
    count = 0
    for mine, theirs in zip(reversed(one.split("/")), reversed(other.split("/")), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _incomplete(manifest: Manifest, key: str) -> LakeError:
    return LakeError(
        f"The delivery of {manifest.name} is not complete.",
        why=f"It names {key}, which is not there.",
        do="Wait until the provider has delivered all of it, or fetch the whole folder, then load again.",
    )
