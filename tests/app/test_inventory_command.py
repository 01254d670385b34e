"""`spendgate usage inventory`: what it lists, keeps, tells and logs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from lake.errors import LakeError
from lake.inventory import kept
from lake.sources import aws_client

REGION = "sa-east-1"


@pytest.fixture
def home(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["usage", "inventory", *words])


def test_what_was_listed_is_kept_told_and_logged(home: Path) -> None:
    ec2 = aws_client.client("ec2", region=REGION)
    disk = ec2.create_volume(Size=40, AvailabilityZone=f"{REGION}a", VolumeType="gp3")["VolumeId"]
    told = run("--region", REGION)
    assert told.exit_code == 0, told.output
    assert f"listed in {REGION}." in told.stderr
    assert "only lists that follow each other do" in told.stderr
    (first,) = kept(home / "lake")
    mine = aws_client.client("sts", region=REGION).get_caller_identity()["Account"]
    assert (first.account, first.region) == (mine, REGION)
    again = json.loads(run("--region", REGION, "--json").stdout)
    assert (again["account"], again["region"], again["machines"]) == (mine, REGION, len(first.machines))
    assert again["unattached"] == sum(one.unattached for one in first.disks) >= 1
    (second,) = kept(home / "lake")
    seen = {one.volume_id: one.unattached_since for one in second.disks}
    assert seen[disk] == first.loaded_at < second.loaded_at
    entries = json.loads(CliRunner().invoke(app, ["audit", "list", "--event", "data.ingested", "--json"]).stdout)
    assert len(entries["entries"]) == 2


def test_where_nobody_answers_that_is_told_and_nothing_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(aws_client, "_PATIENT", None)
    told = run("--region", REGION)
    assert isinstance(told.exception, LakeError)
    assert "could not be told" in told.exception.what
    assert not (home / "lake" / "inventory").exists()
