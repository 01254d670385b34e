"""Whether blocks and views keep to Slack's rules, said the way Slack says it: a pointer to what is wrong, and why.

Posting and `blocks.validate` use the same judgement, so that a card can be tried without posting it.
"""

from __future__ import annotations

from typing import Any

from sandbox.slack.block_rules import check_block
from sandbox.slack.elements import every_block
from sandbox.slack.errors import SlackError
from sandbox.slack.findings import Finding, Findings
from sandbox.slack.limits import MESSAGE, VIEW

Json = dict[str, Any]


def findings_in_message(blocks: Any) -> list[Finding]:
    """What is wrong with the blocks of a message."""
    found = Findings()
    _check_blocks(found, blocks, surface="message", limit=MESSAGE.blocks)
    if isinstance(blocks, list):
        _check_totals(found, blocks)
    return found.all


def findings_in_view(view: Any) -> list[Finding]:
    """What is wrong with a modal or an App Home."""
    found = Findings(path="/view")
    if not isinstance(view, dict):
        found.add("", "must be an object", code="invalid_type")
        return found.all
    kind = view.get("type")
    if found.one_of(view, "type", ("modal", "home")) and kind == "modal":
        found.plain_text(view, "title", VIEW.title, required=True)
        found.plain_text(view, "close", VIEW.close)
        blocks = view.get("blocks")
        has_input = any(b.get("type") == "input" for b in every_block(blocks if isinstance(blocks, list) else []))
        found.plain_text(view, "submit", VIEW.submit, required=has_input)
    found.text(view, "private_metadata", VIEW.private_metadata)
    found.text(view, "callback_id", VIEW.callback_id)
    found.text(view, "external_id", VIEW.external_id)
    _check_blocks(found, view.get("blocks"), surface="modal" if kind == "modal" else "home", limit=VIEW.blocks)
    return found.all


def refuse_bad_blocks(blocks: Any) -> None:
    """Raises invalid_blocks or msg_blocks_too_long."""
    found = findings_in_message(blocks)
    if found:
        raise SlackError("invalid_blocks", [one.as_message() for one in found], errors=[f.error_line() for f in found])
    if _all_text(blocks) > MESSAGE.all_block_text:
        raise SlackError("msg_blocks_too_long")


def refuse_bad_view(view: Any) -> None:
    """Raises invalid_arguments, as the views methods do."""
    found = findings_in_view(view)
    if found:
        raise SlackError("invalid_arguments", [one.as_message() for one in found])


def _check_blocks(found: Findings, blocks: Any, *, surface: str, limit: int) -> None:
    within = found.at("blocks")
    if not isinstance(blocks, list):
        within.add("", "must be an array", code="invalid_type")
        return
    if len(blocks) > limit:
        within.add("", f"no more than {limit} items allowed [{len(blocks)} found]", constraint={"max_items": limit})
    names: dict[str, str] = {}
    for index, block in enumerate(blocks):
        place = within.at(str(index))
        check_block(place, block, surface=surface)
        name = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(name, str) and name in names:
            place.add("/block_id", f"`block_id` {name} already exists in {names[name]}", code="duplicate")
        elif isinstance(name, str):
            names[name] = place.path


def _check_totals(found: Findings, blocks: list[Any]) -> None:
    kinds = [str(block.get("type")) for block in every_block(blocks)]
    if kinds.count("data_visualization") > MESSAGE.charts:
        found.add("/blocks", f"no more than {MESSAGE.charts} data_visualization blocks in a message")
    if kinds.count("table") > MESSAGE.tables:
        found.add("/blocks", f"no more than {MESSAGE.tables} table block in a message")
    markdown = sum(len(str(b.get("text", ""))) for b in every_block(blocks) if b.get("type") == "markdown")
    if markdown > MESSAGE.markdown_text:
        found.add(
            "/blocks", f"all markdown blocks together must have fewer than {MESSAGE.markdown_text + 1} characters"
        )
    tables = sum(_all_text(block.get("rows")) for block in every_block(blocks) if "table" in str(block.get("type")))
    if tables > MESSAGE.table_text:
        found.add("/blocks", f"all tables together must have fewer than {MESSAGE.table_text + 1} characters")


def _all_text(value: Any) -> int:
    if isinstance(value, list):
        return sum(_all_text(one) for one in value)
    if not isinstance(value, dict):
        return 0
    own = len(value["text"]) if isinstance(value.get("text"), str) else 0
    return own + sum(_all_text(one) for one in value.values() if isinstance(one, dict | list))
