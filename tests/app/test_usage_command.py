"""`spendgate usage pull`: what it loads and tells, for people and for scripts."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from lake.sources import aws_client


@pytest.fixture
def run(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SPENDGATE_HOME", str(tmp_path / "home"))
    return lambda *words: CliRunner().invoke(app, ["usage", "pull", *words])


def test_what_was_pulled_is_told(run: Callable[..., Any]) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    aws_client.client("cloudwatch", region="eu-west-1").put_metric_data(
        Namespace="AWS/EC2",
        MetricData=[
            {
                "MetricName": "CPUUtilization",
                "Dimensions": [{"Name": "InstanceId", "Value": "i-1"}],
                "Timestamp": hour,
                "Value": 7.0,
            }
        ],
    )
    told = run("--region", "eu-west-1")
    assert told.exit_code == 0, told.output
    assert "1 hour of 1 resource loaded" in told.stderr
    assert "eu-west-1)." in told.stderr
    again = json.loads(run("--region", "eu-west-1", "--json").stdout)
    mine = aws_client.client("sts", region="eu-west-1").get_caller_identity()["Account"]
    assert (again["account"], again["hours"], again["unreadable"]) == (mine, 1, 0)
    other = run("--region", "us-east-1")
    assert "machines without metrics stay unknown" in other.stderr
    entries = json.loads(CliRunner().invoke(app, ["audit", "list", "--event", "data.ingested", "--json"]).stdout)
    assert [entry["data"]["usage_hours"] for entry in entries["entries"]] == [1, 1, 0], entries
