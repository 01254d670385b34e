"""The rules of each element that can be pressed or filled in."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from sandbox.slack.findings import Findings
from sandbox.slack.limits import BLOCK, ELEMENT

Json = dict[str, Any]

SELECTS = frozenset({"static_select", "multi_static_select"})
ROOM_SELECTS = frozenset(
    {"users_select", "multi_users_select", "conversations_select", "channels_select", "external_select"}
)
CHOICES = frozenset({"checkboxes", "radio_buttons"})
PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
TEXTS = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})
ACTION_TYPES = (
    frozenset({"button", "overflow", "feedback_buttons", "icon_button"}) | SELECTS | ROOM_SELECTS | CHOICES | PICKERS
)
INPUT_TYPES = SELECTS | ROOM_SELECTS | CHOICES | PICKERS | TEXTS


def check_element(place: Findings, element: Any, *, allowed: Set[str]) -> None:
    """One element, where only some types are allowed."""
    if not isinstance(element, dict):
        place.add("", "must be an object", code="invalid_type")
        return
    if not place.one_of(element, "type", allowed):
        return
    kind = str(element["type"])
    if kind == "image":
        if not element.get("slack_file"):
            place.text(element, "image_url", BLOCK.image_url, required=True, least=1)
        place.text(element, "alt_text", BLOCK.alt_text, required=True)
        return
    place.text(element, "action_id", ELEMENT.action_id)
    place.plain_text(element, "placeholder", ELEMENT.placeholder)
    if element.get("confirm") is not None:
        _confirm(place.at("confirm"), element["confirm"])
    if element.get("visible_to_user_ids") is not None:
        place.items(element, "visible_to_user_ids", 1000)
    if kind == "button":
        _button(place, element)
    elif kind == "feedback_buttons":
        for key in ("positive_button", "negative_button"):
            _feedback(place.at(key), element.get(key))
    elif kind == "plain_text_input":
        _text_input(place, element)
    elif kind in SELECTS | CHOICES | {"overflow"}:
        _options(place, element, kind)


def _button(place: Findings, element: Json) -> None:
    place.plain_text(element, "text", ELEMENT.button_text, required=True)
    place.text(element, "value", ELEMENT.button_value)
    place.text(element, "url", ELEMENT.button_url)
    place.text(element, "accessibility_label", ELEMENT.accessibility_label)
    place.one_of(element, "style", ("primary", "danger"), required=False)


def _feedback(place: Findings, button: Any) -> None:
    if not isinstance(button, dict):
        place.add("", "missing required field", code="missing_field")
        return
    place.plain_text(button, "text", ELEMENT.feedback_text, required=True)
    place.text(button, "value", ELEMENT.button_value)
    place.text(button, "accessibility_label", ELEMENT.accessibility_label)


def _text_input(place: Findings, element: Json) -> None:
    place.text(element, "initial_value", ELEMENT.text_input)
    for key in ("min_length", "max_length"):
        value = element.get(key)
        if value is not None and (not isinstance(value, int) or not 0 <= value <= ELEMENT.text_input):
            place.add(f"/{key}", f"must be between 0 and {ELEMENT.text_input}")


def _options(place: Findings, element: Json, kind: str) -> None:
    limit = ELEMENT.select_options
    if kind == "overflow":
        limit = ELEMENT.overflow_options
    elif kind in CHOICES:
        limit = ELEMENT.choices
    if kind in SELECTS and element.get("option_groups") is not None:
        for index, group in enumerate(place.items(element, "option_groups", limit)):
            spot = place.at("option_groups").at(str(index))
            if isinstance(group, dict):
                spot.plain_text(group, "label", ELEMENT.option_text, required=True)
                _option_list(spot, group, limit)
        return
    _option_list(place, element, limit)


def _option_list(place: Findings, holder: Json, limit: int) -> None:
    for index, option in enumerate(place.items(holder, "options", limit)):
        spot = place.at("options").at(str(index))
        if not isinstance(option, dict):
            spot.add("", "must be an object", code="invalid_type")
            continue
        spot.text_object(option, "text", ELEMENT.option_text, required=True)
        spot.text(option, "value", ELEMENT.option_value)
        spot.text_object(option, "description", ELEMENT.option_text)


def _confirm(place: Findings, confirm: Any) -> None:
    if not isinstance(confirm, dict):
        place.add("", "must be an object", code="invalid_type")
        return
    place.plain_text(confirm, "title", ELEMENT.confirm_title, required=True)
    place.text_object(confirm, "text", ELEMENT.confirm_text, required=True)
    place.plain_text(confirm, "confirm", ELEMENT.confirm_button, required=True)
    place.plain_text(confirm, "deny", ELEMENT.confirm_button, required=True)
    place.one_of(confirm, "style", ("primary", "danger"), required=False)
