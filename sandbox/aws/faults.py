"""Faults that a test asks for; the worst is the answer that never comes, since the effect may have happened."""

from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Any


class FaultMode(StrEnum):
    """What goes wrong. Down to SLOW the effect happens; LATE lets it happen afterwards; after that it does not."""

    DROP_RESPONSE = "drop_response"  # the effect happens, the connection closes without an answer
    DELAY = "delay"  # the effect happens, its answer comes `seconds` later
    OTHER_ID = "other_id"  # the effect happens, the answer is about another instance
    EMPTY = "empty_answer"  # the effect happens, the answer names nothing
    WRONG_BEFORE = "wrong_previous_state"  # the effect happens, the answer says that it had been so before
    NONSENSE = "nonsense"  # the effect happens, a page of HTML comes back with status 200
    TRUNCATED = "truncated"  # the effect happens, the answer breaks off in the middle
    SLOW = "slow_state"  # the effect happens and stays on its way (stopping) until POST settle
    LATE = "late_effect"  # the connection closes without an answer; the effect happens at POST settle
    DROP_REQUEST = "drop_request"  # nothing happens, the connection closes without an answer
    HOLLOW = "hollow"  # nothing happens, and the answer says that it did
    PROXY = "proxy_403"  # nothing happens, a proxy's page comes back with status 403
    ERROR = "error500"  # nothing happens, InternalError
    THROTTLE = "throttle"  # nothing happens, RequestLimitExceeded


@dataclass
class Fault:
    """`action` "*" means any mutating action; `times` counts down; rehearsals are met only with `dry_run`."""

    action: str
    mode: FaultMode
    times: int = 1
    seconds: float = 1.0
    dry_run: bool = False


class Faults:
    """The faults that are still to come, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, action: str, *, mutating: bool, dry_run: bool) -> Fault | None:
        """The fault that meets this request, spent by it."""
        with self._lock:
            for fault in self._waiting:
                if _meets(fault, action, mutating=mutating, dry_run=dry_run):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None

    def waiting(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"action": f.action, "mode": f.mode.value, "times": f.times} for f in self._waiting]


def _meets(fault: Fault, action: str, *, mutating: bool, dry_run: bool) -> bool:
    if dry_run != fault.dry_run:
        return False
    return fault.action == action or (fault.action == "*" and (mutating or dry_run))


def read_fault(told: Any) -> Fault:
    """A fault from the JSON of a request. Raises ValueError with what is wrong."""
    if not isinstance(told, dict) or not isinstance(told.get("action"), str):
        raise ValueError('a fault is {"action": "StopInstances", "mode": …, "times": 1}')  # noqa: TRY004  (bad input)
    unknown = set(told) - {"action", "mode", "times", "seconds", "dry_run"}
    if unknown:
        raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
    modes = [mode.value for mode in FaultMode]
    if told.get("mode") not in modes:
        raise ValueError(f"mode is one of {', '.join(modes)}")
    times, seconds = told.get("times", 1), told.get("seconds", 1.0)
    if not isinstance(times, int) or isinstance(times, bool) or not 1 <= times <= 1000:
        raise ValueError("times is a number from 1 to 1000")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 120:
        raise ValueError("seconds is a number from 0 to 120")
    return Fault(told["action"], FaultMode(told["mode"]), times, float(seconds), bool(told.get("dry_run", False)))
