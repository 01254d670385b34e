"""Clients of AWS by its standard chain of credentials, and what AWS refuses, in words for people.

The chain is AWS's own: variables, a profile, a role of the machine. Spendgate keeps no key of it, and no sentence here
repeats one. Throttling is met by AWS's own retries, with growing pauses, before it is told.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore import exceptions
from botocore.config import Config

from lake.errors import LakeError

TRIES = 8
_PATIENT = Config(
    retries={"mode": "standard", "total_max_attempts": TRIES}, connect_timeout=10, read_timeout=60, tcp_keepalive=True
)
_BUSY = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown", "TooManyRequestsException"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "403"})
_STALE = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "InvalidAccessKeyId"}
)
_OTHERS = {
    "NoSuchBucket": ("There is no such bucket.", "Check its name; a bucket is named without its region."),
    "NoSuchKey": ("An object that was listed is gone.", "Load again, when nobody is writing there."),
    "PreconditionFailed": ("An object changed while it was read.", "Load again, when nobody is writing there."),
}
_UNKNOWN = "AWS answered in a way that is not known"


def client(service: str, *, region: str | None = None) -> Any:
    """A client that is patient and finds its credentials as AWS's own tools do; LakeError if it cannot be made."""
    import boto3

    with told(f"{service} cannot be asked."):
        return boto3.session.Session().client(service, region_name=region, config=_PATIENT)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turns what AWS or its library refuses into a LakeError that begins with `what`."""
    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(what, error) from error
    except (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
    ) as error:
        raise LakeError(
            what,
            why="No AWS credentials were found by AWS's standard chain.",
            do="Log in (aws sso login), name a profile in AWS_PROFILE, or run where the machine has a role.",
        ) from error
    except exceptions.ProfileNotFound as error:
        raise LakeError(what, why=f"{error}.", do="Name a profile that the AWS configuration has.") from error
    except exceptions.NoRegionError as error:
        raise LakeError(what, why="No AWS region is set.", do="Name one with --region, or in AWS_REGION.") from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise LakeError(
            what,
            why=f"The connection failed ({type(error).__name__}).",
            do="Check the network and the region, then try again; nothing was changed.",
        ) from error
    except exceptions.BotoCoreError as error:
        why = f"{str(error).splitlines()[0].rstrip('.')}."
        raise LakeError(what, why=why, do="Check the AWS configuration; nothing was changed.") from error


def _refused(what: str, error: Any) -> LakeError:
    answer = error.response.get("Error", {})
    code = str(answer.get("Code") or _UNKNOWN)
    if code in _BUSY:
        return LakeError(
            what,
            why=f"AWS asked to be left alone ({code}), {TRIES} times in a row.",
            do="Try again later; it goes on where it stopped.",
        )
    if code in _DENIED:
        operation = getattr(error, "operation_name", "") or "this"
        return LakeError(
            what,
            why=f"The credentials may not do {operation} ({code}).",
            do="Give that role the right, or use one that has it.",
        )
    if code in _STALE:
        return LakeError(what, why=f"The credentials are not valid (any more) ({code}).", do="Log in again.")
    if code in _OTHERS:
        why, do = _OTHERS[code]
        return LakeError(what, why=why, do=do)
    return LakeError(what, why=f"AWS answered {code}.", do="Check what was asked for; nothing was changed.")
