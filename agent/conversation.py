"""The conversation: think, use tools, think again, answer; then wait while a proposal of the thread is open.

    hear → think ⇄ use_tools → answer → (open proposals? wait : END)        wait → hear

One pure `wait` node with one `interrupt` holds the ids of open proposals and nothing else. What wakes it is a row, and
what is true of a proposal is its row, never what the wake-up says: two resumes at once, a replayed or an edited
checkpoint can repeat a turn, but a turn's only effects (drafts and its answer) are keyed by the turn's id.
"""

from agent import strict  # isort: skip
import time
from dataclasses import asdict
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphRecursionError
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, interrupt

from agent import memory, turns
from agent.ports import Ports, Wake
from agent.said import Answer
from agent.state import Json, State
from agent.strict import AgentError
from agent.turns import Run

Graph = CompiledStateGraph[State, Run, State, State]


class WakeLostError(AgentError):
    """A wake-up was not served: its row stays open and is served again."""


def wait(state: State) -> Json:
    """Pure, since it runs again from its start on each resume; everything else happens in `hear`."""
    return {"wake": interrupt({"open": state["open"]})}


def after_hearing(state: State) -> str:
    """A question goes on to the model; what was seen before, refused or only told rests at once."""
    if state.get("turn", {}).get("id") == state["wake"]["id"] and state["wake"]["id"] not in state.get("seen", []):
        return "think"
    return rest(state)


def after_thinking(state: State) -> str:
    """Calls of tools are carried out; a text, or a reason to stop, is an answer."""
    said = state["turn"]["messages"]
    return "use_tools" if not state["turn"]["stop"] and said and said[-1].get("calls") else "answer"


def after_answering(state: State) -> str:
    """An answer that failed its check is asked for once more."""
    return rest(state) if state["wake"]["id"] in state.get("seen", []) else "think"


def rest(state: State) -> str:
    """Between turns: waiting for people while a proposal is open, else at the end."""
    return "wait" if state.get("open") else END


def build(saver: BaseCheckpointSaver[Any]) -> Graph:
    """The graph on `saver`; one for a process, for all threads."""
    strict.require_strict()
    graph: StateGraph[State, Run, State, State] = StateGraph(State, context_schema=Run)
    graph.add_node("hear", turns.hear)
    graph.add_node("think", turns.think)
    graph.add_node("use_tools", turns.use_tools)
    graph.add_node("answer", turns.answer)
    graph.add_node("wait", wait)
    graph.add_edge(START, "hear")
    graph.add_edge("wait", "hear")
    graph.add_conditional_edges("hear", after_hearing, ["think", "wait", END])
    graph.add_conditional_edges("think", after_thinking, ["use_tools", "answer"])
    graph.add_edge("use_tools", "think")
    graph.add_conditional_edges("answer", after_answering, ["think", "wait", END])
    return graph.compile(checkpointer=saver)


async def serve(graph: Graph, thread: str, wake: Wake, ports: Ports, *, last_try: bool = False) -> Answer | None:
    """Serves one wake-up and returns what is to be said, or None; the caller holds the thread's lease.

    Idle: the wake-up is the input. Waiting: it resumes the interrupt, whose id is read now, since it is new at each
    visit. A turn that died is finished first. A wake-up served before returns the same answer (its turn's id is the key
    under which the caller stores it). `last_try` turns an exception of a tool into a sentence, so that a turn that
    always fails ends. Raises WakeLostError if the wake-up was not served: leave its row open.
    """
    run = Run(ports, thread=thread, deadline=time.monotonic() + ports.limits.seconds, last_try=last_try)
    config: RunnableConfig = {
        "configurable": {"thread_id": thread},
        "recursion_limit": 4 * ports.limits.model_calls + 20,
    }
    now = await graph.aget_state(config)
    if now.next and not now.interrupts:
        await _invoke(graph, None, config, run)
        now = await graph.aget_state(config)
    if wake.id not in now.values.get("seen", []):
        woken = asdict(wake)
        step: Any = Command(resume={now.interrupts[0].id: woken}) if now.interrupts else {"wake": woken}
        await _invoke(graph, step, config, run)
        now = await graph.aget_state(config)
    if wake.id not in now.values.get("seen", []):
        raise WakeLostError(
            "A message was not served.",
            "Another turn of the same conversation was running.",
            "Its row stays open; it is served again.",
        )
    await memory.prune(graph.checkpointer, thread)
    answers = cast("list[Json]", now.values.get("answers", []))
    return next((Answer.from_json(said) for said in answers if said["turn"] == wake.id), None)


async def _invoke(graph: Graph, step: Any, config: RunnableConfig, run: Run) -> None:
    try:
        await graph.ainvoke(step, config, context=run, durability="sync")
    except GraphRecursionError as error:
        raise WakeLostError(
            "A turn took too many steps.", "The graph went round more often than any turn may.", "It is served again."
        ) from error
