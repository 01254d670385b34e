"""The bar: on a terminal's stderr alone, with a rate that is only told once it means something."""

import io
import sys

import pytest

from app.progress import Pace, bar
from lake.progress import Step, tell


class Terminal(io.StringIO):
    """A stderr that says whether it is a terminal."""

    def __init__(self, *, people: bool) -> None:
        super().__init__()
        self.people = people

    def isatty(self) -> bool:
        return self.people


@pytest.mark.parametrize(
    ("people", "as_json", "shown"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_who_sees_it(
    people: bool, as_json: bool, shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stderr = Terminal(people=people)
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    with bar(as_json=as_json):
        tell(Step("reading [red]bill\x1b.csv", 50, 100, 1000))
    assert ("reading [red]bill?.csv" in stderr.getvalue()) == shown
    assert capsys.readouterr().out == ""
    tell(Step("afterwards", 1, 2))
    assert "afterwards" not in stderr.getvalue()


def test_a_rate_is_of_one_step_and_not_of_its_first_moment() -> None:
    pace = Pace()
    assert pace.rate(Step("a", rows=0), 10.0) == ""
    assert pace.rate(Step("a", rows=500), 10.1) == ""
    assert pace.rate(Step("a", rows=30_000), 12.0) == "15,000 rows/s"
    assert pace.rate(Step("b", rows=30_000), 12.5) == ""
    assert pace.rate(Step("b", rows=60_000, about=True), 14.5) == "about 30,000 rows/s"
    assert pace.rate(Step("b"), 15.0) == ""
