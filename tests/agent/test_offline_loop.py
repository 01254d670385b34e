"""The offline model on the bank's bill: real lake, real tools, the same graph and checker, no account."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.conversation import Graph, serve
from agent.offline import OfflineModel
from agent.ports import Ports, ProposalRow, Seat, Toolbox, Wake
from agent.said import Answer
from lake.engine import Lake
from lake.load import ingest
from sandbox.bank.write import write_bank
from tools.catalogue import bind
from tools.desk import Desk, Receipt, Wanted

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NAMED = ("team", "use_case", "model", "service", "provider", "environment", "account", "region")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    home = tmp_path_factory.mktemp("bank")
    write_bank(home / "bank", until=date(2026, 11, 22), months=6)
    made = Lake(home / "lake")
    ingest(made, [home / "bank" / "bill", home / "bank" / "usage"], now=NOW)
    return made


class Chat:
    """One asker's thread on the real tools; drafts by key, as the database keeps them."""

    def __init__(self, graph: Graph, lake: Lake, home: Path) -> None:
        self.graph, self.lake, self.home = graph, lake, home
        self.drafts: dict[str, Wanted] = {}
        self.scope: tuple[str, ...] = ("*",)
        self.count = 0
        self.model = OfflineModel(vocabulary=lambda sees: {name: lake.values(name, teams_seen=sees) for name in NAMED})

    def sit(self, seat: Seat) -> Toolbox:
        def ask(wanted: Wanted) -> Receipt:
            self.drafts.setdefault(seat.key, wanted)
            return Receipt(f"P-{'ABCDEFGH'[list(self.drafts).index(seat.key)] * 10}", accepted=True, reason="")

        desk = Desk(lake=self.lake, now=NOW, speaker=seat.speaker, scope=self.scope, propose=ask,
                    earlier=dict(seat.earlier(self.scope)), next_number=seat.next_number)  # fmt: skip
        return Toolbox(bind(desk), desk.earlier, desk.today, desk.scope)

    def rows(self, ids: Any) -> dict[str, ProposalRow]:
        words = "waiting for approval"
        return {name: ProposalRow(2, "pending", words, terminal=False, sealed=True, title="Stop it") for name in ids}

    async def ask(self, text: str, thread: str = "t") -> Answer:
        self.count += 1
        wake = Wake(f"m{self.count}", "message", "p-0a11ce01", text)
        said = await serve(self.graph, thread, wake, Ports(self.sit, self.rows, self.model))
        assert said is not None
        return said


@pytest.fixture
def chat(graph: Graph, lake: Lake, tmp_path: Path) -> Chat:
    return Chat(graph, lake, tmp_path)


async def test_the_main_job(chat: Chat) -> None:
    cost = await chat.ask("What did AI cost last month?")
    assert cost.answer.startswith("In total $")
    assert "(Total effective cost of AI, October 2026)" in cost.answer
    split = await chat.ask("and split by model?")
    assert "Effective cost of AI, October 2026:\n- " in split.answer
    assert "- claude-sonnet-4-5: $" in split.answer
    assert split.figures[0]["value"] == cost.figures[0]["value"], "the same question has the same total"
    before = await chat.ask("how does that compare with the month before?")
    assert "October 2026 against September 2026" in before.answer
    why = await chat.ask("why did it jump?")
    assert why.tools == ["explain_change", "find_anomalies"]
    assert "What moved most" in why.answer
    idle = await chat.ask("find idle GPUs")
    assert "Saving a month by stopping" in idle.answer
    assert "Unknown, for want of evidence:" in idle.answer
    proposed = await chat.ask("propose to stop the largest")
    assert proposed.tools == ["find_savings", "propose_change"]
    assert proposed.proposals == ["P-AAAAAAAAAA"]
    assert "Proposal P-AAAAAAAAAA is drafted; nothing has been changed." in proposed.answer
    (wanted,) = chat.drafts.values()
    assert wanted.change["instance_id"] in proposed.answer
    status = await chat.ask("what is the status of my proposal?")
    assert status.answer == "Proposal P-AAAAAAAAAA (Stop it): waiting for approval."
    vote = await chat.ask("approve P-AAAAAAAAAA")
    assert (vote.refused, vote.proposals, len(chat.drafts)) == (True, [], 1)
    assert "only with the buttons on the proposal's card" in vote.answer
    assert (await chat.ask("thanks")).answer == "You are welcome."


QUESTIONS = [
    "How much did we spend on AI yesterday?", "top 5 services by effective cost", "AI cost by team in 2026-10",
    "cost by provider in September vs August", "which team is burning gpt-5 tokens", "daily AI cost last week",
    "monthly trend of AI spend since August", "what share of our spend is AI?", "how much of our AI bill is untagged?",
    "Why is Bedrock up 40% last month?", "show anomalies in AI last month", "kill the idle endpoint in dev",
    "cost of gpt-4o vs the month before", "AI spend in 2024", "billed cost by provider and service last month",
    "spend by team and model in 2026-Q3", "cost by resource last month", "cost by account last month",
]  # fmt: skip


@pytest.mark.slow
async def test_every_answer_passes_the_checker_and_carries_only_figures_of_tools(chat: Chat) -> None:
    for number, question in enumerate(QUESTIONS):
        said = await chat.ask(question, thread=f"t{number}")
        assert "Here is what the tools found" not in said.answer, (question, said.answer)
        assert "vouch" not in said.answer, question
        for figure in said.figures:
            assert figure["display"] in said.answer
            assert all(part in said.answer for part in (*figure["label"].split(", "), figure["period"])), figure


async def test_the_same_question_twice_gives_the_same_answer(chat: Chat) -> None:
    first, second = [await chat.ask("AI cost by team last month", thread=f"same{n}") for n in range(2)]
    assert (first.answer, first.figures) == (second.answer, second.figures)


@pytest.mark.slow
async def test_a_name_that_is_nearly_right_is_asked_back_and_the_reply_is_understood(chat: Chat) -> None:
    asked = await chat.ask("cost of team frud-analytics last month")
    assert asked.asked_back
    assert asked.answer == "No team is named 'frud-analytics'. Did you mean fraud-analytics?"
    told = await chat.ask("fraud-analytics")
    assert "team fraud-analytics, October 2026" in told.answer
    unclear = await chat.ask("what did fraud cost last month?", thread="u")
    assert unclear.asked_back
    told = await chat.ask("the use case", thread="u")
    assert "use case fraud-detection, October 2026" in told.answer


async def test_a_narrow_scope_hears_of_no_other_team(chat: Chat) -> None:
    chat.scope = ("treasury",)
    said = await chat.ask("AI cost by team last month")
    assert "team treasury" in said.answer
    assert "fraud-analytics" not in said.answer
    unclear = await chat.ask("what did fraud cost?", thread="n")
    assert "fraud-analytics" not in unclear.answer


async def test_one_of_several_idle_machines_is_asked_for_and_chosen_by_name(chat: Chat) -> None:
    asked = await chat.ask("stop the idle gpu machine")
    assert "Which one shall I propose to stop?" in asked.answer
    assert not chat.drafts
    name = re.findall(r"^- (\S+) \(i-", asked.answer, re.MULTILINE)[-1]
    told = await chat.ask(f"propose to stop {name}")
    assert told.proposals
    assert [w.resource for w in chat.drafts.values()] == [name]


async def test_a_result_that_is_too_long_to_be_shown_is_handed_out_whole(chat: Chat) -> None:
    answer = await chat.ask("What did AI cost in October 2026 by day and team?")
    (table,) = answer.tables
    assert len(table["rows"]) > 100
    assert table["head"] == ["day", "team", "effective", "effective unit"]
    assert all(len(row) == 4 and row[3] == "USD" for row in table["rows"])
    exact = sum((Decimal(row[2]) for row in table["rows"]), Decimal())
    whole = await chat.ask("What did AI cost in October 2026?")
    assert whole.tables == []
    assert exact == Decimal(whole.figures[0]["value"])
    kept = (await chat.graph.aget_state({"configurable": {"thread_id": "t"}})).values["answers"]
    assert [len(said["tables"]) for said in kept] == [0, 0]
