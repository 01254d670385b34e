"""What was really changed in the sandbox's AWS, one line for each mutating call: a second witness beside the log.

A rehearsal (DryRun) is no line. A call on an instance that already was in the wanted state is a line that changed
nothing: both can be counted, so that "exactly one instance, exactly once" is a statement about the cloud itself.
"""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any


@dataclass(frozen=True)
class Call:
    """A mutating call; `changed` maps each resource that it moved to what it was before and after.

    An instance's state stands under its id, its type under "id type", a volume under its id, a node group's sizes under
    cluster/group. `mark` is the token that Spendgate's executor sent along; `parameters` are as CloudTrail writes them.
    """

    number: int
    time: datetime
    action: str
    service: str
    region: str
    access_key: str
    request_id: str
    instance_ids: tuple[str, ...]
    changed: dict[str, tuple[str, str]]
    status: int
    answered: bool
    resources: tuple[str, ...] = ()
    mark: str = ""
    account: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        moved = {name: {"before": before, "after": after} for name, (before, after) in self.changed.items()}
        return {**asdict(self), "time": self.time.isoformat(), "changed": moved}


class Journal:
    """All mutating calls since the start, in the order in which they took effect."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = Lock()

    def record(self, **told: Any) -> Call:
        with self._lock:
            call = Call(number=len(self._calls) + 1, **told)
            self._calls.append(call)
            return call

    def calls(self) -> tuple[Call, ...]:
        with self._lock:
            return tuple(self._calls)

    def changes(self) -> tuple[tuple[str, str, str], ...]:
        """(instance id, state before, state after) of every change that took effect."""
        return tuple((name, *moved) for call in self.calls() for name, moved in call.changed.items())
