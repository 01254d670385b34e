"""A witness that is an S3 bucket with Object Lock: one object a checkpoint, which nobody can delete before its time.

In mode COMPLIANCE not even the account's root user can. An object can be hidden, by a newer version or a delete
marker, by whoever may write: so what is read back are all versions, never the newest. The only place with S3.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from app.database import Clock, system_clock
from app.witnesses.port import Growth, NotShown, Seen, must_follow
from app.witnesses.settings import BucketSettings
from audit.checkpoint import Checkpoint, verify
from audit.errors import AuditError
from audit.note import VerifierKey

CONNECT_SECONDS, READ_SECONDS = 5, 15
MODE = "COMPLIANCE"
MOST_NOTE = 65_536
MOST_STRANGE = 100
"""How many objects are read at most to find the log's newest among what others may have laid there."""


class Version(NamedTuple):
    """One version of one object."""

    key: str
    id: str


class BucketWitness:
    """The objects below a bucket's prefix; `key` tells which of their notes are this log's."""

    pause = 60.0

    def __init__(
        self, client: Any, settings: BucketSettings, key: VerifierKey | None = None, *, clock: Clock = system_clock
    ) -> None:
        self._client, self._settings, self._key, self._clock = client, settings, key, clock
        self.name = settings.name
        self._read_to: dict[str, str] = {}
        self._newest: dict[str, Checkpoint] = {}
        self._locks: bool = False

    def publish(self, checkpoint: Checkpoint, grown: Growth) -> None:
        """Lays down the note, locked; nothing where it lies there already. Refuses a bucket that does not lock."""
        try:
            if not self._locks:
                self._require_lock()
            self._follow(checkpoint.origin)
            newest = self._newest.get(checkpoint.origin)
            if newest is not None:
                must_follow(checkpoint, newest, grown)
            if newest is None or newest.size < checkpoint.size:
                self._put(checkpoint)
        except (ClientError, BotoCoreError) as error:
            raise self._unusable(f"{_code(error)}: {error}") from error

    def known(self, origins: Sequence[str] = ()) -> Iterator[Seen]:
        """Every version of every object, the oldest keys first, with what is wrong with its lock."""
        try:
            for version in self._versions(self._settings.prefix):
                yield self._seen(version)
        except (ClientError, BotoCoreError) as error:
            raise self._unusable(f"{_code(error)}: {error}") from error

    def _follow(self, origin: str) -> None:
        """Takes in what was laid down since, by whomever: of what is new the largest of this log.

        Keys sort by size, so only later ones are asked for, and the first one from the end that this log's key signed
        is it. What others laid there `spendgate audit witnesses` names; it must not stop the log's own.
        """
        folder = f"{self._settings.prefix}{origin}/checkpoint/"
        new = deque(self._versions(folder, after=self._read_to.get(origin, "")), maxlen=MOST_STRANGE)
        for version in reversed(new):
            try:
                read = verify(self._seen(version).note, () if self._key is None else self._key)
            except AuditError:
                continue
            if read.origin == origin:
                self._newest[origin] = read
                break
        if new:
            self._read_to[origin] = new[-1].key

    def _put(self, checkpoint: Checkpoint) -> None:
        until = self._clock() + timedelta(days=self._settings.days)
        key = f"{self._settings.prefix}{checkpoint.origin}/checkpoint/{checkpoint.size:019d}"
        answer = self._client.put_object(
            Bucket=self._settings.bucket,
            Key=key,
            Body=str(checkpoint.note).encode(),
            ContentType="text/plain; charset=utf-8",
            ObjectLockMode=MODE,
            ObjectLockRetainUntilDate=until,
        )
        seen = self._seen(Version(key, str(answer.get("VersionId", ""))))
        if seen.remark:
            raise self._unusable(f"what was laid down at {key} is not locked: {seen.remark}")

    def _seen(self, version: Version) -> Seen:
        got = self._client.get_object(Bucket=self._settings.bucket, Key=version.key, VersionId=version.id)
        note = got["Body"].read(MOST_NOTE).decode(errors="replace")
        mode, until = got.get("ObjectLockMode"), got.get("ObjectLockRetainUntilDate")
        remark = ""
        if mode != MODE or not isinstance(until, datetime):
            remark = f"it is not locked in mode {MODE} but {mode or 'not at all'}"
        return Seen(f"{self.name} {version.key} version {version.id}", note, remark=remark)

    def _versions(self, prefix: str, *, after: str = "") -> Iterator[Version]:
        wanted = {"Bucket": self._settings.bucket, "Prefix": prefix}
        if after:
            wanted["KeyMarker"] = after
        for page in self._client.get_paginator("list_object_versions").paginate(**wanted):
            for one in page.get("Versions", []):
                yield Version(one["Key"], one["VersionId"])

    def _require_lock(self) -> None:
        try:
            told = self._client.get_object_lock_configuration(Bucket=self._settings.bucket)
        except ClientError as error:
            if _code(error) != "ObjectLockConfigurationNotFoundError":
                raise
            told = {}
        if told.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") != "Enabled":
            raise self._unusable("it has no Object Lock, so whoever may write there could take checkpoints back")
        self._locks = True

    def _unusable(self, why: str) -> NotShown:
        return NotShown(
            f"the bucket {self.name} cannot be used",
            why=why,
            do="Check its name, that Object Lock is on, and the signer's credentials; docs/running.md lists its rights",
        )


def s3(settings: BucketSettings) -> Any:
    """A client that sends each request once: the publisher tries again, at its own pace."""
    session = boto3.session.Session(profile_name=settings.profile) if settings.profile else boto3.session.Session()
    given = {
        "aws_access_key_id": settings.access_key,
        "aws_secret_access_key": settings.secret_key,
        "aws_session_token": settings.session_token,
    }
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        s3={"addressing_style": "path"} if settings.endpoint_url else {},
    )
    return session.client(
        "s3",
        region_name=settings.region,
        endpoint_url=settings.endpoint_url,
        config=config,
        **({} if settings.profile else given),
    )


def _code(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__
