"""Collects what is wrong with a piece of Block Kit JSON, each with a JSON pointer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing that Slack would refuse."""

    pointer: str
    code: str
    message: str
    constraint: Json | None = None

    def as_message(self) -> str:
        """A line of `response_metadata.messages`."""
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"

    def error_line(self) -> str:
        """A line of `errors` in the answer to a post."""
        return f"{self.message} [json-pointer:{self.pointer}]"

    def as_json(self) -> Json:
        """An entry of blocks.validate's `errors`."""
        return {
            "pointer": self.pointer,
            "code": self.code,
            "message": self.message,
            "constraint": self.constraint or {},
        }


@dataclass
class Findings:
    """The findings below one pointer; `at` goes deeper and collects into the same list."""

    path: str = ""
    all: list[Finding] = field(default_factory=list)

    def at(self, step: str) -> Findings:
        """The same collection, one step deeper."""
        return Findings(path=f"{self.path}/{step}", all=self.all)

    def add(self, below: str, message: str, *, code: str = "failed_constraint", constraint: Json | None = None) -> None:
        """One finding at this pointer or just below it."""
        self.all.append(Finding(self.path + below, code, message, constraint))

    def one_of(self, holder: Json, key: str, allowed: Collection[str], *, required: bool = True) -> bool:
        """Whether the value is one of the allowed words."""
        value = holder.get(key)
        if value is None and not required:
            return True
        if isinstance(value, str) and value in allowed:
            return True
        expected = sorted(allowed)
        message = f"missing required field: {key}" if value is None else f"unsupported {key}: {str(value)[:60]}"
        self.add(
            f"/{key}", message, code="invalid_enum", constraint={"type": "enum", "expected": expected, "got": value}
        )
        return False

    def text(self, holder: Json, key: str, limit: int, *, required: bool = False, least: int = 0) -> None:
        """A plain JSON string."""
        value = holder.get(key)
        if value is None:
            if required:
                self.add(f"/{key}", f"missing required field: {key}", code="missing_field")
            return
        if not isinstance(value, str):
            self.add(f"/{key}", "must be a string", code="invalid_type")
        elif len(value) > limit:
            self.add(f"/{key}", f"must be less than {limit + 1} characters", constraint={"max_length": limit})
        elif len(value) < least:
            self.add(f"/{key}", f"must be more than {least - 1} characters", constraint={"min_length": least})

    def text_object(self, holder: Json, key: str, limit: int, *, required: bool = False, plain: bool = False) -> None:
        """A text object, of either type or plain only."""
        value = holder.get(key)
        if value is None:
            if required:
                self.add(f"/{key}", f"missing required field: {key}", code="missing_field")
            return
        place = self.at(key)
        if not isinstance(value, dict):
            place.add("", "must be an object", code="invalid_type")
            return
        place.one_of(value, "type", ("plain_text",) if plain else ("plain_text", "mrkdwn"))
        place.text(value, "text", limit, required=True, least=1)

    def plain_text(self, holder: Json, key: str, limit: int, *, required: bool = False) -> None:
        """A text object of type plain_text."""
        self.text_object(holder, key, limit, required=required, plain=True)

    def items(self, holder: Json, key: str, limit: int, *, least: int = 1, required: bool = True) -> list[Any]:
        """An array within its bounds; what is there is returned for the caller to look into."""
        value = holder.get(key)
        if value is None:
            if required:
                self.add(f"/{key}", f"missing required field: {key}", code="missing_field")
            return []
        if not isinstance(value, list):
            self.add(f"/{key}", "must be an array", code="invalid_type")
            return []
        if len(value) > limit:
            self.add(
                f"/{key}", f"no more than {limit} items allowed [{len(value)} found]", constraint={"max_items": limit}
            )
        if len(value) < least:
            self.add(
                f"/{key}", f"no fewer than {least} items allowed [{len(value)} found]", constraint={"min_items": least}
            )
        return value
