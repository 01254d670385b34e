"""A list says once what its lines share, and nothing that a line gets wrong is left standing alone."""

from decimal import Decimal

import pytest

from agent.answer import Known, check
from tools.result import Figure, Row, ToolResult, figure

TEAMS = ("fraud", "claims")


def cost(address: str, value: int, team: str, period: str = "October 2026") -> Figure:
    return figure(address, Decimal(value), label=f"Effective cost of AI, team {team}", unit="USD", period=period)


FIGURES = [
    *(cost(f"q1.r{n}.effective", 100 * n, team) for n, team in enumerate(TEAMS, 1)),
    *(cost(f"q1.r{n}.before", 70 * n, team, "September 2026") for n, team in enumerate(TEAMS, 1)),
    figure("q1.t1.effective", Decimal(300), label="Total effective cost of AI", unit="USD", period="October 2026"),
    figure("q1.t1.change_pct", Decimal("42.9"), label="Total effective cost of AI", unit="%", period="October 2026"),
]  # fmt: skip
RESULT = ToolResult(
    id="q1", tool="query_spend", title="x", figures=tuple(FIGURES),
    rows=tuple(
        Row(address=f"q1.r{n}", names={"team": team}, texts={"kind": "level shift"},
            figures={"effective": f"q1.r{n}.effective", "before": f"q1.r{n}.before"})
        for n, team in enumerate(TEAMS, 1)
    ),
    totals=(Row(address="q1.t1", figures={"effective": "q1.t1.effective", "change_pct": "q1.t1.change_pct"}),),
)  # fmt: skip
KNOWN = Known.of([RESULT], question="")
FULL_1, FULL_2 = (
    "(Effective cost of AI, team fraud, October 2026)",
    "(Effective cost of AI, team claims, October 2026)",
)

LISTS = [
    ("what lines share stands above them, once",
     "- team fraud: {q1.r1.effective}\n- team claims: {q1.r2.effective}",
     "Effective cost of AI, October 2026:\n- team fraud: $100.00\n- team claims: $200.00"),
    ("a row's own bare name is enough",
     "- fraud: {q1.r1.effective}\n- **claims**: {q1.r2.effective}",
     "Effective cost of AI, October 2026:\n- fraud: $100.00\n- **claims**: $200.00"),
    ("the line that leads to a list takes it in",
     "By team:\n- fraud: {q1.r1.effective}\n- claims, level shift: {q1.r2.effective}",
     "By team (Effective cost of AI, October 2026):\n- fraud: $100.00\n- claims, level shift: $200.00"),
    ("what is not named is said behind the figure",
     "- {q1.r1.effective}\n- {q1.r2.effective}",
     "Effective cost of AI, October 2026:\n- $100.00 (team fraud)\n- $200.00 (team claims)"),
    ("two periods are told in the order of the columns",
     "- fraud: {q1.r1.effective}, change {q1.r1.before}\n- claims: {q1.r2.effective}, change {q1.r2.before}",
     "Effective cost of AI, October 2026; Effective cost of AI, September 2026:\n"
     "- fraud: $100.00, change $70.00\n- claims: $200.00, change $140.00"),
    ("swapped names get everything",
     "- claims: {q1.r1.effective}\n- fraud: {q1.r2.effective}",
     f"- claims: $100.00 {FULL_1}\n- fraud: $200.00 {FULL_2}"),
    ("another row's name beside one's own gets everything",
     "- claims, not fraud: {q1.r1.effective}\n- claims: {q1.r2.effective}",
     f"- claims, not fraud: $100.00 {FULL_1}\n- claims: $200.00 {FULL_2}"),
    ("another month gets everything",
     "- fraud in September: {q1.r1.effective}\n- claims: {q1.r2.effective}",
     f"- fraud in September: $100.00 {FULL_1}\n- claims: $200.00 {FULL_2}"),
    ("words behind the figure count as well",
     "- fraud: {q1.r1.effective} in September\n- claims: {q1.r2.effective}",
     f"- fraud: $100.00 {FULL_1} in September\n- claims: $200.00 {FULL_2}"),
    ("two rows in one line get everything",
     "- fraud: {q1.r2.effective}, claims: {q1.r1.effective}\n- fraud: {q1.r1.before}, claims: {q1.r2.before}",
     f"- fraud: $200.00 {FULL_2}, claims: $100.00 {FULL_1}\n"
     "- fraud: $70.00 (Effective cost of AI, team fraud, September 2026), "
     "claims: $140.00 (Effective cost of AI, team claims, September 2026)"),
    ("a single line is no list",
     "- fraud: {q1.r1.effective}", f"- fraud: $100.00 {FULL_1}"),
    ("a sentence is no list",
     "fraud: {q1.r1.effective}\nclaims: {q1.r2.effective}",
     f"fraud: $100.00 {FULL_1}\nclaims: $200.00 {FULL_2}"),
    ("neighbours with one caption say it once",
     "It was {q1.t1.effective}, {q1.t1.change_pct}.",
     "It was $300.00, 42.9 % (Total effective cost of AI, October 2026)."),
    ("but not across sentences",
     "It was {q1.t1.effective}. So {q1.t1.change_pct}.",
     "It was $300.00 (Total effective cost of AI, October 2026). "
     "So 42.9 % (Total effective cost of AI, October 2026)."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), [case[1:] for case in LISTS], ids=[case[0] for case in LISTS])
def test_figures_in_their_place(text: str, shown: str) -> None:
    assert check(text, KNOWN).text == shown
