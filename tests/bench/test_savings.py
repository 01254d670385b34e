"""The comparison with another optimiser: each of its recommendations is found, or the reason why not is told."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bench.savings import main, recommendations

LAST = date(2026, 10, 31)
IDS = {name: f"i-0000000000000000{at}" for at, name in enumerate(("idle", "busy", "unmeasured", "stopped", "old"))}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    """Fourteen days of five machines at 24 dollars a day, with hourly points of three of them."""
    folder = tmp_path / "bill"
    folder.mkdir()
    days = [LAST - timedelta(days=back) for back in range(14)]
    costs = [
        {"cloud_resource_id": IDS[name], "date": day, "cost": "24.00", "region": "us-east-1",
         "instance_type": "m4.4xlarge" if name == "old" else "m6a.2xlarge"}
        for name in IDS for day in days if name != "stopped" or day < LAST - timedelta(days=2)
    ]  # fmt: skip
    points = [
        {"resource_id": IDS[name], "date": f"{day}T{hour:02}:00:00Z", "metric": metric, "value": value}
        for name, cpu in (("idle", 2), ("busy", 70), ("old", 60)) for day in days for hour in range(24)
        for metric, value in (("cpu", cpu), ("network_in_io", 1000))
    ]  # fmt: skip
    write(folder / "costs.csv", costs)
    write(folder / "points.csv", points)
    write(folder / "notes.csv", [{"colour": "red"}])
    return folder


def test_each_recommendation_is_found_or_the_reason_is_told(
    bill: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = {
        "optimizations": {
            "abandoned_instances": {
                "items": [{"cloud_resource_id": IDS[name], "saving": 700} for name in list(IDS)[:4]]
                + [{"cloud_resource_id": "i-0ffffffffffffffff"}]
            },
            "obsolete_generation": {"items": [{"resource_id": IDS["old"], "saving": "90.5"}]},
            "rightsizing_instances": {"items": [{"resource_id": IDS["busy"]}]},
            "horoscope": [{"resource_id": IDS["busy"]}],
        }
    }
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(theirs))
    assert main(["--bill", str(bill), "--recommendations", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    same = {(line["kind"], line["resource"]): (line["same"], line["why"]) for line in told["lines"]}
    idle = {name: same["abandoned_instances", IDS[name]] for name in list(IDS)[:4]}
    assert idle["idle"][0] == "yes"
    assert idle["busy"] == ("no", "CPU, highest 70 %, ours is below 5 %")
    assert idle["unmeasured"] == ("unknown", "missing: CPU and network points")
    assert "not billed on the last day" in idle["stopped"][1]
    assert same["abandoned_instances", "i-0ffffffffffffffff"][0] == "no data"
    assert same["obsolete_generation", IDS["old"]][0] == "yes"
    assert "m5a.4xlarge" in same["obsolete_generation", IDS["old"]][1]
    assert same["rightsizing_instances", IDS["busy"]] == ("unknown", "missing: main memory")
    assert same["horoscope", IDS["busy"]][0] == "no rule"
    (line,) = (line for line in told["lines"] if line["resource"] == IDS["idle"])
    assert (line["theirs"], line["ours"]) == ("700.00", "730.00")
    assert told["remarks"] == ["notes.csv: no column names a resource and a day; it has colour"]
    assert main(["--bill", str(bill), "--recommendations", str(path)]) == 0
    assert "8 recommendations on 5 resources: no 2, no data 1, no rule 1, unknown 2, yes 2." in capsys.readouterr().err


def test_what_cannot_be_read_is_said(bill: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "theirs.json"
    path.write_text("nonsense")
    assert main(["--bill", str(bill), "--recommendations", str(path)]) == 1
    assert "cannot be read as JSON" in capsys.readouterr().err
    path.write_text("[]")
    assert main(["--bill", str(bill), "--recommendations", str(path)]) == 1
    assert "Nothing to compare: 0 recommendations" in capsys.readouterr().err


def test_recommendations_are_found_at_any_depth() -> None:
    found = list(recommendations([{"module": "idle", "resource_id": "a"}, {"x": [{"id": "b", "savings": "1"}]}]))
    assert [(one.kind, one.resource) for one in found] == [("idle", "a"), ("x", "b")]
