"""A provider that fails: a retry within the budget, the next voice, at last the offline model; what may be spent."""

import time
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langgraph.runtime import Runtime

from agent.limits import Limits
from agent.model import Reply
from agent.offline import OfflineModel
from agent.ports import Ports, Wake
from agent.price import Price
from agent.state import fresh_turn
from agent.turns import Run, think
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


@pytest.mark.usefixtures("no_waiting")
async def test_a_turn_sends_no_more_requests_than_its_limit_and_the_offline_model_still_answers(
    world: Any, thread: Any, kit: Any
) -> None:
    down = kit.model(script=[RuntimeError("down")])
    second = Voice("second", kit.model(script=[RuntimeError("down too")]))
    given = Ports(
        world.sit, world.proposals, down, model_name="first", fallbacks=(second, OFFLINE),
        limits=Limits(model_calls=4), retries=RetryBudget(),
    )  # fmt: skip
    said = await served(thread, given)
    assert (len(down.asked), len(second.model.asked)) == (3, 1)  # type: ignore[attr-defined]
    assert said.model == "offline"


def taking(tokens: int, **more: Any) -> AIMessage:
    usage = {"input_tokens": tokens, "output_tokens": 0, "total_tokens": tokens}
    return AIMessage("", usage_metadata=usage, **more)


LOOKS = [{"id": "c", "name": "query_spend", "args": {}, "type": "tool_call"}]


async def test_each_voice_is_charged_for_what_it_took_itself(world: Any, thread: Any, kit: Any) -> None:
    dear = (taking(700, tool_calls=LOOKS), RuntimeError("down"))
    cheap = Voice("second", kit.model(script=[taking(40, tool_calls=LOOKS), "There is nothing to tell."]))
    said = await served(thread, ports(world, kit, *dear, fallbacks=(cheap, OFFLINE)))
    assert said.model == "second"
    assert said.used == {"first": {"input": 700, "output": 0}, "second": {"input": 40, "output": 0}}
    assert said.tokens == {"input": 740, "output": 0}


async def test_what_a_dear_voice_took_counts_at_its_own_price(world: Any, thread: Any, kit: Any) -> None:
    """0.9 dollars of the first and 0.1 of the second are the one that a turn may cost; at the second's price, 0.55."""
    first = (taking(900_000, tool_calls=LOOKS), RuntimeError("down"))
    cheap = Voice(
        "second", kit.model(script=[taking(200_000, tool_calls=LOOKS), "never said"]), Price(Decimal("0.5"), Decimal(1))
    )
    limits = Limits(tokens=10**9, money=Decimal(1))
    given = ports(world, kit, *first, price=Price(Decimal(1), Decimal(1)), limits=limits, fallbacks=(cheap, OFFLINE))
    assert "used more of the language model than one question may" in (await served(thread, given)).answer


class CutOff(Failing):
    """Charges for each try, the failed ones included."""

    _llm_type = "openai-chat"

    async def astream(self, _messages: Any) -> Any:
        self.asked += 1
        ended = {} if self.asked <= self.times else {"finish_reason": "stop"}
        usage: Any = {"input_tokens": 100, "output_tokens": 7, "total_tokens": 107}
        yield AIMessageChunk(content="here", usage_metadata=usage, response_metadata=ended)


@pytest.mark.usefixtures("no_waiting")
async def test_the_tokens_of_tries_that_failed_are_counted() -> None:
    reply = await asked(CutOff(2), RetryBudget())
    assert (reply.text, reply.tokens, reply.tries) == ("here", (300, 21), 3)


async def test_a_turn_that_an_older_version_left_behind_goes_on(world: Any, kit: Any) -> None:
    old: Any = {**fresh_turn("m"), "model_calls": 1, "tokens": [500, 5], "stop": ""}
    for later in ("voice", "used", "requests", "unsure", "instead"):
        del old[later]
    given = ports(
        world, kit, RuntimeError("down"), fallbacks=(Voice("second", kit.model(script=["I am here."])), OFFLINE)
    )
    run = Run(given, "t", time.monotonic() + 60)
    state: Any = {"wake": {"id": "m", "kind": "message", "speaker": "p-1", "text": "hello"}, "turn": old}
    thought = (await think(state, Runtime(context=run)))["turn"]
    assert thought["messages"][-1]["text"] == "I am here."
    assert thought["used"] == {"first": [500, 5], "second": [0, 0]}
    assert (thought["model_calls"], thought["requests"]) == (3, 3)


async def test_after_a_proposing_call_without_a_receipt_no_other_voice_goes_on(
    world: Any, thread: Any, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The draft may be stored although its receipt was lost: another voice would ask for the change once more."""
    second = kit.model(script=[kit.call("propose_change", target="i-0a"), "never said"])
    given = ports(
        world, kit, kit.call("propose_change", target="i-0a"), RuntimeError("down"),
        fallbacks=(Voice("second", second), OFFLINE),
    )  # fmt: skip
    monkeypatch.setattr("agent.turns._carry_out", lost)
    said = await served(thread, given, "stop i-0a")
    assert "could not be reached" in said.answer
    assert second.asked == []


async def lost(*_: Any) -> str:
    return '{"error": "The tool failed."}'
