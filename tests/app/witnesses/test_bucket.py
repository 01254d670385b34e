"""A bucket with Object Lock as a witness, against moto's S3; and what moto does not keep as Amazon does."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.witnesses.bucket import BucketWitness, s3
from app.witnesses.port import FORKED, KNOWS_MORE, Contradicted, NotShown
from app.witnesses.settings import BucketSettings
from audit.checkpoint import parse
from tests.app.witnesses.conftest import NAME, NOW, Leaves

PREFIX = "spendgate/"


def settings(bucket: str, endpoint: str) -> BucketSettings:
    return BucketSettings(
        bucket=bucket,
        prefix=PREFIX,
        days=30,
        region="us-east-1",
        access_key="test",
        secret_key="test",
        endpoint_url=endpoint,
    )


class Bucket:
    """A new bucket and its client."""

    def __init__(self, endpoint: str, name: str, *, locked: bool) -> None:
        self.settings = settings(name, endpoint)
        self.client: Any = s3(self.settings)
        self.client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)

    def show(self, leaves: Leaves, *sizes: int) -> BucketWitness:
        """A new process's witness that is shown these sizes."""
        clock = lambda: NOW + timedelta(days=3650)  # noqa: E731 (the lock must not lie in moto's own past)
        witness = BucketWitness(self.client, self.settings, leaves.key.verifier, clock=clock)
        for size in sizes:
            witness.publish(leaves.at(size), leaves.grown(size))
        return witness

    def sizes(self) -> list[int]:
        return [parse(one.note).size for one in BucketWitness(self.client, self.settings).known()]

    def versions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.list_object_versions(Bucket=self.settings.bucket)["Versions"]
        return found


NUMBERS = itertools.count(1)


@pytest.fixture
def bucket(moto: str) -> Bucket:
    return Bucket(moto, f"locked-{next(NUMBERS)}", locked=True)


def test_each_checkpoint_is_one_locked_object_whose_key_sorts_by_size(bucket: Bucket, leaves: Leaves) -> None:
    bucket.show(leaves, 9, 10, 10)
    bucket.show(leaves, 10, 100)
    keys = [one["Key"] for one in bucket.versions()]
    assert keys == [f"{PREFIX}{NAME}/checkpoint/{size:019d}" for size in (9, 10, 100)]
    assert bucket.sizes() == [9, 10, 100]
    objects = [bucket.client.get_object(Bucket=bucket.settings.bucket, Key=key) for key in keys]
    locks = {(one["ObjectLockMode"], one["ObjectLockRetainUntilDate"]) for one in objects}
    assert locks == {("COMPLIANCE", NOW + timedelta(days=3650 + 30))}
    assert [one.remark for one in BucketWitness(bucket.client, bucket.settings).known()] == ["", "", ""]


def test_a_bucket_without_object_lock_is_refused(moto: str, leaves: Leaves) -> None:
    plain = Bucket(moto, "plain", locked=False)
    with pytest.raises(NotShown, match="no Object Lock"):
        plain.show(leaves, 10)
    assert "Contents" not in plain.client.list_objects_v2(Bucket="plain")


def test_a_bucket_that_is_not_there_is_a_failure(moto: str, leaves: Leaves) -> None:
    known = settings("nowhere", moto)
    with pytest.raises(NotShown, match="NoSuchBucket"):
        BucketWitness(s3(known), known, leaves.key.verifier).publish(leaves.at(3), leaves.grown(3))


def test_a_server_that_is_not_there_is_a_failure_and_asked_once(leaves: Leaves) -> None:
    known = settings("nowhere", "http://127.0.0.1:9")
    with pytest.raises(NotShown, match="EndpointConnectionError"):
        BucketWitness(s3(known), known, leaves.key.verifier).publish(leaves.at(3), leaves.grown(3))


def test_nobody_deletes_a_checkpoint_before_its_time(bucket: Bucket, leaves: Leaves) -> None:
    bucket.show(leaves, 10)
    (version,) = bucket.versions()
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.client.delete_object(
            Bucket=bucket.settings.bucket,
            Key=version["Key"],
            VersionId=version["VersionId"],
            BypassGovernanceRetention=True,
        )


def test_a_checkpoint_that_is_hidden_is_read_back_all_the_same(bucket: Bucket, leaves: Leaves) -> None:
    """Whoever may write can lay a newer version or a delete marker on top; what is below stays."""
    bucket.show(leaves, 10, 20)
    for key in [one["Key"] for one in bucket.versions()]:
        bucket.client.put_object(Bucket=bucket.settings.bucket, Key=key, Body=str(leaves.at(5).note).encode())
        bucket.client.delete_object(Bucket=bucket.settings.bucket, Key=key)
    assert sorted(bucket.sizes()) == [5, 5, 10, 20]
    unlocked = [one.remark for one in BucketWitness(bucket.client, bucket.settings).known() if one.remark]
    assert unlocked == ["it is not locked in mode COMPLIANCE but not at all"] * 2
    with pytest.raises(Contradicted):
        bucket.show(leaves.fork(3), 30)
    bucket.show(leaves, 30)


def test_what_others_laid_there_does_not_hide_the_newest(bucket: Bucket, leaves: Leaves) -> None:
    bucket.show(leaves, 10)
    folder = f"{PREFIX}{NAME}/checkpoint/"
    for name in (f"{11:019d}", f"{12:019d}", "rubbish"):
        bucket.client.put_object(Bucket=bucket.settings.bucket, Key=folder + name, Body=b"rubbish")
    with pytest.raises(Contradicted):
        bucket.show(leaves.fork(3), 30)


def test_a_shorter_log_and_another_log_are_contradicted(bucket: Bucket, leaves: Leaves) -> None:
    bucket.show(leaves, 10, 20)
    with pytest.raises(Contradicted) as shorter:
        bucket.show(leaves, 19)
    assert (shorter.value.code, shorter.value.known) == (KNOWS_MORE, 20)
    for size in (20, 30):
        with pytest.raises(Contradicted) as other:
            bucket.show(leaves.fork(5), size)
        assert other.value.code == FORKED
    assert bucket.sizes() == [10, 20]


def test_what_another_process_of_this_log_laid_down_is_seen(bucket: Bucket, leaves: Leaves) -> None:
    mine = bucket.show(leaves, 10)
    bucket.show(leaves.fork(12), 30)
    with pytest.raises(Contradicted):
        mine.publish(leaves.at(40), leaves.grown(40))


def test_a_restored_log_has_keys_of_its_own(bucket: Bucket, leaves: Leaves) -> None:
    bucket.show(leaves, 20)
    bucket.show(leaves.under(f"{NAME}/restored-1", 15), 18)
    assert sorted(bucket.sizes()) == [18, 20]


def test_what_the_sandbox_does_not_keep_as_amazon_does(bucket: Bucket, leaves: Leaves) -> None:
    """Amazon refuses to shorten a retention of mode COMPLIANCE, or to weaken its mode; moto lets anybody. So these
    tests show that what is locked cannot be deleted, and not that it stays locked: that is Amazon's word."""
    bucket.show(leaves, 10)
    (version,) = bucket.versions()
    where = {"Bucket": bucket.settings.bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
    bucket.client.put_object_retention(**where, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": NOW})
    (seen,) = BucketWitness(bucket.client, bucket.settings).known()
    assert seen.remark == "it is not locked in mode COMPLIANCE but GOVERNANCE"
