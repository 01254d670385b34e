"""An answer as Slack blocks: the checked text, then where its figures come from.

Everything in it is data by now: escaped, so that a tag value can neither mention a channel nor make a link.
"""

import re
from typing import Any

SECTION_LIMIT = 2900
SECTIONS = 12
TEXT_LIMIT = 3500

Block = dict[str, Any]


def escape(text: str) -> str:
    """`text` with Slack's three control characters made harmless."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def answer_blocks(body: dict[str, Any]) -> tuple[str, list[Block]]:
    """The fallback text and the blocks of a stored answer."""
    text = mrkdwn(str(body["answer"]))
    blocks: list[Block] = [{"type": "section", "text": marked(part), "expand": True} for part in parts(text)[:SECTIONS]]
    footer = provenance(body)
    if footer:
        blocks.append({"type": "context", "elements": [marked(escape(footer)[:2000])]})
    return text[:TEXT_LIMIT], blocks


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
