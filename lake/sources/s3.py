"""Bills in an S3 bucket: what an address names, brought to this machine before any of it is read.

Everything is listed first, to the end, and then brought as it was listed: an object that changes or vanishes meanwhile
ends the load, since half of one delivery and half of the next would add up to neither.
"""

import fnmatch
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from lake import progress
from lake.errors import CannotBeAsked, LakeError
from lake.load import ENDINGS, Ready
from lake.report import Finding
from lake.sources import deliveries
from lake.sources.aws_client import client, told

SCHEME = "s3://"
CHUNK_BYTES = 1024 * 1024
LEAST_FREE_BYTES = 50 * 1024 * 1024
_MAGIC = re.compile(r"[*?\[]")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class Listed:
    """One object as it was listed; `etag` changes when it does."""

    bucket: str
    key: str
    size: int
    etag: str
    written: float
    """when it was last changed, in seconds since 1970 by the bucket's clock"""


def is_remote(path: str | Path) -> bool:
    """Whether this names a bucket and no file."""
    return str(path).lower().startswith(SCHEME)


@dataclass(frozen=True)
class Chosen:
    """The objects that an address means, by their keys, and what is to be told of those left out."""

    objects: list[Listed]
    noticed: list[Finding]


@contextmanager
def brought(paths: Sequence[str | Path], *, beside: Path) -> Iterator[Ready]:
    """The same paths, with what lies in buckets brought into a folder that is gone afterwards. Raises LakeError.

    `beside` is the folder that the copies lie below while they are loaded: the disk that the lake is on.
    """
    if not any(is_remote(path) for path in paths):
        yield Ready([Path(path) for path in paths], [])
        return
    store = client("s3")
    wanted = {str(path): listed(store, str(path)) for path in paths if is_remote(path)}
    total = sum(one.size for found in wanted.values() for one in found.objects)
    beside.mkdir(parents=True, exist_ok=True)
    _refuse_full(beside, total)
    with TemporaryDirectory(prefix=".s3-", dir=beside) as making:
        ready: list[Path] = []
        arrived = 0
        for number, path in enumerate(paths):
            if not is_remote(path):
                ready.append(Path(path))
                continue
            for place, one in enumerate(wanted[str(path)].objects):
                # A folder for each: `a//b` and `a/b` are two objects, as are names alike in what a path can hold.
                target = _target(Path(making) / str(number) / str(place), one.key)
                _bring(store, one, target)
                arrived += one.size
                progress.tell(progress.Step(f"fetching {one.key}", arrived, total))
                ready.append(target)
        yield Ready(ready, [one for found in wanted.values() for one in found.noticed])


def listed(store: Any, address: str) -> Chosen:
    """The bills at `s3://bucket/key`, below `s3://bucket/prefix/`, or that match a pattern, by their keys."""
    bucket, key = _parts(address)
    pattern = key if _MAGIC.search(key) else None
    prefix = _MAGIC.split(key)[0]
    found: list[Listed] = []
    with told(f"{address} could not be listed."):
        for page in store.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            found += [
                Listed(bucket, one["Key"], one["Size"], one["ETag"], one["LastModified"].timestamp())
                for one in page.get("Contents", ())
            ]
    chosen = Chosen(sorted((one for one in found if _is_meant(one, key, pattern)), key=lambda one: one.key), [])
    if pattern is None:
        beside = [one for one in found if deliveries.may_be_one(one.key) and _lies_in(one, key)]
        chosen = _newest(store, chosen.objects, beside)
    if not chosen.objects:
        raise LakeError(
            f"{address} holds nothing to load.",
            why=f"{len(found)} objects begin with that, and none ends in {', '.join(ENDINGS)}.",
            do="Name a key, a prefix or a pattern, such as s3://bucket/exports/2026-10/*.parquet.",
        )
    return chosen


def _is_meant(one: Listed, key: str, pattern: str | None) -> bool:
    if one.key == key and one.size:
        return True
    if not one.size or not one.key.lower().endswith(ENDINGS):
        return False
    if pattern is not None:
        return fnmatch.fnmatchcase(one.key, pattern)
    return _lies_in(one, key)


def _lies_in(one: Listed, key: str) -> bool:
    # A prefix is a folder: `bill` does not mean what lies in `billing/`.
    return not key or key.endswith("/") or one.key.startswith(f"{key}/")


def _newest(store: Any, chosen: list[Listed], beside: list[Listed]) -> Chosen:
    """Of bills that were delivered several times, the newest delivery, by the manifests that lie beside them."""
    manifests = []
    for one in beside:
        if one.size <= deliveries.MOST_BYTES:
            with told(f"s3://{one.bucket}/{one.key} could not be read."):
                body = store.get_object(Bucket=one.bucket, Key=one.key, IfMatch=one.etag)["Body"].read()
            manifests.append(deliveries.Manifest(one.key, one.written, body))
    counted = deliveries.newest([one.key for one in chosen], manifests)
    files = set(counted.files)
    return Chosen([one for one in chosen if one.key in files], counted.noticed)


def _parts(address: str) -> tuple[str, str]:
    parts = urlsplit(address.replace("?", "%3F").replace("#", "%23"))
    bucket, key = parts.netloc, parts.path.removeprefix("/").replace("%3F", "?").replace("%23", "#")
    if not _BUCKET.fullmatch(bucket):
        raise CannotBeAsked(
            "An s3:// address names no bucket.",  # and is not repeated: somebody may have written a key into it
            why="A bucket's name has small letters, digits, points and hyphens.",
            do="Write s3://BUCKET/PREFIX/, without a key or a region in it.",
        )
    return bucket, key


def _target(folder: Path, key: str) -> Path:
    """Where the object goes: a key is any text and never a path out of the folder."""
    parts = [part for part in key.split("/") if part not in ("", ".", "..")]
    return folder.joinpath(*(part.replace("\x00", "_")[:200] for part in parts))


def _bring(store: Any, one: Listed, target: Path) -> None:
    what = f"s3://{one.bucket}/{one.key} could not be read."
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with told(what), target.open("wb") as stream:
            body = store.get_object(Bucket=one.bucket, Key=one.key, IfMatch=one.etag)["Body"]
            for chunk in body.iter_chunks(CHUNK_BYTES):
                stream.write(chunk)
    except OSError as error:
        raise LakeError(
            what, why=f"{error.strerror or error}.", do="Give the disk of Spendgate's home room; nothing was loaded."
        ) from error
    if target.stat().st_size != one.size:
        raise LakeError(what, why="Fewer bytes arrived than were listed.", do="Load again; nothing was loaded.")


def _refuse_full(folder: Path, total: int) -> None:
    free = shutil.disk_usage(folder).free
    if total + LEAST_FREE_BYTES > free:
        raise LakeError(
            f"{total / 2**20:,.0f} MB do not fit on the disk of {folder}.",
            why=f"{free / 2**20:,.0f} MB are free, and the files are brought whole before they are loaded.",
            do="Free some space, or load one month at a time.",
        )
