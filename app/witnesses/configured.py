"""The witnesses that the settings name, ready to use. S3's library is loaded only where there is a bucket."""

from app.witnesses.file import FileWitness
from app.witnesses.port import Witness
from app.witnesses.process import ProcessWitness
from app.witnesses.settings import WitnessSettings
from audit.note import VerifierKey


def configured(settings: WitnessSettings, key: VerifierKey | None = None) -> list[Witness]:
    """One object for each; `key` is the log's, by which they know its notes. Reading back needs none."""
    found: list[Witness] = []
    if settings.file is not None:
        found.append(FileWitness(settings.file, key))
    if settings.bucket is not None:
        from app.witnesses.bucket import BucketWitness, s3

        found.append(BucketWitness(s3(settings.bucket), settings.bucket, key))
    if settings.url is not None and settings.key is not None:
        found.append(ProcessWitness(settings.url, settings.key))
    return found
