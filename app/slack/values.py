"""What comes back from Slack with a press: a button's value, what a dialog holds. Somebody may have sent anything."""

import json
from typing import Any


def value_of(body: dict[str, Any]) -> dict[str, Any]:
    """The JSON object in the value of what was pressed, a button or an entry of a menu; empty for any other."""
    try:
        action = body["actions"][0]
        return _object(action["selected_option"]["value"] if action.get("type") == "overflow" else action["value"])
    except (KeyError, IndexError, TypeError, AttributeError):
        return {}


def held_by(body: dict[str, Any]) -> dict[str, Any]:
    """The JSON object that a submitted dialog holds; empty for any other."""
    try:
        return _object(body["view"]["private_metadata"])
    except (KeyError, TypeError):
        return {}


def _object(text: object) -> dict[str, Any]:
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
