"""Schedules of EventBridge Scheduler as they stand in moto, which carries none of them out."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from moto.scheduler.models import scheduler_backends

PATH = re.compile(r"^/schedules/([0-9a-zA-Z_.-]+)$")
ACTIONS = {"POST": "CreateSchedule", "GET": "GetSchedule", "DELETE": "DeleteSchedule"}
MACHINE = re.compile(r"i-[0-9a-f]{8,17}$")


def schedule_action(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    """What a request asks for, and the machine that the schedule's name tells, or the name itself."""
    found = PATH.match(path)
    if found is None or method not in ACTIONS:
        return "", ()
    machine = MACHINE.search(found[1])
    return ACTIONS[method], (machine[0] if machine else found[1],)


def schedules() -> dict[str, str]:
    """Each schedule by the machine that it is for: when it is due."""
    told = {}
    for kept in _kept():
        for name, one in kept.items():
            machine = MACHINE.search(name)
            told[f"{machine[0] if machine else name} schedule"] = f"{one.schedule_expression} {one.state}"
    return told


def hold_schedules() -> Callable[[], None]:
    """Remembers which there are; the function that it returns puts them back."""
    before = [(kept, dict(kept)) for kept in _kept()]

    def put_back() -> None:
        for kept, known in before:
            kept.clear()
            kept.update(known)

    return put_back


def forget_schedules() -> None:
    """Nothing of what moto held."""
    for backend in _backends():
        backend.reset()


def _kept() -> Iterator[dict[str, Any]]:
    for backend in _backends():
        for group in backend.schedule_groups.values():
            yield group.schedules


def _backends() -> Iterator[Any]:
    for account in list(scheduler_backends):
        for region in list(scheduler_backends[account]):
            yield scheduler_backends[account][region]
