"""Which witnesses there are: refused by the variable's name where they cannot work, and by every other process."""

from pathlib import Path

import pytest

from app.errors import Problem
from app.settings import refuse_credentials
from app.witnesses.configured import configured
from app.witnesses.settings import load_witnesses
from audit.note import WITNESS, SigningKey

FILE, BUCKET = "SPENDGATE_SIGNER_WITNESS_FILE", "SPENDGATE_SIGNER_WITNESS_BUCKET"
URL, KEY = "SPENDGATE_SIGNER_WITNESS_URL", "SPENDGATE_SIGNER_WITNESS_KEY"
DAYS = "SPENDGATE_SIGNER_WITNESS_DAYS"
OWN = {"SPENDGATE_SIGNER_AWS_ACCESS_KEY_ID": "a", "SPENDGATE_SIGNER_AWS_SECRET_ACCESS_KEY": "secret"}
VKEY = str(SigningKey.new("witness.example", WITNESS).verifier)


def test_without_a_word_there_is_none() -> None:
    assert configured(load_witnesses({})) == []


def test_one_of_each_kind() -> None:
    env = {FILE: "/mnt/notes", BUCKET: "s3://bank-log/spendgate/", URL: "https://witness.example", KEY: VKEY, **OWN}
    settings = load_witnesses(env)
    assert settings.file == Path("/mnt/notes")
    assert settings.bucket is not None
    assert (settings.bucket.bucket, settings.bucket.prefix, settings.bucket.days) == ("bank-log", "spendgate/", 365)
    assert "secret" not in repr(settings)
    names = [one.name for one in configured(settings)]
    assert names == ["file:/mnt/notes", "s3://bank-log/spendgate/", "witness.example"]


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({FILE: "notes"}, FILE),
        ({URL: "https://witness.example"}, "belong together"),
        ({KEY: VKEY}, "belong together"),
        ({URL: "http://witness.example", KEY: VKEY}, URL),
        ({URL: "https://witness.example", KEY: "witness.example"}, KEY),
        ({URL: "https://witness.example", KEY: str(SigningKey.new("log.example").verifier)}, "log's key"),
        ({BUCKET: "bank-log", **OWN}, BUCKET),
        ({BUCKET: "s3://UPPER", **OWN}, BUCKET),
        ({BUCKET: "s3://bank-log"}, "without credentials"),
        ({BUCKET: "s3://bank-log", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "without credentials"),
        ({BUCKET: "s3://bank-log", DAYS: "0", **OWN}, DAYS),
        ({BUCKET: "s3://bank-log", DAYS: "²", **OWN}, DAYS),
        ({BUCKET: "s3://bank-log", DAYS: "99999", **OWN}, DAYS),
    ],
)
def test_what_cannot_work_is_refused_by_its_name(env: dict[str, str], said: str) -> None:
    with pytest.raises(Problem, match=said):
        load_witnesses(env)


@pytest.mark.parametrize("process", ["serve", "agent", "worker", "command", "witness"])
def test_nobody_but_the_signer_starts_with_its_credentials(process: str) -> None:
    with pytest.raises(Problem, match="Only the signer"):
        refuse_credentials(process, f"spendgate {process}", OWN)


def test_a_witness_holds_nobodys_secrets() -> None:
    with pytest.raises(Problem, match="Only serve"):
        refuse_credentials("witness", "spendgate witness", {"SPENDGATE_SLACK_BOT_TOKEN": "xoxb-1"})
