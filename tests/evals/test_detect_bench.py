"""The detection benchmark itself: unknown and hostile folders are measured, and the score cannot be talked up."""

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.bench.detect import main, measured
from tests.bench.detect_baselines import rules
from tests.bench.detect_folder import Folder, Label, UnreadableError, read_folder
from tests.bench.detect_made import MAKERS, made
from tests.bench.detect_score import score

FIRST = date(2026, 1, 1)


def lines(name: str, values: list[str], *, first: date = FIRST) -> list[str]:
    return [f"{name},{first + timedelta(days=day)},{value}" for day, value in enumerate(values)]


def written(folder: Path, rows: list[str], labels: object = (), header: str = "series,date,value") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "series.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    return folder


def test_a_folder_is_read_as_its_writer_meant_it(tmp_path: Path) -> None:
    rows = [*lines("child-a", ["1", "2", "3"]), *lines("child-b", ["10", "20"]), "child-a,2026-01-02,5"]
    label = {"series": "all", "start": "2026-01-02", "end": "2026-01-03", "kind": "shift", "size": 0.5, "impact": 7}
    folder = written(tmp_path, rows, [label])
    (folder / "parents.csv").write_text("series,parent\nchild-a,all\nchild-b,all\nall,child-a\n")
    (folder / "calendar.csv").write_text("date,kind\n2026-01-01,holiday\n")
    read = read_folder(folder)
    assert read.series == ["all", "child-a", "child-b"]
    assert read.values[0].tolist() == [11, 25, 3]  # a restated day counts as it was told last
    assert read.parent.tolist() == [-1, 0, 0]
    assert (read.labels[0].series, read.labels[0].start, read.labels[0].end, read.labels[0].impact) == (0, 1, 2, 7)
    assert read.calendar == {0: ["holiday"]}
    assert len(read.notes) == 2  # the restated line, and the circle


def test_hours_and_five_minutes_are_known_by_their_distance(tmp_path: Path) -> None:
    for minutes in (5, 60):
        rows = [f"s,2026-01-01T{at // 60:02d}:{at % 60:02d}:00Z,{at}" for at in range(0, 720, minutes)]
        read = read_folder(written(tmp_path / str(minutes), rows))
        assert (read.step, read.values.shape) == (60 * minutes, (1, 720 // minutes))


HOSTILE = {
    "nothing but a header": [],
    "words for numbers": ["a,2026-01-01,much", "a,2026-01-02,nan", "a,2026-01-03,inf", ",2026-01-01,5"],
    "dates that are none": ["a,2026-13-45,5", "a,yesterday,5", "a,,5"],
    "one value": ["a,2026-01-01,5"],
    "three days": lines("a", ["5", "6", "7"]),
    "all zeros": lines("a", ["0"] * 200),
    "credits alone": lines("a", ["-5"] * 200),
    "gaps": [row for day, row in enumerate(lines("a", ["100"] * 300)) if day % 3],
    "a week twice": lines("a", ["100"] * 200) + lines("a", ["100"] * 7),
    "half a line": ["a,2026-01-01", *lines("b", ["3"] * 120)],
    "the end of the calendar": lines("a", ["5"] * 100, first=date(9999, 9, 1)),
    "a huge number": lines("a", ["5"] * 150 + ["9e14"] + ["5"] * 50),
    "out of order": list(reversed(lines("a", ["100"] * 200))),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_folders_are_a_result_or_a_sentence(
    tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--data", str(written(tmp_path, HOSTILE[what])), "--json"])
    told = capsys.readouterr()
    if code == 2:
        assert "Traceback" not in told.err
        assert "series.csv" in told.err
        return
    ours = json.loads(told.out)[0]["rules"]["Spendgate"]
    assert ours["false"] == (1 if what == "a huge number" else 0)


def test_labels_that_cannot_be_used_are_said(tmp_path: Path) -> None:
    folder = written(tmp_path, lines("a", ["5"] * 100))
    (folder / "labels.json").write_text('[{"series": "z"}, 5, {"series": "a", "start": "x"}]')
    assert any("3 labels" in note for note in read_folder(folder).notes)


@pytest.mark.parametrize("labels", ["{}", "[", "null"])
def test_labels_that_are_no_list_are_refused(tmp_path: Path, labels: str) -> None:
    folder = written(tmp_path, lines("a", ["5"] * 100))
    (folder / "labels.json").write_text(labels)
    with pytest.raises(UnreadableError, match=r"labels\.json"):
        read_folder(folder)


def test_no_folder_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path / "none")]) == 2
    assert "holds no series.csv" in capsys.readouterr().err


def flat(count: int = 400) -> Folder:
    label = Label(0, 200, 205, 220, "shift", 1.0, 100.0)
    return Folder("flat", ["a", "b"], 0, 86_400, np.full((2, count), 10.0), [label], parent=np.array([-1, 0]))


def test_a_rule_that_never_falls_silent_scores_badly() -> None:
    folder = flat()
    told = score(folder, np.ones(folder.values.shape, dtype=bool))
    assert (told.found, told.recall) == (1, 1.0)
    assert told.false >= 2 * 8  # a new false alarm every thirty days, in both series
    assert told.f1 < 0.15


def test_what_counts_as_found_as_after_effect_and_as_false() -> None:
    folder = flat()
    alarm = np.zeros(folder.values.shape, dtype=bool)
    alarm[0, 203] = True  # found, three days late
    alarm[0, 215] = alarm[1, 210] = True  # after-effects: its own, and its child's
    alarm[1, [300, 304, 310]] = True  # one false alarm, with gaps below a week
    alarm[0, 50] = True  # before anything is scored
    told = score(folder, alarm)
    assert (told.found, told.false, told.delay["shift"], told.money) == (1, 1, 3.0, 1.0)
    assert score(folder, alarm, np.where(alarm, 0, -1)).false == 1


def test_what_is_made_follows_from_the_seed_and_the_oracle_finds_it() -> None:
    for kind in MAKERS:
        series, days = (16, 300) if kind != "gateway" else (6, 60)
        one, same = (made(kind, seed=3, series=series, days=days) for _ in range(2))
        assert np.array_equal(one.values, same.values, equal_nan=True)
        assert one.labels == same.labels
        assert len(one.labels) > 3
        oracle, _ = rules(one)["oracle"]
        assert score(one, oracle(one)).recall > 0.4


def test_every_rule_is_measured_on_the_same_folder() -> None:
    told = measured(made("bank", seed=5, series=16, days=300))
    assert {"Spendgate", "nable", "nudgebee", "AWS-like", "weekday z", "mean and deviation", "oracle"} <= set(
        told["rules"]
    )
    assert all(0 <= one["f1"] <= 1 for one in told["rules"].values())


def test_a_days_update_judges_as_many_series_as_were_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.bench.detect.UPDATE_BATCH", 20)
        assert main(["--update", "50", "--json"]) == 0
        (told,) = json.loads(capsys.readouterr().out)
        assert (told["series"], told["days"]) == (50, 400)
        assert told["seconds"] > 0
        assert main(["--update", "50"]) == 0
    assert "a day's update: 50 series of 400 days judged anew in" in capsys.readouterr().out
    for refused in ("0", "-3", "many"):
        with pytest.raises(SystemExit):
            main(["--update", refused])
        assert "is no number of series" in capsys.readouterr().err
