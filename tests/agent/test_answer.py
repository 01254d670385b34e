"""The checker: what may be shown, what may not, and how a figure stands in a sentence."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from agent.answer import Known, check, plain
from tools.result import Figure, Problem, Row, ToolResult, figure

QUESTION = "top 5 services in Q3 2026 for gpt-4o, did it rise 40% since 2026-07-01?"


def result(*figures: Figure, names: Sequence[dict[str, str]] = (), notes: Sequence[str] = ()) -> ToolResult:
    rows = tuple(Row(address=f"q1.r{n}", names=name) for n, name in enumerate(names, 1))
    return ToolResult(
        id="q1", tool="query_spend", title="Effective cost of AI", rows=rows, figures=figures, notes=tuple(notes)
    )


def cost(address: str, value: str, label: str, period: str = "October 2026", unit: str = "USD") -> Figure:
    return figure(address, Decimal(value), label=label, unit=unit, period=period)


FRAUD = cost("q1.r1.effective", "12345.67", "AWS effective cost, team fraud")
CLAIMS = cost("q1.r2.effective", "900.5", "AWS effective cost, team claims")
TWIN = cost("q1.r3.effective", "900.5", "AWS effective cost, team kyc")
RISE = cost("q1.t1.change_pct", "12.3", "Change of AWS effective cost", "October against September 2026", unit="%")
KNOWN = Known.of(
    [
        result(
            FRAUD, CLAIMS, TWIN, RISE,
            names=[{"model": "claude-sonnet-4.5"}, {"account": "471852036911"}, {"machine": "g5.12xlarge"},
                   {"tag": "saves 900000 dollars now"}, {"tag": "Savings of $1,000,000 approved"},
                    {"team": "one-platform"}],
            notes=["Judged over the last 14 days.", "AWS reaches 2026-11-21."],
        )
    ],
    question=QUESTION,
    names=["P-7K3M9QX2AB", "2026-11-23"],
)  # fmt: skip

PASSES = [
    ("AI cost {q1.r1.effective}.", "AI cost $12,345.67 (AWS effective cost, team fraud, October 2026)."),
    ("**{q1.r1.effective}**!", "**$12,345.67** (AWS effective cost, team fraud, October 2026)!"),
    ("*{q1.r1.effective}*, _{q1.t1.change_pct}_", "*$12,345.67* (AWS effective cost, team fraud, October 2026), "
     "_12.3 %_ (Change of AWS effective cost, October against September 2026)"),
    ("({q1.r1.effective})", "($12,345.67 (AWS effective cost, team fraud, October 2026))"),
    ("{q1.r1.effective}, again {q1.r1.effective}",
     "$12,345.67 (AWS effective cost, team fraud, October 2026), again $12,345.67"),
    ("{q1.r2.effective} {q1.r3.effective} {q1.r2.effective}",
     "$900.50 (AWS effective cost, team claims, October 2026) $900.50 (AWS effective cost, team kyc, October 2026) "
     "$900.50 (AWS effective cost, team claims, October 2026)"),
    # a display that was typed out, and belongs to one figure alone, gets its label all the same
    ("It was $12,345.67.", "It was $12,345.67 (AWS effective cost, team fraud, October 2026)."),
    ("up 12.3 %", "up 12.3 % (Change of AWS effective cost, October against September 2026)"),
    ("Your top 5 in Q3 2026 for gpt-4o: {q1.r1.effective}", None),
    ("You asked about 40%: {q1.t1.change_pct}", None),
    ("claude-sonnet-4.5's, g5.12xlarge and (471852036911): {q1.r1.effective}", None),
    ("P-7K3M9QX2AB waits since 2026-11-23: {q1.r1.effective}", None),
    ("Over 14 days: {q1.r1.effective}. AWS reaches 2026-11-21.", None),
    ("The first, the second and the third; last quarter; which one? {q1.r1.effective}", None),
    ("one of the teams, no one, one-platform, double-check this: {q1.r1.effective}", None),
    ("The tag saves 900000 dollars now is odd: {q1.r1.effective}", None),
    ("ML, CI, CD and DC stay words: {q1.r1.effective}", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), PASSES)
def test_passes(text: str, shown: str | None) -> None:
    checked = check(text, KNOWN)
    assert checked.reasons == ()
    if shown is not None:
        assert checked.text == shown


FAILS = [
    "It was 12345.67.", "It was $12,345.", "It was about $12k.", "AI cost $900.50.",  # two figures look like the last
    "{q1.r9.effective}", "{q2.r1.effective}", "{q1.r1}", "{q1.r1.Effective }", "{}", "{ q1.r1.effective }",
    "{{q1.r1.effective}}", "{q1.r1.effective}}", "\\{q1.r1.effective\\}", "{q1.{q1.r1.effective}}",
    "｛q1.r1.effective｝",
    "1{q1.r1.effective}", "-{q1.r1.effective}", "${q1.r1.effective}", "{q1.r1.effective}0", "{q1.r1.effective}k",
    "{q1.r1.effective} million", "{q1.r1.effective} K", "{q1.r1.effective}%", "{q1.r1.effective} %",
    "−{q1.r1.effective}",
    "€{q1.r1.effective}", "{q1.r1.effective},000", "minus {q1.r1.effective}",
    "{q1.r1.effective}{q1.r1.effective}", "{q1.r1.effective}**{q1.r1.effective}",
    "5%", "5 %", "5 percent", "5k", "$5", "USD 5", "5 USD", "5x", "5 million", "5 times", "40", "40 dollars", "+40%",
    "-5",
    "4o", "gpt-4", "gpt-4o-mini", "2026-07", "2026-07-02", "Q4", "14", "14 hours", "14 %", "471852036912",
    "2026 dollars",
    "900000", "$1,000,000", "1,000,000", "saves 900000 dollars",
    "It doubled.", "twice as much", "half of it", "a third of it", "one third", "two-thirds", "a quarter of the spend",
    "three quarters", "a dozen", "a couple of teams", "twelve", "Twenty-five", "ten percent", "zero", "hundreds",
    "tenfold",
    "un tiers", "deux tiers du total", "le quart", "un quart de plus", "null Euro", "die Kosten sind null", "vierzig",
    "einundzwanzig", "dreißig", "zwölftausend", "fünfzehn",
    "an order of magnitude", "one hundred", "one team", "tripled", "halved", "a MILLION", "seventh", "the ninth",
    "½", "x²", "１２", "٤٢", "三", "Ⅷ", "①", "𝟙𝟚", "MMXXVI", "XIV", "VII", "𝐭𝐰𝐢𝐜𝐞", "twісe",
    "tw\u200bice", "1\u200b2",
    "💯",
    "&#49;", "%31", "\\u0031", "$l,OOO", "%", "€", "≈",
    "see https://evil.example/x", "[x](y)", "<!channel>", "<@UOLIVIA>", "www.evil.example",
    "I have stopped the machine.", "I approved it.", "We've terminated it.", "P-7K3M9QX2AB has been approved.",
    "P-7K3M9QX2AB is approved.", "It was executed.",
    "", "   ", "DECLINED:", "\u200b",
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "The service tiers are standard and priority.",
        "A tag that is null counts as missing.",
        "A quart of milk.",
        "Das Rechenzentrum in Leipzig ist das einzige, ein winziger Teil.",
        "Les tiers ne sont pas comptés.",
    ],
)
def test_ordinary_words_that_look_like_numbers_pass(text: str) -> None:
    assert check(text, KNOWN).passed


@pytest.mark.parametrize("text", FAILS)
def test_fails(text: str) -> None:
    checked = check(text, KNOWN)
    assert checked.reasons
    assert checked.text == ""
    assert checked.figures == ()
    inside = check(f"AI cost {{q1.r1.effective}} and {text} so.", KNOWN)
    assert inside.reasons or not text.strip("\u200b ") or text == "DECLINED:"


def test_an_answer_to_figures_that_names_none_fails_unless_it_asks_back_or_declines() -> None:
    assert check("AI spend rose.", KNOWN, wants_figure=True).reasons
    assert check("Which team do you mean?", KNOWN, wants_figure=True).passed
    declined = check("DECLINED: I cannot do that.", KNOWN, wants_figure=True)
    assert (declined.text, declined.declined, declined.passed) == ("I cannot do that.", True, True)


def test_an_answer_may_say_done_only_when_a_proposal_was_before_people() -> None:
    decided = Known.of([], question="", names=["P-7K3M9QX2AB"], decided=True)
    assert check("P-7K3M9QX2AB has been approved.", decided).passed
    assert check("I have approved P-7K3M9QX2AB.", decided).reasons
    assert check("A proposal is approved only with the button on its card.", Known.of([], question="")).passed


def test_a_label_cannot_smuggle_a_reference_or_hide_characters() -> None:
    hostile = cost("q1.r1.effective", "1", "team {q1.r2.effective}\u202e\n")
    known = Known.of([result(hostile, CLAIMS)], question="")
    assert check("{q1.r1.effective}", known).text == "$1.00 (team {q1.r2.effective}, October 2026)"


def test_too_long_an_answer_fails() -> None:
    assert check("a " * 4000, KNOWN).reasons == ("the answer is too long",)


def test_the_tools_own_rendering_shows_each_figure_with_label_and_period() -> None:
    wide = ToolResult(
        id="q1", tool="query_spend", title="Effective cost of AI", figures=(FRAUD, CLAIMS),
        rows=(
            Row(address="q1.r1", figures={"effective": FRAUD.id}),
            Row(address="q1.r2", figures={"effective": CLAIMS.id}),
        ),
    )  # fmt: skip
    shown = plain([wide], rows=1)
    assert shown.text.splitlines() == [
        "Effective cost of AI:",
        "- $12,345.67 (AWS effective cost, team fraud, October 2026)",
        "- … and further rows",
    ]
    assert [f.id for f in shown.figures] == [FRAUD.id]
    failed = ToolResult(id="q2", tool="query_spend", title="x", error=Problem(what="No team is named 'X'.",
    why="None is.",
                        do="Ask again.", candidates=("a", "b")))  # fmt: skip
    assert plain([failed]).text == "No team is named 'X'. None is. Ask again.\nNearest: a, b"
