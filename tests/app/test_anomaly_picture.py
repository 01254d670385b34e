"""`spendgate anomalies list --picture`: what is drawn is what is told, whatever tags hold; faults are sentences."""

import builtins
import importlib.util
import json
import os
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.errors import Exit, Problem
from app.picture_file import write_picture
from tests.tools.small_bill import charge, days_of, written

NASTY = 'evil"]]></title><script>alert(1)</script>\u202egpj.exe\u200b{"expr":"x"}'
TODAY = date.today()  # noqa: DTZ011 (the command has no clock to drive)
LAST = TODAY - timedelta(days=5)
SPIKE = LAST - timedelta(days=20)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("picture")
    rows = []
    for number, day in enumerate(days_of(LAST - timedelta(days=150), 151)):
        wobble = 0.97 + number * 7 % 13 / 200
        rows.append(charge(day, f"{(900 if day == SPIKE else 120) * wobble:.6f}", team=NASTY))
        raised = day >= SPIKE - timedelta(days=12)
        rows.append(charge(day, f"{(380 if raised else 200) * wobble:.6f}", team="kyc", service="Claude API"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPENDGATE_HOME", str(folder / "home"))
        assert run("ingest", str(written(folder / "bill.csv", rows)), "--final").exit_code == 0
    return folder / "home"


@pytest.fixture(autouse=True)
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPENDGATE_HOME", str(home))


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def listed(*words: str) -> Any:
    done = run("anomalies", "list", *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def problem(done: Any) -> Problem:
    assert isinstance(done.exception, Problem), done.output
    return done.exception


def panel_lines(panel: dict[str, Any]) -> list[str]:
    return [panel["title"]["text"], *panel["title"]["subtitle"]]


def test_the_document_draws_what_the_answer_tells(tmp_path: Path) -> None:
    told = listed("--picture", str(tmp_path / "a.json"))["anomalies"]
    panels = json.loads((tmp_path / "a.json").read_text())["vconcat"]
    assert len(panels) == len(told) >= 2
    for event, panel in zip(told, panels, strict=True):
        mine = [day for day in panel["data"]["values"] if event["from"] <= day["day"] <= event["to"]]
        assert sum(Decimal(day["actual"]) for day in mine) == Decimal(event["actual"])
        assert panel["encoding"]["y"]["axis"]["title"] == "USD a day"
        assert panel["encoding"]["x"]["scale"]["type"] == "utc"
        spans = panel["layer"][0]["data"]["values"]
        first = date.fromisoformat(event["from"]) - timedelta(days=1)
        assert {"what": "this event", "from": f"{first}T12", "until": f"{event['to']}T12"} in spans
        assert f"{Decimal(event['actual']):,.2f}" in panel_lines(panel)[1]
        assert f"{Decimal(event['excess']):,.2f}" in panel_lines(panel)[1]


def test_svg_and_png_are_drawn_and_the_listing_is_as_without(tmp_path: Path) -> None:
    plain = run("anomalies", "list").stdout
    for ending in ("svg", "PNG"):
        done = run("anomalies", "list", "--picture", str(tmp_path / f"a.{ending}"))
        assert done.stdout == plain
        assert f"Drawn in {tmp_path}" in done.stderr
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    texts = drawn_texts(tmp_path / "a.svg")
    assert "USD a day" in texts
    assert any(text.startswith("1. ") for text in texts)
    assert {"actual", "expected", "no surprise within", "this event"} <= set(texts)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "a.PNG", tmp_path / "a.svg"]


def drawn_texts(path: Path) -> list[str]:
    """What stands in an SVG, which must be well-formed and hold nothing that runs or is fetched."""
    root = ElementTree.fromstring(path.read_text())  # noqa: S314 (written by this test)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "g", "path", "text", "rect", "defs", "clipPath", "line", "tspan", "title", "style"}
    return ["".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")]


def test_what_stands_in_tags_is_shown_and_nothing_more(tmp_path: Path) -> None:
    listed("--picture", str(tmp_path / "a.json"))
    listed("--picture", str(tmp_path / "a.svg"))
    document = (tmp_path / "a.json").read_text()
    drawn = " ".join(drawn_texts(tmp_path / "a.svg"))
    for text in (document, drawn):
        assert "evil" in text
        assert not any(hidden in text for hidden in ("\u202e", "\u200b", "<script", '{"expr'))
    assert "\\u202e" in drawn
    assert "‹script›" in drawn


def test_one_event_alone(tmp_path: Path) -> None:
    told = listed("--picture", str(tmp_path / "a.json"), "--event", "2")["anomalies"]
    (panel,) = json.loads((tmp_path / "a.json").read_text())["vconcat"]
    assert panel["name"] == "event_2"
    assert f"{Decimal(told[1]['actual']):,.2f}" in panel_lines(panel)[1]
    for number in ("0", "9"):
        refused = problem(run("anomalies", "list", "--picture", str(tmp_path / "b.json"), "--event", number))
        assert refused.exit_code == Exit.NOT_FOUND
        assert f"no event {number}" in refused.what
    assert run("anomalies", "list", "--event", "1").exit_code == Exit.USAGE
    assert not (tmp_path / "b.json").exists()


def test_without_an_event_there_is_no_picture(tmp_path: Path) -> None:
    done = run(
        "anomalies", "list", "--where", "team=kyc", "--period", str(LAST.year - 1), "--picture", f"{tmp_path}/a.svg"
    )
    assert done.exit_code == 0
    assert "No event, so no picture." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_where_it_is_drawn_changes_nothing(tmp_path: Path) -> None:
    listed("--picture", str(tmp_path / "a.json"))
    drawn = set()
    for zone in ("UTC", "Pacific/Auckland"):
        path = tmp_path / f"{zone[:3]}.svg"
        code = (
            "import sys, json; from pathlib import Path; from app.picture_file import write_picture;"
            "write_picture(Path(sys.argv[2]), json.loads(Path(sys.argv[1]).read_text()))"
        )
        words = [sys.executable, "-c", code, str(tmp_path / "a.json"), str(path)]
        subprocess.run(words, check=True, env=os.environ | {"TZ": zone})
        drawn.add(path.read_text())
    assert len(drawn) == 1


@pytest.mark.parametrize("name", ["a.gif", "a", ".svg"])
def test_a_name_that_says_no_kind_is_refused_before_anything_is_asked(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.commands.anomalies.looked_at", None)
    refused = problem(run("anomalies", "list", "--picture", str(tmp_path / name)))
    assert refused.exit_code == Exit.USAGE
    assert ".svg, .png or .json" in refused.do


def test_a_file_that_is_there_stays_as_it_is_and_nothing_is_asked_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.commands.anomalies.looked_at", None)
    (tmp_path / "a.json").write_text("mine")
    refused = problem(run("anomalies", "list", "--picture", str(tmp_path / "a.json")))
    assert refused.exit_code == Exit.CONFLICT
    assert "--picture" in refused.do
    assert (tmp_path / "a.json").read_text() == "mine"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = run("anomalies", "list", "--picture", str(tmp_path / "no" / "a.json"))
    assert "cannot be written" in problem(done).what
    assert done.stdout == ""


def test_without_the_extra_it_is_named_and_the_document_still_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "vl_convert" else real(name))
    refused = problem(run("anomalies", "list", "--picture", str(tmp_path / "a.png")))
    assert 'pip install "spendgate[pictures]"' in refused.do
    assert "vl-convert-python" in refused.why
    listed("--picture", str(tmp_path / "a.json"))


def test_one_that_cannot_be_loaded_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def broken(name: str, *more: Any) -> Any:
        if name == "vl_convert":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(Problem, match="is not installed"):
        write_picture(tmp_path / "a.png", {})
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_drawn_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="could not be drawn"):
        write_picture(tmp_path / "a.svg", {"mark": "nothing of the kind"})
    assert list(tmp_path.iterdir()) == []


def test_no_address_is_fetched_for_a_picture(tmp_path: Path) -> None:
    axis = {"x": {"field": "a", "type": "nominal"}}
    with pytest.raises(Problem, match="url not allowed"):
        write_picture(
            tmp_path / "a.svg", {"data": {"url": "http://127.0.0.1:9/a.json"}, "mark": "point", "encoding": axis}
        )


@pytest.mark.slow
def test_the_tables_need_nothing_that_draws(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app", "anomalies", "list", "--picture", str(tmp_path / "a.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "numpy" in done.stderr
    assert "vl_convert" not in done.stderr
