"""The four steps of a turn: hear what woke the thread, think, use tools, answer. Each may run again after a crash."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime
from pydantic import ValidationError

from agent import guards
from agent.answer import Checked, Known, check, plain, without_lost
from agent.limits import Limits
from agent.model import Reply, as_messages
from agent.offline import OfflineModel
from agent.ports import Ports, ProposalRow, Seat, Toolbox
from agent.said import Answer, figures_json, long_tables, outcome_line, with_notes
from agent.state import Json, State, Turn, fresh_turn, results_of, settled, visible
from agent.steps import Step, StepState, told
from agent.voices import Voice, ask_again
from tools.result import ToolResult

PROPOSES = "propose_change"
PROPOSALS = "find_proposals"
SEALED, ENDED = "sealed", "ended"
NO_MORE = {"error": "No more tool calls in this turn; answer from what you have."}


@dataclass(frozen=True)
class Run:
    """One serving of a thread. Not part of the state: ports and a deadline do not survive a process."""

    ports: Ports
    thread: str
    deadline: float
    last_try: bool = False

    def left(self) -> float:
        return self.deadline - time.monotonic()


@cache
def prompt() -> str:
    """The instructions of the real model."""
    return files("agent").joinpath("prompt.md").read_text(encoding="utf-8")


async def hear(state: State, runtime: Runtime[Run]) -> Json:
    """Opens a turn for a question; tells an outcome from its row; a wake-up that was served before changes nothing."""
    wake, run = state["wake"], runtime.context
    if wake["id"] in state.get("seen", []):
        return {}
    if wake["kind"] == "outcome":
        return await _tell(state, run)
    refusal = guards.refusal(wake["text"], run.ports.limits)
    if refusal:
        answer = Answer(wake["id"], refusal, refused=True, model=run.ports.model_name)
        return _finished(state, run.ports.limits, answer, asked="", said=refusal, scope=["*"])
    return {"turn": fresh_turn(wake["id"])}


async def _tell(state: State, run: Run) -> Json:
    wake = state["wake"]
    proposal = str(wake["id"]).rpartition(":")[0]
    told, still_open = dict(state.get("told", {})), list(state.get("open", []))
    row = (await asyncio.to_thread(run.ports.proposals, [proposal])).get(proposal)
    news = "" if row is None else ENDED if row.terminal else SEALED if row.sealed else ""
    if row is None or not news or told.get(proposal) in (ENDED, news):
        return settled(state, run.ports.limits, set())
    # A draft whose receipt was lost in a crash is not in `open` yet; its row says that it is this thread's.
    still_open = [name for name in still_open if name != proposal] + ([] if row.terminal else [proposal])
    told = dict([*told.items(), (proposal, news)][-run.ports.limits.told_kept :])
    line = outcome_line(proposal, row)
    answer = Answer(wake["id"], line, proposals=[proposal], model=run.ports.model_name)
    # What a proposal became is known to everyone who may read the thread; the tools' results are what has a scope.
    done = _finished(state, run.ports.limits, answer, asked="", said=line, scope=[])
    return {**done, "open": still_open, "told": told}


async def think(state: State, runtime: Runtime[Run]) -> Json:
    """Asks the model once. A limit that is hit, or a model that fails, ends the turn in a sentence."""
    run, turn = runtime.context, state["turn"]
    if stop := spent(turn, run):
        return {"turn": {**turn, "stop": stop}}
    box = await _sit(state, run)
    rows = await _rows(state, run)
    while True:
        voice = voice_of(turn, run.ports)
        why = "" if voice.is_offline else await asyncio.to_thread(run.ports.budget)
        reply = Reply(failure=why) if why else await _asked(voice, state, turn, box, rows, run)
        turn = _thought(turn, reply, voice, asked=not why)
        if not reply.failure or not _passed_on(turn, run):
            return {"turn": turn}
        turn = _next_voice(turn, run.ports, reply.failure)


def voice_of(turn: Turn, ports: Ports) -> Voice:
    """Who speaks in this turn; the last of the voices if a checkpoint tells of one that is no longer configured."""
    return ports.voices[min(turn.get("voice", 0), len(ports.voices) - 1)]


async def _asked(voice: Voice, state: State, turn: Turn, box: Toolbox, rows: dict[str, ProposalRow], run: Run) -> Reply:
    messages = as_messages(prompt(), _before({**state, "turn": turn}, box, rows), turn["messages"])
    seconds = min(run.ports.limits.call_seconds, max(run.left(), 0.01))
    left = run.ports.limits.model_calls - _requests(turn)
    return await ask_again(voice.model, messages, box.tools, seconds=seconds, budget=run.ports.retries, most=left)


def _requests(turn: Turn) -> int:
    return turn.get("requests", turn["model_calls"])


def _thought(turn: Turn, reply: Reply, voice: Voice, *, asked: bool) -> Turn:
    thought: Turn = {**turn, "model_calls": turn["model_calls"] + asked}
    thought["requests"] = _requests(turn) + (reply.tries if asked and not voice.is_offline else 0)
    thought["tokens"] = _sum(turn["tokens"], reply.tokens)
    used = _used(turn, voice)
    thought["used"] = {**used, voice.name: _sum(used.get(voice.name, (0, 0)), reply.tokens)} if asked else used
    if reply.failure:
        return {**thought, "stop": reply.failure}
    said = {"role": "assistant", "text": reply.text, "calls": reply.calls}
    return {**thought, "messages": [*turn["messages"], said]}


def _used(turn: Turn, voice: Voice) -> dict[str, list[int]]:
    """By voice; what an older version counted of this turn was taken by the voice that speaks."""
    return turn["used"] if "used" in turn else {voice.name: turn["tokens"]}


def _sum(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [one[0] + other[0], one[1] + other[1]]


def _passed_on(turn: Turn, run: Run) -> bool:
    """Whether another voice goes on. After a draft none does, nor where one may be stored without a receipt.

    It might ask for the same change in other words.
    """
    if turn.get("voice", 0) + 1 >= len(run.ports.voices) or turn["drafts"] or turn.get("unsure", False):
        return False
    return not spent(_next_voice(turn, run.ports, ""), run)


def _next_voice(turn: Turn, ports: Ports, why: str) -> Turn:
    passed: Turn = {**turn, "voice": turn.get("voice", 0) + 1, "instead": why, "stop": ""}
    if not voice_of(passed, ports).is_offline:
        return passed
    # The offline model reads its own calls back to know where it is; another's would lead it astray.
    return {**passed, "messages": [], "results": [], "tools": []}


def spent(turn: Turn, run: Run) -> str:
    """Which limit the turn has used up, in a sentence; empty if it may go on."""
    limits = run.ports.limits
    asks_again = not voice_of(turn, run.ports).is_offline and _requests(turn) >= limits.model_calls
    if turn["model_calls"] >= limits.model_calls or asks_again:
        return "I stopped here: this took more steps than one question may."
    if sum(turn["tokens"]) >= limits.tokens or _cost(turn, run.ports) >= limits.money:
        return "I stopped here: this used more of the language model than one question may."
    if run.left() <= 0:
        return "I stopped here: this took longer than one question may."
    return ""


def _cost(turn: Turn, ports: Ports) -> Decimal:
    """What the turn has cost so far, each voice at its own price; one without a price counts nothing."""
    prices = {voice.name: voice.price for voice in ports.voices}
    used = _used(turn, voice_of(turn, ports))
    costs = [price.of(tokens) for name, tokens in used.items() if (price := prices.get(name)) is not None]
    return sum(costs, start=Decimal(0))


async def use_tools(state: State, runtime: Runtime[Run]) -> Json:
    """Carries out the calls that the model asked for, one after another, each at a seat with a key of its own."""
    run, turn = runtime.context, state["turn"]
    kept, number = list(state.get("results", [])), state.get("next_number", 1)
    done: Turn = {**turn, "messages": list(turn["messages"])}
    for call in turn["messages"][-1]["calls"]:
        if done["tool_calls"] >= run.ports.limits.tool_calls:
            done = _noted(done, call, guards.as_data("spendgate", NO_MORE), [])  # nobody sits down for these
            continue
        box = await _sit({**state, "results": kept, "next_number": number, "turn": done}, run)
        before = set(box.results)
        step = Step(turn["id"], done["tool_calls"] + 1, call["name"], StepState.RUNNING)
        text = await told(run.ports.steps, step, _carry_out(call, box, run), box.results)
        fresh = [box.results[name] for name in box.results if name not in before]
        number = max([number, *(int(result.id[1:]) + 1 for result in fresh)])
        kept += [
            {"scope": list(box.scope), "tool": call["name"], "arguments": call["args"] or {}, "result": r.to_json()}
            for r in fresh
        ]
        done = _noted(done, call, text, fresh)
    return {"turn": done, "results": kept, "next_number": number, "open": _opened(state, done)}


def _noted(turn: Turn, call: Json, text: str, fresh: list[ToolResult]) -> Turn:
    said = {"role": "tool", "call": call["id"], "name": call["name"], "text": text}
    return {
        **turn,
        "messages": [*turn["messages"], said],
        "results": [*turn["results"], *(result.id for result in fresh)],
        "tools": [*turn["tools"], *([call["name"]] if fresh else [])],
        "drafts": [*turn["drafts"], *(p for r in fresh if r.tool == PROPOSES and not r.error for p in r.proposals)],
        "tool_calls": turn["tool_calls"] + 1,
        "proposed": turn["proposed"] + (call["name"] == PROPOSES),
        "unsure": turn.get("unsure", False) or (call["name"] == PROPOSES and not fresh),
    }


def _opened(state: State, turn: Turn) -> list[str]:
    return list(dict.fromkeys([*state.get("open", []), *turn["drafts"]]))


async def _carry_out(call: Json, box: Toolbox, run: Run) -> str:
    """The tool's content for the model, or what was wrong with the call."""
    tool = next((tool for tool in box.tools if tool.name == call["name"]), None)
    if tool is None:
        known = [tool.name for tool in box.tools]
        return guards.as_data("spendgate", {"error": "There is no such tool.", "tools": known})
    if call["args"] is None:
        return guards.as_data("spendgate", {"error": "The arguments were no JSON object; call again."})
    try:
        # A draft may be stored although nobody waited for the receipt, so proposing is never cut off.
        seconds = None if call["name"] == PROPOSES else max(run.left(), 0.01)
        async with asyncio.timeout(seconds):
            return guards.marked(call["name"], str(await tool.ainvoke(call["args"])))
    except ValidationError as error:
        wrong = [{"argument": ".".join(map(str, e["loc"])), "problem": e["msg"]} for e in error.errors()[:5]]
        return guards.as_data(call["name"], {"error": "These arguments do not fit.", "details": wrong})
    except TimeoutError:
        return guards.as_data(call["name"], {"error": "The tool took longer than one question may."})
    except Exception:
        # Whether the draft was stored is unknown: the turn runs again with the same key, which cannot store two.
        if call["name"] == PROPOSES and not run.last_try:
            raise
        return guards.as_data(call["name"], {"error": "The tool failed."})


async def answer(state: State, runtime: Runtime[Run]) -> Json:
    """Shows the model's text only if it passes the check; asks once more if not; then lets the tools speak."""
    run, turn, limits = runtime.context, state["turn"], runtime.context.ports.limits
    voice = voice_of(turn, run.ports)
    box = await _sit(state, run)
    seen = results_of(visible(state.get("results", []), box.scope))
    mine = [seen[name] for name in turn["results"] if name in seen]
    # Who voted, and in which state a proposal is, are answers without a figure.
    wants = any(result.figures for result in mine if result.tool != PROPOSALS)
    checked = Checked("", reasons=(turn["stop"],))
    if not turn["stop"]:
        rows = await _rows(state, run)
        names = [*_names(rows, turn), *_spoken(voice.model, box), box.today.isoformat()]
        known = Known.of(list(seen.values()), question=state["wake"]["text"], names=names, decided=_decided(rows, seen))
        text = turn["messages"][-1]["text"]
        checked = check(text, known, wants_figure=wants and not turn["drafts"], longest=limits.answer_chars)
        if not checked.passed and not turn["attempts"] and not spent(turn, run):
            return {"turn": {**turn, "attempts": 1, "messages": [*turn["messages"], _again(checked)]}}
    shown = checked if checked.passed else _instead(turn["stop"], mine)
    final = Answer(
        turn["id"],
        with_notes(shown, mine, turn["drafts"]) + _instead_of(turn, run.ports),
        figures=figures_json(shown.figures),
        tools=list(dict.fromkeys(turn["tools"])),
        proposals=turn["drafts"],
        asked_back=checked.passed and not turn["drafts"] and shown.text.endswith("?"),
        refused=shown.declined,
        model=voice.name,
        tokens={"input": turn["tokens"][0], "output": turn["tokens"][1]},
        used={name: {"input": read, "output": written} for name, (read, written) in _used(turn, voice).items()},
        tables=long_tables(shown, mine),
    )
    done = _finished(state, limits, final, asked=state["wake"]["text"], said=shown.raw, scope=list(box.scope))
    return {**done, "turn": fresh_turn(turn["id"])}


def _instead_of(turn: Turn, ports: Ports) -> str:
    """That another voice than the first has spoken, and why; the limits of the offline one are not the first's."""
    if not turn.get("instead") or turn["stop"]:
        return ""
    voice = voice_of(turn, ports)
    who = "the offline model, which reads plain questions only," if voice.is_offline else "another language model"
    return f"\nNote: {turn['instead']} So {who} answered."


def _again(checked: Checked) -> Json:
    why = "; ".join(checked.reasons[:6])
    return {
        "role": "user",
        "text": f"That answer cannot be shown: {why}. Write it again, with references like {{q1.r1.effective}} only.",
    }


def _instead(stop: str, mine: list[ToolResult]) -> Checked:
    """What is said when the model's text cannot be: why, and the tools' own rendering."""
    shown = plain(mine)
    lead = stop or (
        "Here is what the tools found:" if mine else "I could not put together an answer that I can vouch for."
    )
    after = "" if mine else "Please ask again, perhaps in other words."
    if stop and mine:
        lead = f"{stop} Up to here the tools found:"
    return Checked("\n".join(part for part in (lead, shown.text, after) if part), shown.figures, raw=shown.raw or lead)


def _finished(state: State, limits: Limits, final: Answer, *, asked: str, said: str, scope: list[str]) -> Json:
    heard = {"turn": final.turn, "scope": scope, "asked": asked, "said": said}
    with_answer: State = {
        **state,
        "history": [*state.get("history", []), heard],
        # Earlier ones are stored by now, or nearly: long tables must not be remembered with each step.
        "answers": [*({**said, "tables": []} for said in state.get("answers", [])), final.to_json()],
    }
    return settled(with_answer, limits, {figure["id"] for figure in final.figures})


async def _sit(state: State, run: Run) -> Toolbox:
    """Tools for this turn's speaker, beside the earlier results that this speaker may see."""
    turn, wake = state["turn"], state["wake"]
    seat = Seat(
        thread=run.thread,
        turn=turn["id"],
        speaker=wake["speaker"],
        # The n-th proposal of a turn, not the n-th call: a model that runs again may look around in another order.
        key=f"{turn['id']}/{turn['proposed'] + 1}",
        next_number=state.get("next_number", 1),
        earlier=lambda scope: results_of(visible(state.get("results", []), scope)),
    )
    return await asyncio.to_thread(run.ports.sit, seat)


async def _rows(state: State, run: Run) -> dict[str, ProposalRow]:
    recent = [p for said in state.get("answers", []) for p in said["proposals"]]
    ids = list(dict.fromkeys([*list(state.get("told", {}))[-10:], *recent, *state.get("open", [])]))
    return dict(await asyncio.to_thread(run.ports.proposals, ids)) if ids else {}


def _names(rows: dict[str, ProposalRow], turn: Turn) -> list[str]:
    texts = [text for row in rows.values() for text in (row.title, row.words, row.reason)]
    return [*rows, *texts, *turn["drafts"]]


def _spoken(model: BaseChatModel, box: Toolbox) -> Iterable[str]:
    """The names that the offline model may offer to choose from: it took them from the bill, and invents none."""
    if not isinstance(model, OfflineModel):
        return []
    return [name for known in model.names(box.scope).values() for name in known]


def _decided(rows: dict[str, ProposalRow], seen: dict[str, ToolResult]) -> bool:
    told = any(result.rows for result in seen.values() if result.tool == PROPOSALS)
    return told or any(row.terminal or row.sealed for row in rows.values())


def _before(state: State, box: Toolbox, rows: dict[str, ProposalRow]) -> list[Json]:
    """The thread so far and the question, with what the model may refer to as marked data."""
    kept = visible(state.get("results", []), box.scope)
    this_turn = set(state["turn"]["results"])
    at_hand = {figure["id"] for entry in kept for figure in entry["result"]["figures"]}
    messages: list[Json] = []
    for heard in visible(state.get("history", []), box.scope):
        messages += [{"role": "user", "text": heard["asked"]}] if heard["asked"] else []
        messages += [{"role": "assistant", "text": without_lost(heard["said"], at_hand)}]
    context: dict[str, Any] = {
        "today": box.today.isoformat(),
        "teams_seen": list(box.scope),
        "proposals": {
            name: {"state": row.words, "what": row.title, "reason": row.reason} for name, row in rows.items()
        },
        "earlier_results": [_index(entry) for entry in kept if entry["result"]["id"] not in this_turn],
    }
    question = guards.question_of(state["wake"]["text"])
    return [*messages, {"role": "user", "text": f"{question}\n\n{guards.as_data('context', context)}"}]


def _index(entry: Json) -> Json:
    figures = {f["id"]: f"{f['label']}, {f['period']}: {f['display']}" for f in entry["result"]["figures"][:24]}
    return {
        "result": entry["result"]["id"],
        "tool": entry["tool"],
        "arguments": entry["arguments"],
        "title": entry["result"]["title"],
        "figures": figures,
    }
