"""The offline model: a small deterministic chat model of ours, so that the whole loop runs without an account.

It reads the question by tables, calls the same tools through the same graph, writes references as any model must, and
passes the same checker. What it does not understand it says plainly.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from agent import phrasing, told_proposals
from agent.asked_proposals import NO_FILTERS, asked_proposals
from agent.guards import from_data
from agent.intents import Intent
from agent.languages import Language, in_english
from agent.reading import EVERYONE, Reading, read
from agent.vocabulary import Vocabulary
from lake.errors import LakeError

Json = dict[str, Any]
VOCABULARY_SECONDS = 30.0
EC2 = "Amazon Elastic Compute Cloud"
_SPEND_TOOLS = ("query_spend", "explain_change", "find_anomalies")
_NAMING = (Intent.SPEND, Intent.WHY, Intent.SHARE, Intent.ANOMALIES, Intent.SAVINGS, Intent.PROPOSE)


@dataclass(frozen=True)
class Call:
    """A tool call that the model wants."""

    tool: str
    arguments: Json


@dataclass(frozen=True)
class Step:
    """A tool call of this turn and what it answered."""

    tool: str
    arguments: Json
    content: Json


@dataclass(frozen=True)
class View:
    """What the model has been shown in this turn."""

    question: str
    context: Json = field(default_factory=dict)
    steps: Sequence[Step] = ()
    asked_before: str = ""
    said_before: str = ""
    language: Language | None = None
    """what it was asked in, if not in English; question and asked_before stand in English here"""

    @property
    def scope(self) -> tuple[str, ...]:
        """The teams that the asker may see."""
        return tuple(self.context.get("teams_seen", EVERYONE))

    @property
    def earlier(self) -> Step | None:
        """The last call of the turns before that a follow-up may mean."""
        known = [
            entry
            for entry in self.context.get("earlier_results", [])
            if entry["tool"] in (*_SPEND_TOOLS, "find_savings")
        ]
        return Step(known[-1]["tool"], dict(known[-1]["arguments"]), known[-1]) if known else None


class OfflineModel(BaseChatModel):
    """`vocabulary` gives the names that the lake knows and that a reader who sees these teams may hear of."""

    vocabulary: Callable[[tuple[str, ...]], Vocabulary]
    _known: dict[tuple[str, ...], tuple[float, Vocabulary]] = PrivateAttr(default_factory=dict)

    def names(self, scope: tuple[str, ...]) -> Vocabulary:
        """The vocabulary, read anew after a while: a turn asks several times, and each reading scans the bill."""
        read_at, known = self._known.get(scope, (0.0, {}))
        if not known or time.monotonic() - read_at > VOCABULARY_SECONDS:
            try:
                known = self.vocabulary(scope)
            except LakeError:
                return {}  # the tool that is called next says what is wrong, and what to do
            self._known[scope] = (time.monotonic(), known)
        return known

    @property
    def _llm_type(self) -> str:
        return "spendgate-offline"

    def bind_tools(self, tools: Sequence[Any], **_options: Any) -> Runnable[Any, AIMessage]:
        """The tools are always the same; which ones there are is known by name."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        view = view_of(messages)
        move = next_move(view, self.names(view.scope))
        if isinstance(move, str):
            said = AIMessage(phrasing.led(move, view.language.lead) if view.language else move)
        else:
            call = {
                "id": f"offline-{len(view.steps) + 1}",
                "name": move.tool,
                "args": move.arguments,
                "type": "tool_call",
            }
            said = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=said)])


def view_of(messages: Sequence[BaseMessage]) -> View:
    """This turn as the messages show it: the last question with its context, and the calls since."""
    asked = [
        i for i, m in enumerate(messages) if isinstance(m, HumanMessage) and '<data from="context">' in str(m.text)
    ]
    if not asked:
        return View(question=str(messages[-1].text) if messages else "")
    last = asked[-1]
    heard = in_english(str(messages[last].text).rpartition("\n\n<data from=")[0])
    calls = {
        call["id"]: call for m in messages[last:] if isinstance(m, AIMessage) for call in m.tool_calls
    }  # fmt: skip
    steps = [
        Step(calls[m.tool_call_id]["name"], calls[m.tool_call_id]["args"], content_of(str(m.name), str(m.text)))
        for m in messages[last:]
        if isinstance(m, ToolMessage) and m.tool_call_id in calls
    ]
    before = messages[max(0, last - 2) : last]
    asked_before = next((str(m.text) for m in before if isinstance(m, HumanMessage)), "")
    return View(
        question=heard.text,
        context=from_data("context", str(messages[last].text)) or {},
        steps=steps,
        asked_before=in_english(asked_before).text,
        said_before=next((str(m.text) for m in reversed(before) if isinstance(m, AIMessage)), ""),
        language=heard.language,
    )


def content_of(tool: str, text: str) -> Json:
    """What a tool answered; an error if it cannot be read."""
    found = from_data(tool, text)
    if found is None:
        found = from_data("spendgate", text)
    if found is None:
        try:
            found = json.loads(text)
        except ValueError:
            found = {"error": "The tool's answer could not be read."}
    return found if isinstance(found, dict) else {"error": "The tool's answer could not be read."}


def next_move(view: View, vocabulary: Vocabulary) -> Call | str:
    """The next tool call, or the answer."""
    reading = understood(view, vocabulary)
    if view.steps and "error" in view.steps[-1].content and not _may_go_on(reading, view.steps):
        return phrasing.error(view.steps[-1].content)
    if reading.unclear and reading.intent in _NAMING and not view.steps and not reading.target:
        return phrasing.unclear(reading)
    if reading.unknown and vocabulary and reading.intent in _NAMING and not view.steps:
        return phrasing.unknown(reading)
    match reading.intent:
        case Intent.SPEND:
            return _spend(reading, view)
        case Intent.WHY:
            return _why(reading, view)
        case Intent.SHARE:
            return _share(reading, view)
        case Intent.ANOMALIES:
            return phrasing.anomalies(view.steps[-1].content) if view.steps else _anomalies(reading, view)
        case Intent.SAVINGS:
            return phrasing.savings(view.steps[-1].content) if view.steps else _savings(reading, view)
        case Intent.PROPOSE:
            return _propose(reading, view)
        case Intent.STATUS:
            return _status(reading, view)
        case Intent.UNABLE:
            return phrasing.unable(reading.topic)
        case _:
            return _FIXED[reading.intent]


_FIXED = {
    Intent.VOTE: phrasing.VOTE,
    Intent.HOSTILE: phrasing.HOSTILE,
    Intent.OUTSIDE: phrasing.OUTSIDE,
    Intent.HELLO: phrasing.HELLO,
    Intent.THANKS: phrasing.THANKS,
    Intent.HELP: phrasing.HELP,
}


def understood(view: View, vocabulary: Vocabulary) -> Reading:
    """The question; a short reply to a question of ours is read together with what was asked before it."""
    reading = read(view.question, vocabulary, scope=view.scope)
    if not (view.said_before.endswith("?") and view.asked_before and len(view.question.split()) <= 6):
        return reading
    first = read(view.asked_before, vocabulary, scope=view.scope)
    if len(first.near) == 1 and _YES.match(view.question):
        dimension, name = first.near[0]
        return _settled(first, {dimension: [name]}, reading.unknown)
    if first.unclear:
        reply = view.question.casefold()
        for dimension, name in first.unclear[1]:
            if name.casefold() in reply or dimension.replace("_", " ") in reply.replace("-", " "):
                return replace(first, unclear=None, where={**first.where, dimension: [name]})
    if reading.where and reading.intent is Intent.SPEND and not reading.by and not reading.period:
        return _settled(first, reading.where, reading.unknown)
    if reading.target and first.intent is Intent.PROPOSE:
        return replace(first, target=reading.target)
    return reading


_YES = re.compile(r"^\W*(?:yes|yep|yeah|correct|right|exactly|that one|please do)\b\W*(?:please|that one)?\W*$", re.I)


def _settled(first: Reading, where: dict[str, list[str]], unknown: tuple[str, ...]) -> Reading:
    """The question asked before with the name that was meant; what else was not understood, of both, still is not."""
    return replace(first, unclear=None, near=(), unknown=(*first.unknown[1:], *unknown), where={**first.where, **where})


def _may_go_on(reading: Reading, steps: Sequence[Step]) -> bool:
    """What is unusual only adds to why: without it the rest still stands."""
    return reading.intent is Intent.WHY and steps[-1].tool == "find_anomalies"


def arguments(reading: Reading, view: View) -> Json:
    """Arguments of a question about the bill; a follow-up keeps what it does not replace."""
    base = _kept(reading, view)
    where = {
        **base.get("where", {}),
        **{key: names if len(names) > 1 else names[0] for key, names in reading.where.items()},
    }
    by = reading.by or [name for name in base.get("by", []) if name not in reading.where]
    given = {
        "period": reading.period or base.get("period"),
        "scope": "everything" if reading.everything and not reading.ai else "ai" if reading.ai else base.get("scope"),
        "where": where,
        "by": by,
        "compare": reading.compare or ("" if {"day", "month"} & set(by) else base.get("compare")),
        "top": reading.top or (phrasing.LINES if by and not {"day", "month"} & set(by) else None),
        "metric": reading.metric or base.get("metric"),
    }
    return {key: value for key, value in given.items() if value}


def _only(given: Json, *names: str) -> Json:
    return {name: given[name] for name in names if name in given}


def _kept(reading: Reading, view: View) -> Json:
    """What a follow-up keeps of the question before."""
    earlier = view.earlier
    words = set(view.question.casefold().replace("?", " ").split())
    refers = reading.follows or (
        bool(words & {"it", "that", "this", "them", "those"}) and not reading.where and not reading.ai
    )
    bare = not (reading.where or reading.period or reading.by or reading.ai or reading.compare) and len(words) <= 5
    if earlier is None or not (refers or bare) or earlier.tool not in _SPEND_TOOLS:
        return {}
    allowed = {"period", "scope", "where", "metric"} | ({"by", "compare"} if earlier.tool == "query_spend" else set())
    return {key: value for key, value in earlier.arguments.items() if key in allowed}


def _spend(reading: Reading, view: View) -> Call | str:
    if view.steps:
        done = view.steps[-1]
        return phrasing.savings(done.content) if done.tool == "find_savings" else phrasing.spend(done.content)
    earlier = view.earlier
    only_where = reading.where and not (reading.by or reading.period or reading.compare or reading.ai)
    if earlier and earlier.tool == "find_savings" and reading.follows and only_where:
        return _savings(reading, view)
    return Call("query_spend", arguments(reading, view))


def _why(reading: Reading, view: View) -> Call | str:
    given = arguments(reading, view)
    about = _only(given, "period", "scope", "where")
    if not view.steps:
        more = _only(given, "compare", "metric")
        by = {"by": reading.by[0]} if reading.by and reading.by[0] not in ("day", "month") else {}
        return Call("explain_change", {**about, **more, **by})
    if len(view.steps) == 1:
        return Call("find_anomalies", about)
    unusual = view.steps[1].content
    return phrasing.why(view.steps[0].content, None if "error" in unusual else unusual)


def _share(reading: Reading, view: View) -> Call | str:
    given = _only(arguments(reading, view), "period", "scope", "where", "metric")
    if reading.by or reading.compare or len(given.get("where", {})) > 1 or not ({"where", "scope"} & set(given)):
        return phrasing.ONE_SHARE
    whole = {key: value for key, value in given.items() if key != "where"}
    if not given.get("where"):
        whole.pop("scope", None)
    match len(view.steps):
        case 0:
            return Call("query_spend", given)
        case 1:
            return Call("query_spend", whole)
        case 2:
            a, b = (phrasing.total_address(step.content) for step in view.steps)
            return Call("derive", {"op": "share", "a": a, "b": b}) if a and b else phrasing.spend(view.steps[0].content)
        case _:
            return phrasing.share(view.steps[2].content)


def _anomalies(reading: Reading, view: View) -> Call:
    given = arguments(reading, view)
    return Call("find_anomalies", _only(given, "period", "scope", "where"))


def _savings(reading: Reading, view: View) -> Call:
    # The machines that are judged are all EC2's; any other filter the tool applies, or refuses by its name.
    where = {key: names if len(names) > 1 else names[0] for key, names in reading.where.items() if names != [EC2]}
    return Call(
        "find_savings", {**({"where": where} if where else {}), **({"top": reading.top} if reading.top else {})}
    )


def _status(reading: Reading, view: View) -> Call | str:
    if view.steps:
        return told_proposals.told(view.steps[-1].content, counted="how many" in view.question.casefold())
    own = view.context.get("proposals", {})
    wanted = asked_proposals(view.question, where=reading.where, own=list(own))
    if wanted is None:
        return phrasing.status(own, reading.target)
    by_list = "which" not in wanted and "mine" not in wanted
    return told_proposals.NOT_BY if by_list and set(NO_FILTERS) & set(reading.where) else Call("find_proposals", wanted)


def _propose(reading: Reading, view: View) -> Call | str:
    if view.steps and view.steps[-1].tool == "propose_change":
        return phrasing.proposed(view.steps[-1].content)
    if reading.target:
        return Call("propose_change", {"target": reading.target, "kind": reading.kind})
    if reading.kind == "start_instance":
        return "Which machine shall I propose to start?"
    if not view.steps:
        return _savings(replace(reading, top=None), view)
    idle = phrasing.candidates(view.steps[-1].content)
    if not idle:
        return phrasing.CANNOT_STOP
    place = reading.place or (1 if len(idle) == 1 else None)
    if place is not None and place <= len(idle):
        chosen = idle[place - 1] if place > 0 else idle[place]
        return Call("propose_change", {"target": chosen["at"], "kind": "stop_instance"})
    return phrasing.savings(view.steps[-1].content, ask=True)
