"""What went over the wire: every delivery to the app and every call from it, in memory and, if asked, as JSON Lines."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from sandbox.slack.errors import SandboxError

KEPT = 2000


@dataclass
class Delivery:
    """One HTTP request to the app and its answer. `outcome` is answered, refused (a status that is no success),
    timeout or failed (no connection)."""

    id: str
    kind: str
    type: str
    url: str
    attempt: int
    sent_at: float
    request_headers: dict[str, str]
    request_body: str
    user: str | None = None
    event_id: str | None = None
    replay_of: str | None = None
    status: int | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""
    seconds: float | None = None
    outcome: str = "waiting"
    error: str = ""

    @property
    def acknowledged(self) -> bool:
        """The app answered in time and with a success."""
        return self.outcome == "answered"


@dataclass
class Call:
    """One call of the Web API by the app; the token is not kept."""

    method: str
    at: float
    arguments: dict[str, Any]
    answer: dict[str, Any]
    status: int = 200


class Transcript:
    """The last deliveries and calls; the file, where there is one, has them all."""

    def __init__(self, path: Path | None = None) -> None:
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self.calls: deque[Call] = deque(maxlen=KEPT)
        self._file: IO[str] | None = None
        if path is not None:
            try:
                self._file = path.open("a", encoding="utf-8", buffering=1)
            except OSError as error:
                raise SandboxError(
                    f"The transcript {path} cannot be written",
                    why=error.strerror or str(error),
                    do="Give --transcript a file in a folder that exists and can be written.",
                ) from error

    def delivery(self, wanted: str) -> Delivery | None:
        """A delivery by its id."""
        return next((one for one in self.deliveries if one.id == wanted), None)

    def begun(self, delivery: Delivery) -> None:
        """A request is about to leave."""
        self.deliveries.append(delivery)

    def ended(self, delivery: Delivery) -> None:
        """Its answer, or that there was none, is known."""
        self._write("delivery", asdict(delivery))

    def called(self, call: Call) -> None:
        """The app called the Web API."""
        self.calls.append(call)
        self._write("call", asdict(call))

    def close(self) -> None:
        """No line is written after this."""
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, kind: str, record: dict[str, Any]) -> None:
        if self._file:
            self._file.write(json.dumps({"kind": kind, **record}, ensure_ascii=False, default=str) + "\n")
