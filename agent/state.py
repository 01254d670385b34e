"""What a conversation remembers between turns: JSON and nothing else, every list bounded.

A checkpoint is data that anyone with the file could edit, so it holds no authority: proposals are ids, whose rows are
read anew, and what a reader may see is judged again in each turn.
"""

from typing import Any, TypedDict

from agent.limits import Limits
from tools.result import ToolResult

Json = dict[str, Any]


class Turn(TypedDict):
    """One wake-up being served, up to its answer.

    A checkpoint of an older version lacks what came later: `voice`, `used`, `requests` and `unsure` are read with a
    default.
    """

    id: str
    messages: list[Json]
    """what the model and the tools said in this turn: {role, text, calls | call, name}"""
    results: list[str]
    tools: list[str]
    drafts: list[str]
    model_calls: int
    tool_calls: int
    proposed: int
    tokens: list[int]
    """input and output, of all calls"""
    used: dict[str, list[int]]
    """the same by the name of the voice that took them: a failed one is paid at its own price"""
    requests: int
    """what providers were sent, retries included; the offline model needs none"""
    attempts: int
    voice: int
    """which of the voices speaks: 0 unless one before it failed"""
    unsure: bool
    """a call that proposes ended without a receipt: a draft may be stored that nobody knows of yet"""
    instead: str
    """why another voice than the first speaks, in a sentence for the asker"""
    stop: str
    """why the turn ends early, in a sentence for the asker; empty while it goes on"""


class State(TypedDict, total=False):
    """The thread. `wake` is what is being served; `seen` the ids of what was served."""

    wake: Json
    turn: Turn
    history: list[Json]
    """{turn, scope, asked, said}: `said` holds references, so that no figure survives a narrower scope"""
    results: list[Json]
    """{scope, tool, arguments, result}"""
    next_number: int
    open: list[str]
    told: dict[str, str]
    """by proposal id: the news that was last told to the thread, `sealed` or `ended`"""
    seen: list[str]
    answers: list[Json]
    """the last answers by turn, to be handed out again if the process died before storing them"""


def fresh_turn(turn_id: str) -> Turn:
    """A turn in which nothing has happened yet."""
    return Turn(
        id=turn_id, messages=[], results=[], tools=[], drafts=[], model_calls=0, tool_calls=0, proposed=0,
        tokens=[0, 0], used={}, requests=0, attempts=0, voice=0, unsure=False, instead="", stop="",
    )  # fmt: skip


def visible(kept: list[Json], scope: tuple[str, ...]) -> list[Json]:
    """Of results or history, what a reader with `scope` may see: what was asked with a scope within theirs."""
    if "*" in scope:
        return list(kept)
    return [entry for entry in kept if "*" not in entry["scope"] and set(entry["scope"]) <= set(scope)]


def results_of(kept: list[Json]) -> dict[str, ToolResult]:
    """The results themselves, by id."""
    return {entry["result"]["id"]: ToolResult.from_json(entry["result"]) for entry in kept}


def shortened(result: ToolResult, rows: int, spare: set[str]) -> ToolResult:
    """`result` with its first `rows` rows and their figures; figures in `spare` stay, an answer refers to them."""
    if len(result.rows) <= rows:
        return result
    kept = tuple(row for i, row in enumerate(result.rows) if i < rows or spare & set(row.figures.values()))
    addresses = {address for row in (*kept, *result.totals) for address in row.figures.values()}
    figures = tuple(figure for figure in result.figures if figure.id in addresses or figure.id in spare)
    return result.model_copy(update={"rows": kept, "figures": figures})


def settled(state: State, limits: Limits, used: set[str]) -> Json:
    """The bounded lists at the end of a turn; `used` are the addresses that its answer refers to."""
    results = []
    for entry in state.get("results", [])[-limits.results_kept :]:
        result = shortened(ToolResult.from_json(entry["result"]), limits.result_rows_kept, used)
        results.append({**entry, "result": result.to_json()})
    return {
        "results": results,
        "seen": [*state.get("seen", []), state["wake"]["id"]][-limits.seen_kept :],
        "history": state.get("history", [])[-limits.turns_kept :],
        "answers": state.get("answers", [])[-limits.answers_kept :],
    }
