"""Finds what a person can press or fill in inside blocks, however deep, and gives it the ids that Slack would."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from sandbox.slack.clock import opaque

Json = dict[str, Any]

_LISTS = {"actions": "elements", "context_actions": "elements", "card": "actions"}
_NESTED = {"container": "child_blocks", "carousel": "elements"}


def with_ids(blocks: list[Json]) -> list[Json]:
    """A copy in which every block has a block_id and every interactive element an action_id."""
    completed = copy.deepcopy(blocks)
    for block in every_block(completed):
        block.setdefault("block_id", opaque("", 5))
    for _, element in interactive(completed):
        element.setdefault("action_id", opaque("", 5))
    return completed


def interactive(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Each (block, element) that a person could act on."""
    for block in every_block(blocks):
        kind = block.get("type")
        candidates: list[Any] = []
        if kind == "section":
            candidates = [block.get("accessory")]
        elif kind == "input":
            candidates = [block.get("element")]
        elif kind in _LISTS:
            candidates = block.get(_LISTS[kind]) or []
        for element in candidates:
            if isinstance(element, dict) and element.get("type") not in (None, "image"):
                yield block, element


def visible_to(element: Json, user: str) -> bool:
    """Whether this person is shown the element at all."""
    only = element.get("visible_to_user_ids")
    return not isinstance(only, list) or user in only


def every_block(blocks: list[Any]) -> Iterator[Json]:
    """Each block, those inside containers and carousels too; what is no object is left out."""
    for block in blocks:
        if not isinstance(block, dict):
            continue
        yield block
        nested = _NESTED.get(str(block.get("type")))
        if nested and isinstance(block.get(nested), list):
            yield from every_block(block[nested])
