"""The rules of each block type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.slack.chart_rules import check_chart
from sandbox.slack.element_rules import ACTION_TYPES, INPUT_TYPES, check_element
from sandbox.slack.findings import Findings
from sandbox.slack.limits import BLOCK, CONTAINER_CHILDREN, MESSAGE, SURFACES

Json = dict[str, Any]


def check_block(place: Findings, block: Any, *, surface: str) -> None:
    """One block with everything inside it."""
    if not isinstance(block, dict):
        place.add("", "must be an object", code="invalid_type")
        return
    kind = block.get("type")
    if not place.one_of(block, "type", SURFACES):
        return
    place.text(block, "block_id", BLOCK.block_id)
    if surface not in SURFACES[str(kind)]:
        place.add("/type", f"unsupported block in a {surface}: {kind}", code="unsupported_block")
        return
    if kind in ("container", "carousel"):
        _nested(place, block, surface)
    elif kind in RULES:
        RULES[str(kind)](place, block)


def _section(place: Findings, block: Json) -> None:
    if block.get("text") is None and not block.get("fields"):
        place.add("", "must provide either text or fields", code="missing_field")
    place.text_object(block, "text", BLOCK.section_text)
    if block.get("fields") is not None:
        for index, one in enumerate(place.items(block, "fields", BLOCK.section_fields)):
            place.at("fields").text_object({str(index): one}, str(index), BLOCK.section_field, required=True)
    if block.get("accessory") is not None:
        check_element(place.at("accessory"), block["accessory"], allowed=ACTION_TYPES | {"image"})


def _header(place: Findings, block: Json) -> None:
    place.plain_text(block, "text", BLOCK.header, required=True)


def _context(place: Findings, block: Json) -> None:
    elements = place.items(block, "elements", BLOCK.context_elements)
    for index, element in enumerate(elements):
        spot = place.at("elements")
        if isinstance(element, dict) and element.get("type") == "image":
            check_element(spot.at(str(index)), element, allowed={"image"})
        else:
            spot.text_object({str(index): element}, str(index), BLOCK.context_text, required=True)


def _actions(place: Findings, block: Json) -> None:
    seen: set[str] = set()
    for index, element in enumerate(place.items(block, "elements", BLOCK.actions)):
        spot = place.at("elements").at(str(index))
        check_element(spot, element, allowed=ACTION_TYPES)
        name = element.get("action_id") if isinstance(element, dict) else None
        if isinstance(name, str) and name in seen:
            spot.add("/action_id", f'`action_id` "{name}" already exists in this block', code="duplicate")
        seen.add(str(name))


def _context_actions(place: Findings, block: Json) -> None:
    for index, element in enumerate(place.items(block, "elements", BLOCK.context_actions)):
        check_element(place.at("elements").at(str(index)), element, allowed={"feedback_buttons", "icon_button"})


def _image(place: Findings, block: Json) -> None:
    if not block.get("slack_file"):
        place.text(block, "image_url", BLOCK.image_url, required=True, least=1)
    place.text(block, "alt_text", BLOCK.alt_text, required=True)
    place.plain_text(block, "title", BLOCK.image_title)


def _input(place: Findings, block: Json) -> None:
    place.plain_text(block, "label", BLOCK.input_label, required=True)
    place.plain_text(block, "hint", BLOCK.input_hint)
    if block.get("element") is None:
        place.add("/element", "missing required field: element", code="missing_field")
    else:
        check_element(place.at("element"), block["element"], allowed=INPUT_TYPES)


def _markdown(place: Findings, block: Json) -> None:
    place.text(block, "text", MESSAGE.markdown_text, required=True, least=1)


def _rich_text(place: Findings, block: Json) -> None:
    allowed = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    for index, element in enumerate(place.items(block, "elements", 1000)):
        spot = place.at("elements").at(str(index))
        if not isinstance(element, dict):
            spot.add("", "must be an object", code="invalid_type")
        elif spot.one_of(element, "type", allowed):
            spot.items(element, "elements", 5000, least=0)


def _table(place: Findings, block: Json) -> None:
    _check_rows(place, place.items(block, "rows", BLOCK.table_rows), columns=BLOCK.table_columns)


def _data_table(place: Findings, block: Json) -> None:
    place.text(block, "caption", 10_000, required=True, least=1)
    rows = place.items(block, "rows", BLOCK.data_table_rows, least=2)
    _check_rows(place, rows, columns=BLOCK.data_table_columns)
    for index, cell in enumerate(rows[0] if rows and isinstance(rows[0], list) else []):
        if isinstance(cell, dict) and cell.get("type") == "rich_text":
            place.add(f"/rows/0/{index}/type", "a header cell must not be rich_text", code="invalid_enum")
    size = block.get("page_size", 5)
    if not isinstance(size, int) or not 1 <= size <= BLOCK.page_size:
        place.add("/page_size", f"must be between 1 and {BLOCK.page_size}")
    column = block.get("row_header_column_index", 0)
    width = len(rows[0]) if rows and isinstance(rows[0], list) else 1
    if not isinstance(column, int) or not 0 <= column < max(width, 1):
        place.add("/row_header_column_index", "must be the index of a column")


def _check_rows(place: Findings, rows: list[Any], *, columns: int) -> None:
    width: int | None = None
    for number, row in enumerate(rows):
        spot = place.at("rows").at(str(number))
        if not isinstance(row, list):
            spot.add("", "must be an array", code="invalid_type")
            continue
        width = len(row) if width is None else width
        if not 1 <= len(row) <= columns:
            spot.add("", f"must have between 1 and {columns} cells", constraint={"max_items": columns})
        elif len(row) != width:
            spot.add("", f"must have as many cells as the first row ({width})")
        for index, cell in enumerate(row):
            _check_cell(spot.at(str(index)), cell)


def _check_cell(place: Findings, cell: Any) -> None:
    if not isinstance(cell, dict):
        place.add("", "must be an object", code="invalid_type")
        return
    if not place.one_of(cell, "type", ("raw_text", "raw_number", "rich_text")):
        return
    if cell["type"] == "rich_text":
        _rich_text(place, cell)
        return
    place.text(cell, "text", 10_000, required=True, least=1)
    value = cell.get("value")
    if cell["type"] == "raw_number" and (not isinstance(value, int | float) or isinstance(value, bool)):
        place.add("/value", "must be a number", code="invalid_type")


def _card(place: Findings, block: Json) -> None:
    if not any(block.get(key) for key in ("hero_image", "title", "actions", "body")):
        place.add("", "must provide one of hero_image, title, actions or body", code="missing_field")
    place.text_object(block, "title", BLOCK.card_title)
    place.text_object(block, "subtitle", BLOCK.card_subtitle)
    place.text_object(block, "body", BLOCK.card_body)
    place.text_object(block, "subtext", BLOCK.card_subtext)
    for key in ("icon", "hero_image"):
        if block.get(key) is not None:
            check_element(place.at(key), block[key], allowed={"image"})
    if block.get("actions") is not None:
        for index, element in enumerate(place.items(block, "actions", BLOCK.card_actions)):
            check_element(place.at("actions").at(str(index)), element, allowed={"button"})


def _alert(place: Findings, block: Json) -> None:
    place.text_object(block, "text", BLOCK.alert_text, required=True)
    place.one_of(block, "level", ("default", "info", "warning", "error", "success"), required=False)


def _plan(place: Findings, block: Json) -> None:
    place.text(block, "title", 1000, required=True)
    for index, task in enumerate(place.items(block, "tasks", BLOCK.plan_tasks, required=False)):
        if isinstance(task, dict):
            _task(place.at("tasks").at(str(index)), task)


def _task(place: Findings, block: Json) -> None:
    place.text(block, "task_id", 255, required=True)
    place.text(block, "title", 1000, required=True)
    place.one_of(block, "status", ("pending", "in_progress", "complete", "error"), required=False)


def _nested(place: Findings, block: Json, surface: str) -> None:
    container = block["type"] == "container"
    key, limit = ("child_blocks", BLOCK.container_children) if container else ("elements", BLOCK.carousel)
    if container:
        place.plain_text(block, "title", BLOCK.container_title, required=not block.get("rich_text_title"))
        place.text_object(block, "subtitle", BLOCK.container_title)
        place.one_of(block, "width", ("narrow", "standard", "wide", "full"), required=False)
    allowed = CONTAINER_CHILDREN if container else frozenset({"card"})
    for index, child in enumerate(place.items(block, key, limit)):
        spot = place.at(key).at(str(index))
        if isinstance(child, dict) and child.get("type") not in allowed:
            spot.add("/type", f"unsupported block in a {block['type']}: {child.get('type')}", code="unsupported_block")
        else:
            check_block(spot, child, surface=surface)


RULES: dict[str, Callable[[Findings, Json], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "context_actions": _context_actions,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": _table,
    "data_table": _data_table,
    "data_visualization": check_chart,
    "card": _card,
    "alert": _alert,
    "plan": _plan,
    "task_card": _task,
}
