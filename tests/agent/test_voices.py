"""A provider that fails: a retry within the budget, the next voice, at last the offline model; what may be spent."""

from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from agent.limits import Limits
from agent.model import Reply
from agent.offline import OfflineModel
from agent.ports import Ports, Wake
from agent.price import Price
from agent.voices import RetryBudget, Voice, ask_again

OFFLINE = Voice("offline", OfflineModel(vocabulary=lambda _: {}))


def ports(world: Any, kit: Any, *script: Any, **more: Any) -> Ports:
    return Ports(world.sit, world.proposals, kit.model(script=list(script)), model_name="first", **more)


async def served(thread: Any, given: Ports, text: str = "hello") -> Any:
    return await thread.serve(Wake("m", "message", "p-1", text), given)


async def test_the_next_voice_answers_and_the_answer_says_so(world: Any, thread: Any, kit: Any) -> None:
    second = Voice("second", kit.model(script=["I am here."]))
    said = await served(thread, ports(world, kit, RuntimeError("down"), fallbacks=(second, OFFLINE)))
    assert said.answer.startswith("I am here.\nNote: The language model could not be reached")
    assert "another language model answered" in said.answer
    assert said.model == "second"


async def test_the_offline_model_answers_last(world: Any, thread: Any, kit: Any) -> None:
    down = Voice("second", kit.model(script=[RuntimeError("down too")]))
    said = await served(thread, ports(world, kit, RuntimeError("down"), fallbacks=(down, OFFLINE)))
    assert said.answer.startswith("Hello, I am Spendgate.")
    assert "the offline model, which reads plain questions only, answered" in said.answer
    assert said.model == "offline"


async def test_after_a_draft_no_other_voice_goes_on(world: Any, thread: Any, kit: Any) -> None:
    first = (kit.call("propose_change", target="i-0a"), RuntimeError("down"))
    said = await served(thread, ports(world, kit, *first, fallbacks=(OFFLINE,)), "stop i-0a")
    assert len(world.inserts) == 1
    assert "could not be reached" in said.answer
    assert said.proposals == ["P-0000000000"]


async def test_a_spent_budget_asks_no_voice_that_costs(world: Any, thread: Any, kit: Any) -> None:
    given = ports(world, kit, "never said", fallbacks=(OFFLINE,), budget=lambda: "This month's budget is spent.")
    said = await served(thread, given)
    assert "never said" not in said.answer
    assert "This month's budget is spent." in said.answer
    assert given.model.asked == []  # type: ignore[attr-defined]


async def test_a_turn_may_cost_so_much_and_no_more(world: Any, thread: Any, kit: Any) -> None:
    def used(text: str = "", **more: Any) -> AIMessage:
        usage = {"input_tokens": 1_000_000, "output_tokens": 0, "total_tokens": 1_000_000}
        return AIMessage(text, usage_metadata=usage, **more)

    look = used(tool_calls=[{"id": "c", "name": "query_spend", "args": {}, "type": "tool_call"}])
    limits = Limits(tokens=10**9, money=Decimal("0.15"))
    price = Price(Decimal("0.15"), Decimal("0.60"))
    said = await served(thread, ports(world, kit, look, used("never said"), price=price, limits=limits))
    assert "used more of the language model than one question may" in said.answer
    assert "$13,246.17" in said.answer


def test_a_price_is_exact() -> None:
    assert Price(Decimal("0.15"), Decimal("0.60")).of((1, 1)) == Decimal("0.00000075")


class Failing:
    """Fails so many times, then answers."""

    _llm_type = "failing"

    def __init__(self, times: int) -> None:
        self.times, self.asked = times, 0

    async def ainvoke(self, _messages: Any) -> AIMessage:
        self.asked += 1
        if self.asked <= self.times:
            raise RuntimeError("for a moment")
        return AIMessage("here")


async def asked(model: Failing, budget: RetryBudget | None) -> Reply:
    return await ask_again(model, [], [], seconds=10.0, budget=budget)  # type: ignore[arg-type]


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.voices.FIRST_PAUSE", 0.001)


@pytest.mark.usefixtures("no_waiting")
async def test_a_fault_that_passes_is_asked_over_and_a_budget_bounds_that() -> None:
    budget = RetryBudget(most=3.0)
    assert (await asked(Failing(2), budget)).text == "here"
    assert budget.left == pytest.approx(1.1)
    down = Failing(99)
    assert (await asked(down, budget)).failure
    assert down.asked == 2, "one retry was left"
    down = Failing(99)
    assert (await asked(down, budget)).failure
    assert down.asked == 1, "none is left"
    for _ in range(10):
        budget.good()
    assert budget.take()


@pytest.mark.usefixtures("no_waiting")
async def test_without_a_budget_nothing_is_asked_again() -> None:
    down = Failing(99)
    await asked(down, None)
    assert down.asked == 1
