"""What a person filled in, in the shape of `view.state.values`, and whether the form may be sent."""

from __future__ import annotations

from typing import Any

from sandbox.slack.elements import interactive
from sandbox.slack.errors import ActionRefused

Json = dict[str, Any]

_PLAIN = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
}
_ONE_OPTION = ("static_select", "radio_buttons", "external_select")
_MANY_OPTIONS = ("multi_static_select", "checkboxes")
_INITIAL = {
    "value": "initial_value",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
    "selected_user": "initial_user",
    "selected_conversation": "initial_conversation",
    "selected_channel": "initial_channel",
    "selected_users": "initial_users",
}


def options_of(element: Json) -> list[Json]:
    """All options, those in groups too."""
    options = list(element.get("options") or [])
    for group in element.get("option_groups") or []:
        options += group.get("options") or []
    return options


def state_of(element: Json, given: Any) -> Json | None:
    """The element's part of the state, from a plain value (an option by its value); None for what holds no state.

    Raises ActionRefused when there is no such option.
    """
    kind = str(element.get("type"))
    state: Json = {"type": kind}
    if kind in _PLAIN:
        key = _PLAIN[kind]
        value = element.get(_INITIAL[key]) if given is None else given
        return state | {key: None if value == "" else value}
    if kind in _ONE_OPTION:
        chosen = element.get("initial_option") if given is None else _option(element, given)
        return state | {"selected_option": chosen or None}
    if kind in _MANY_OPTIONS:
        if given is None:
            return state | {"selected_options": list(element.get("initial_options") or [])}
        values = given if isinstance(given, list) else [given]
        return state | {"selected_options": [_option(element, one) for one in values]}
    return None


def state_values(blocks: list[Json], given: Json) -> Json:
    """`state.values` of all blocks. `given` is {block_id: {action_id: value}} or {action_id or block_id: value}."""
    values: Json = {}
    for block, element in interactive(blocks):
        state = state_of(element, _given_for(block, element, given))
        if state is not None:
            values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def missing_inputs(blocks: list[Json], values: Json) -> dict[str, str]:
    """What Slack itself refuses before it asks the app, by block id: empty, too short or too long."""
    problems: dict[str, str] = {}
    for block, element in interactive(blocks):
        if block.get("type") != "input":
            continue
        state = values.get(block["block_id"], {}).get(element["action_id"], {})
        content = next((value for key, value in state.items() if key != "type"), None)
        if content in (None, "", []):
            if not block.get("optional"):
                problems[block["block_id"]] = "Please fill this in."
        elif isinstance(content, str):
            least, most = element.get("min_length", 0), element.get("max_length", 3000)
            if len(content) < least:
                problems[block["block_id"]] = f"Please write at least {least} characters."
            elif len(content) > most:
                problems[block["block_id"]] = f"Please write at most {most} characters."
    return problems


def _given_for(block: Json, element: Json, given: Json) -> Any:
    in_block = given.get(block["block_id"])
    if isinstance(in_block, dict):
        return in_block.get(element["action_id"])
    if in_block is not None:
        return in_block
    direct = given.get(element["action_id"])
    return None if isinstance(direct, dict) else direct


def _option(element: Json, value: Any) -> Json:
    if value in (None, ""):
        return {}
    for option in options_of(element):
        if option.get("value") == str(value):
            return option
    raise ActionRefused("option_not_found", f"there is no option {str(value)[:60]!r} to choose", status=400)
