"""Which witnesses the signer shows its checkpoints to, from its own environment variables."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import Exit, Problem
from app.settings import web_address, wrong
from audit.errors import AuditError
from audit.note import WITNESS, VerifierKey

FILE, BUCKET = "SPENDGATE_SIGNER_WITNESS_FILE", "SPENDGATE_SIGNER_WITNESS_BUCKET"
URL, KEY = "SPENDGATE_SIGNER_WITNESS_URL", "SPENDGATE_SIGNER_WITNESS_KEY"
DAYS = "SPENDGATE_SIGNER_WITNESS_DAYS"
DEFAULT_DAYS, MOST_DAYS = 365, 36_500


@dataclass(frozen=True)
class BucketSettings:
    """A bucket with Object Lock, how long each checkpoint stays in it, and with whose credentials."""

    bucket: str
    prefix: str
    days: int
    region: str
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    profile: str | None = None
    endpoint_url: str | None = None

    @property
    def name(self) -> str:
        """How the witness is called."""
        return f"s3://{self.bucket}/{self.prefix}"


@dataclass(frozen=True)
class WitnessSettings:
    """One witness of each kind at most; None where there is none."""

    file: Path | None = None
    bucket: BucketSettings | None = None
    url: str | None = None
    key: VerifierKey | None = None


def load_witnesses(env: Mapping[str, str] = os.environ) -> WitnessSettings:
    """The configured witnesses; what cannot work is refused by the variable's name."""
    file, url = env.get(FILE, "").strip(), web_address(env, URL)
    if file and not Path(file).is_absolute():
        raise wrong(
            FILE,
            file,
            "It is not a whole path, and what it means would depend on the folder.",
            "Begin it with a slash.",
        )
    key = _key(env)
    if (url is None) != (key is None):
        raise Problem(
            f"{URL} and {KEY} belong together.",
            why="Without its key anybody who answers at that address could pass as the witness.",
            do="Set both; `spendgate witness` prints its key when it starts.",
            exit_code=Exit.USAGE,
        )
    return WitnessSettings(Path(file) if file else None, _bucket(env), url, key)


def _key(env: Mapping[str, str]) -> VerifierKey | None:
    told = env.get(KEY, "").strip()
    if not told:
        return None
    try:
        key = VerifierKey.read(told)
    except AuditError as error:
        raise wrong(KEY, told, error.why, "Copy the line that `spendgate witness` prints.") from error
    if key.kind != WITNESS:
        raise wrong(
            KEY, told, "It is a log's key and not a witness's.", "Copy the line that `spendgate witness` prints."
        )
    return key


def _bucket(env: Mapping[str, str]) -> BucketSettings | None:
    told = env.get(BUCKET, "").strip()
    if not told:
        return None
    found = re.fullmatch(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", told)
    if found is None:
        raise wrong(BUCKET, told, "It is not the address of a bucket.", f"Set it like {BUCKET}=s3://bucket/prefix")
    days = env.get(DAYS, "").strip() or str(DEFAULT_DAYS)
    if not (days.isascii() and days.isdigit() and len(days) < 6 and 0 < int(days) <= MOST_DAYS):
        raise wrong(DAYS, days, f"It is not a number of days from 1 to {MOST_DAYS}.", "Use days, for example 365.")
    prefix = (found[2] or "").strip("/")
    made = BucketSettings(
        bucket=found[1],
        prefix=f"{prefix}/" if prefix else "",
        days=int(days),
        region=env.get("SPENDGATE_SIGNER_AWS_REGION", "").strip() or "us-east-1",
        access_key=env.get("SPENDGATE_SIGNER_AWS_ACCESS_KEY_ID") or None,
        secret_key=env.get("SPENDGATE_SIGNER_AWS_SECRET_ACCESS_KEY") or None,
        session_token=env.get("SPENDGATE_SIGNER_AWS_SESSION_TOKEN") or None,
        profile=env.get("SPENDGATE_SIGNER_AWS_PROFILE") or None,
        endpoint_url=web_address(env, "SPENDGATE_SIGNER_AWS_ENDPOINT_URL"),
    )
    if not made.profile and not (made.access_key and made.secret_key):
        raise Problem(
            f"{BUCKET} is set without credentials.",
            why="The machine's ordinary AWS variables are not asked: they may belong to something else.",
            do="Set SPENDGATE_SIGNER_AWS_ACCESS_KEY_ID and SPENDGATE_SIGNER_AWS_SECRET_ACCESS_KEY, or …_PROFILE.",
            exit_code=Exit.USAGE,
        )
    return made
