"""Reads what a caller of the Web API sent: query, form or JSON, with JSON inside form fields where Slack allows it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any
from urllib.parse import parse_qsl

from sandbox.slack.errors import SlackError

Json = dict[str, Any]

# The fields that are structures even where they arrive as text.
STRUCTURED = frozenset(
    {"blocks", "attachments", "metadata", "view", "message", "prompts", "loading_messages", "chunks", "files"}
)


def read_arguments(*, query: str, body: bytes, content_type: str) -> Json:
    """All arguments of one call. Raises invalid_json, invalid_form_data, invalid_post_type."""
    arguments: Json = dict(parse_qsl(query, keep_blank_values=True))
    if not body:
        return _structured(arguments)
    kind = content_type.split(";")[0].strip().lower()
    if kind == "application/json":
        try:
            given = json.loads(body)
        except ValueError as error:
            raise SlackError("invalid_json") from error
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        arguments |= _sound(given)
    elif kind in ("application/x-www-form-urlencoded", ""):
        try:
            arguments |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        except UnicodeDecodeError as error:
            raise SlackError("invalid_form_data") from error
    else:
        raise SlackError("invalid_post_type")
    return _structured(arguments)


def _structured(arguments: Json) -> Json:
    for name in STRUCTURED & arguments.keys():
        value = arguments[name]
        if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
            continue
        try:
            arguments[name] = _sound(json.loads(value))
        except ValueError as error:
            wrong = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}
            raise SlackError(wrong.get(name, "invalid_arguments"), [f"[ERROR] {name} is no JSON"]) from error
    return arguments


def _sound(given: Any) -> Any:
    """The same with halves of surrogate pairs replaced: JSON can spell them, and no answer could carry them."""
    text = json.dumps(given, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode(errors="replace"))
    return given


def required(arguments: Json, *names: str) -> None:
    """Raises invalid_arguments naming what is missing."""
    missing = [name for name in names if arguments.get(name) in (None, "")]
    if missing:
        raise SlackError("invalid_arguments", [f"[ERROR] missing required field: {name}" for name in missing])


def flag(arguments: Json, name: str) -> bool:
    """A true or false, as JSON or as a form's text."""
    return str(arguments.get(name, "")).lower() in ("true", "1", "yes")


def number(arguments: Json, name: str, *, default: int, most: int) -> int:
    """A positive whole number within a limit. Raises invalid_limit."""
    value = arguments.get(name)
    if value in (None, ""):
        return default
    try:
        wanted = int(str(value))
    except ValueError as error:
        raise SlackError("invalid_limit") from error
    if wanted < 1:
        raise SlackError("invalid_limit")
    return min(wanted, most)


def page_of(items: list[Any], arguments: Json, *, default: int = 100, most: int = 1000) -> tuple[list[Any], str]:
    """The page that cursor and limit ask for, and the cursor of the next one. Raises invalid_cursor."""
    limit = number(arguments, "limit", default=default, most=most)
    start = 0
    if cursor := arguments.get("cursor"):
        try:
            start = int(base64.urlsafe_b64decode(str(cursor)).decode().removeprefix("next:"))
        except (binascii.Error, UnicodeDecodeError, ValueError) as error:
            raise SlackError("invalid_cursor") from error
    end = start + limit
    following = base64.urlsafe_b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return items[start:end], following
