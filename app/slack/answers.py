"""An answer as Slack blocks: the checked text, then where its figures come from.

Everything in it is data by now: escaped, so that a tag value can neither mention a channel nor make a link.
"""

import json
import re
from typing import Any

from app.slack.answer_data import as_lines, data_blocks
from tools.shown import one_line

SECTION_LIMIT = 2900
SECTIONS = 12
TEXT_LIMIT = 3500
TEXT_BESIDE_DATA = 2_500
NEXT = {
    "service": ("Break down by service", "And split that by service?"),
    "before": ("Compare with before", "And compared with the period before?"),
    "why": ("Why?", "Why did it change?"),
}
"""The buttons under an answer with figures, and the question that each asks."""
FEEDBACK = "feedback"

Block = dict[str, Any]


def escape(text: str) -> str:
    """`text` with Slack's three control characters made harmless."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def answer_blocks(
    body: dict[str, Any], *, native: bool = True, thread: str = "", turn: str = ""
) -> tuple[str, list[Block]]:
    """The fallback text and the blocks of a stored answer.

    `native`: with Slack's own chart and table; without, the same data as text. `thread` is the conversation in which
    its buttons ask on, `turn` the answer that people may call helpful or not; one without is not asked about.
    """
    text = mrkdwn(str(body["answer"]))
    blocks: list[Block] = [{"type": "section", "text": marked(part), "expand": True} for part in parts(text)[:SECTIONS]]
    # A long answer leaves no room beside it: Slack refuses a message whose blocks say more than so much.
    charted = data_blocks(body) if len(text) <= TEXT_BESIDE_DATA else []
    if charted and native:
        blocks += charted
    elif charted:
        lines = escape(one_line_each(as_lines(body)))[: SECTION_LIMIT - 10]
        blocks.append({"type": "section", "text": marked(f"```\n{lines}\n```")})
    footer = provenance(body)
    if footer:
        blocks.append({"type": "context", "elements": [marked(escape(footer)[:2000])]})
    if charted and thread:
        blocks.append(_asks_on(thread))
    if turn:
        blocks.append(feedback_block(turn, native=native))
    return text[:TEXT_LIMIT], blocks


def _asks_on(thread: str) -> Block:
    """What people ask next, as buttons: each is a message of whoever presses, in the same conversation."""
    return {
        "type": "actions",
        "block_id": "ask-on",
        "elements": [
            {
                "type": "button",
                "action_id": f"ask_on_{name}",
                "text": {"type": "plain_text", "text": text},
                "value": json.dumps({"thread": thread, "ask": ask}),
                "accessibility_label": f"Ask: {ask}",
            }
            for name, (text, ask) in NEXT.items()
        ],
    }


def feedback_block(turn: str, *, native: bool) -> Block:
    """The buttons: Slack's own pair, or two ordinary ones where the workspace does not take new blocks."""
    helpful, not_helpful = (
        {
            "text": {"type": "plain_text", "text": text},
            "value": json.dumps({"turn": turn, "helpful": verdict}),
            "accessibility_label": f"This answer was {text.lower()}",
        }
        for text, verdict in (("Helpful", True), ("Not helpful", False))
    )
    if native:
        pair = {"positive_button": helpful, "negative_button": not_helpful}
        element = {"type": "feedback_buttons", "action_id": FEEDBACK, **pair}
        return {"type": "context_actions", "block_id": FEEDBACK, "elements": [element]}
    plain_buttons = [
        {"type": "button", "action_id": f"{FEEDBACK}_{name}", **button}
        for name, button in (("helpful", helpful), ("not_helpful", not_helpful))
    ]
    return {"type": "actions", "block_id": FEEDBACK, "elements": plain_buttons}


def one_line_each(text: str) -> str:
    """Lines of a table in which nothing ends the quotation that they stand in."""
    return "\n".join(one_line(line).replace("`", "'") for line in text.splitlines())


def marked(text: str) -> Block:
    """Text as Slack's mrkdwn, of which Slack itself makes no links or mentions."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def mrkdwn(text: str) -> str:
    """Markdown's bold as Slack's; everything else as it stands, escaped."""
    return re.sub(r"\*\*(.+?)\*\*", r"*\1*", escape(text))


def parts(text: str) -> list[str]:
    """`text` in pieces that each fit a section, cut at line ends where there are any."""
    pieces, rest = [], text or "(no text)"
    while len(rest) > SECTION_LIMIT:
        cut = rest.rfind("\n", 0, SECTION_LIMIT)
        cut = cut if cut > 0 else SECTION_LIMIT
        pieces.append(rest[:cut])
        rest = rest[cut:].lstrip("\n")
    return [*pieces, rest]


def provenance(body: dict[str, Any]) -> str:
    """One line: which tools' results the figures are from, how fresh the data is, and which model wrote the words."""
    said = []
    if body.get("tools"):
        said.append("from " + ", ".join(str(tool) for tool in body["tools"]))
    if body.get("freshness"):
        said.append(str(body["freshness"]))
    if body.get("model"):
        model = "the offline model" if body["model"] == "offline" else body["model"]
        said.append(f"words by {model}, figures by the tools")
    return " · ".join(said)
