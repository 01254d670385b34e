"""How the sandbox says no: to the app in Slack's own error names, to a person in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class SlackError(Exception):
    """A refusal of the Web API: the error name that Slack would give, and its `response_metadata.messages`."""

    def __init__(self, error: str, messages: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.messages = list(messages)
        self.extra = extra

    def as_slack(self) -> dict[str, Any]:
        """The body that the app receives (with HTTP 200, as Slack does)."""
        answer: dict[str, Any] = {"ok": False, "error": self.error, **self.extra}
        if self.messages:
            answer["response_metadata"] = {"messages": self.messages}
        return answer


class ActionRefused(Exception):
    """What a person tried in the page or through the driver and Slack would not have let them do."""

    def __init__(self, code: str, why: str, *, status: int = 409, **extra: Any) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
        self.status = status
        self.extra = extra

    def as_json(self) -> dict[str, Any]:
        """The driver's answer."""
        return {"ok": False, "error": self.code, "why": self.why, **self.extra}


class SandboxError(Exception):
    """The sandbox cannot start or go on: what happened, why, and what to do."""

    def __init__(self, what: str, *, why: str, do: str) -> None:
        super().__init__(f"{what}: {why}. {do}")
        self.what = what
        self.why = why
        self.do = do
