"""Never: whatever a model writes, no digit reaches the asker that is not a tool's, the question's or a name's."""

import re
import unicodedata
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.answer import Known, check, plain
from tools.result import Row, ToolResult, figure

QUESTION = "top 5 services for gpt-4o since 2026-07-01, did it rise 40%?"
NAMES = ["claude-sonnet-4.5", "g5.12xlarge", "471852036911", "P-7K3M9QX2AB", "saves 900000 dollars now", "team 7 of us"]
FIGURES = [
    figure("q1.r1.effective", Decimal("12345.67"), label="Effective cost, team fraud", unit="USD",
    period="October 2026"),
    figure("q1.r2.effective", Decimal("900.5"), label="Effective cost, team claims", unit="USD", period="October 2026"),
    figure("q1.r2.change_pct", Decimal("-12.3"), label="Change of effective cost", unit="%",
    period="October against September"),
    figure("q2.r1.gpus", Decimal(7), label="GPU machines", unit="count", period="14 days to 2026-11-21"),
]  # fmt: skip
RESULT = ToolResult(
    id="q1", tool="query_spend", title="Effective cost", figures=tuple(FIGURES),
    notes=("Judged over the last 14 days.",),
    rows=tuple(Row(address=f"q1.r{n}", names={"name": name}) for n, name in enumerate(NAMES, 1)),
)  # fmt: skip
KNOWN = Known.of([RESULT], question=QUESTION)
SOURCES = [QUESTION, *NAMES, RESULT.notes[0], *(text for f in FIGURES for text in (f.label, f.period))]

PIECES = st.one_of(
    st.sampled_from([f"{{{f.id}}}" for f in FIGURES]),
    st.sampled_from([f.display for f in FIGURES]),
    st.sampled_from(SOURCES),
    st.sampled_from(["{q9.r1.x}", "{", "}", "{{", "}}", "**", "_", "`", "\\", "$", "€", "%", " %", "k", " million",
    "-", ".", ",", "\n"]),
    st.sampled_from([" ", " ", " ", "5", "5 ", "14 ", "days", "7", "1", "40", "%", "USD ", " dollars", "½", "²", "①",
    "٤", "１", "\u200b"]),
    st.sampled_from(["twice", " two ", "one third", "XIV", "cost ", "AI ", "team ", "rose ", "900", "000", "4o",
    "gpt-"]),
    st.text(max_size=4),
    st.integers(-9999, 99999).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
)  # fmt: skip


def numbers(text: str) -> list[str]:
    """Each stretch of letters, marks and digits around a numeric character."""
    return [
        run for run in re.findall(r"[^\s]+", text) if any(c.isnumeric() for c in unicodedata.normalize("NFKC", run))
    ]


def is_sourced(run: str) -> bool:
    digits = re.findall(r"[^\W_]*[0-9][^\W_]*", run)
    plain_digits = all(c in "0123456789" for c in run if c.isnumeric())
    return plain_digits and all(any(found in re.findall(r"[^\W_]+", source) for source in SOURCES) for found in digits)


def without_figures(text: str, used: list[str]) -> str:
    """What is left without the figures: first those with their labels, then displays said again."""
    chosen = [f for f in FIGURES if f.id in used]
    for f in chosen:
        text = re.sub(rf"{re.escape(f.display)}[*_~`]{{0,3}} {re.escape(f'({f.label}, {f.period})')}", " ", text)
    for f in sorted(chosen, key=lambda f: -len(f.display)):
        text = re.sub(rf"(?<![\d.,$]){re.escape(f.display)}(?![\d%]|[.,]\d)", " ", text)
    return text


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
@example("{q1.r1.effective}0")
@example("top 5% for gpt-4o")
def test_no_digit_but_a_tools_the_questions_or_a_names(text: str) -> None:
    checked = check(text, KNOWN)
    if not checked.passed:
        assert checked.text == ""
        return
    rest = without_figures(checked.text, [f.id for f in checked.figures])
    for run in numbers(rest):
        assert is_sourced(run), (run, text)
    assert not re.search(r"[{}]", checked.text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_free_text_never_brings_a_number_or_a_currency(text: str) -> None:
    checked = check(text, Known.of([], question=""))
    if checked.passed:
        assert not any(c.isnumeric() or unicodedata.category(c) in ("Sc", "Nd", "Nl", "No") for c in checked.text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(FIGURES), min_size=1, max_size=6), st.sampled_from(["", "**", "_", "`"]))
def test_each_figure_that_passes_stands_with_its_own_label_and_period(shown: list[object], mark: str) -> None:
    figures = [f for f in FIGURES if f in shown]
    checked = check(", then ".join(f"{mark}{{{f.id}}}{mark}" for f in figures), KNOWN)
    assert checked.passed
    for found in figures:
        assert f"{found.display}{mark} ({found.label}, {found.period})" in checked.text


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5))
def test_the_tools_own_rendering_passes_no_other_figure(rows: int) -> None:
    shown = plain([RESULT], rows=rows)
    used = without_figures(shown.text, [f.id for f in shown.figures])
    assert all(is_sourced(run) for run in numbers(used))
