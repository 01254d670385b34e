"""What is looked at before a question reaches the model, and how data is marked on its way there."""

import json
import unicodedata
from typing import Any

from agent.answer import cleaned
from agent.limits import Limits


def refusal(question: str, limits: Limits) -> str:
    """Why a question is not asked at all, in a sentence for the asker; empty if it is."""
    if not any(c.isalnum() for c in question):
        return "I see no question in that. Ask, for instance: what did AI cost last month, by team?"
    if len(question) > limits.question_chars:
        return (
            f"That is longer than I read ({len(question):,} characters; {limits.question_chars:,} at most). "
            "Please ask in fewer words."
        )
    odd = sum(1 for c in question if unicodedata.category(c) in ("Co", "Cs", "Cn"))
    marks = sum(1 for c in question if unicodedata.category(c) in ("Mn", "Me"))
    if odd or marks > max(20, len(question) // 2):
        return "That holds characters that I cannot read. Please write it in plain text."
    return ""


def question_of(text: str) -> str:
    """The question without invisible characters, on lines of its own words."""
    return cleaned(text)


def as_data(name: str, value: Any) -> str:
    """`value` as marked data: nothing inside can close the mark, since JSON text holds no `<`."""
    return marked(name, json.dumps(value, ensure_ascii=False))


def marked(name: str, body: str) -> str:
    """JSON text within its mark."""
    inside = body.replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<data from="{name}">\n{inside}\n</data>'


def from_data(name: str, text: str) -> Any:
    """What `as_data` wrote last in `text`, or None."""
    _, mark, rest = text.rpartition(f'<data from="{name}">\n')
    body, end, _ = rest.partition("\n</data>")
    if not mark or not end:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None
